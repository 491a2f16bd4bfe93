// launch() on a device.
#pragma once

#include "cuda/launch.h"
#include "cuda/launch_blocks.h"
#include "cuda/recorded.h"

namespace stretto {

// Blocks that a multiprocessor should hold at once, where a kernel has an opinion (kBlocks), perhaps for 9.0
// alone (kBlocksOn90): with the registers of that share the compiler would spill for older ones.
template <class Kernel>
constexpr int blocks_at_once() {
  if constexpr (requires { Kernel::kBlocks; }) return Kernel::kBlocks;
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  if constexpr (requires { Kernel::kBlocksOn90; }) return Kernel::kBlocksOn90;
#endif
  return 1;
}

template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads, blocks_at_once<Kernel>())
    device_kernel(const __grid_constant__ Kernel kernel, const __grid_constant__ std::int64_t first) {
  __shared__ typename Kernel::Shared shared;
  kernel(Block(first), shared);
}

// Nothing is done for zero blocks. What the thread records is not launched.
template <class Kernel>
void launch(const Place& place, const char* name, std::int64_t blocks, const Kernel& kernel) {
  static_assert(std::is_trivially_copyable_v<Kernel> && sizeof(Kernel) <= 4000);
  const void* const function = reinterpret_cast<const void*>(&device_kernel<Kernel>);
  if (RecordedLaunches* const recording = current_recording())
    return recording->add(name, function, &kernel, sizeof(Kernel), blocks, Kernel::kThreads);
  launch_blocks(place, name, function, &kernel, blocks, Kernel::kThreads);
}

}  // namespace stretto
