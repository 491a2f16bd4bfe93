// exp, log, tanh, erf and kin: fixed polynomials in fma, the same operations for every vector type V of simd/
// (Scalar<T> included), hence the same bits. docs/numerics_functions.md gives each as formulas.
//
// The coefficients are minimax, weighted for relative error (Remez exchange in 50 digits, then each rounded
// to T); beside each polynomial stands the bound of its error before that rounding.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/dtype.h"

namespace stretto {

template <class T>
struct FloatFormat;
template <>
struct FloatFormat<float> {
  using Bits = std::uint32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float shift = 0x1.8p23f;        // adding it rounds to an integer, left in the low bits
  static constexpr Bits shift_bits = 0x4b000000u;  // of 2^23
  static constexpr Bits root_half = 0x3f3504f3u;   // of sqrt(1/2)
  static constexpr Bits sign = 0x80000000u, one = 0x3f800000u, fraction = 0x7fffffu;
  static constexpr float infinity = __builtin_inff(), nan = __builtin_nanf("");
  static constexpr float smallest_normal = 0x1p-126f;
};
template <>
struct FloatFormat<double> {
  using Bits = std::uint64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double shift = 0x1.8p52;
  static constexpr Bits shift_bits = 0x4330000000000000u;
  static constexpr Bits root_half = 0x3fe6a09e667f3bcdu;
  static constexpr Bits sign = 0x8000000000000000u, one = 0x3ff0000000000000u, fraction = 0xfffffffffffffu;
  static constexpr double infinity = __builtin_inf(), nan = __builtin_nan("");
  static constexpr double smallest_normal = 0x1p-1022;
};

// c[0] + x * (c[1] + x * (...)) by fma, from the last coefficient.
template <class V, class T, int n>
STRETTO_INLINE V polynomial(V x, const T (&c)[n]) {
  V p = V::broadcast(c[n - 1]);
  for (int i = n - 2; i >= 0; --i) p = fma(p, x, V::broadcast(c[i]));
  return p;
}

template <class V>
STRETTO_INLINE V sign_of(V x) {
  using F = FloatFormat<typename V::scalar>;
  using I = decltype(bits(x));
  return from_bits(bits(x) & I::broadcast(F::sign));
}
template <class V>
STRETTO_INLINE V magnitude(V x) {
  using F = FloatFormat<typename V::scalar>;
  using I = decltype(bits(x));
  return from_bits(bits(x) & I::broadcast(~F::sign));
}
template <class V>
STRETTO_INLINE V negated(V x) {
  using F = FloatFormat<typename V::scalar>;
  using I = decltype(bits(x));
  return from_bits(bits(x) ^ I::broadcast(F::sign));
}
template <class V>
STRETTO_INLINE V with_sign(V size, V sign) {  // size >= 0; sign holds a sign bit only
  return from_bits(bits(size) | bits(sign));
}

namespace coefficients {
// (exp(r) - 1 - r) / r^2 for |r| <= 0.3473
STRETTO_CONSTANT float kExpF[] = {0x1.fffffcp-2f, 0x1.55549p-3f, 0x1.5558f8p-5f, 0x1.123b02p-7f,
                                  0x1.6a2256p-10f};  // 2^-28.2
STRETTO_CONSTANT double kExpD[] = {0x1p-1,
                                   0x1.555555555555bp-3,
                                   0x1.5555555555501p-5,
                                   0x1.111111110ebcep-7,
                                   0x1.6c16c16c30ac8p-10,
                                   0x1.a01a01b3b6e22p-13,
                                   0x1.a01a01355affep-16,
                                   0x1.71ddef906e3abp-19,
                                   0x1.27e5b5ad19bf1p-22,
                                   0x1.af6ce7fcddc6bp-26,
                                   0x1.1e3c83a62effbp-29};  // 2^-63.9
// (log(1 + f) - f + f^2 / 2) / f^3 for sqrt(1/2) <= 1 + f <= sqrt(2)
STRETTO_CONSTANT float kLogF[] = {0x1.555548p-2f,  -0x1.000006p-2f, 0x1.99a4b6p-3f,
                                  -0x1.555c4ep-3f, 0x1.233768p-3f,  -0x1.fc2206p-4f,
                                  0x1.e6f066p-4f,  -0x1.de3c1ep-4f, 0x1.1457bep-4f};  // 2^-30.3
// (log((1 + s) / (1 - s)) - 2 s) / s^3 in z = s^2, for the same range, s = f / (2 + f)
STRETTO_CONSTANT double kLogD[] = {0x1.5555555555593p-1, 0x1.999999997fc75p-2, 0x1.24924942045c9p-2,
                                   0x1.c71c51f8ae865p-3, 0x1.74664289d90ffp-3, 0x1.39a157e6ca6f4p-3,
                                   0x1.2f0978f1eef57p-3};  // 2^-58.4
// (tanh(x) - x) / x^3 in z = x^2, for |x| <= 0.55
STRETTO_CONSTANT float kTanhF[] = {-0x1.55554ap-2f, 0x1.110d14p-3f, -0x1.b92532p-5f, 0x1.592014p-6f,
                                   -0x1.9a828ap-8f};  // 2^-29.7
STRETTO_CONSTANT double kTanhD[] = {-0x1.555555555554fp-2,  0x1.111111111072cp-3,  -0x1.ba1ba1b976d53p-5,
                                    0x1.664f4857e6b07p-6,   -0x1.226e2ee0bb8c6p-7, 0x1.d6d29336cbb45p-9,
                                    -0x1.7d8f6526056bep-10, 0x1.34800b3941432p-11, -0x1.e949e27e14f43p-13,
                                    0x1.5d054b89fd3cbp-14,  -0x1.45f8d2670efedp-16};  // 2^-60.5
// erf(x) / x - 1 in z = x^2, for |x| <= 1.06 (float) or 1 (double)
STRETTO_CONSTANT float kErfF[] = {0x1.06eba8p-3f, -0x1.812736p-2f,  0x1.ce2b68p-4f, -0x1.b7dd8ep-6f,
                                  0x1.532bccp-8f, -0x1.9dc87ap-11f, 0x1.38a8a0p-14f};  // 2^-28.5
STRETTO_CONSTANT double kErfD[] = {0x1.06eba8214db69p-3,   -0x1.812746b0379e6p-2,  0x1.ce2f21a042b20p-4,
                                   -0x1.b82ce31284925p-6,  0x1.565bcd0dae8bcp-8,   -0x1.c02db3d8913d3p-11,
                                   0x1.f9a3219524284p-14,  -0x1.f4d1de3b304cbp-17, 0x1.b9dee3da09ea2p-20,
                                   -0x1.5f1cba5d197bfp-23, 0x1.f79e8ded2dec0p-27,  -0x1.3858e40789b8cp-30,
                                   0x1.0547561df8d5fp-34};  // 2^-62.7
// sqrt(1 - erf(t)) in t - 1.5, for 1.045 <= t <= 4, weighted for the error of its square
STRETTO_CONSTANT float kErfcF[] = {0x1.790c56p-3f,  -0x1.4abf10p-2f, 0x1.9bfa3ap-3f,  -0x1.87e854p-6f,
                                   -0x1.f7449ep-6f, 0x1.9f01c8p-7f,  0x1.97088ep-10f, -0x1.14d1a2p-9f,
                                   0x1.c324bep-12f, 0x1.74efb4p-17f, -0x1.2e46d4p-17f};  // 2^-26.5 of 1
// log(1 - erf(t)) / t for 0.99 <= t <= 6
STRETTO_CONSTANT double kErfcD[] = {
    -0x1.20dd7591b6424p+0,  -0x1.45f2f9926ad4ap-1,  -0x1.a4f73aead5266p-4,  0x1.39879ce72f959p-6,
    0x1.8dcbf84410a63p-13,  -0x1.b339f3abea407p-10, 0x1.1a8e69418f6b7p-11,  0x1.0a536263f9193p-15,
    -0x1.e8689c91b989ap-14, 0x1.1abb22049091fp-14,  -0x1.a80ca7905edd3p-16, 0x1.db5da8090a5edp-18,
    -0x1.9db1154580d74p-20, 0x1.18b9d90362bcdp-22,  -0x1.24cc8f2c2620dp-25, 0x1.c65a17ea5ea27p-29,
    -0x1.ee5b59146bf0dp-33, 0x1.50860b11b1707p-37,  -0x1.af342714065ddp-43};  // 2^-59.3 of 1
}  // namespace coefficients

// exp(x) = (1 + e) * 2^n for x in the range in which exp() is neither 0 nor infinite; t holds n in its low
// bits.
template <class V>
struct ExpParts {
  V e, t, n;
};

template <class V>
STRETTO_INLINE ExpParts<V> exp_parts(V x) {
  using T = typename V::scalar;
  using F = FloatFormat<T>;
  constexpr bool is_float = std::is_same_v<T, float>;
  const V shift = V::broadcast(F::shift);
  const V t = fma(x, V::broadcast(T(0x1.71547652b82fep+0)), shift);  // log2(e)
  const V n = t - shift;
  V r = fma(n, V::broadcast(is_float ? T(-0x1.62e43p-1) : T(-0x1.62e42fefa39efp-1)), x);
  r = fma(n, V::broadcast(is_float ? T(0x1.05c61p-29) : T(-0x1.abc9e3b39803fp-56)), r);
  V p;
  if constexpr (is_float)
    p = polynomial(r, coefficients::kExpF);
  else
    p = polynomial(r, coefficients::kExpD);
  return {fma(r * r, p, r), t, n};
}

// 2^n for the n in the low bits of t, if that is a normal number.
template <class V, class I>
STRETTO_INLINE V power_of_two(I t) {
  using F = FloatFormat<typename V::scalar>;
  return from_bits(shift_left<F::mantissa>(t) + I::broadcast(F::one));
}

template <class V>
STRETTO_INLINE V exp(V x) {
  using T = typename V::scalar;
  constexpr bool is_float = std::is_same_v<T, float>;
  x = max(V::broadcast(is_float ? T(-104) : T(-746)), x);  // NaN stays: it is the second argument
  x = min(V::broadcast(is_float ? T(89) : T(710)), x);
  const ExpParts<V> parts = exp_parts(x);
  const V half = fma(parts.n, V::broadcast(T(0.5)), V::broadcast(FloatFormat<T>::shift));
  const V low = power_of_two<V>(bits(half)), high = power_of_two<V>(bits(parts.t) - bits(half));
  return ((V::broadcast(T(1)) + parts.e) * low) * high;
}

template <class T>
inline constexpr T kNear = std::is_same_v<T, float> ? T(86) : T(700);

// exp(x), its bits, for |x| <= kNear: there 2^n moves the exponent and no more. NaN gives anything.
template <class V>
STRETTO_INLINE V exp_near(V x) {
  using T = typename V::scalar;
  const ExpParts<V> parts = exp_parts(x);
  const V y = V::broadcast(T(1)) + parts.e;
  return from_bits(bits(y) + shift_left<FloatFormat<T>::mantissa>(bits(parts.t)));
}

// exp(x) - 1 for x <= 0 without cancellation.
template <class V>
STRETTO_INLINE V exp_minus_one_of_nonpositive(V x) {
  using T = typename V::scalar;
  x = max(V::broadcast(std::is_same_v<T, float> ? T(-32) : T(-64)), x);
  const ExpParts<V> parts = exp_parts(x);
  const V scale = power_of_two<V>(bits(parts.t));
  return fma(parts.e, scale, scale - V::broadcast(T(1)));
}

template <class V>
STRETTO_INLINE V log(V x) {
  using T = typename V::scalar;
  using F = FloatFormat<T>;
  using I = decltype(bits(V::zero()));
  constexpr bool is_float = std::is_same_v<T, float>;
  const V zero = V::zero();
  const auto tiny = less(x, V::broadcast(F::smallest_normal));
  const V scaled = select(tiny, x * V::broadcast(T(typename F::Bits(1) << F::mantissa)), x);
  // 1 + f in [sqrt(1/2), sqrt(2)) and the exponent k
  const I i = bits(scaled) + I::broadcast(F::one - F::root_half);
  const V biased = from_bits(shift_right<F::mantissa>(i) | I::broadcast(F::shift_bits));
  const T offset = T(typename F::Bits(1) << F::mantissa) + T(F::bias);
  const V k = biased - select(tiny, V::broadcast(offset + T(F::mantissa)), V::broadcast(offset));
  const V m = from_bits((i & I::broadcast(F::fraction)) + I::broadcast(F::root_half));
  const V f = m - V::broadcast(T(1));
  V y;
  if constexpr (is_float) {
    const V z = f * f;
    const V tail = fma(f * z, polynomial(f, coefficients::kLogF), z * V::broadcast(T(-0.5)));
    const V low = fma(k, V::broadcast(T(-0x1.05c61p-29)), tail);
    y = fma(k, V::broadcast(T(0x1.62e43p-1)), low + f);
  } else {
    const V s = f / (V::broadcast(T(2)) + f);
    const V z = s * s;
    const V half = V::broadcast(T(0.5)) * f * f;
    const V r = z * polynomial(z, coefficients::kLogD);
    const V low = fma(k, V::broadcast(T(0x1.abc9e3b39803fp-56)), s * (half + r));
    y = fma(k, V::broadcast(T(0x1.62e42fefa39efp-1)), f - (half - low));
  }
  const V infinity = V::broadcast(F::infinity);
  const V outside = select(less(x, zero), V::broadcast(F::nan), negated(infinity));
  y = select(less(zero, x), y, outside);
  return select(less(x, infinity), y, x);  // infinity and NaN
}

template <class V>
STRETTO_INLINE V tanh(V x) {
  using T = typename V::scalar;
  const V a = magnitude(x), one = V::broadcast(T(1)), two = V::broadcast(T(2));
  const V z = a * a;
  V p;
  if constexpr (std::is_same_v<T, float>)
    p = polynomial(z, coefficients::kTanhF);
  else
    p = polynomial(z, coefficients::kTanhD);
  const V small = fma(a * z, p, a);         // NaN stays
  const V b = min(V::broadcast(T(40)), a);  // from 20 on the result is 1
  const V large = one - two / (exp_near(b + b) + one);
  return with_sign(select(less_equal(V::broadcast(T(0.55)), a), large, small), sign_of(x));
}

template <class V>
STRETTO_INLINE V erf(V x) {
  using T = typename V::scalar;
  const V a = magnitude(x), one = V::broadcast(T(1));
  const V z = a * a;
  if constexpr (std::is_same_v<T, float>) {
    const V small = fma(a, polynomial(z, coefficients::kErfF), a);  // NaN stays
    const V q = polynomial(min(V::broadcast(4.0f), a) - V::broadcast(1.5f), coefficients::kErfcF);
    const V large = fma(q, q, V::broadcast(-1.0f));  // of minus its sign
    return with_sign(magnitude(select(less_equal(V::broadcast(1.05f), a), large, small)), sign_of(x));
  } else {
    const V t = min(V::broadcast(T(6)), a);
    const V small = fma(a, polynomial(z, coefficients::kErfD), a);
    const V large = one - exp_near(t * polynomial(t, coefficients::kErfcD));
    return with_sign(select(less_equal(one, a), large, small), sign_of(x));
  }
}

// log(1 + u) for 0 <= u <= 1:  w = 1 + u;  u if w = 1, else log(w) * (u / (w - 1)), which mends w's rounding.
template <class V>
STRETTO_INLINE V log_of_one_plus(V u) {
  using T = typename V::scalar;
  const V one = V::broadcast(T(1));
  const V w = one + u;
  return select(equal(w, one), u, log(w) * (u / (w - one)));
}

}  // namespace stretto
