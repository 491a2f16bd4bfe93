// Where an array is that is not in host memory, and what a call on it may use.
#pragma once

#include <cstdint>

#include "base/array_view.h"

namespace stretto {

struct Place {
  int device;
  void* stream;  // a cudaStream_t: work goes there, after what its owner has put there
  // Memory of the device's, 256-byte aligned, from the allocator of the arrays' library. It lives until the
  // call has put its work on the stream. Throws.
  void* (*allocate)(void* context, std::int64_t bytes);
  void* context;

  template <class T = void>
  T* memory(std::int64_t bytes) const {
    return static_cast<T*>(allocate(context, bytes));
  }
};

}  // namespace stretto
