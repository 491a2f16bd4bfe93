// The eight tile registers of AMX, of 16 rows of 64 bytes each, whatever part of them is in use.
//
// Written out, as the compiler's own intrinsics do not say which memory they touch.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto::STRETTO_ISA {

// The calling thread may use them while this lives.
class AmxSession {
 public:
  AmxSession() {
    struct alignas(64) {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } shapes;
    static_assert(sizeof shapes == 64);
    asm volatile("ldtilecfg %0" : : "m"(shapes));
  }
  ~AmxSession() { asm volatile("tilerelease"); }
  AmxSession(const AmxSession&) = delete;
  AmxSession& operator=(const AmxSession&) = delete;
};

template <int tile>
STRETTO_INLINE void amx_zero() {
  asm volatile("tilezero %%tmm%c0" : : "i"(tile));
}

// Rows lie `step` bytes apart.
template <int tile>
STRETTO_INLINE void amx_load(const void* p, std::int64_t step) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(step), "i"(tile) : "memory");
}
template <int tile>
STRETTO_INLINE void amx_store(void* p, std::int64_t step) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(step), "i"(tile) : "memory");
}

// sum[i, j] = sum[i, j] + (even + odd), the chains over pairs q of bfloat16 a[i, q] b[q, j]
// (docs/numerics.md).
template <int sum, int a, int b>
STRETTO_INLINE void amx_multiply_pairs() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sum), "i"(a), "i"(b));
}

// sum[i, j] += a[i, q] b[q, j] over groups q of four bytes, of either sign.
template <int sum, int a, int b, bool a_is_signed, bool b_is_signed>
STRETTO_INLINE void amx_multiply_quads() {
  if constexpr (a_is_signed && b_is_signed)
    asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sum), "i"(a), "i"(b));
  else if constexpr (a_is_signed)
    asm volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sum), "i"(a), "i"(b));
  else if constexpr (b_is_signed)
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sum), "i"(a), "i"(b));
  else
    asm volatile("tdpbuud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sum), "i"(a), "i"(b));
}

}  // namespace stretto::STRETTO_ISA
