// A kernel on a stream, whatever the kernel.
#pragma once

#include <cstdint>

#include "base/place.h"
#include "cuda/launch_size.h"

namespace stretto {

constexpr std::int64_t kMostBlocks = 0x7fffffff;  // of a launch

inline std::int64_t blocks_from(std::int64_t blocks, std::int64_t first) {
  return blocks - first < kMostBlocks ? blocks - first : kMostBlocks;
}

// Puts device_kernel<Kernel> (cuda/device_launch.h) on the stream, as often as the number of blocks needs.
// Throws.
void launch_blocks(const Place& place, const char* name, const void* function, const void* kernel,
                   const LaunchSize& size);

// Lets a kernel ask for so much shared memory on the place's device.
void allow_shared(const Place& place, const char* name, const void* function, int bytes);

}  // namespace stretto
