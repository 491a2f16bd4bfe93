// How sums of products of 8-bit and 16-bit integers are formed: operands are copied as groups of consecutive
// terms (simd/groups.h), so that a step of a tile takes several of them.
//
// The units that multiply four bytes take unsigned ones times signed ones. Where both operands have one sign,
// a is moved by 128 (its high bits are flipped) and the sums are corrected by what that adds:
//   a b = (a + 128) b - 128 b  for int8,   a b = (a - 128) b + 128 b  for uint8
// The correction is a row of the panel, and may wrap as the sums do.
#pragma once

#include <type_traits>

#include "kernels/tile/pack.h"
#include "simd/groups.h"
#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX512VNNI__)
inline constexpr bool kHasByteQuads = true;
#else
inline constexpr bool kHasByteQuads = false;
#endif

// The vector for panels of B.
template <class B>
using GroupVector =
    std::conditional_t<kHasByteQuads && sizeof(B) == 1, ByteQuads<std::is_unsigned_v<B>>, WordPairs>;

// Rows of corrections in front of the groups of a panel of B.
template <class B>
inline constexpr int kCorrections = GroupVector<B>::terms == 4;

// What moves the groups of a.
template <class A, class B>
inline constexpr std::uint32_t kFlip =
    kCorrections<B> && std::is_signed_v<A> == std::is_signed_v<B> ? 0x80808080u : 0;

// Writes the corrections in front of a panel of `width` columns of so many groups.
template <class B>
STRETTO_INLINE void correct(std::int32_t* panel, std::int64_t groups, int width) {
  using V = GroupVector<B>;
  for (int j = 0; j < width; j += V::lanes) {
    V part[4] = {V::zero(), V::zero(), V::zero(), V::zero()};  // to hide the latency
    for (std::int64_t g = 1; g <= groups; g += 4)
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i)
        if (g + i <= groups)
          part[i] = fma(V::broadcast(0x01010101), V::load(panel + (g + i) * width + j), part[i]);
    V sum = (part[0] + part[1]) + (part[2] + part[3]);
    sum.v <<= 7;
    if constexpr (std::is_signed_v<B>) sum.v = -sum.v;
    sum.store(panel + j);
  }
}

// As pack_panel, in groups of V.
template <class V, class B>
STRETTO_INLINE void pack_groups(const B* b, std::int64_t row, std::int64_t col, std::int64_t k, int columns,
                                std::int32_t* to, int width) {
  constexpr int lanes = V::lanes, terms = V::terms;
  const std::int64_t groups = (k + terms - 1) / terms;
  const auto present = [&](std::int64_t g) { return int(k - g * terms < terms ? k - g * terms : terms); };
  if (col == 1 || columns == 1) {
    for (std::int64_t g = 0; g < groups; ++g)
      for (int j = 0; j < width; j += lanes) {
        const int n = columns - j < lanes ? columns - j : lanes;
        V x = V::zero();
        if (n > 0) x.v = interleaved<terms>(b + g * terms * row + j, row, present(g), n);
        x.store(to + g * width + j);
      }
  } else if (row == 1) {
    for (int j = 0; j < width; j += lanes)
      for (std::int64_t g = 0; g < groups; g += lanes) {
        V block[lanes];
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i)
          block[i].v = j + i < columns ? load_groups<terms>(b + (j + i) * col + g * terms, k - g * terms)
                                       : typename V::reg{};
        transpose(block);
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i)
          if (g + i < groups) block[i].store(to + (g + i) * width + j);
      }
  } else {
    for (std::int64_t g = 0; g < groups; ++g)
      for (int j = 0; j < width; ++j)
        to[g * width + j] =
            j < columns ? std::int32_t(group_of<terms>(b + g * terms * row + j * col, row, present(g))) : 0;
  }
}

// As copy_rows, in groups, each moved by `flip`.
template <int terms, class A>
STRETTO_INLINE Rows<std::int32_t> copy_groups(const A* a, std::int64_t row, std::int64_t col, int rows,
                                              std::int64_t k, std::uint32_t flip, std::int32_t* to) {
  using V = WordPairs;
  constexpr int lanes = V::lanes;
  const std::int64_t groups = (k + terms - 1) / terms;
  if (col == 1) {
    const std::int64_t step = (groups + lanes - 1) / lanes * lanes + 16;
    for (int i = 0; i < rows; ++i)
      for (std::int64_t g = 0; g < groups; g += lanes)
        V{{load_groups<terms>(a + i * row + g * terms, k - g * terms) ^ flip}}.store(to + i * step + g);
    return {to, step, 1};
  }
  for (std::int64_t g = 0; g < groups; ++g) {
    const int present = int(k - g * terms < terms ? k - g * terms : terms);
    const A* const from = a + g * terms * col;
    for (int i = 0; row == 1 && i < rows; i += lanes) {
      const int n = rows - i < lanes ? rows - i : lanes;
      V{{interleaved<terms>(from + i, col, present, n) ^ flip}}.store(to + g * rows + i, n);
    }
    for (int i = 0; row != 1 && i < rows; ++i)
      to[g * rows + i] = std::int32_t(group_of<terms>(from + i * row, col, present) ^ flip);
  }
  return {to, 1, rows};
}

}  // namespace stretto::STRETTO_ISA
