// Small products, one or a stack of them along one axis: no operand is copied, and an epilogue is formed
// where the sums stand.
#pragma once

#include "kernels/matmul/chunks.h"
#include "kernels/matmul/direct.h"
#include "kernels/matmul/finish_of.h"
#include "kernels/matmul/interleaved.h"

namespace stretto::STRETTO_ISA {

template <class T>
class Stack {
 public:
  Stack(const MatmulArgs& args, int threads)
      : args_(args), threads_(threads), m_(args.m()), n_(args.n()), k_(args.k()) {
    is_stack_ = args.out.shape.count == 3;
    count_ = is_stack_ ? args.out.shape[0] : 1;
    has_adjacent_columns_ = args.out.strides.last(0) == 1 || n_ == 1;
    lies_well_ = (args.b.strides.last(0) == 1 || n_ == 1) && has_adjacent_columns_;
  }

  // False when the product is of another kind.
  bool run() const {
    if (args_.panels || args_.out.shape.count > 3) return false;
    if (!args_.epilogue.is_empty() && !(finishes_ && has_adjacent_columns_)) return false;
    if (is_one_tile() && (is_stack_ || args_.epilogue.is_empty())) {
      run_tiles();
      return true;
    }
    if constexpr (is_same<T, float> || is_same<T, double>) {
      if (run_interleaved()) return true;
      if (is_direct()) {
        run_direct();
        return true;
      }
    }
    return false;
  }

 private:
  // Every matrix of the result is one register tile.
  bool is_one_tile() const {
    return lies_well_ && n_ <= kPanel<T> && m_ <= Chains<T>::rows(divide_up(n_, Vec<T>::lanes)) &&
           k_ <= kBlockTerms;
  }

  void run_tiles() const {
    Tile<T> tile = strides();
    const TileFunction<T> function = tile_for_columns<T>(int(m_), int(n_), tile.tail);
    parallel_for(count_, chunk_of(flops() + 100, count_), threads_,
                 [&](std::int64_t begin, std::int64_t end) {
                   finish_groups(begin, end, [&](std::int64_t first, std::int64_t last) {
                     Tile<T> t = tile;
                     t.a = args_.a.as<T>() + first * t.a_step;
                     t.b = args_.b.as<T>() + first * t.b_step;
                     t.c = args_.out.as<T>() + first * t.c_step;
                     t.count = last - first;
                     t.fetches_result = t.count > 1;
                     function(t);
                   });
                 });
  }

  // The lanes of tiny matrices are other matrices of the stack, those of a tall thin matrix times a vector
  // are rows; false when the product is neither.
  bool run_interleaved() const {
    const ArrayView &a = args_.a, &b = args_.b, &out = args_.out;
    // Rows of more terms are transposed in registers, if they do not come from memory: see dots.h.
    const bool is_short = k_ < kTallTerms || k_ * n_ * item > kMemoryBytes;
    const bool is_tall = !is_stack_ && m_ == 1 && b.strides.last(0) != 1 && is_short;
    if (is_tall ? !args_.epilogue.is_empty() : !is_stack_) return false;
    const std::int64_t columns = is_tall ? 1 : n_, items = is_tall ? n_ : count_;
    const TinyStack<T> stack{
        m_,
        columns,
        k_,
        {a.as<T>(), is_tall ? 0 : a.strides[0], m_, k_, a.strides.last(1), a.strides.last(0)},
        {b.as<T>(), b.strides[is_tall ? 1 : 0], k_, columns, b.strides.last(1), b.strides.last(0)},
        {out.as<T>(), out.strides[is_tall ? 1 : 0], m_, columns, out.strides.last(1), out.strides.last(0)}};
    if (items < Vec<T>::lanes || !stack.is_tiny()) return false;
    const std::int64_t chunk = chunk_of(double(stack.elements()) * 4 + double(m_ * columns * k_) * 2, items);
    parallel_for(divide_up(items, Vec<T>::lanes), divide_up(chunk, Vec<T>::lanes), threads_,
                 [&](std::int64_t begin, std::int64_t end) {
                   const Scratch scratch(stack.elements() * Vec<T>::lanes * std::int64_t(sizeof(T)));
                   finish_groups(begin * Vec<T>::lanes, least(items, end * Vec<T>::lanes),
                                 [&](std::int64_t first, std::int64_t last) {
                                   stack.run(first, last, scratch.as<T>());
                                 });
                 });
    return true;
  }

