// What a kernel is written against, on a device and, in a build without nvcc, on the host.
//
//   struct Add {                                        // the arguments, copied to the device
//     static constexpr int kThreads = 256;              // of a block
//     using Shared = NoShared;                          // or a struct: the block's shared memory
//     STRETTO_KERNEL void operator()(const Block& block, Shared& shared) const;
//   };
//
// Block: thread(), index() of the block, sync() for all its threads, and for kernels all of whose threads
// call it shuffle_down(value, lanes): the value that the thread so many lanes further gave, within its warp.
// A kernel without shared memory never syncs.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto {

struct NoShared {};

}  // namespace stretto

#ifdef __CUDACC__
#define STRETTO_KERNEL __device__ __forceinline__
#include "cuda/block.h"
#else
#define STRETTO_KERNEL inline
#include "cuda/emulated_block.h"
#endif
