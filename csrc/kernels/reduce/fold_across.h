// Folds of outputs that lie beside each other in memory: lanes are outputs, each stripe is a row of them.
#pragma once

#include "base/counts.h"
#include "kernels/blocks.h"
#include "kernels/stripes.h"

namespace stretto::STRETTO_ISA {

// Outputs at a time, whose stripes stay in the first cache; of memory, which is fast where long pieces of it
// are read, so many that their stripes stay in the second.
inline constexpr std::int64_t kTile = 128, kFarStripeBytes = 256 << 10;
inline constexpr std::int64_t kFarRowBytes = 8 << 20;  // of x, that come from memory

// How outputs are folded: `width` at a time, with so many stripes. One is enough for what has no order, if
// its values are ready again when the next row comes.
struct Tiles {
  std::int64_t width;
  int stripes;
};
template <class Fold, class C>
STRETTO_INLINE Tiles tiles_for(std::int64_t outputs, std::int64_t bytes, int threads) {
  const bool one_stripe = Fold::kAnyOrder && outputs > 2 * kTile;
  if (bytes <= kFarRowBytes && !one_stripe) return {kTile, kStripes};
  const std::int64_t most = kFarStripeBytes / (kStripes * std::int64_t(sizeof(C)));
  const std::int64_t share = divide_up(divide_up(outputs, threads), kStripes) * kStripes;
  return {least(most, greatest(kTile, share)), one_stripe ? 1 : kStripes};
}

// Terms start .. start + n - 1 of `width` outputs, the first of which is at x. `stripes` has `count` rows of
// `row` elements, a multiple of a vector's lanes.
template <class Fold, class C, class E>
void fold_tile(const Walk& reduced, const E* x, std::int64_t start, std::int64_t n, const C* means,
               C* stripes, int count, std::int64_t row, std::int64_t width, C* totals) {
  using V = Vec<C>;
  const auto add = [&](const E* p, C* stripe, bool begins) __attribute__((always_inline)) {
    by_vectors<V>(width, [&](std::int64_t w, int lanes) __attribute__((always_inline)) {
      const V so_far = begins ? Fold::template start<V>() : V::load(stripe + w);
      const V mean = means ? V::load(means + w, lanes) : V::zero();
      Fold::step(so_far, lanes == V::lanes ? V::load(p + w) : V::load(p + w, lanes), mean).store(stripe + w);
    });
  };
  reduced.rows(start, n,
               [&](std::int64_t offset, std::int64_t stride, std::int64_t done, std::int64_t terms)
                   __attribute__((always_inline)) {
                     const E* p = x + offset;
                     for (std::int64_t k = done; k < done + terms; ++k, p += stride) {
                       C* stripe = stripes + (k & (count - 1)) * row;
                       if (k < count)
                         add(p, stripe, true);
                       else
                         add(p, stripe, false);
                     }
                   });
  for (int h = count / 2; h >= 1; h /= 2)
    for (int j = 0; j < h && j + h < n; ++j) {  // the other stripes have nothing
      C *low = stripes + j * row, *high = low + h * row;
      for (std::int64_t w = 0; w < width; w += V::lanes)
        Fold::Above::step(V::load(low + w), V::load(high + w), V::zero()).store(low + w);
    }
  by_vectors<V>(width, [&](std::int64_t w, int lanes)
                           __attribute__((always_inline)) { V::load(stripes + w).store(totals + w, lanes); });
}

}  // namespace stretto::STRETTO_ISA
