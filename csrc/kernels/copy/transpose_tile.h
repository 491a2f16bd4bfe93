// Transposes small tiles of 1, 2, 4 or 8 byte elements:  to[i * to_step + j] = from[j * from_step + i]
#pragma once

#include <cstdint>
#include <cstring>

#include "base/dtype.h"

namespace stretto {

using Words4 = std::uint32_t __attribute__((vector_size(16)));
using Halves8 = std::uint16_t __attribute__((vector_size(16)));

template <class V>
STRETTO_INLINE V load_vector(const void* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
STRETTO_INLINE void store_vector(void* p, V v) {
  std::memcpy(p, &v, sizeof v);
}

STRETTO_INLINE void transpose_square(const std::uint32_t* from, std::int64_t from_step, std::uint32_t* to,
                                     std::int64_t to_step) {
  Words4 r[4];
  for (int j = 0; j < 4; ++j) r[j] = load_vector<Words4>(from + j * from_step);
  const Words4 a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
  const Words4 b = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  const Words4 c = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  const Words4 d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  store_vector(to, __builtin_shufflevector(a, b, 0, 1, 4, 5));
  store_vector(to + to_step, __builtin_shufflevector(a, b, 2, 3, 6, 7));
  store_vector(to + 2 * to_step, __builtin_shufflevector(c, d, 0, 1, 4, 5));
  store_vector(to + 3 * to_step, __builtin_shufflevector(c, d, 2, 3, 6, 7));
}

STRETTO_INLINE void transpose_square(const std::uint16_t* from, std::int64_t from_step, std::uint16_t* to,
                                     std::int64_t to_step) {
  Halves8 r[8], s[8];
  for (int j = 0; j < 8; ++j) r[j] = load_vector<Halves8>(from + j * from_step);
  for (int round = 0; round < 3; ++round) {  // interleaving rows j and j + 4 three times transposes 8 x 8
    for (int j = 0; j < 4; ++j) {
      s[2 * j] = __builtin_shufflevector(r[j], r[j + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      s[2 * j + 1] = __builtin_shufflevector(r[j], r[j + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int j = 0; j < 8; ++j) r[j] = s[j];
  }
  for (int i = 0; i < 8; ++i) store_vector(to + i * to_step, r[i]);
}

template <class T>
STRETTO_INLINE void transpose_square(const T* from, std::int64_t from_step, T* to, std::int64_t to_step) {
  constexpr int side = int(16 / sizeof(T));
  for (int i = 0; i < side; ++i)
    for (int j = 0; j < side; ++j) to[i * to_step + j] = from[j * from_step + i];
}

// i < rows, j < columns.
template <class T>
void transpose_tile(const T* from, std::int64_t from_step, T* to, std::int64_t to_step, std::int64_t rows,
                    std::int64_t columns) {
  constexpr int side = int(16 / sizeof(T));
  std::int64_t j = 0;
  for (; j + side <= columns; j += side) {
    std::int64_t i = 0;
    for (; i + side <= rows; i += side)
      transpose_square(from + j * from_step + i, from_step, to + i * to_step + j, to_step);
    for (; i < rows; ++i)
      for (int k = 0; k < side; ++k) to[i * to_step + j + k] = from[(j + k) * from_step + i];
  }
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t k = j; k < columns; ++k) to[i * to_step + k] = from[k * from_step + i];
}

}  // namespace stretto
