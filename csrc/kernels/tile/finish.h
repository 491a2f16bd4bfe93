// From finished sums to the result: the epilogue and the store, on a block that is hot in cache.
#pragma once

#include "kernels/activate_values.h"
#include "kernels/epilogue.h"
#include "kernels/tile/clamp.h"
#include "kernels/tile/ending.h"
#include "simd/convert.h"
#include "simd/store_first.h"

namespace stretto::STRETTO_ISA {

// One operand's element (0, 0) of the block, and its strides.
template <class From>
struct Term {
  const From* data = nullptr;
  std::int64_t row = 0, col = 0;
};

// A term along the columns of one row: a vector of its own at each, or one for all.
template <class T>
struct TermVectors {
  const T* first;
  std::int64_t moving;  // all bits, or none

  STRETTO_INLINE Vec<T> at(std::int64_t j) const { return Vec<T>::load(first + (j & moving)); }
  STRETTO_INLINE Vec<T> at(std::int64_t j, int n) const {
    return moving ? Vec<T>::load(first + j, n) : Vec<T>::load(first);
  }
};

// The same, row by row. `room` is for a vector. An absent term leaves what it is added to as it is: that is
// -0.
template <class T>
class TermRows {
 public:
  STRETTO_INLINE TermRows(const Term<T>& term, std::int64_t y, std::int64_t x, T* room)
      : room_(room), row_(term.data ? term.row : 0), moving_(term.data && term.col != 0 ? -1 : 0) {
    if (term.data) first_ = term.data + y * term.row + x * term.col;
    if (!moving_) Vec<T>::broadcast(first_ ? *first_ : T(-0.0)).store(room);
  }
  STRETTO_INLINE TermVectors<T> vectors() const { return {moving_ ? first_ : room_, moving_}; }
  STRETTO_INLINE void to_next_row() {
    if (row_ == 0) return;
    first_ += row_;
    if (!moving_) Vec<T>::broadcast(*first_).store(room_);
  }

 private:
  const T* first_ = nullptr;
  T* room_;
  std::int64_t row_, moving_;
};

template <class T, class From, class Out>
struct Finish {
  Term<From> bias, scale, shift, residual;
  Activation activation = Activation::none;
  T parameter = T(0);
  Out* out = nullptr;
  std::int64_t out_row = 0, out_col = 0;
  static constexpr bool is_of_one_type = is_same<T, From> && is_same<T, Out>;

  STRETTO_INLINE bool is_empty() const {
    return !bias.data && !scale.data && !residual.data && activation == Activation::none;
  }

  // Whether tiles can form it: all terms lie along their columns.
  STRETTO_INLINE bool suits_tiles() const {
    if (!kHasEndings<T> || !is_of_one_type) return false;
    const bool bias_fits = !bias.data || (bias.row == 0 && bias.col == 1);
    return bias_fits && (!residual.data || residual.col == 1) && !scale.data && Clamp<T>::is(activation);
  }

  STRETTO_INLINE Ending<T> for_tiles() const {
    const Clamp<T> clamp(activation);
    return {bias.data,        residual.data, residual.row, clamp.has_least(),
            clamp.has_most(), clamp.least,   clamp.most};
  }

  // Whether an element takes no longer than its load and store.
  STRETTO_INLINE bool is_light() const { return activation <= Activation::leaky_relu; }

  // At least one row and one column; they count from the block's (0, 0). `sums` may be `out` itself.
  [[gnu::noinline]] void run(const T* sums, std::int64_t sums_row, std::int64_t row, int rows,
                             std::int64_t column, std::int64_t columns) const {
    using V = Vec<T>;
    if constexpr (is_of_one_type && is_floating_point<T>) {
      if (lies_along_rows()) {
        if (Clamp<T>::is(activation))
          return clamp_rows(Clamp<T>(activation), sums, sums_row, row, rows, column, columns);
        if (columns >= kLongRow) {
          clamp_rows(Clamp<T>(Activation::none), sums, sums_row, row, rows, column, columns);
          for (int i = 0; i < rows; ++i)
            activate_values(activation, double(parameter), out + (row + i) * out_row + column, columns);
          return;
        }
      }
    }
    if constexpr (is_same<Out, bfloat16> || is_same<Out, float16>)
      if (is_empty() && out_col == 1) return narrow_rows(sums, sums_row, row, rows, column, columns);
    if constexpr (is_floating_point<T>)
      if (activation != Activation::none) return run_blocks(sums, sums_row, row, rows, column, columns);
    for (int i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; j += V::lanes) {
        const int n = columns - j < V::lanes ? int(columns - j) : V::lanes;
        const std::int64_t y = row + i, x = column + j;
        V z = load_as<T, T>(sums + i * sums_row + j, n);
        if (bias.data) z = z + fetch(bias, y, x, n);
        if constexpr (is_floating_point<T>)
          if (scale.data) z = fma(z, fetch(scale, y, x, n), fetch(shift, y, x, n));
        if (residual.data) z = z + fetch(residual, y, x, n);
        put(z, y, x, n);
      }
  }

 private:
  static constexpr std::int64_t kBlock = 512, kLongRow = 64;

  template <class U>
  static constexpr bool is_floating_point = is_same<U, float> || is_same<U, double>;

  STRETTO_INLINE bool lies_along_rows() const {
    for (const Term<From>* term : {&bias, &scale, &shift, &residual})
      if (term->data && term->col != 0 && term->col != 1) return false;
    return out_col == 1;
  }

