// A product whose operands are read as they lie: no copies, no spilled chains, straight into the result.
#pragma once

#include "kernels/matmul/region.h"

namespace stretto::STRETTO_ISA {

// One matrix after the other, with a tile that has the steps of the operands and the number of terms.
template <class T>
class Direct {
 public:
  // `ahead`: bytes that a matrix fetches of the three operands of the next.
  Direct(std::int64_t m, std::int64_t n, std::int64_t k, const std::int64_t (&ahead)[3]) : n_(n) {
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
    const std::int64_t tiles = row_blocks_ * (whole_ / kPanel<T> + (n_ > whole_));
    const std::int64_t terms = greatest(1, tiles * k),
                       step = divide_up(ahead[0] + ahead[1] + ahead[2], terms);
    fetch_ = {nullptr, least(kMostStep, step), k};
    // Short sums are stored as soon as it would be here.
    fetches_c_ = k >= 8 && (ahead[2] == 0 || step > fetch_.step);
    for (int operand = 0; operand < 3; ++operand) ahead_[operand] = ahead[operand];
    if (ahead[0] >= ahead[1]) order_[0] = 0, order_[1] = 1;
  }

  // `next`: the operands that the caller computes on afterwards, or null.
  STRETTO_INLINE void run(Tile<T>& t, const T* a, const T* b, T* c, const Ending<T>& ending,
                          const T* const (&next)[3]) const {
    const bool is_wide = whole_ == 0 && n_ > kPanel<T>;  // tiles that are run one by one
    int operand = -1;
    const char *at = nullptr, *end = nullptr;
    // All t.count tiles: at once where they fetch of one operand. Nothing is divided here, where a matrix may
    // take 100 ns.
    const auto run_tiles = [&](TileFunction<T> function, int tail) __attribute__((always_inline)) {
      const std::int64_t bytes = fetch_.step * fetch_.terms;
      t.tail = tail;
      t.fetch_step = bytes;
      for (std::int64_t rest = t.count, some; rest > 0; rest -= some) {
        while (at >= end && ++operand < 3) {
          at = reinterpret_cast<const char*>(next[order_[operand]]);
          end = at ? at + ahead_[order_[operand]] : at;
        }
        t.fetches = at < end;
        some = is_wide || (t.fetches && (rest - 1) * bytes >= end - at) ? 1 : rest;
        t.count = some;
        if (t.fetches) {
          t.fetch[0] = {at, fetch_.step, fetch_.terms};
          at += some * bytes;
        }
        function(t);
        t.go_on(some);
      }
    };
    t.fetches_result = fetches_c_;
    t.a = a;
    t.c = c;
    t.ending = ending;
    if (whole_ == 0) {
      const std::int64_t blocks[2] = {tall_blocks_, row_blocks_ - tall_blocks_};
      t.b = b;
      for (int shorter = 0; shorter < 2; ++shorter) {
        const std::int64_t rows = height_ - shorter;
        t.go_down(blocks[shorter], rows, rows * t.a_row);
        run_tiles(rest_tile_[shorter], rest_tail_);
      }
      return;
    }
    std::int64_t row = 0;
    for (std::int64_t i = 0; i < row_blocks_; ++i) {
      const bool is_short = i >= tall_blocks_;
      t.b = b;
      t.c = c + row * t.c_row;
      t.ending = ending.at(row, 0);
      t.go_right(whole_ / kPanel<T>, kPanel<T>, kPanel<T>);
      run_tiles(whole_tile_[is_short], whole_tail_);
      t.count = n_ > whole_;
      run_tiles(rest_tile_[is_short], rest_tail_);
      row += height_ - is_short;
      t.a += (height_ - is_short) * t.a_row;
    }
  }

 private:
  std::int64_t n_, whole_;  // columns; those in whole panels, none if a tile has all of them
  // The tall blocks have `height_` rows, the others one less.
  std::int64_t row_blocks_, tall_blocks_, height_;
  TileFunction<T> whole_tile_[2] = {}, rest_tile_[2] = {};
  int whole_tail_ = 0, rest_tail_ = 0;
  Fetch fetch_;  // of each tile
  std::int64_t ahead_[3];
  int order_[3] = {1, 0, 2};  // a or b first, whichever is larger: there may be but one tile
  bool fetches_c_;            // which is not fetched while the matrix before is multiplied
};

}  // namespace stretto::STRETTO_ISA
