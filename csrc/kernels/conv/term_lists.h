// The terms of a stretch of channels, one list for every set of taps that some outputs need: products of
// padding and finite weights are left out where the whole tile meets padding, as negative_zeros.h says.
#pragma once

#include "base/counts.h"
#include "base/scratch.h"
#include "kernels/conv/correlation.h"

namespace stretto::STRETTO_ISA {

// Where a term's operands lie: its x from the output's element of the first channel, its weight from the one
// before in the list.
struct TermPlace {
  std::int32_t x, w;
};

// [channels of a stretch][taps]
struct TermList {
  const TermPlace* terms = nullptr;
  int taps = 0;
};

// One bit for each tap. Of kernels with more taps than that nothing is left out.
using TapSet = std::uint64_t;
inline constexpr int kMostTapsOfSet = 64;

// The taps that meet an element of x in depth od for some of rows [oh, oh + rows), and perhaps some between.
STRETTO_INLINE TapSet taps_inside(const Correlation& c, std::int64_t od, std::int64_t oh, std::int64_t rows) {
  TapSet set = 0;
  for (int t = 0; t < c.tap_count; ++t) {
    const std::int64_t depth = od * c.stride[0] + c.taps[t].at[0], row = oh * c.stride[1] + c.taps[t].at[1];
    const bool is_inside =
        depth >= 0 && depth < c.x.shape.at[2] && row + (rows - 1) * c.stride[1] >= 0 && row < c.x.shape.at[3];
    set |= TapSet(is_inside) << t;
  }
  return set;
}

class TermLists {
 public:
  // The list of all terms, and one for each different set of set_of(i), i < count. Channel k + 1 lies
  // `channel_pitch` from channel k, tap t at offset_of(t), and one weight `lanes` from the other.
  template <class Offset, class Set>
  TermLists(const Correlation& c, std::int64_t channels, std::int64_t channel_pitch, int lanes,
            std::int64_t count, Offset&& offset_of, Set&& set_of)
      : taps_(c.tap_count),
        size_(channels * c.tap_count),
        has_sets_(count > 0 && c.tap_count <= kMostTapsOfSet),
        index_memory_((has_sets_ ? count : 0) * std::int64_t(sizeof(std::int32_t))),
        set_memory_(((has_sets_ ? count : 0) + 1) * std::int64_t(sizeof(TapSet))),
        lists_(find_sets(count, set_of)),
        memory_(lists_ * size_ * std::int64_t(sizeof(TermPlace))) {
    TermPlace* const whole = memory_.template as<TermPlace>();
    for (std::int64_t k = 0; k < size_; ++k)
      whole[k] = {std::int32_t(k < taps_ ? offset_of(int(k)) : whole[k - taps_].x + channel_pitch), lanes};
    for (std::int64_t list = 1; list < lists_; ++list) {
      TermPlace* to = whole + list * size_;
      const TapSet set = set_memory_.template as<TapSet>()[list];
      std::int64_t before = 0;
      for (std::int64_t k = 0; k < size_; k += taps_)
        for (TapSet left = set; left; left &= left - 1) {
          const std::int64_t term = k + __builtin_ctzll(left);
          *to++ = {whole[term].x, std::int32_t((term - before) * lanes)};
          before = term;
        }
    }
  }

  STRETTO_INLINE TermList all() const { return {memory_.as<TermPlace>(), taps_}; }
  STRETTO_INLINE TermList of(std::int64_t i) const {
    if (!has_sets_) return all();
    const std::int64_t list = index_memory_.as<std::int32_t>()[i];
    return {memory_.as<TermPlace>() + list * size_,
            list == 0 ? taps_ : __builtin_popcountll(set_memory_.as<TapSet>()[list])};
  }

 private:
  // The different sets, that of all taps first; returns their number.
  template <class Set>
  std::int64_t find_sets(std::int64_t count, Set&& set_of) {
    TapSet* const sets = set_memory_.template as<TapSet>();
    const TapSet everything = taps_ >= kMostTapsOfSet ? ~TapSet(0) : (TapSet(1) << taps_) - 1;
    std::int64_t lists = 1;
    sets[0] = everything;
    for (std::int64_t i = 0; has_sets_ && i < count; ++i) {
      const TapSet set = set_of(i);
      std::int64_t list = 0;
      while (list < lists && sets[list] != set) ++list;
      if (list == lists) sets[lists++] = set;
      index_memory_.template as<std::int32_t>()[i] = std::int32_t(list);
    }
    return lists;
  }

  int taps_;
  std::int64_t size_;
  bool has_sets_;
  Scratch index_memory_, set_memory_;
  std::int64_t lists_;
  Scratch memory_;
};

}  // namespace stretto::STRETTO_ISA
