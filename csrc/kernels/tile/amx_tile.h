// The tile of sums of products on AMX: up to 32 rows and 32 columns, in four registers.
#pragma once

#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels/tile/tile.h"
#include "simd/convert.h"
#if STRETTO_EMULATE_AMX
#include "kernels/tile/emulated_amx.h"
#else
#include "simd/amx.h"
#endif

namespace stretto::STRETTO_ISA {

inline constexpr int kAmxRows = 16;             // of a register, and its columns of 32 bits
inline constexpr int kAmxTile = 32;             // rows and columns of a tile; panels of b are so wide
inline constexpr int kAmxBytes = 64;            // of a row of a register
inline constexpr int kAmxDepth = 2 * kAmxRows;  // terms of bfloat16 in it

// Which part of a is multiplied with which part of b.
struct PartProduct {
  int a, b;
};

// Products of bfloat16 operands, or of float32 ones in `parts` bfloat16 parts each, without the parts that
// are too small to count; one after the other share an operand.
template <int parts>
inline constexpr PartProduct kPairOrder[1] = {{0, 0}};
template <>
inline constexpr PartProduct kPairOrder<2>[3] = {{0, 1}, {0, 0}, {1, 0}};
template <>
inline constexpr PartProduct kPairOrder<3>[6] = {{0, 2}, {0, 1}, {1, 1}, {1, 0}, {2, 0}, {0, 0}};

template <int parts>
struct PairProducts {
  using Sum = float;
  static constexpr int count = parts * (parts + 1) / 2;
  static constexpr const PartProduct (&order)[count] = kPairOrder<parts>;

  template <int sum, int a, int b>
  STRETTO_INLINE static void multiply() {
    amx_multiply_pairs<sum, a, b>();
  }
};

template <class A, class B>
struct QuadProducts {
  using Sum = std::int32_t;
  static constexpr int count = 1;
  static constexpr PartProduct order[1] = {{0, 0}};

  template <int sum, int a, int b>
  STRETTO_INLINE static void multiply() {
    amx_multiply_quads<sum, a, b, std::is_signed_v<A>, std::is_signed_v<B>>();
  }
};

inline constexpr std::int64_t kAmxRegister = kAmxRows * kAmxBytes;
inline constexpr std::int64_t kAmxPanelPart = 2 * kAmxRegister;  // of a step of a panel of b

// Where a step of a register's depth finds its operands: two registers of rows of a, the second one `a_lower`
// behind the first, `a_part` between its parts; and two of columns of b side by side, its parts one behind
// the other.
struct AmxOperands {
  const char* a;
  const char* b;
  std::int64_t a_part, a_row = kAmxBytes, a_lower = kAmxRegister, b_row = 2 * kAmxBytes;
};

// One step of a register's depth. Sums are in registers 0 to 3, a in 4 and 5, b in 6 and 7.
template <class Products, bool tall, bool wide, int number>
STRETTO_INLINE void amx_product(AmxOperands at) {
  constexpr PartProduct now = Products::order[number];
  constexpr PartProduct before = number > 0 ? Products::order[number - 1] : PartProduct{-1, -1};
  if constexpr (now.a != before.a) {
    amx_load<4>(at.a + now.a * at.a_part, at.a_row);
    if constexpr (tall) amx_load<5>(at.a + now.a * at.a_part + at.a_lower, at.a_row);
  }
  if constexpr (now.b != before.b) amx_load<6>(at.b + now.b * kAmxPanelPart, at.b_row);
  Products::template multiply<0, 4, 6>();
  if constexpr (wide) {
    if constexpr (now.b != before.b) amx_load<7>(at.b + now.b * kAmxPanelPart + kAmxBytes, at.b_row);
    Products::template multiply<1, 4, 7>();
  }
  if constexpr (tall) Products::template multiply<2, 5, 6>();
  if constexpr (tall && wide) Products::template multiply<3, 5, 7>();
}

// All products of a step. By value: in memory, addresses would wait for stores.
template <class Products, bool tall, bool wide, int number = 0>
STRETTO_INLINE void amx_products(AmxOperands at) {
  amx_product<Products, tall, wide, number>(at);
  if constexpr (number + 1 < Products::count) amx_products<Products, tall, wide, number + 1>(at);
}

template <bool tall, bool wide>
STRETTO_INLINE void amx_zero_sums() {
  amx_zero<0>();
  if constexpr (wide) amx_zero<1>();
  if constexpr (tall) amx_zero<2>();
  if constexpr (tall && wide) amx_zero<3>();
}

template <bool tall, bool wide>
STRETTO_INLINE void amx_load_sums(const void* p, std::int64_t row) {
  const char* const at = static_cast<const char*>(p);
  amx_load<0>(at, row);
  if constexpr (wide) amx_load<1>(at + kAmxBytes, row);
  if constexpr (tall) amx_load<2>(at + kAmxRows * row, row);
  if constexpr (tall && wide) amx_load<3>(at + kAmxRows * row + kAmxBytes, row);
}

template <bool tall, bool wide>
STRETTO_INLINE void amx_store_sums(void* p, std::int64_t row) {
  char* const at = static_cast<char*>(p);
  amx_store<0>(at, row);
  if constexpr (wide) amx_store<1>(at + kAmxBytes, row);
  if constexpr (tall) amx_store<2>(at + kAmxRows * row, row);
  if constexpr (tall && wide) amx_store<3>(at + kAmxRows * row + kAmxBytes, row);
}

// What a tile fetches between its steps: its own rows of the result, and what it is asked to.
template <class T>
class AmxFetches {
 public:
  STRETTO_INLINE explicit AmxFetches(const Tile<T>& t)
      : fetch_(t.fetch),
        last_(t.fetch + t.fetches),
        result_(t.c),
        result_row_(t.c_row),
        rows_(t.total ? 0 : t.rows) {}

