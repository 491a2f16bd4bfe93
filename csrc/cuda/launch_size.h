// What a launch of a kernel asks for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stretto {

constexpr int kStaticShared = 48 << 10;  // bytes of shared memory that a block has without asking
constexpr int kMostShared = 227 << 10;   // that it can ask for, on 9.0

struct LaunchSize {
  std::int64_t blocks;
  int threads;
  int shared = 0;  // bytes that are asked for
};

// Kernels that ask for more shared memory than all devices give say so: kAsksForShared.
template <class Kernel>
constexpr LaunchSize launch_size(std::int64_t blocks) {
  constexpr std::size_t shared = sizeof(typename Kernel::Shared);
  constexpr bool asks = requires { Kernel::kAsksForShared; };
  static_assert(asks ? shared <= kMostShared : shared <= kStaticShared);
  return {blocks, Kernel::kThreads, asks ? int(shared) : 0};
}

}  // namespace stretto
