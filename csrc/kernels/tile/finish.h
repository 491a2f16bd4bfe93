// From finished sums to the result: the epilogue and the store, on a block that is hot in cache.
#pragma once

#include "kernels/epilogue.h"
#include "simd/convert.h"

namespace stretto::STRETTO_ISA {

// One operand's element (0, 0) of the block, and its strides.
template <class From>
struct Term {
  const From* data = nullptr;
  std::int64_t row = 0, col = 0;
};

template <class T, class From, class Out>
struct Finish {
  Term<From> bias, scale, shift, residual;
  Activation activation = Activation::none;
  T parameter = T(0);
  Out* out = nullptr;
  std::int64_t out_row = 0, out_col = 0;

  STRETTO_INLINE bool is_empty() const {
    return !bias.data && !scale.data && !residual.data && activation == Activation::none;
  }

  // Rows and columns count from the block's (0, 0). `sums` may be `out` itself.
  [[gnu::noinline]] void run(const T* sums, std::int64_t sums_row, std::int64_t row, int rows,
                             std::int64_t column, std::int64_t columns) const {
    using V = Vec<T>;
    for (int i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; j += V::lanes) {
        const int n = columns - j < V::lanes ? int(columns - j) : V::lanes;
        const std::int64_t y = row + i, x = column + j;
        V z = load_as<T, T>(sums + i * sums_row + j, n);
        if (bias.data) z = z + fetch(bias, y, x, n);
        if constexpr (is_floating_point<T>)
          if (scale.data) z = fma(z, fetch(scale, y, x, n), fetch(shift, y, x, n));
        if (residual.data) z = z + fetch(residual, y, x, n);
        if constexpr (is_floating_point<T>) z = activate(activation, z, V::broadcast(parameter));
        store_as<T, Out>(z, out + y * out_row + x * out_col, out_col, n);
      }
    }
  }

 private:
  template <class U>
  static constexpr bool is_floating_point = is_same<U, float> || is_same<U, double>;

  STRETTO_INLINE static Vec<T> fetch(const Term<From>& term, std::int64_t y, std::int64_t x, int n) {
    const From* p = term.data + y * term.row + x * term.col;
    if (term.col == 0) return Vec<T>::broadcast(widen_to<T>(*p));
    return load_as<T, From>(p, term.col, n);
  }
};

}  // namespace stretto::STRETTO_ISA
