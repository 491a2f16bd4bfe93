// A block of threads on a device.
#pragma once

#include <cstdint>

namespace stretto {

class Block {
 public:
  // A launch holds fewer than 2^31 blocks; `first` is its first one.
  __device__ __forceinline__ explicit Block(std::int64_t first) : first_(first) {}

  __device__ __forceinline__ int thread() const { return int(threadIdx.x); }
  __device__ __forceinline__ std::int64_t index() const { return first_ + blockIdx.x; }
  __device__ __forceinline__ void sync() const { __syncthreads(); }
  template <class T>
  __device__ __forceinline__ T shuffle_down(T value, int lanes) const {
    return __shfl_down_sync(0xffffffffu, value, unsigned(lanes));
  }

 private:
  std::int64_t first_;
};

}  // namespace stretto
