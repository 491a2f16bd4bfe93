#include "base/machine.h"

#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace stretto {
namespace {

constexpr Arch kArchs[] = {Arch::reference, Arch::avx2, Arch::avx512, Arch::neon};

std::int64_t cache_bytes(int name, std::int64_t otherwise) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

Machine detect() {
  Machine machine;
#if defined(__x86_64__)
  __builtin_cpu_init();
  // The compiler's run-time library asks cpuid and then xgetbv: an operating system or a hypervisor that does
  // not save the wide registers has none of these.
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
      __builtin_cpu_supports("f16c"))
    machine.archs |= std::uint32_t(Arch::avx2);
  if (machine.has(Arch::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    machine.archs |= std::uint32_t(Arch::avx512);
#elif defined(__aarch64__)
  machine.archs |= std::uint32_t(Arch::neon);
#endif
  machine.l1d_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, machine.l1d_bytes);
  machine.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, machine.l2_bytes);
  machine.l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, machine.l3_bytes);
  machine.cores = affinity_cores();
  return machine;
}

Machine limited_by_environment() {
  Machine machine = detected_machine();
  machine.archs &= built_archs();
  const char* wanted = std::getenv("STRETTO_ISA");
  if (!wanted || !*wanted) return machine;
  for (Arch arch : kArchs) {
    if (std::strcmp(wanted, name_of(arch)) != 0) continue;
    if (!machine.has(arch))
      throw NoKernelError(message("STRETTO_ISA: ", wanted, " is not present on this machine"));
    // On x86 an instruction set includes the ones before it.
    machine.archs &= 2 * std::uint32_t(arch) - (arch == Arch::reference ? 0 : 1);
    return machine;
  }
  throw NoKernelError(message("STRETTO_ISA: unknown instruction set ", wanted,
                              "; the known ones are reference, avx2, avx512, neon"));
}

}  // namespace

const char* name_of(Arch arch) {
  switch (arch) {
    case Arch::reference:
      return "reference";
    case Arch::avx2:
      return "avx2";
    case Arch::avx512:
      return "avx512";
    case Arch::neon:
      return "neon";
  }
  return "";
}

int affinity_cores() {
  for (int room = 1024; room <= 1 << 20; room *= 4) {  // the kernel refuses a mask that is too small for it
    const std::size_t bytes = CPU_ALLOC_SIZE(room);
    cpu_set_t* set = CPU_ALLOC(room);
    if (!set) break;
    const bool known = sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (known) return count > 0 ? count : 1;
  }
  return 1;
}

std::uint32_t built_archs() {
  std::uint32_t archs = 0;
#if STRETTO_HAS_AVX2
  archs |= std::uint32_t(Arch::avx2);
#endif
#if STRETTO_HAS_AVX512
  archs |= std::uint32_t(Arch::avx512);
#endif
#if STRETTO_HAS_NEON
  archs |= std::uint32_t(Arch::neon);
#endif
  return archs;
}

const Machine& detected_machine() {
  static const Machine machine = detect();
  return machine;
}

const Machine& this_machine() {
  static const Machine machine = limited_by_environment();
  return machine;
}

}  // namespace stretto
