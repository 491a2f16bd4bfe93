// launch() on a device.
#pragma once

#include <atomic>

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
  using Shared = typename Kernel::Shared;
  if constexpr (launch_size<Kernel>(1).shared > 0) {
    extern __shared__ __align__(1024) unsigned char asked_for[];
    kernel(Block(first), *reinterpret_cast<Shared*>(asked_for));
  } else {
    __shared__ Shared shared;
    kernel(Block(first), shared);
  }
}

// Once for each device; devices beyond the 64th are asked every time.
template <class Kernel>
void allow_shared_once(const Place& place, const char* name, const void* function) {
  static std::atomic<std::uint64_t> allowed{0};
  const std::uint64_t bit = place.device < 64 ? std::uint64_t(1) << place.device : 0;
  if (allowed.load(std::memory_order_relaxed) & bit) return;
  allow_shared(place, name, function, launch_size<Kernel>(1).shared);
  allowed.fetch_or(bit, std::memory_order_relaxed);
}

// Nothing is done for zero blocks. What the thread records is not launched.
template <class Kernel>
void launch(const Place& place, const char* name, std::int64_t blocks, const Kernel& kernel) {
  static_assert(std::is_trivially_copyable_v<Kernel> && sizeof(Kernel) <= 4000);
  const void* const function = reinterpret_cast<const void*>(&device_kernel<Kernel>);
  const LaunchSize size = launch_size<Kernel>(blocks);
  if constexpr (launch_size<Kernel>(1).shared > 0) allow_shared_once<Kernel>(place, name, function);
  if (RecordedLaunches* const recording = current_recording())
    return recording->add(name, function, &kernel, sizeof(Kernel), size);
  launch_blocks(place, name, function, &kernel, size);
}

}  // namespace stretto
