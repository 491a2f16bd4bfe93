// sum = fma(a, b, sum), for the sums of a register tile.
#pragma once

#include <cstdint>

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

template <class V>
STRETTO_INLINE void add_product(V& sum, V a, V b) {
  sum = fma(a, b, sum);
}

// Of loops with several terms, whose sums take nearly all of 16 registers, the compiler would move and spill
// sums; these keep their place.
#if defined(__AVX2__) && !defined(__AVX512F__)
STRETTO_INLINE void add_product(Vec<float>& sum, Vec<float> a, Vec<float> b) {
  __m256 v = sum.v;  // of sum itself the compiler would keep memory
  asm("vfmadd231ps %2, %1, %0" : "+x"(v) : "x"(a.v), "x"(b.v));
  sum.v = v;
}
STRETTO_INLINE void add_product(Vec<double>& sum, Vec<double> a, Vec<double> b) {
  __m256d v = sum.v;
  asm("vfmadd231pd %2, %1, %0" : "+x"(v) : "x"(a.v), "x"(b.v));
  sum.v = v;
}
#endif

// Terms of one turn of a tile's loop, which share what is no product: a core that runs a second thread has
// few instructions to spare. Few sums wait for each other instead.
constexpr int terms_of_turn([[maybe_unused]] int sums, [[maybe_unused]] int with_many_registers = 1) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  return sums > 8 ? 4 : 1;
#else
  return with_many_registers;
#endif
}

// add(q) for `count` terms in turns, of which q counts the terms; next(n) goes on by n terms.
template <int turn, class Add, class Next>
STRETTO_INLINE void for_terms(std::int64_t count, Add&& add, Next&& next) {
  if constexpr (turn > 1) {
    for (; count >= turn; count -= turn) {
#pragma GCC unroll 4
      for (int q = 0; q < turn; ++q) add(q);
      next(turn);
    }
  }
#pragma GCC unroll 1
  for (; count > 0; --count) {
    add(0);
    next(1);
  }
}

}  // namespace stretto::STRETTO_ISA
