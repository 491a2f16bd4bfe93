// The epilogues that tiles form themselves, while their sums are in registers.
#pragma once

#include <cstdint>
#include <type_traits>

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

// float64 would be as much code again.
template <class T>
inline constexpr bool kHasEndings = std::is_same_v<T, float>;

// c + bias + residual, raised to `least` and lowered to `most`.
template <class T>
struct Ending {
  const T* bias = nullptr;      // a row for all rows; null: none
  const T* residual = nullptr;  // columns are adjacent; null: none
  std::int64_t residual_row = 0;
  bool has_least = false, has_most = false;
  T least = T(0), most = T(0);

  STRETTO_INLINE bool exists() const { return bias || residual || has_least || has_most; }

  // From there on.
  STRETTO_INLINE Ending at(std::int64_t row, std::int64_t column) const {
    return {bias ? bias + column : nullptr,
            residual ? residual + row * residual_row + column : nullptr,
            residual_row,
            has_least,
            has_most,
            least,
            most};
  }
};

// Of N x M vectors, whose lanes are the columns of an ending without residual: M vectors of them.
template <class V, int N, int M>
STRETTO_INLINE void end_outputs(const Ending<typename V::scalar>& ending, V (&acc)[N][M]) {
  const auto all = [&](auto&& f) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < M; ++v) acc[i][v] = f(acc[i][v], v);
  };
  if (ending.bias) all([&](V z, int v) { return z + V::load(ending.bias + v * V::lanes); });
  if (ending.has_least) all([&](V z, int) { return max(V::broadcast(ending.least), z); });
  if (ending.has_most) all([&](V z, int) { return min(V::broadcast(ending.most), z); });
}

}  // namespace stretto::STRETTO_ISA
