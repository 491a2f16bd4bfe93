#include "base/scratch.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace stretto {
namespace {

constexpr std::int64_t kLine = 64;
constexpr std::int64_t kKept = 8 << 20;  // at most so much stays with a thread

struct Stack {
  char* base = nullptr;
  std::int64_t capacity = 0, used = 0;
  std::int64_t wanted = 64 << 10;  // capacity that would have held every piece so far, up to kKept
};

// A plain pointer is the cheapest thread-local; its owner exists to free it when the thread ends.
thread_local constinit Stack* stack = nullptr;

struct Owner {
  Owner() : stack_(new Stack) {}
  ~Owner() {
    stack = nullptr;
    std::free(stack_->base);
    delete stack_;
  }
  Stack* stack_;
};

Stack& stack_of_thread() {
  if (!stack) {
    thread_local Owner owner;
    stack = owner.stack_;
  }
  return *stack;
}

void* block(std::int64_t bytes) {
  void* data = nullptr;
  if (posix_memalign(&data, kLine, std::size_t(bytes)) != 0) throw std::bad_alloc();
  return data;
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
// Exact blocks full of NaN: the sanitizer sees every step outside, and stale memory shows in results.
constexpr bool kExactBlocks = true;
#else
constexpr bool kExactBlocks = false;
#endif

Scratch::Scratch(std::int64_t bytes) : data_(nullptr), bytes_(0) {
  if (bytes < 0 || bytes > std::numeric_limits<std::int64_t>::max() - kLine) throw std::bad_alloc();
  if (kExactBlocks) {
    data_ = block(std::max<std::int64_t>(bytes, 1));
    std::memset(data_, 0xff, std::size_t(bytes));
    return;
  }
  const std::int64_t rounded = std::max<std::int64_t>((bytes + kLine - 1) / kLine, 1) * kLine;
  Stack& s = stack_of_thread();
  const bool may_grow = s.used == 0 && s.wanted > s.capacity;  // a call's first piece is often a small one
  if (may_grow || s.used + rounded > s.capacity) {
    s.wanted = std::max(s.wanted, std::min(s.used + rounded, kKept));
    if (s.used != 0 || rounded > kKept) {
      data_ = block(rounded);
      return;
    }
    std::free(s.base);
    s.base = nullptr;
    s.capacity = 0;
    s.base = static_cast<char*>(block(s.wanted));
    s.capacity = s.wanted;
  }
  data_ = s.base + s.used;
  bytes_ = rounded;
  s.used += rounded;
}

Scratch::~Scratch() {
  if (bytes_ == 0)
    std::free(data_);
  else
    stack->used -= bytes_;
}

}  // namespace stretto
