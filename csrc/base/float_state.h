// The floating-point control word of a thread, as the contract wants it while this object lives: round to
// nearest, nothing flushed. What was there before comes back, its sticky flags too, so that NumPy sees none
// of ours.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto {

class FloatState {
 public:
#if defined(__x86_64__)
  STRETTO_INLINE FloatState() : saved_(__builtin_ia32_stmxcsr()) { set(0x1f80); }  // exceptions masked
  STRETTO_INLINE ~FloatState() { set(saved_); }
#else
  STRETTO_INLINE FloatState() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_)::"memory");
    asm volatile("mrs %0, fpsr" : "=r"(status_)::"memory");
    asm volatile("msr fpcr, %0" ::"r"(std::uint64_t(0)) : "memory");
  }
  STRETTO_INLINE ~FloatState() {
    asm volatile("msr fpcr, %0" ::"r"(saved_) : "memory");
    asm volatile("msr fpsr, %0" ::"r"(status_) : "memory");
  }
#endif
  FloatState(const FloatState&) = delete;
  FloatState& operator=(const FloatState&) = delete;

 private:
#if defined(__x86_64__)
  STRETTO_INLINE static void set(unsigned control) { asm volatile("ldmxcsr %0" ::"m"(control) : "memory"); }
  unsigned saved_;
#else
  std::uint64_t saved_, status_;
#endif
};

}  // namespace stretto
