// What the CPU has: detected once, and always passable as an argument.
#pragma once

#include <cstdint>

namespace stretto {

// Instruction sets that kernels are compiled for. `reference` is plain C++, present everywhere. `cuda` is no
// part of a Machine: its rows are for arrays on a device, and for nothing else.
enum class Arch : std::uint32_t {
  reference = 0,
  avx2 = 1,
  avx512 = 2,
  neon = 4,
  avx512vnni = 8,
  avx512amx = 16,
  cuda = 32
};

inline constexpr Arch kArchs[] = {Arch::avx2, Arch::avx512, Arch::avx512vnni, Arch::avx512amx, Arch::neon};

struct Machine {
  std::uint32_t archs = 0;  // union of Arch
  std::int64_t l1d_bytes = 32 << 10;
  std::int64_t l2_bytes = 1 << 20;
  std::int64_t l3_bytes = 0;
  int cores = 1;  // in this process's affinity mask

  bool has(Arch arch) const { return (archs & std::uint32_t(arch)) == std::uint32_t(arch); }
};

const char* name_of(Arch arch);

// CPUs in this process's affinity mask, now.
int affinity_cores();

// What is compiled in, whatever the CPU.
std::uint32_t built_archs();

// What the CPU and the operating system offer.
const Machine& detected_machine();

// detected_machine() less what STRETTO_ISA rules out and the tiles of AMX where the system refuses them;
// found once. Throws NoKernelError for an unknown or absent instruction set.
const Machine& this_machine();

}  // namespace stretto
