// One axis of a pooling window: which input positions an output sees.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto {

struct PoolAxis {
  std::int64_t size = 1, outputs = 1;  // of the input and of the result
  std::int64_t window = 1, stride = 1, dilation = 1, before = 0, after = 0;
  bool adaptive = false;  // output o sees [floor(o * size / outputs), ceil((o + 1) * size / outputs))

  // Position of the first tap; it and others may lie outside [0, size): in the padding, or beyond it in ceil
  // mode.
  STRETTO_INLINE std::int64_t begin(std::int64_t o) const {
    return adaptive ? o * size / outputs : o * stride - before;
  }
  STRETTO_INLINE std::int64_t taps(std::int64_t o) const {
    return adaptive ? ((o + 1) * size + outputs - 1) / outputs - begin(o) : window;
  }
  STRETTO_INLINE bool has(std::int64_t position) const { return position >= 0 && position < size; }
  // Taps that an average divides by: those inside, or, with padding, all but those beyond it.
  STRETTO_INLINE std::int64_t counted(std::int64_t o, bool with_padding) const {
    if (adaptive) return taps(o);
    const std::int64_t low = with_padding ? -before : 0, high = with_padding ? size + after : size;
    std::int64_t first = begin(o), n = window;
    if (first < low) {
      const std::int64_t skipped = (low - first + dilation - 1) / dilation;
      first += skipped * dilation;
      n -= skipped;
    }
    if (first >= high || n <= 0) return 0;
    const std::int64_t room = (high - first + dilation - 1) / dilation;
    return n < room ? n : room;
  }
  // Outputs [first, end) have all their taps inside; the range may be empty.
  STRETTO_INLINE std::int64_t first_inner() const {
    const std::int64_t o = (before + stride - 1) / stride;
    return o < outputs ? o : outputs;
  }
  STRETTO_INLINE std::int64_t end_inner() const {
    const std::int64_t last = size - 1 - (window - 1) * dilation + before;  // of o * stride
    const std::int64_t end = last < 0 ? 0 : last / stride + 1;
    return end < first_inner() ? first_inner() : end < outputs ? end : outputs;
  }
};

}  // namespace stretto
