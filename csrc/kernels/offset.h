// From a flat C-order index to an offset in elements.
#pragma once

#include "base/array_view.h"

namespace stretto {

// `strides` may have more dimensions than `shape`; its first ones count.
STRETTO_INLINE std::int64_t offset_of(std::int64_t index, const Dims& shape, const Dims& strides) {
  std::int64_t offset = 0;
  for (int d = shape.count - 1; d >= 0; --d) {
    offset += index % shape[d] * strides[d];
    index /= shape[d];
  }
  return offset;
}

}  // namespace stretto
