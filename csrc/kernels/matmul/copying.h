// Which operands are copied, and which come from memory.
#pragma once

#include "kernels/matmul/matmul.h"
#include "kernels/matmul/sums.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr std::int64_t kPackingBytes = 512 << 10;   // of b that many rows read
inline constexpr std::int64_t kStreamedBytes = 512 << 10;  // of b that few rows read
inline constexpr std::int64_t kFarBytes = 1 << 20;         // of b, too many for a share of the L3 cache
inline constexpr std::int64_t kMemoryBytes = 8 << 20;      // of all matrices of b, that come from memory
inline constexpr int kStreamRows = 24;                     // of a, more than which such a b is copied for
#else
inline constexpr std::int64_t kPackingBytes = 128 << 10;
inline constexpr std::int64_t kStreamedBytes = 2 << 20;
inline constexpr std::int64_t kFarBytes = 4 << 20;
inline constexpr std::int64_t kMemoryBytes = 4 << 20;
inline constexpr int kStreamRows = 16;
#endif
inline constexpr int kStreamFewRows = 8;                // for which any b is read so
inline constexpr std::int64_t kManyRows = 512;          // of a
inline constexpr std::int64_t kAheadBytes = 256 << 10;  // of a matrix that is fetched ahead

// Lines of a panel of b as it lies that meet in so few sets of the L1 cache that they do not stay there.
STRETTO_INLINE bool meet_in_sets(std::int64_t row_bytes, std::int64_t k) {
  if (row_bytes % 64 != 0) return false;
  const std::int64_t lines = row_bytes / 64, step = least(64, lines & -lines);
  return least(k, kBlockTerms) * step > 8 * 64;  // of 64 sets of 8 lines
}

// Whether all matrices of b have more bytes than those.
template <class T>
STRETTO_INLINE bool b_is_larger(const MatmulArgs& args, std::int64_t bytes) {
  std::int64_t matrices = 1;
  for (int d = 0; d + 2 < args.out.shape.count; ++d)
    if (args.b.strides[d] != 0) matrices *= args.out.shape[d];
  return matrices * args.k() * args.n() * std::int64_t(sizeof(T)) > bytes;
}

// Whether b comes from memory and its rows are long: whole rows are then read faster than pieces of each.
// (Measured on Zen 3 and Zen 4.)
template <class T>
STRETTO_INLINE bool is_far(const MatmulArgs& args) {
  return args.n() * std::int64_t(sizeof(T)) >= 1024 && b_is_larger<T>(args, kMemoryBytes);
}

// Copying b into panels is worth it when b comes from far away or many rows read it, but not when its rows
// are so short that a block of them is nearly one piece; or to keep a panel in the L1 cache.
template <class T>
STRETTO_INLINE bool packing_pays(const MatmulArgs& args) {
  const std::int64_t row_bytes = args.b.strides.last(1) * std::int64_t(sizeof(T));
  const std::int64_t bytes = args.k() * args.n() * std::int64_t(sizeof(T));
  if (bytes > kAheadBytes && is_far<T>(args)) return true;
  if (args.m() < 4 * Chains<T>::rows(kVectors) || args.n() <= kPanel<T>) return false;
  const int few =
      row_bytes % 4096 == 0 ? 5 : 16;  // row blocks: lines that all meet in one set are read anew by each
  const bool is_long = args.m() >= few * Chains<T>::rows(kVectors) || args.k() > 2 * kBlockTerms;
  if (kPanelStays<T> && is_long && meet_in_sets(row_bytes, args.k())) return true;
  if (row_bytes < 512) return false;
  return bytes > (args.m() >= kManyRows ? kPackingBytes : kFarBytes);
}

// Rows of a that all meet in one set of the L1 cache are worth a copy when they are read more than once; so
// are columns, of which a tile reads a line of the cache for each term.
template <class From>
STRETTO_INLINE bool copying_pays(std::int64_t row, std::int64_t col, std::int64_t k, std::int64_t columns) {
  const std::int64_t step = (col == 1 ? row : col) * std::int64_t(sizeof(From));
  const bool is_spread = kPanelStays<From> && col != 1 && k >= kBlockTerms / 2 && columns > 4 * kPanel<From>;
  return (step % 4096 == 0 && step != 0 && columns >= 2 * kPanel<From>) || is_spread ||
         (row != 1 && col != 1 && columns > kPanel<From>);
}

}  // namespace stretto::STRETTO_ISA
