// The contract's sum of products, term by term, in plain C++: what every reference kernel uses.
//
//   Dot<T> dot(segment_terms);  dot.push(a, b) for k = 0, 1, ...;  dot.total()
//
// float and double: one chain of fused multiply-adds, restarted every `segment_terms`. Integers wrap.
// bfloat16: blocks of 32 terms in an even and an odd chain, flushed to zero, 128 blocks a segment.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "kernels/load.h"
#include "kernels/segment.h"

namespace stretto {

// acc + a * b in the computation type: fused, or modulo 2^bits.
template <class C>
C multiply_add(C a, C b, C acc) {
  if constexpr (std::is_floating_point_v<C>) {
    return std::fma(a, b, acc);
  } else if constexpr (std::is_same_v<C, bool>) {
    return acc || (a && b);
  } else {
    using U = std::make_unsigned_t<C>;
    return C(U(acc) + U(std::uint64_t(U(a)) * std::uint64_t(U(b))));
  }
}

template <class T>
class Dot {
 public:
  using C = Compute<T>;
  explicit Dot(std::int64_t segment_terms = kSegment) : segment_(segment_terms) {}

  void push(T a, T b) {
    if (terms_ == segment_) close();
    acc_ = multiply_add<C>(widen(a), widen(b), acc_);
    ++terms_;
  }
  C total() {
    if (terms_ > 0 || !closed_) close();
    return total_;
  }

 private:
  void close() {
    total_ = closed_ ? multiply_add<C>(C(1), acc_, total_) : acc_;  // 1 * acc is exact: a plain sum
    closed_ = true;
    acc_ = C(0);
    terms_ = 0;
  }
  std::int64_t segment_, terms_ = 0;
  bool closed_ = false;
  C acc_ = C(0), total_ = C(0);
};

// The arithmetic of the AMX units: subnormal inputs and results are zeros of their sign, a result being
// judged after rounding to 24 bits with unbounded exponent.
inline float flush(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }

inline float fma_flushed(float a, float b, float c) {
  a = flush(a);
  b = flush(b);
  c = flush(c);
  const float r = std::fma(a, b, c);
  if (std::fabs(r) != 0x1p-126f) return flush(r);
  // fma rounded at the spacing of subnormals. Exact value (sum, error); 2^-126 - 2^-151 ties up to 2^-126.
  const double sign = r < 0 ? -1 : 1, p = sign * (double(a) * double(b)), q = sign * double(c);
  const double sum = p + q, back = sum - p, error = (p - (sum - back)) + (q - back);
  constexpr double limit = 0x1p-126 - 0x1p-151;
  return sum < limit || (sum == limit && error < 0) ? std::copysign(0.0f, r) : r;
}

template <>
class Dot<bfloat16> {
 public:
  explicit Dot(std::int64_t = kSegment) {}

  void push(bfloat16 a, bfloat16 b) {
    float& chain = terms_ % 2 ? odd_ : even_;
    chain = fma_flushed(to_float(a), to_float(b), chain);
    if (++terms_ == 32) end_block();
  }
  // Pads the block with zeros. A product of zeros changes nothing but the sign of a zero: -0 + 0 * 0 = +0.
  void end_block() {
    if (terms_ == 0) return;
    for (; terms_ < 32; ++terms_) {
      float& chain = terms_ % 2 ? odd_ : even_;
      chain = fma_flushed(0.0f, 0.0f, chain);
    }
    acc_ = flush(acc_ + flush(even_ + odd_));
    even_ = odd_ = 0;
    terms_ = 0;
    if (++blocks_ == kSegment / 32) end_segment();
  }
  float total() {
    end_block();
    if (blocks_ > 0 || !closed_) end_segment();
    return total_;
  }

 private:
  void end_segment() {
    total_ = closed_ ? total_ + acc_ : acc_;
    closed_ = true;
    acc_ = 0;
    blocks_ = 0;
  }
  int terms_ = 0, blocks_ = 0;
  bool closed_ = false;
  float even_ = 0, odd_ = 0, acc_ = 0, total_ = 0;
};

}  // namespace stretto
