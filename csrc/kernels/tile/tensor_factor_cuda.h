// The factors of a product on tensor cores: lines, rows of a or columns of b, of k elements each. They come
// in pieces of 16 bytes, whose elements are neighbours along k, or, of 16-bit floats only, in neighbouring
// lines.
//
//   struct Factor {
//     static constexpr Neighbours kNeighbours;
//     bool along_k() const;
//     // Lines i, i + kStep, ... of the matrix that begins at `start`, or, across k, [i, i + 8).
//     template <int kCount, int kStep> struct Lines;
//     template <int kCount, int kStep>
//     Lines<kCount, kStep> lines(std::int64_t start, int i) const;
//     Term term(int k) const;  // piece k of a line, or, across k, element k of eight
//     TensorPiece piece(const Lines& lines, int n, const Term& term) const;  // of the n-th line
//   };
#pragma once

#include <cstdint>

#include "cuda/kernel.h"

namespace stretto {

// Which elements lie together.
enum class Neighbours { along_k, across_k, either };  // either: known at run time

constexpr int kPieceBytes = 16;

// Of the 16 bytes those after the first `bytes` are zero, whatever is there.
struct TensorPiece {
  const char* from;
  int bytes;
};

// Lines at equal distances, of elements at equal distances. All distances but that between neighbours are
// multiples of 16 bytes.
template <Neighbours kWhich = Neighbours::either>
struct MatrixFactor {
  static constexpr Neighbours kNeighbours = kWhich;

  const char* data;
  std::int64_t line_bytes, k_bytes;
  int count, k, size;  // lines, elements of each, bytes of an element
  bool is_along_k;

  template <int kCount, int kStep>
  struct Lines {
    const char* matrix;
    int first;
  };
  STRETTO_KERNEL bool along_k() const {
    return kNeighbours == Neighbours::either ? is_along_k : kNeighbours == Neighbours::along_k;
  }
  template <Neighbours kOther>
  MatrixFactor<kOther> as() const {
    return {data, line_bytes, k_bytes, count, k, size, is_along_k};
  }
  template <int kCount, int kStep>
  STRETTO_KERNEL Lines<kCount, kStep> lines(std::int64_t start, int i) const {
    return {data + start * size, i};
  }
  STRETTO_KERNEL int term(int k) const { return k; }
  template <int kCount, int kStep>
  STRETTO_KERNEL TensorPiece piece(const Lines<kCount, kStep>& lines, int n, int at) const {
    const int i = lines.first + n * kStep;
    int bytes = along_k() ? k * size - at * kPieceBytes : (count - i) * size;
    if (along_k() ? i >= count : at >= k) bytes = 0;
    bytes = bytes < 0 ? 0 : bytes < kPieceBytes ? bytes : kPieceBytes;
    const char* const from =
        lines.matrix + (along_k() ? i * line_bytes + at * kPieceBytes : at * k_bytes + i * size);
    return {bytes > 0 ? from : data, bytes};
  }
};

}  // namespace stretto
