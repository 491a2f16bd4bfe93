// How Region forms its sums on AMX: of bfloat16, of float32 as sums of bfloat16 parts, of bytes.
//
// Panels and copied rows hold blocks of a register's depth, each with all its parts one after the other.
#pragma once

#include "kernels/matmul/region.h"
#include "kernels/tile/amx_tile.h"
#include "kernels/tile/groups.h"
#include "kernels/tile/parts.h"
#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

static_assert(kPanel<float> == kAmxTile);

// Of `given_terms` terms a slot of 32 bits.
template <class Products, int given_terms, int parts>
struct AmxSums {
  using Session = AmxSession;
  using Sum = typename Products::Sum;
  static constexpr int terms = given_terms, slots = parts, granule = kAmxRows * terms, corrections = 0;
  static constexpr int pace = 8 * terms / (2 * Products::count) + 1;  // terms in the time of an fma's step
  static constexpr bool corrects = false, fetches_result = false;
  // Panels come from L2 fast enough; of the pass, each is fetched from L3 once for all row blocks.
  static constexpr std::int64_t block_slots = parts == 1 ? 512 : 768, pass_bytes = 8 << 20,
                                rows_bytes = 768 << 10;

  STRETTO_INLINE static int rows(std::int64_t) { return kAmxTile; }
  STRETTO_INLINE static TileFunction<Sum> tile_for(int rows, int columns, int& tail) {
    tail = columns;
    return amx_tile_for<Products, parts>(rows, columns);
  }

 protected:
  // Copied rows are registers: [step][part][row][slot], parts `kPart` apart. Where slot `g` of a row's first
  // part is:
  static constexpr std::int64_t kPart = kAmxTile * kAmxRows;
  STRETTO_INLINE static std::int64_t place(int row, std::int64_t g) {
    return g / kAmxRows * parts * kPart + row * kAmxRows + g % kAmxRows;
  }
  // A register takes whole rows of 16: what is not there is zero.
  STRETTO_INLINE static void clear_rows(int rows, std::int64_t k, Sum* to) {
    for (std::int64_t i = 0; i < divide_up(k, granule) * parts; ++i)
      std::memset(to + i * kPart + rows * kAmxRows, 0, std::size_t(-rows & (kAmxRows - 1)) * kAmxBytes);
  }
};

// Elements that are copied as they are, two or four to a slot. Word: an integer of their size.
template <class Products, class Word>
struct AmxGroups : AmxSums<Products, 4 / int(sizeof(Word)), 1> {
  using Base = AmxSums<Products, 4 / int(sizeof(Word)), 1>;
  using Sum = typename Base::Sum;
  using Base::granule, Base::terms;
  using Vector = std::conditional_t<terms == 4, ByteQuads<std::is_unsigned_v<Word>>, WordPairs>;
  static constexpr std::int64_t segment = std::is_same_v<Sum, float> ? kSegment : std::int64_t(1) << 62;

  template <class From>
  STRETTO_INLINE static void pack(const From* b, std::int64_t row, std::int64_t col, std::int64_t k,
                                  std::int64_t columns, Sum* to) {
    const auto* const from = reinterpret_cast<const Word*>(b);
    auto* const slots = reinterpret_cast<std::int32_t*>(to);
    const std::int64_t stretch = col == 1 ? granule : greatest(1, k);
    const std::int64_t groups = divide_up(k, terms), size = panel_size<Sum, AmxGroups>(k);
    for (std::int64_t p = 0; p < k; p += stretch)
      for (std::int64_t j = 0; j < columns; j += kAmxTile)
        pack_groups<Vector>(from + p * row + j * col, row, col, least(stretch, k - p),
                            int(least(kAmxTile, columns - j)),
                            slots + j / kAmxTile * size + p / terms * kAmxTile, kAmxTile);
    for (std::int64_t j = 0; j < columns; j += kAmxTile)
      std::memset(slots + j / kAmxTile * size + groups * kAmxTile, 0,
                  std::size_t(size - groups * kAmxTile) * 4);
  }

  template <class From>
  STRETTO_INLINE static Rows<Sum> copy(const From* a, std::int64_t row, std::int64_t col, int rows,
                                       std::int64_t k, Sum* to) {
    const auto* const from = reinterpret_cast<const Word*>(a);
    if (col == 1) {
      for (int i = 0; i < rows; ++i)
        for (std::int64_t p = 0; p < k; p += granule) {
          auto* const line = reinterpret_cast<Word*>(to + Base::place(i, p / terms));
          if (k - p >= granule) {
            std::memcpy(line, from + i * row + p, kAmxBytes);
          } else {
            std::memset(line, 0, kAmxBytes);
            std::memcpy(line, from + i * row + p, std::size_t(k - p) * sizeof(Word));
          }
        }
    } else {
      gather(from, row, col, rows, k, reinterpret_cast<std::int32_t*>(to));
    }
    Base::clear_rows(rows, k, to);
    return {to, 0, 1};
  }

