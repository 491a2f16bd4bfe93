// What a launch of a kernel asks for.
#pragma once

#include <cstdint>

namespace stretto {

constexpr int kStaticShared = 48 << 10;  // bytes of shared memory that a block has without asking

struct LaunchSize {
  std::int64_t blocks;
  int threads;
  int shared = 0;  // bytes that are asked for
};

template <class Kernel>
constexpr LaunchSize launch_size(std::int64_t blocks) {
  constexpr std::size_t shared = sizeof(typename Kernel::Shared);
  return {blocks, Kernel::kThreads, shared > kStaticShared ? int(shared) : 0};
}

}  // namespace stretto
