// Windows of pooling on a device: which element of (n, c, d, h, w) a thread has, and the taps of an output.
#pragma once

#include <stdexcept>

#include "base/array_view.h"
#include "cuda/divide.h"
#include "kernels/pool_axis.h"

namespace stretto {

struct Position {
  std::int64_t sample = 0, channel = 0, at[3] = {0, 0, 0};
};

// Elements of a shape (n, c, d, h, w), neighbours along w, or along c where channels come last.
class Positions {
 public:
  Positions() = default;
  Positions(const Dims& shape, bool channels_last) : count_(shape.product()), channels_last_(channels_last) {
    if (count_ > std::int64_t(1) << 30) throw std::runtime_error("more than 2^30 elements");
    for (int d = 0; d < 5; ++d) size_[d] = Divider(shape[d]);
  }
  std::int64_t count() const { return count_; }

  STRETTO_INLINE Position of(std::int64_t index) const {
    std::uint32_t rest = std::uint32_t(index);
    Position p;
    if (channels_last_) p.channel = size_[1].split(rest);
    for (int d = 2; d >= 0; --d) p.at[d] = size_[2 + d].split(rest);
    if (!channels_last_) p.channel = size_[1].split(rest);
    p.sample = rest;
    return p;
  }

 private:
  Divider size_[5];
  std::int64_t count_ = 0;
  bool channels_last_ = false;
};

struct Steps {
  std::int64_t at[5];

  explicit Steps(const Dims& strides) {
    for (int d = 0; d < 5; ++d) at[d] = strides[d];
  }
  STRETTO_INLINE std::int64_t plane(const Position& p) const { return p.sample * at[0] + p.channel * at[1]; }
  STRETTO_INLINE std::int64_t offset(const Position& p) const {
    return plane(p) + p.at[0] * at[2] + p.at[1] * at[3] + p.at[2] * at[4];
  }
};

struct Window {
  PoolAxis axis[3];

  explicit Window(const PoolAxis (&axes)[3]) : axis{axes[0], axes[1], axes[2]} {}

  STRETTO_INLINE std::int64_t taps(const Position& o) const {
    return axis[0].taps(o.at[0]) * axis[1].taps(o.at[1]) * axis[2].taps(o.at[2]);
  }
  // Of any output.
  std::int64_t most_taps() const {
    std::int64_t most = 1;
    for (const PoolAxis& a : axis) most *= a.adaptive ? (a.size + a.outputs - 1) / a.outputs + 1 : a.window;
    return most;
  }
  // Whether tap number k of an output, in C order, is inside x; its offset in the plane.
  STRETTO_INLINE bool tap(const Position& o, std::int64_t k, const Steps& steps, std::int64_t& offset) const {
    bool inside = true;
    offset = 0;
    for (int d = 2; d >= 0; --d) {
      const std::uint32_t taps = std::uint32_t(axis[d].taps(o.at[d]));
      const std::int64_t i = taps > 0 ? std::uint32_t(k) % taps : 0;
      if (taps > 0) k = std::uint32_t(k) / taps;
      const std::int64_t position = axis[d].begin(o.at[d]) + i * axis[d].dilation;
      inside = inside && axis[d].has(position);
      offset += position * steps.at[2 + d];
    }
    return inside;
  }
  STRETTO_INLINE std::int64_t counted(const Position& o, bool with_padding) const {
    std::int64_t count = 1;
    for (int d = 0; d < 3; ++d) count *= axis[d].counted(o.at[d], with_padding);
    return count;
  }
};

}  // namespace stretto