  // Of a step of so many slots.
  STRETTO_INLINE void next(std::int64_t slots) {
    for (int i = 0; i < 4 && rows_ > 0; ++i, --rows_, result_ += result_row_) {
      __builtin_prefetch(result_, 1);
      __builtin_prefetch(result_ + kAmxRows, 1);
    }
    if (fetch_ == last_) return;
    const std::int64_t end = smaller_of(fetch_->terms, done_ + slots) * fetch_->step;
    for (std::int64_t at = done_ * fetch_->step; at < end; at += 64)
      __builtin_prefetch(fetch_->at + at, 0, 2);
    done_ += slots;
    if (done_ < fetch_->terms) return;
    ++fetch_;
    done_ = 0;
  }

 private:
  STRETTO_INLINE static std::int64_t smaller_of(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

  const Fetch *fetch_, *last_;
  const T* result_;
  std::int64_t result_row_;
  int rows_;
  std::int64_t done_ = 0;  // terms of the fetch
};

// As `tile`, of copied rows. Each step's parts of a and b lie one after the other; t.tail counts all columns.
template <class Products, int parts, bool tall, bool wide>
[[gnu::noinline]] void amx_tile(const Tile<typename Products::Sum>& t) {
  using T = typename Products::Sum;
  using V = Vec<T>;
  constexpr int rows = tall ? kAmxTile : kAmxRows, columns = wide ? kAmxTile : kAmxRows;
  const bool is_whole = t.rows == rows && t.tail == columns;
  alignas(64) T block[rows * columns];
  if (!t.start) {
    amx_zero_sums<tall, wide>();
  } else if (is_whole) {
    amx_load_sums<tall, wide>(t.start, t.start_row * 4);
  } else {
    std::memset(block, 0, sizeof block);
    for (int i = 0; i < t.rows; ++i)
      std::memcpy(block + i * columns, t.start + i * t.start_row, std::size_t(t.tail) * 4);
    amx_load_sums<tall, wide>(block, columns * 4);
  }

  AmxOperands at{reinterpret_cast<const char*>(t.a), reinterpret_cast<const char*>(t.b), 2 * kAmxRegister};
  AmxFetches<T> fetches(t);
  for (std::int64_t p = 0; p < t.k; p += parts * kAmxRows) {
    amx_products<Products, tall, wide>(at);
    fetches.next(parts * kAmxRows);
    at.a += parts * at.a_part;
    at.b += parts * kAmxPanelPart;
  }

  if (is_whole && !t.total) return amx_store_sums<tall, wide>(t.c, t.c_row * 4);
  amx_store_sums<tall, wide>(block, columns * 4);
  for (int i = 0; i < t.rows; ++i)
    for (int j = 0; j < t.tail; j += V::lanes) {
      const int n = t.tail - j < V::lanes ? t.tail - j : V::lanes;
      V x = load_as<T, T>(block + i * columns + j, n);
      if (t.total) x = load_as<T, T>(t.total + i * t.total_row + j, n) + x;
      store_as<T, T>(x, t.c + i * t.c_row + j, n);
    }
}

// The tile for so many rows and columns.
template <class Products, int parts>
STRETTO_INLINE TileFunction<typename Products::Sum> amx_tile_for(int rows, int columns) {
  if (rows > kAmxRows)
    return columns > kAmxRows ? amx_tile<Products, parts, true, true>
                              : amx_tile<Products, parts, true, false>;
  return columns > kAmxRows ? amx_tile<Products, parts, false, true>
                            : amx_tile<Products, parts, false, false>;
}

}  // namespace stretto::STRETTO_ISA
