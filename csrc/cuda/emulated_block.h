// A block of threads on the host: every thread is a fiber. A warp runs until all of it is at the next sync(),
// then comes another one, forwards and backwards in turn, so that a sync() that is missing shows. Shared
// memory starts as NaN.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "base/dtype.h"

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

class Block {
 public:
  Block(std::int64_t index, int thread, Fibers* fibers) : index_(index), thread_(thread), fibers_(fibers) {}

  int thread() const { return thread_; }
  std::int64_t index() const { return index_; }
  void sync() const { fibers_->sync(); }
  template <class T>
  T shuffle_down(T value, int lanes) const {
    const bool within = thread_ % 32 + lanes < 32;
    return fibers_->exchange(thread_, value, within ? thread_ + lanes : thread_);
  }

  // Copies are made when they are waited for, as late as they may be.
  void copy_piece(void* to, const void* from, int bytes) const {
    copies_.push_back({to, from, bytes, group_});
  }
  void commit_copies() const { ++group_; }
  template <int kLeft>
  void wait_for_copies() const {
    std::size_t done = 0;
    for (; done < copies_.size() && copies_[done].group < group_ - kLeft; ++done) {
      char piece[16] = {};
      std::memcpy(piece, copies_[done].from, std::size_t(copies_[done].bytes));
      std::memcpy(copies_[done].to, piece, sizeof(piece));
    }
    copies_.erase(copies_.begin(), copies_.begin() + std::ptrdiff_t(done));
  }

  void load_matrices(std::uint32_t (&to)[4], const void* row, bool transposed) const {
    const int lane = thread_ % 32, first = thread_ - lane;
    fibers_->offer(thread_, row);
    for (int q = 0; q < 4; ++q) {
      std::uint16_t pair[2];
      for (int e = 0; e < 2; ++e) {
        const int r = transposed ? lane % 4 * 2 + e : lane / 4, c = transposed ? lane / 4 : lane % 4 * 2 + e;
        std::memcpy(&pair[e],
                    static_cast<const char*>(fibers_->offered<const void*>(first + 8 * q + r)) + 2 * c, 2);
      }
      to[q] = std::uint32_t(pair[1]) << 16 | pair[0];
    }
    fibers_->yield();
  }

  // The order within the product is the hardware's own business: here k increases.
  template <TensorKind kKind>
  void multiply_matrices(float (&acc)[4], const std::uint32_t (&a)[4], std::uint32_t b0,
                         std::uint32_t b1) const {
    struct Factors {
      std::uint32_t a[4], b[2];
    };
    fibers_->offer(thread_, Factors{{a[0], a[1], a[2], a[3]}, {b0, b1}});
    const int lane = thread_ % 32, first = thread_ - lane;
    for (int e = 0; e < 4; ++e) {
      const int row = lane / 4 + e / 2 * 8, column = lane % 4 * 2 + e % 2;
      for (int half = 0; half < 2; ++half)
        for (int word = 0; word < 4; ++word) {
          const auto x = fibers_->offered<Factors>(first + row % 8 * 4 + word).a[row / 8 + 2 * half];
          const auto y = fibers_->offered<Factors>(first + column * 4 + word).b[half];
          for (int part = 0; part < (kKind == TensorKind::tf32 ? 1 : 2); ++part)
            acc[e] = __builtin_fmaf(factor<kKind>(x, part), factor<kKind>(y, part), acc[e]);
        }
    }
    fibers_->yield();
  }
  std::uint32_t to_tf32(std::uint32_t bits) const {
    return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fffffff : (bits + 0x1000) & ~std::uint32_t(0x1fff);
  }

 private:
  template <TensorKind kKind>
  static float factor(std::uint32_t word, int part) {
    if (kKind == TensorKind::tf32) return std::bit_cast<float>(word);
    const auto half = std::uint16_t(word >> (16 * part));
    return kKind == TensorKind::bf16 ? to_float(bfloat16{half}) : to_float(float16{half});
  }
  struct Copy {
    void* to;
    const void* from;
    int bytes, group;
  };
  mutable std::vector<Copy> copies_;
  mutable int group_ = 0;
  std::int64_t index_;
  int thread_;
  Fibers* fibers_;
};

}  // namespace stretto
