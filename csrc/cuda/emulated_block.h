// A block of threads on the host: every thread is a fiber, which runs until the next sync(). They take turns
// forwards and backwards, so that a sync() that is missing shows. Shared memory starts as NaN.
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace stretto {

class Fibers {
 public:
  using Body = void (*)(void* context, int thread);

  void run(int threads, Body body, void* context) {
    body_ = body;
    context_ = context;
    fibers_.resize(std::size_t(threads));
    for (Fiber& fiber : fibers_) start(fiber);
    int running = threads;
    for (bool forwards = true; running > 0; forwards = !forwards) {
      const int before = running;
      for (int i = 0; i < threads; ++i) {
        current_ = forwards ? i : threads - 1 - i;
        enter(fibers_[std::size_t(current_)]);
        running -= fibers_[std::size_t(current_)].done;
      }
      if (running != 0 && running != before) {
        std::fprintf(stderr, "a thread of the block ended where others sync\n");
        std::abort();
      }
    }
  }

  // From a fiber: let the others come to here.
  void yield() { leave(fibers_[std::size_t(current_)], false); }

  // Where the fibers leave what they exchange.
  template <class T>
  T exchange(int thread, T value, int from) {
    static_assert(sizeof(T) <= sizeof(Slot));
    slots_.resize(fibers_.size());
    std::memcpy(&slots_[std::size_t(thread)], &value, sizeof(T));
    yield();
    std::memcpy(&value, &slots_[std::size_t(from)], sizeof(T));
    yield();
    return value;
  }

 private:
  static constexpr std::size_t kStack = 256 << 10;
  struct Slot {
    char bytes[16];
  };
  struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    void* sanitizer = nullptr;
    bool done = false;
  };

  void start(Fiber& fiber) {
    if (!fiber.stack) fiber.stack.reset(new char[kStack]);
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStack;
    fiber.context.uc_link = nullptr;
    fiber.done = false;
    fiber.sanitizer = nullptr;
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&fiber.context, reinterpret_cast<void (*)()>(&Fibers::trampoline), 2, unsigned(self),
                unsigned(std::uint64_t(self) >> 32));
  }

  static void trampoline(unsigned low, unsigned high) {
    auto* self = reinterpret_cast<Fibers*>(std::uintptr_t(std::uint64_t(high) << 32 | low));
    self->entered(nullptr);
    self->body_(self->context_, self->current_);
    self->leave(self->fibers_[std::size_t(self->current_)], true);
  }

  void enter(Fiber& fiber) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&own_, fiber.stack.get(), kStack);
#endif
    swapcontext(&main_, &fiber.context);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(own_, nullptr, nullptr);
#endif
  }

  void leave(Fiber& fiber, bool for_good) {
    fiber.done = for_good;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fiber.sanitizer, bottom_, size_);
#endif
    swapcontext(&fiber.context, &main_);
    entered(fiber.sanitizer);
  }

  void entered([[maybe_unused]] void* fake_stack) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_stack, &bottom_, &size_);
#endif
  }

  Body body_ = nullptr;
  void* context_ = nullptr;
  int current_ = 0;
  std::vector<Fiber> fibers_;
  std::vector<Slot> slots_;
  ucontext_t main_;
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
  void* own_ = nullptr;
};

class Block {
 public:
  Block(std::int64_t index, int thread, Fibers* fibers) : index_(index), thread_(thread), fibers_(fibers) {}

  int thread() const { return thread_; }
  std::int64_t index() const { return index_; }
  void sync() const { fibers_->yield(); }
  template <class T>
  T shuffle_down(T value, int lanes) const {
    const bool within = thread_ % 32 + lanes < 32;
    return fibers_->exchange(thread_, value, within ? thread_ + lanes : thread_);
  }

 private:
  std::int64_t index_;
  int thread_;
  Fibers* fibers_;
};

}  // namespace stretto
