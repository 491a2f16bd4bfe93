// The tile of a bfloat16 product on AMX whose rows of a are read where they lie, and whose sums are finished
// while the next tile's are formed.
#pragma once

#include "kernels/matmul/amx.h"

namespace stretto::STRETTO_ISA {

// Up to 32 rows of the result, in one or two registers of 16; the second one begins `lower` rows below the
// first, so that a register always finds 16 rows of a, some of them twice.
struct AmxRowBlock {
  const char* a;  // whole steps: where they lie, or copied
  std::int64_t a_row, a_lower, a_step, steps;
  const char* rest;  // copied: a last step that is not whole; null: there is none
  std::int64_t row;  // its first one
  int done;          // rows of which have been formed before
  int rows, lower;
};

template <class Out>
STRETTO_INLINE void put_sums(const float* sums, int rows, int columns, Out* out, std::int64_t out_row) {
  using V = Vec<float>;
  for (int i = 0; i < rows; ++i, sums += kAmxTile, out += out_row) {
#if defined(__AVX512BF16__)
    if constexpr (is_same<Out, bfloat16>)
      if (columns == 2 * V::lanes) {
        store_both(V::load(sums), V::load(sums + V::lanes), out);
        continue;
      }
#endif
    for (int j = 0; j < columns; j += V::lanes)
      store_as<float, Out>(V::load(sums + j), out + j, int(least(V::lanes, columns - j)));
  }
}

// The sums of the tile before, which are finished while the next tile's are formed in the registers.
template <class Out>
struct WaitingSums {
  float *sums, *room;  // of that tile, and of the next one
  Out* out = nullptr;  // of the first one
  std::int64_t out_row = 0, row = 0, column = 0;
  const Finish<float, bfloat16, Out>* finish = nullptr;  // null: there is no epilogue
  int done = 0, rows = 0, lower = 0, columns = 0;

  STRETTO_INLINE void put() const {
    put_rows(0, done, int(least(kAmxRows, rows)));
    if (rows > kAmxRows) put_rows(kAmxRows - lower, kAmxRows, rows);
  }

 private:
  // Rows [first, last), which are `down` rows further in the sums.
  STRETTO_INLINE void put_rows(int down, int first, int last) const {
    const float* const from = sums + (first + down) * kAmxTile;
    if (finish) [[unlikely]]
      finish->run(from, kAmxTile, row + first, last - first, column, columns);
    else
      put_sums(from, last - first, columns, out + first * out_row, out_row);
  }
};

// Where the sums of a tile are between two blocks of terms; null: they begin, or end.
struct AmxBetween {
  const float* from;
  float* to;
};

// The sums of a block of rows for a panel of b.
template <bool tall, bool wide, class Out>
[[gnu::noinline]] void sum_block(const AmxRowBlock& t, const char* b, AmxBetween between,
                                 const WaitingSums<Out>& before) {
  constexpr std::int64_t row = kAmxTile * 4;
  if (between.from)
    amx_load_sums<tall, wide>(between.from, row);
  else
    amx_zero_sums<tall, wide>();
  AmxOperands at{t.a, b, 0, t.a_row, t.a_lower};
  for (std::int64_t s = 0; s < t.steps; ++s, at.a += t.a_step, at.b += kAmxPanelPart)
    amx_products<PairProducts<1>, tall, wide>(at);
  if (t.rest) amx_products<PairProducts<1>, tall, wide>({t.rest, at.b, 0, kAmxBytes, kAmxRegister});
  if (between.to) return amx_store_sums<tall, wide>(between.to, row);
  amx_store_sums<tall, wide>(before.room, row);
  if (before.rows > 0) before.put();
}

#if defined(__AVX512BW__)
// The first n elements, or as many as a register's row holds; the others are zeros.
STRETTO_INLINE __m512i load_first(const bfloat16* from, std::int64_t n) {
  return _mm512_maskz_loadu_epi16(n >= kAmxDepth ? ~0u : (1u << n) - 1u, from);
}
#endif

// The first n elements of a register's row, the others being zeros.
STRETTO_INLINE void copy_first(const bfloat16* from, std::int64_t n, char* to) {
#if defined(__AVX512BW__)
  _mm512_store_si512(to, load_first(from, n));
#else
  std::memset(to, 0, kAmxBytes);
  std::memcpy(to, from, std::size_t(n) * sizeof *from);
#endif
}

// A step of a panel of b, whose rows lie together: pairs of terms, two registers of columns side by side.
STRETTO_INLINE void pack_step(const bfloat16* b, std::int64_t row, std::int64_t terms, std::int64_t columns,
                              char* to) {
#if defined(__AVX512BW__)
  // Halves, so that each is woven in its order.
  const __m512i halves = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  const auto line = [&](int p) {
    return p < terms ? _mm512_permutexvar_epi64(halves, load_first(b + p * row, columns))
                     : _mm512_setzero_si512();
  };
  for (int p = 0; p < kAmxDepth; p += 2, to += 2 * kAmxBytes) {
    const __m512i even = line(p), odd = line(p + 1);
    _mm512_store_si512(to, _mm512_unpacklo_epi16(even, odd));
    _mm512_store_si512(to + kAmxBytes, _mm512_unpackhi_epi16(even, odd));
  }
#else
  std::memset(to, 0, kAmxPanelPart);
  pack_groups<WordPairs>(reinterpret_cast<const std::uint16_t*>(b), row, 1, least(terms, kAmxDepth),
                         int(least(columns, kAmxTile)), reinterpret_cast<std::int32_t*>(to), kAmxTile);
#endif
}

}  // namespace stretto::STRETTO_ISA
