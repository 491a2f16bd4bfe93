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
//
// For tensor cores, by all threads of a warp: load_matrices(), four 8 x 8 matrices of 16-bit elements, of
// which every lane says where a row is; multiply_matrices(), acc (16 x 8) += a (16 x 32 bytes) b (32 bytes x
// 8); and by a thread copy_piece(), 16 bytes into shared memory, `bytes` of them from elsewhere and the
// others zero, which are there once their group (commit_copies()) is waited for and the block has synced.
//
// Of 9.0 alone, by the 128 threads of a warpgroup: begin_product() of matrices in shared memory, which
// publish_copies() after the wait for them makes visible to it; begin_products() before the first of some,
// commit_products() after the last; acc is theirs, and the matrices too, until they are waited for. settle()
// before and after all of them.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto {

struct NoShared {};

// The factors of products of matrices by tensor cores; of the last kind kernels make three products of the
// one before.
enum class TensorKind : std::uint8_t { f16, bf16, tf32, split_tf32 };

}  // namespace stretto

#ifdef __CUDACC__
#define STRETTO_KERNEL __device__ __forceinline__
#include "cuda/block.h"
#else
#define STRETTO_KERNEL inline
#include "cuda/emulated_block.h"
#endif
