// Products of a warpgroup on the tensor cores of compute capability 9.0 (wgmma): of matrices in shared
// memory, begun by all of its 128 threads and waited for later.
#pragma once

#include <cstdint>

#include "cuda/kernel.h"

namespace stretto {

// A matrix in shared memory whose lines of 128 bytes are swizzled, as the instruction takes it: `far` bytes
// from 64 elements across k to the next, where neighbours lie across k. Every 8 lines begin at a multiple of
// 1024 bytes.
class SharedMatrix {
 public:
  __device__ __forceinline__ SharedMatrix(const void* start, int far) {
    const auto address = std::uint32_t(__cvta_generic_to_shared(start));
    constexpr std::uint64_t kEightLines = 1024, kSwizzled128 = 1;
    bits_ = coded(address) | coded(std::uint32_t(far)) << 16 | coded(kEightLines) << 32 | kSwizzled128 << 62;
  }
  __device__ __forceinline__ std::uint64_t further(int bytes) const {
    return bits_ + coded(std::uint32_t(bytes));
  }

 private:
  __device__ __forceinline__ static std::uint64_t coded(std::uint32_t bytes) {
    return (bytes & 0x3ffff) >> 4;
  }
  std::uint64_t bits_;
};

#define STRETTO_FIRST_64                                                             \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "           \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define STRETTO_NEXT_64                                                                          \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "             \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "             \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define STRETTO_SUMS_4(i) "+f"(acc[i][0]), "+f"(acc[i][1]), "+f"(acc[i][2]), "+f"(acc[i][3])
#define STRETTO_SUMS_16(i) \
  STRETTO_SUMS_4(i), STRETTO_SUMS_4(i + 1), STRETTO_SUMS_4(i + 2), STRETTO_SUMS_4(i + 3)
#define STRETTO_SUMS_64(i) \
  STRETTO_SUMS_16(i), STRETTO_SUMS_16(i + 4), STRETTO_SUMS_16(i + 8), STRETTO_SUMS_16(i + 12)

// acc (64 x kN) += a (64 x 32 bytes of k) b (32 bytes x kN). Of 16-bit factors neighbours may lie across k.
template <TensorKind kKind, int kN, bool kAcrossA, bool kAcrossB>
__device__ __forceinline__ void multiply_warpgroup(float (&acc)[kN / 8][4], std::uint64_t a,
                                                   std::uint64_t b) {
  static_assert(kN == 128 || kN == 256);
#define STRETTO_WGMMA_128(shape, types, transposed)                                                  \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %66, 0; wgmma.mma_async.sync.aligned." shape "." types \
               " {" STRETTO_FIRST_64 "}, %64, %65, p, 1, 1" transposed "; }"                         \
               : STRETTO_SUMS_64(0)                                                                  \
               : "l"(a), "l"(b), "r"(1), "n"(int(kAcrossA)), "n"(int(kAcrossB)))
#define STRETTO_WGMMA_256(shape, types, transposed)                                                   \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %130, 0; wgmma.mma_async.sync.aligned." shape "." types \
               " {" STRETTO_FIRST_64 ", " STRETTO_NEXT_64 "}, %128, %129, p, 1, 1" transposed "; }"   \
               : STRETTO_SUMS_64(0), STRETTO_SUMS_64(16)                                              \
               : "l"(a), "l"(b), "r"(1), "n"(int(kAcrossA)), "n"(int(kAcrossB)))
  if constexpr (kN == 128) {
    if constexpr (kKind == TensorKind::f16)
      STRETTO_WGMMA_128("m64n128k16", "f32.f16.f16", ", %67, %68");
    else if constexpr (kKind == TensorKind::bf16)
      STRETTO_WGMMA_128("m64n128k16", "f32.bf16.bf16", ", %67, %68");
    else
      STRETTO_WGMMA_128("m64n128k8", "f32.tf32.tf32", "");
  } else {
    if constexpr (kKind == TensorKind::f16)
      STRETTO_WGMMA_256("m64n256k16", "f32.f16.f16", ", %131, %132");
    else if constexpr (kKind == TensorKind::bf16)
      STRETTO_WGMMA_256("m64n256k16", "f32.bf16.bf16", ", %131, %132");
    else
      STRETTO_WGMMA_256("m64n256k8", "f32.tf32.tf32", "");
  }
#undef STRETTO_WGMMA_128
#undef STRETTO_WGMMA_256
}

#undef STRETTO_FIRST_64
#undef STRETTO_NEXT_64
#undef STRETTO_SUMS_4
#undef STRETTO_SUMS_16
#undef STRETTO_SUMS_64

}  // namespace stretto
