// A block of threads on a device.
#pragma once

#include <cstdint>

#include "cuda/warpgroup.h"

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

  __device__ __forceinline__ void copy_piece(void* to, const void* from, int bytes) const {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
                 "r"(bytes)
                 : "memory");
  }
  __device__ __forceinline__ void commit_copies() const {
    asm volatile("cp.async.commit_group;" ::: "memory");
  }
  template <int kLeft>  // groups that may still be under way
  __device__ __forceinline__ void wait_for_copies() const {
    asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
  }

  __device__ __forceinline__ void load_matrices(std::uint32_t (&to)[4], const void* row,
                                                bool transposed) const {
    if (transposed)
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                   : "r"(shared_address(row))
                   : "memory");
    else
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                   : "r"(shared_address(row))
                   : "memory");
  }

  template <TensorKind kKind>
  __device__ __forceinline__ void multiply_matrices(float (&acc)[4], const std::uint32_t (&a)[4],
                                                    std::uint32_t b0, std::uint32_t b1) const {
#define STRETTO_MMA(shape, type)                                        \
  asm volatile("mma.sync.aligned." shape ".row.col.f32." type "." type  \
               ".f32 {%0,%1,%2,%3}, "                                   \
               "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                 \
               : "+f"(acc[0]), "+f"(acc[1]), "+f"(acc[2]), "+f"(acc[3]) \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))
    if constexpr (kKind == TensorKind::f16)
      STRETTO_MMA("m16n8k16", "f16");
    else if constexpr (kKind == TensorKind::bf16)
      STRETTO_MMA("m16n8k16", "bf16");
    else
      STRETTO_MMA("m16n8k8", "tf32");
#undef STRETTO_MMA
  }
  // To the nearest of 11 bits, ties away from zero.
  __device__ __forceinline__ std::uint32_t to_tf32(std::uint32_t bits) const {
    std::uint32_t rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(bits)));
    return rounded;
  }

  __device__ __forceinline__ void publish_copies() const {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  }
  // The sums are in their registers, before and after all products: else the compiler moves them in between,
  // and waits for every product.
  template <int kBlocks>
  __device__ __forceinline__ void settle(float (&acc)[kBlocks][4]) const {
#pragma unroll
    for (int i = 0; i < 4 * kBlocks; ++i) asm volatile("" : "+f"(acc[i / 4][i % 4])::"memory");
  }
  __device__ __forceinline__ void begin_products() const {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  }
  template <TensorKind kKind, bool kAcrossA, bool kAcrossB, int kBlocks>
  __device__ __forceinline__ void begin_product(float (&acc)[kBlocks][4], const SharedMatrix& a,
                                                int further_a, const SharedMatrix& b, int further_b) const {
    multiply_warpgroup<kKind, 8 * kBlocks, kAcrossA, kAcrossB>(acc, a.further(further_a),
                                                               b.further(further_b));
  }
  __device__ __forceinline__ void commit_products() const {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
  }
  template <int kLeft>  // groups that may still be under way
  __device__ __forceinline__ void wait_for_products() const {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kLeft) : "memory");
  }

 private:
  __device__ __forceinline__ static std::uint32_t shared_address(const void* pointer) {
    return std::uint32_t(__cvta_generic_to_shared(pointer));
  }

  std::int64_t first_;
};

}  // namespace stretto
