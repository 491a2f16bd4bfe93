// Threads of a block on the host. A warp runs until all of it is at the next sync(), then comes another one,
// forwards and backwards in turn, so that a sync() that is missing shows.
#pragma once

#include <ucontext.h>

#include <algorithm>
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
      const int warps = (threads - 1) / kWarp + 1;
      for (int w = 0; w < warps; ++w) running -= run_warp(forwards ? w : warps - 1 - w, forwards);
      for (Fiber& fiber : fibers_) fiber.waits = false;
      if (running != 0 && running != before) {
        std::fprintf(stderr, "a thread of the block ended where others sync\n");
        std::abort();
      }
    }
  }

  // From a fiber: let all others of the block come to here, or those of its warp.
  void sync() {
    fibers_[std::size_t(current_)].waits = true;
    yield();
  }
  void yield() { leave(fibers_[std::size_t(current_)], false); }

  // What the fibers exchange: each offers something, which the others may look at until it yields again.
  template <class T>
  void offer(int thread, const T& value) {
    static_assert(sizeof(T) <= sizeof(Slot));
    slots_.resize(fibers_.size());
    std::memcpy(&slots_[std::size_t(thread)], &value, sizeof(T));
    yield();
  }
  template <class T>
  T offered(int thread) const {
    T value;
    std::memcpy(&value, &slots_[std::size_t(thread)], sizeof(T));
    return value;
  }
  template <class T>
  T exchange(int thread, T value, int from) {
    offer(thread, value);
    value = offered<T>(from);
    yield();
    return value;
  }

 private:
  static constexpr std::size_t kStack = 256 << 10;
  static constexpr int kWarp = 32;
  struct Slot {
    char bytes[24];
  };
  struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    void* sanitizer = nullptr;
    bool done = false, waits = false;  // waits: for the other warps
  };

  // As far as it comes; the number of its threads that ended.
  int run_warp(int warp, bool forwards) {
    const int first = warp * kWarp, count = std::min(kWarp, int(fibers_.size()) - first);
    int ended = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (int i = 0; i < count; ++i) {
        current_ = first + (forwards ? i : count - 1 - i);
        Fiber& fiber = fibers_[std::size_t(current_)];
        if (fiber.done || fiber.waits) continue;
        enter(fiber);
        moved = true;
        ended += fiber.done;
      }
    }
    return ended;
  }

  void start(Fiber& fiber) {
    if (!fiber.stack) fiber.stack.reset(new char[kStack]);
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStack;
    fiber.context.uc_link = nullptr;
    fiber.done = fiber.waits = false;
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

}  // namespace stretto
