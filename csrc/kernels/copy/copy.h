// Element-wise copy between views of one shape, with a cast when the dtypes differ:  to[i] = cast(from[i])
#pragma once

#include "base/array_view.h"

namespace stretto {

// Any strides. Floats round to nearest even; float to integer truncates; the views must not overlap. Both are
// in host memory or both on one device; or `from` is one repeated element in host memory.
void copy(const ArrayView& from, const ArrayView& to, int threads = 1);

}  // namespace stretto
