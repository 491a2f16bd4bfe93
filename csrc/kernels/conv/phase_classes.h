// Phases of a transposed convolution whose taps meet the same elements of x: their outputs are as so many
// output channels of one correlation.
#pragma once

#include "kernels/conv/phases.h"

namespace stretto::STRETTO_ISA {

class PhaseClasses {
 public:
  explicit PhaseClasses(const Phases& phases)
      : phases_(phases),
        slots_(phases.count() * std::int64_t(sizeof(std::int64_t))),
        members_(phases.count() * std::int64_t(sizeof(std::int64_t))),
        begins_((phases.count() + 1) * std::int64_t(sizeof(std::int64_t))) {
    std::int64_t* const slots = slots_.as<std::int64_t>();
    for (std::int64_t i = 0; i < phases.count(); ++i) slots[i] = -1;
    std::int64_t members = 0;
    for (std::int64_t i = 0; i < phases.count(); ++i) {
      if (slots[i] >= 0) continue;
      begins_.as<std::int64_t>()[count_++] = members;
      for (std::int64_t j = i; j < phases.count(); ++j) {
        if (slots[j] >= 0 || !meet_the_same(phases[i], phases[j])) continue;
        slots[j] = members;
        members_.as<std::int64_t>()[members++] = j;
      }
    }
    begins_.as<std::int64_t>()[count_] = members;
  }

  // Class k holds the phases of slots [begin(k), begin(k + 1)).
  std::int64_t count() const { return count_; }
  std::int64_t begin(std::int64_t k) const { return begins_.as<std::int64_t>()[k]; }
  std::int64_t size(std::int64_t k) const { return begin(k + 1) - begin(k); }
  const Phase& at(std::int64_t slot) const { return phases_[members_.as<std::int64_t>()[slot]]; }
  std::int64_t slot(std::int64_t phase) const { return slots_.as<std::int64_t>()[phase]; }

 private:
  static bool meet_the_same(const Phase& a, const Phase& b) {
    bool same = a.tap_count == b.tap_count;
    for (int t = 0; same && t < a.tap_count; ++t)
      for (int d = 0; d < kSpatial; ++d) same = same && a.taps[t].at[d] == b.taps[t].at[d];
    return same;
  }

  const Phases& phases_;
  const Scratch slots_, members_, begins_;
  std::int64_t count_ = 0;
};

}  // namespace stretto::STRETTO_ISA
