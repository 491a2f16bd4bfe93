// Where an array is that is not in host memory, and what a call on it may use.
#pragma once

#include <cstdint>

#include "base/array_view.h"

namespace stretto {

struct Place {
  int device;
  void* stream;  // a cudaStream_t: work goes there, after what its owner has put there
  // Memory of the device's, 256-byte aligned, from the allocator of the arrays' library. It lives until it is
  // released or the call ends, whichever is first: the allocator hands it to later work of the same stream
  // only, so work under way may still use it. `allocate` throws.
  void* (*allocate)(void* context, std::int64_t bytes);
  void* context;
  void (*release)(void* context, void* memory);

  template <class T = void>
  T* memory(std::int64_t bytes) const {
    return static_cast<T*>(allocate(context, bytes));
  }
};

}  // namespace stretto
