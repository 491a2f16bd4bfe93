// Depthwise convolution with channels last, a 3x3 kernel and a stride of 1 or 2: a tile of neighbouring
// outputs of neighbouring rows, which loads each element of x once.
#pragma once

#include "kernels/conv/channel_terms.h"
#include "simd/convert.h"

namespace stretto::STRETTO_ISA {

// Rows and columns of a tile: its sums, a row of x and the weights fill the registers.
template <int S>
inline constexpr int kSquareRows = S == 1 ? 4 : 2;
inline constexpr int kSquareColumns = 4;
template <class T>  // a mask costs AVX-512 nothing; the registers of others are too few
inline constexpr bool kHasSquares = is_same<T, float> && sizeof(Vec<T>) == 64;

template <class T>
struct DepthwiseSquare {
  const T* rows[6];                 // of x, at column 0 of this vector of channels; null: outside
  std::int64_t pixel, width, left;  // from one column to the next, their number, that of output 0
  const T* w;                       // [tap][lane]
  int n;                            // channels that exist
  T* to;
  std::int64_t to_row, to_pixel;
  Ending<T> ending;  // of this vector of channels
};

// R rows of outputs, columns [q, q + P), of stride S.
template <class T, int S, int R, int P>
STRETTO_INLINE void square_tile(const DepthwiseSquare<T>& t, std::int64_t q) {
  using V = Vec<T>;
  const int n = t.n;
  V weight[9], acc[R * P][1];
#pragma GCC unroll 9
  for (int i = 0; i < 9; ++i) weight[i] = V::load(t.w + i * V::lanes);
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) acc[r * P + p][0] = V::zero();
#pragma GCC unroll 6
  for (int j = 0; j < (R - 1) * S + 3; ++j) {
    V x[(P - 1) * S + 3];
#pragma GCC unroll 9
    for (int p = 0; p < (P - 1) * S + 3; ++p) {
      const std::int64_t column = q * S + p - t.left;
      const bool inside = t.rows[j] && column >= 0 && column < t.width;
      x[p] = inside ? V::load(t.rows[j] + column * t.pixel, n) : V::zero();
    }
#pragma GCC unroll 3
    for (int k = 0; k < 3; ++k)
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        if (j < r * S || j > r * S + 2) continue;
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p) {
          V& sum = acc[r * P + p][0];
          sum = fma(weight[(j - r * S) * 3 + k], x[p * S + k], sum);
        }
      }
  }
  end_outputs(t.ending, acc);
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) acc[r * P + p][0].store(t.to + r * t.to_row + (q + p) * t.to_pixel, n);
}

// R rows of `columns` outputs.
template <class T, int S, int R>
[[gnu::noinline]] void square_rows(const DepthwiseSquare<T>& t, std::int64_t columns) {
  std::int64_t q = 0;
  for (; q + kSquareColumns <= columns; q += kSquareColumns) square_tile<T, S, R, kSquareColumns>(t, q);
  for (; q < columns; ++q) square_tile<T, S, R, 1>(t, q);
}

template <class T, int S, int R = kSquareRows<S>>
STRETTO_INLINE void square_band(const DepthwiseSquare<T>& t, int rows, std::int64_t columns) {
  if constexpr (R > 1)
    if (rows < R) return square_band<T, S, R - 1>(t, rows, columns);
  square_rows<T, S, R>(t, columns);
}

// Whether c is of this kind, with dense channels on both sides.
template <class T>
STRETTO_INLINE bool is_square(const Correlation& c) {
  bool is = kHasSquares<T> && c.tap_count == 9 && c.x.strides.at[1] == 1 && c.out.strides.at[1] == 1;
  is = is && c.stride[0] == 1 && c.stride[1] == c.stride[2] && (c.stride[1] == 1 || c.stride[1] == 2);
  for (int t = 0; is && t < 9; ++t)
    is = c.taps[t].at[0] == c.taps[0].at[0] && c.taps[t].at[1] == c.taps[0].at[1] + t / 3 &&
         c.taps[t].at[2] == c.taps[0].at[2] + t % 3;
  return is;
}

// Rows of outputs at once.
STRETTO_INLINE int square_rows_of(const Correlation& c) {
  return c.stride[1] == 1 ? kSquareRows<1> : kSquareRows<2>;
}

// Rows [h, h + rows) of depth d of a sample, all channels; `packed` as for the other tiles.
template <class T>
void run_square_band(const Correlation& c, const Ending<T>& ending, const T* packed, std::int64_t sample,
                     std::int64_t d, std::int64_t h, int rows) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t *step = c.x.strides.at, *size = c.x.shape.at, *out = c.out.strides.at;
  const std::int64_t z = d + c.taps[0].at[0];
  DepthwiseSquare<T> t;
  t.pixel = step[4];
  t.width = size[4];
  t.left = -c.taps[0].at[2];
  t.to_row = out[3];
  t.to_pixel = out[4];
  for (std::int64_t channel = 0; channel < c.groups; channel += lanes) {
    for (int j = 0; j < (rows - 1) * c.stride[1] + 3; ++j) {
      const std::int64_t y = h * c.stride[1] + c.taps[0].at[1] + j;
      const bool inside = z >= 0 && z < size[2] && y >= 0 && y < size[3];
      t.rows[j] = inside ? c.x.as<T>() + sample * step[0] + z * step[2] + y * step[3] + channel : nullptr;
    }
    t.w = packed + channel * 9;
    t.ending = ending.at(0, channel);
    t.n = c.groups - channel < lanes ? int(c.groups - channel) : lanes;
    t.to = c.out.as<T>() + sample * out[0] + channel + d * out[2] + h * out[3];
    c.stride[1] == 1 ? square_band<T, 1>(t, rows, c.out.shape.at[4])
                     : square_band<T, 2>(t, rows, c.out.shape.at[4]);
  }
}

}  // namespace stretto::STRETTO_ISA
