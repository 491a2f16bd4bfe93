// A product whose operands are read as they lie: no copies, no spilled chains, straight into the result.
#pragma once

#include "kernels/matmul/region.h"

namespace stretto::STRETTO_ISA {

// One matrix after the other, with a tile that has the steps of the operands and the number of terms.
template <class T>
class Direct {
 public:
  Direct(std::int64_t m, std::int64_t n) : n_(n) {
    const std::int64_t vectors = divide_up(n, Vec<T>::lanes);
    const bool is_narrow = vectors <= kMostVectors;
    whole_ = is_narrow ? 0 : n / kPanel<T> * kPanel<T>;
    row_blocks_ = divide_up(m, tile_rows<Vec<T>>(is_narrow ? int(vectors) : kVectors));
    height_ = divide_up(m, row_blocks_);
    tall_blocks_ = m - (height_ - 1) * row_blocks_;
    for (int shorter = 0; shorter < 2 && shorter < height_; ++shorter) {
      const int rows = int(height_) - shorter;
      if (whole_) whole_tile_[shorter] = tile_for_columns<T>(rows, kPanel<T>, whole_tail_);
      if (n_ > whole_) rest_tile_[shorter] = tile_for_columns<T>(rows, int(n_ - whole_), rest_tail_);
    }
  }

  // `next` is what the caller computes on afterwards.
  STRETTO_INLINE void run(Tile<T>& t, const T* a, const T* b, T* c, const Ending<T>& ending,
                          Ahead (&next)[3]) const {
    const std::int64_t tiles = row_blocks_ * (whole_ / kPanel<T> + (n_ > whole_));
    const std::int64_t share = divide_up(next[0].size() + next[1].size() + next[2].size(), tiles);
    int operand = 0;
    const auto fetch = [&](Tile<T>& t) {
      t.fetches = 0;
      if (operand < 2 && next[operand].size() == 0) ++operand;
      next[operand].fetch_with(t, share);
      spread_fetches(t);
    };
    t.a = a;
    std::int64_t row = 0;
    for (std::int64_t i = 0; i < row_blocks_; ++i) {
      const bool is_short = i >= tall_blocks_;
      t.tail = whole_tail_;
      for (std::int64_t j = 0; j < whole_; j += kPanel<T>) {
        t.b = b + j;
        t.c = c + j;
        t.ending = ending.at(row, j);
        fetch(t);
        whole_tile_[is_short](t);
      }
      if (n_ > whole_) {
        t.b = b + whole_;
        t.c = c + whole_;
        t.ending = ending.at(row, whole_);
        t.tail = rest_tail_;
        fetch(t);
        rest_tile_[is_short](t);
      }
      row += height_ - is_short;
      t.a += (height_ - is_short) * t.a_row;
      c += (height_ - is_short) * t.c_row;
    }
  }

 private:
  std::int64_t n_, whole_;  // columns; those in whole panels, none if a tile has all of them
  // The tall blocks have `height_` rows, the others one less.
  std::int64_t row_blocks_, tall_blocks_, height_;
  TileFunction<T> whole_tile_[2] = {}, rest_tile_[2] = {};
  int whole_tail_ = 0, rest_tail_ = 0;
};

}  // namespace stretto::STRETTO_ISA
