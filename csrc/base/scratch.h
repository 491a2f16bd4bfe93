// Memory of the calling thread that is kept for its next call.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto {

// A piece of the calling thread's stack of scratch memory, 64-byte aligned. Pieces are given back in reverse
// order of taking, by the thread that took them. Throws std::bad_alloc.
class Scratch {
 public:
  explicit Scratch(std::int64_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  template <class T>
  STRETTO_INLINE T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
  std::int64_t bytes_;  // taken from the stack; 0: a block of its own
};

}  // namespace stretto
