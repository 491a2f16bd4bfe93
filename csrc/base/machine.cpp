#include "base/machine.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "base/error.h"

namespace stretto {
namespace {

// A line of the cache's directory in /sys, such as "32K"; empty when there is none.
std::string cache_line(int index, const char* name) {
  std::ifstream in(
      message("/sys/devices/system/cpu/cpu", std::max(sched_getcpu(), 0), "/cache/index", index, "/", name));
  std::string line;
  std::getline(in, line);
  return line;
}

// From /sys, which is right in virtual machines too; the C library's figures are for the host's socket.
void detect_caches(Machine& machine) {
  for (int index = 0; index < 8; ++index) {
    const std::string level = cache_line(index, "level"), size = cache_line(index, "size");
    if (level.empty() || cache_line(index, "type") == "Instruction") continue;
    std::int64_t bytes = std::strtoll(size.c_str(), nullptr, 10);
    if (size.ends_with('K')) bytes <<= 10;
    if (size.ends_with('M')) bytes <<= 20;
    if (bytes <= 0) continue;
    (level == "1" ? machine.l1d_bytes : level == "2" ? machine.l2_bytes : machine.l3_bytes) = bytes;
  }
}

#if defined(__x86_64__)
bool has_avx512() {
#if STRETTO_EMULATE_AVX512
  return true;
#else
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#endif
}

bool has_amx(const Machine& machine) {
#if STRETTO_EMULATE_AMX
  return machine.has(Arch::avx2);
#else
  return machine.has(Arch::avx512vnni) && __builtin_cpu_supports("amx-tile") &&
         __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-int8") &&
         __builtin_cpu_supports("avx512bf16");
#endif
}
#endif

// A process has to ask for the tiles of AMX; it is refused where signal handlers have small stacks.
bool may_use_amx() {
#if defined(__x86_64__) && !STRETTO_EMULATE_AMX
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return true;
#endif
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
  if (machine.has(Arch::avx2) && has_avx512()) machine.archs |= std::uint32_t(Arch::avx512);
  if (machine.has(Arch::avx512) && __builtin_cpu_supports("avx512vnni"))
    machine.archs |= std::uint32_t(Arch::avx512vnni);
  if (has_amx(machine)) machine.archs |= std::uint32_t(Arch::avx512amx);
#elif defined(__aarch64__)
  machine.archs |= std::uint32_t(Arch::neon);
#endif
  detect_caches(machine);
  machine.cores = affinity_cores();
  return machine;
}

Machine limited_by_environment() {
  Machine machine = detected_machine();
  machine.archs &= built_archs();
  const char* wanted = std::getenv("STRETTO_ISA");
  if (!wanted || !*wanted) return machine;
  if (std::strcmp(wanted, name_of(Arch::reference)) == 0) {
    machine.archs = 0;
    return machine;
  }
  for (Arch arch : kArchs) {
    if (std::strcmp(wanted, name_of(arch)) != 0) continue;
    if (!machine.has(arch))
      throw NoKernelError(message("STRETTO_ISA: ", wanted, " is not present on this machine"));
    // On x86 an instruction set includes the ones before it.
    machine.archs &= 2 * std::uint32_t(arch) - 1;
    return machine;
  }
  throw NoKernelError(message("STRETTO_ISA: unknown instruction set ", wanted,
                              "; the known ones are reference, avx2, avx512, avx512vnni, avx512amx, neon"));
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
    case Arch::avx512vnni:
      return "avx512vnni";
    case Arch::avx512amx:
      return "avx512amx";
    case Arch::neon:
      return "neon";
    case Arch::cuda:
      return "cuda";
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
#if STRETTO_HAS_AVX512VNNI
  archs |= std::uint32_t(Arch::avx512vnni);
#endif
#if STRETTO_HAS_AVX512AMX
  archs |= std::uint32_t(Arch::avx512amx);
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
  static const Machine machine = [] {
    Machine limited = limited_by_environment();
    if (!limited.has(Arch::avx512amx) || may_use_amx()) return limited;
    const char* wanted = std::getenv("STRETTO_ISA");
    if (wanted && std::strcmp(wanted, name_of(Arch::avx512amx)) == 0)
      throw NoKernelError(message("STRETTO_ISA: ", wanted, " is refused by the operating system"));
    limited.archs &= ~std::uint32_t(Arch::avx512amx);
    return limited;
  }();
  return machine;
}

}  // namespace stretto
