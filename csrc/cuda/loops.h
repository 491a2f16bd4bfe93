// Loops over the elements of views of one shape, for kernels that take elements in any order: merged where
// the views allow it, innermost where the first view has adjacent elements, and cut into slices whose
// elements 31 bits can count. Or, for kernels to which the order matters, in the order of the axes.
#pragma once

#include "base/array_view.h"
#include "cuda/divide.h"

namespace stretto {

template <int kViews>
struct Loops {
  int count = 0;
  std::uint32_t size = 1;
  Divider shape[kMaxDims];
  std::int64_t strides[kViews][kMaxDims];  // in elements
  std::int64_t start[kViews] = {};

  // Offsets of element number `index`, in elements from the views' data.
  STRETTO_INLINE void offsets(std::uint32_t index, std::int64_t (&at)[kViews]) const {
    for (int v = 0; v < kViews; ++v) at[v] = start[v];
    for (int d = count - 1; d > 0; --d) {
      const std::uint32_t i = shape[d].split(index);
      for (int v = 0; v < kViews; ++v) at[v] += i * strides[v][d];
    }
    for (int v = 0; v < kViews; ++v) at[v] += index * strides[v][0];
  }
};

enum class LoopOrder { any, axes };

template <int kViews>
struct LoopNest {
  Dims shape;
  std::int64_t strides[kViews][kMaxDims];
  std::int64_t start[kViews] = {};
  std::int64_t most;  // elements of a slice

  // An operand that is absent has no strides (nullptr) and offset 0.
  LoopNest(const Dims& all, const Dims* const (&views)[kViews], std::int64_t most_of_slice = 1 << 30,
           LoopOrder loop_order = LoopOrder::any)
      : most(most_of_slice) {
    int order[kMaxDims], n = 0;
    for (int d = 0; d < all.count; ++d)
      if (all[d] != 1) order[n++] = d;
    const Dims& first = *views[0];
    for (int i = 1; i < n && loop_order == LoopOrder::any; ++i)
      for (int j = i; j > 0 && size_of(first[order[j]]) > size_of(first[order[j - 1]]); --j) {
        const int d = order[j];
        order[j] = order[j - 1];
        order[j - 1] = d;
      }
    for (int i = 0; i < n; ++i) {
      const int d = order[i], last = shape.count - 1;
      bool merges = last >= 0;
      for (int v = 0; v < kViews; ++v)
        if (views[v] && merges) merges = strides[v][last] == (*views[v])[d] * all[d];
      if (!merges) shape.push(1);
      const int to = shape.count - 1;
      shape[to] *= all[d];
      for (int v = 0; v < kViews; ++v) strides[v][to] = views[v] ? (*views[v])[d] : 0;
    }
    if (shape.count > 0) return;
    shape.push(all.product());
    for (int v = 0; v < kViews; ++v) strides[v][0] = 1;
  }

  // All of them at once: at most 2^30 elements.
  Loops<kViews> whole() const {
    Loops<kViews> loops;
    loops.count = shape.count;
    loops.size = std::uint32_t(shape.product());
    for (int d = 0; d < shape.count; ++d) {
      loops.shape[d] = Divider(shape[d]);
      for (int v = 0; v < kViews; ++v) loops.strides[v][d] = strides[v][d];
    }
    for (int v = 0; v < kViews; ++v) loops.start[v] = start[v];
    return loops;
  }

  // Calls use(const Loops&) for slices of at most 2^30 elements.
  template <class F>
  void slices(const F& use) const {
    each([](const Loops<kViews>& loops, const void* f) { (*static_cast<const F*>(f))(loops); }, &use);
  }

 private:
  static std::int64_t size_of(std::int64_t stride) { return stride < 0 ? -stride : stride; }

  void each(void (*use)(const Loops<kViews>&, const void*), const void* context) const {
    const std::int64_t size = shape.product();
    if (size == 0) return;
    if (size > most) {
      int widest = 0;  // loops of one element may come first, after cuts
      while (shape[widest] == 1) ++widest;
      LoopNest low = *this, high = *this;
      low.shape[widest] = shape[widest] / 2;
      high.shape[widest] = shape[widest] - low.shape[widest];
      for (int v = 0; v < kViews; ++v) high.start[v] += low.shape[widest] * strides[v][widest];
      low.each(use, context);
      return high.each(use, context);
    }
    use(whole(), context);
  }
};

}  // namespace stretto