  STRETTO_INLINE void put(Vec<T> z, std::int64_t y, std::int64_t x, int n) const {
    store_as<T, Out>(z, out + y * out_row + x * out_col, out_col, n);
  }

  // The same of element (y, x) on, its sums and terms alone, to contiguous rows.
  STRETTO_INLINE Finish<T, From, T> without_activation(std::int64_t y, std::int64_t x, T* to,
                                                       std::int64_t to_row) const {
    const auto from = [&](const Term<From>& term) -> Term<From> {
      return {term.data ? term.data + y * term.row + x * term.col : nullptr, term.row, term.col};
    };
    return {from(bias), from(scale), from(shift), from(residual), Activation::none, T(0), to, to_row, 1};
  }

  // Any activation, of many elements at once: a block of rows, or a piece of one.
  void run_blocks(const T* sums, std::int64_t sums_row, std::int64_t row, int rows, std::int64_t column,
                  std::int64_t columns) const {
    using V = Vec<T>;
    alignas(64) T block[kBlock];
    const std::int64_t most = columns < kBlock ? (columns + V::lanes - 1) / V::lanes * V::lanes : kBlock;
    const int height = int(kBlock / most);
    for (int i = 0; i < rows; i += height)
      for (std::int64_t j = 0; j < columns; j += most) {
        const int tall = rows - i < height ? rows - i : height;
        const std::int64_t wide = columns - j < most ? columns - j : most;
        without_activation(row + i, column + j, block, most)
            .run(sums + i * sums_row + j, sums_row, 0, tall, 0, wide);
        for (int r = 0; r < tall; ++r)  // what the last vectors have beyond a row
          for (std::int64_t q = wide; q < most; ++q) block[r * most + q] = T(0);
        activate_values(activation, double(parameter), block, tall * most);
        for (int r = 0; r < tall; ++r)
          for (std::int64_t q = 0; q < wide; q += V::lanes)
            put(V::load(block + r * most + q), row + i + r, column + j + q,
                wide - q < V::lanes ? int(wide - q) : V::lanes);
      }
  }

  STRETTO_INLINE void narrow_rows(const T* sums, std::int64_t sums_row, std::int64_t row, int rows,
                                  std::int64_t column, std::int64_t columns) const {
    using V = Vec<T>;
    for (int i = 0; i < rows; ++i) {
      const T* const from = sums + i * sums_row;
      Out* const to = out + (row + i) * out_row + column;
      std::int64_t j = 0;
#if defined(__AVX512BF16__)
      if constexpr (is_same<Out, bfloat16>)
        for (; j + 2 * V::lanes <= columns; j += 2 * V::lanes)
          store_both(V::load(from + j), V::load(from + j + V::lanes), to + j);
#endif
      for (; j + V::lanes <= columns; j += V::lanes) V::load(from + j).store(to + j);
      if (j < columns) V::load(from + j, int(columns - j)).store(to + j, int(columns - j));
    }
  }

  // The cheapest activations, which are clamps: the general loop's questions would take longer than the
  // answers.
  void clamp_rows(Clamp<T> clamp, const T* sums, std::int64_t sums_row, std::int64_t row, int rows,
                  std::int64_t column, std::int64_t columns) const {
    return scale.data ? clamp_rows<true>(clamp, sums, sums_row, row, rows, column, columns)
                      : clamp_rows<false>(clamp, sums, sums_row, row, rows, column, columns);
  }

  template <bool is_scaled>
  [[gnu::noinline]] void clamp_rows(Clamp<T> clamp, const T* sums, std::int64_t sums_row, std::int64_t row,
                                    int rows, std::int64_t column, std::int64_t columns) const {
    using V = Vec<T>;
    const V low = V::broadcast(clamp.least), high = V::broadcast(clamp.most);
    alignas(64) T room[4][V::lanes];
    TermRows<T> bias_rows(bias, row, column, room[0]), residual_rows(residual, row, column, room[1]),
        scale_rows(scale, row, column, room[2]), shift_rows(shift, row, column, room[3]);
    for (int i = 0; i < rows; ++i) {
      if (i > 0) {
        bias_rows.to_next_row();
        residual_rows.to_next_row();
        if (is_scaled) scale_rows.to_next_row(), shift_rows.to_next_row();
      }
      const auto finished = [low, high, biases = bias_rows.vectors(), scales = scale_rows.vectors(),
                             shifts = shift_rows.vectors(), residuals = residual_rows.vectors()](
                                V z, auto... at) __attribute__((always_inline)) {
        z = z + biases.at(at...);
        if constexpr (is_scaled) z = fma(z, scales.at(at...), shifts.at(at...));
        z = z + residuals.at(at...);
        return Clamp<T>::apply(z, low, high);
      };
      const T* const from = sums + i * sums_row;
      T* const to = out + (row + i) * out_row + column;
      std::int64_t j = 0;
      for (; j + V::lanes <= columns; j += V::lanes) finished(V::load(from + j), j).store(to + j);
      if (const int n = int(columns - j); n > 0) store_first(finished(V::load(from + j, n), j, n), to + j, n);
    }
  }

  STRETTO_INLINE static Vec<T> fetch(const Term<From>& term, std::int64_t y, std::int64_t x, int n) {
    const From* p = term.data + y * term.row + x * term.col;
    if (term.col == 0) return Vec<T>::broadcast(widen_to<T>(*p));
    return load_as<T, From>(p, term.col, n);
  }
};

}  // namespace stretto::STRETTO_ISA