  // Each matrix is one task, b stays in the L2 cache and a block of a in L1, and neither is worth a copy.
  bool is_direct() const {
    return lies_well_ && count_ >= threads_ && k_ <= 2 * kBlockTerms && k_ * n_ * item <= kBlockBytes &&
           flops() <= kFlopsPerChunk && !packing_pays<T>(args_) &&
           !copying_pays<T>(args_.a.strides.last(1), args_.a.strides.last(0), k_, n_);
  }

  void run_direct() const {
    const Tile<T> tile = strides();
    const std::int64_t steps[3] = {tile.a_step, tile.b_step, tile.c_step};
    const Direct<T> direct(m_, n_, k_,
                           {fetched_bytes(args_.a), fetched_bytes(args_.b), fetched_bytes(args_.out)});
    const bool is_plain = args_.epilogue.is_empty();
    const bool ends = !is_plain && finish_of_matrix(0).suits_tiles();  // within the tiles
    parallel_for(count_, chunk_of(flops(), count_), threads_, [&](std::int64_t begin, std::int64_t end) {
      Tile<T> own = tile;
      for (std::int64_t i = begin; i < end; ++i) {
        // The other threads take the chunks after this one.
        const std::int64_t after = i + 1 < end ? i + 1 : end + (threads_ - 1) * (end - begin);
        const T* next[3] = {};
        if (after < count_) {
          next[0] = args_.a.as<T>() + after * steps[0];
          next[1] = args_.b.as<T>() + after * steps[1];
          next[2] = args_.out.as<T>() + after * steps[2];
        }
        direct.run(own, args_.a.as<T>() + i * steps[0], args_.b.as<T>() + i * steps[1],
                   args_.out.as<T>() + i * steps[2], ends ? finish_of_matrix(i).for_tiles() : Ending<T>(),
                   next);
        if (!is_plain && !ends) finish(i, i + 1);
      }
    });
  }

  // Of a matrix that the one before fetches, unless all are the same.
  std::int64_t fetched_bytes(const ArrayView& view) const {
    return is_stack_ && view.strides[0] != 0 ? ahead_of<T>(view, 0).size() : 0;
  }

  // Calls run(first, last) for groups of the matrices [begin, end) and forms the epilogue of each while it is
  // in the first cache.
  template <class F>
  void finish_groups(std::int64_t begin, std::int64_t end, F&& run) const {
    constexpr std::int64_t kGroupBytes = 16 << 10, lanes = Vec<T>::lanes;
    const std::int64_t hot = greatest(1, kGroupBytes / (m_ * n_ * item) / lanes) * lanes;
    const std::int64_t group = args_.epilogue.is_empty() ? end - begin : hot;
    for (std::int64_t first = begin; first < end; first += group) {
      run(first, least(end, first + group));
      finish(first, least(end, first + group));
    }
  }

  // The epilogue of matrices [first, last), whose sums stand in the result.
  void finish(std::int64_t first, std::int64_t last) const {
    if constexpr (finishes_) {
      const Epilogue& e = args_.epilogue;
      if (e.is_empty()) return;
      // Matrices whose rows follow those of the matrix before are one.
      bool is_one = true;
      for (const ArrayView* view : {&e.bias, &e.scale, &e.shift, &e.residual, &args_.out})
        if (view->present() && is_stack_) is_one = is_one && view->strides[0] == m_ * view->strides.last(1);
      const std::int64_t count = is_one ? last - first : 1;
      for (std::int64_t i = first; i < last; i += count) {
        const Finish<T, T, T> finish = finish_of_matrix(i);
        finish.run(finish.out, finish.out_row, 0, int(count * m_), 0, n_);
      }
    }
  }

  Finish<T, T, T> finish_of_matrix(std::int64_t i) const {
    return finish_of<T, T, T>(args_,
                              [&](const ArrayView& view) { return is_stack_ ? i * view.strides[0] : 0; });
  }

  Tile<T> strides() const {
    Tile<T> tile;
    tile.a_row = args_.a.strides.last(1);
    tile.a_col = args_.a.strides.last(0);
    tile.b_row = args_.b.strides.last(1);
    tile.c_row = args_.out.strides.last(1);
    tile.k = k_;
    if (is_stack_) {
      tile.a_step = args_.a.strides[0];
      tile.b_step = args_.b.strides[0];
      tile.c_step = args_.out.strides[0];
    }
    return tile;
  }

  double flops() const { return 2.0 * double(m_) * double(n_) * double(k_ + 2); }

  static constexpr std::int64_t item = sizeof(T), kTallTerms = 32;
  static constexpr bool finishes_ = is_same<T, float> || is_same<T, double>;

  const MatmulArgs& args_;
  int threads_;
  std::int64_t m_, n_, k_, count_;
  bool is_stack_, has_adjacent_columns_, lies_well_;
};

}  // namespace stretto::STRETTO_ISA