 private:
  static void gather(const Word* a, std::int64_t row, std::int64_t col, int rows, std::int64_t k,
                     std::int32_t* to) {
    using V = WordPairs;
    constexpr int lanes = V::lanes;
    const std::int64_t groups = divide_up(k, granule) * kAmxRows;
    const auto present = [&](std::int64_t g) { return int(greatest(0, least(terms, k - g * terms))); };
    for (int i = 0; row == 1 && i < rows; i += lanes)
      for (std::int64_t g = 0; g < groups; g += lanes) {
        const int n = int(least(lanes, rows - i));
        V block[lanes];
        for (int q = 0; q < lanes; ++q)
          block[q].v = present(g + q) > 0
                           ? interleaved<terms>(a + (g + q) * terms * col + i, col, present(g + q), n)
                           : typename V::reg{};
        transpose(block);
        for (int q = 0; q < n; ++q) block[q].store(to + Base::place(i + q, g));
      }
    for (int i = 0; row != 1 && i < rows; ++i)
      for (std::int64_t g = 0; g < groups; ++g)
        to[Base::place(i, g)] = std::int32_t(group_of<terms>(a + i * row + g * terms * col, col, present(g)));
  }
};

using AmxPairs = AmxGroups<PairProducts<1>, std::uint16_t>;
template <class A, class B>
using AmxQuads = AmxGroups<QuadProducts<A, B>, B>;

// float32 in parts.
template <int parts>
struct AmxSplit : AmxSums<PairProducts<parts>, 2, parts> {
  using Base = AmxSums<PairProducts<parts>, 2, parts>;
  using Base::granule;
  using V = Vec<float>;
  using Bits = Vec<std::uint32_t>;
  static constexpr std::int64_t segment = kSegment;

  STRETTO_INLINE static void pack(const float* b, std::int64_t row, std::int64_t col, std::int64_t k,
                                  std::int64_t columns, float* to) {
    constexpr std::int64_t step = kAmxRows * parts * kAmxTile;  // of a granule
    const std::int64_t size = panel_size<float, AmxSplit>(k);
    const std::int64_t stretch =
        col == 1 ? granule : greatest(1, k);  // whole rows of b, not columns of panels
    for (std::int64_t p = 0; p < k; p += stretch)
      for (std::int64_t j = 0; j < columns; j += kAmxTile)
        pack_one(b + p * row + j * col, row, col, least(stretch, k - p), int(least(kAmxTile, columns - j)),
                 to + j / kAmxTile * size + p / granule * step);
  }

  STRETTO_INLINE static Rows<float> copy(const float* a, std::int64_t row, std::int64_t col, int rows,
                                         std::int64_t k, float* to) {
    const std::int64_t filled = divide_up(k, granule) * granule;
    const auto put = [&](int i, std::int64_t p, V x) {
      Bits part[parts];
      split(x, part);
      float* const slots = to + Base::place(i, p / 2);
#pragma GCC unroll 3
      for (int q = 0; q < parts; ++q)
        store_part(part[q], reinterpret_cast<bfloat16*>(slots + q * Base::kPart));
    };
    visit_rows(a, row, col, rows, k, filled, put);
    Base::clear_rows(rows, k, to);
    return {to, 0, 1};
  }

 private:
  // Calls put(i, p, terms p.. of row i), the terms from k to `filled` being zeros.
  template <class Put>
  STRETTO_INLINE static void visit_rows(const float* a, std::int64_t row, std::int64_t col, int rows,
                                        std::int64_t k, std::int64_t filled, const Put& put) {
    const auto n_at = [&](std::int64_t p) { return int(greatest(0, least(V::lanes, k - p))); };
    if (row != 1 || col == 1) {
      for (int i = 0; i < rows; ++i)
        for (std::int64_t p = 0; p < filled; p += V::lanes)
          put(i, p, load_as<float, float>(a + i * row + p * col, col, n_at(p)));
      return;
    }
    for (int i = 0; i < rows; i += V::lanes)
      for (std::int64_t p = 0; p < filled; p += V::lanes) {
        const int n = int(least(V::lanes, rows - i));
        V block[V::lanes];
        for (int q = 0; q < V::lanes; ++q)
          block[q] = p + q < k ? load_as<float, float>(a + i + (p + q) * col, n) : V::zero();
        transpose(block);
        for (int q = 0; q < n; ++q) put(i + q, p, block[q]);
      }
  }

  static void pack_one(const float* b, std::int64_t row, std::int64_t col, std::int64_t k, int columns,
                       float* to) {
    const std::int64_t filled = divide_up(k, granule) * granule;
    const auto put = [&](std::int64_t p, int j, V even, V odd) {
      Bits first[parts], second[parts];
      split(even, first);
      split(odd, second);
      float* const block = to + p / granule * kAmxRows * parts * kAmxTile + j;
#pragma GCC unroll 3
      for (int q = 0; q < parts; ++q)
        from_bits(shift_right<16>(first[q]) | second[q])
            .store(block + (q * kAmxRows + p % granule / 2) * kAmxTile);
    };
    for (int j = 0; j < kAmxTile; j += V::lanes) {
      const int n = int(greatest(0, least(V::lanes, columns - j)));
      if (row == 1 && col != 1 && n > 0) {
        for (std::int64_t p = 0; p < filled; p += V::lanes) {
          V block[V::lanes];
          for (int q = 0; q < V::lanes; ++q)
            block[q] = q < n && p < k
                           ? load_as<float, float>(b + (j + q) * col + p, int(least(V::lanes, k - p)))
                           : V::zero();
          transpose(block);
          for (int q = 0; q < V::lanes; q += 2) put(p + q, j, block[q], block[q + 1]);
        }
        continue;
      }
      const auto line = [&](std::int64_t p) {
        return p < k && n > 0 ? load_as<float, float>(b + p * row + j * col, col, n) : V::zero();
      };
      for (std::int64_t p = 0; p < filled; p += 2) put(p, j, line(p), line(p + 1));
    }
  }
};

}  // namespace stretto::STRETTO_ISA
