// pow(x, y) = |x|^y with the sign and the special values of IEEE pow: one formula for every exponent.
//
// float32: exp(y * log(|x|)) in float64, rounded once. float64: the logarithm is carried as a sum of two
// doubles, so that the result is within 0.8 ulp. docs/numerics_functions.md has the formulas.
#pragma once

#include "kernels/transcendental.h"

namespace stretto {

namespace coefficients {
// (log((1 + s) / (1 - s)) - 2 s - 2/3 s^3) / s^5 in z = s^2, for sqrt(1/2) <= (1 + s) / (1 - s) <= sqrt(2)
STRETTO_CONSTANT double kPower[] = {0x1.9999999999996p-2, 0x1.249249249303ep-2, 0x1.c71c71c57f453p-3,
                                    0x1.745d1832de788p-3, 0x1.3b136290c7bd2p-3, 0x1.1120bb3bcd826p-3,
                                    0x1.de328d1c25079p-4, 0x1.eb1889a8796c4p-4};  // 2^-72.5
}  // namespace coefficients

template <class V>
struct Sum {  // high + low, |low| at most half an ulp of high
  V high, low;
};

template <class V>
STRETTO_INLINE Sum<V> exact_sum(V a, V b) {  // |a| >= |b| or a = 0
  const V high = a + b;
  return {high, b - (high - a)};
}

// log(a) for a > 0 to about 2^-65 of its value; V holds doubles.
template <class V>
STRETTO_INLINE Sum<V> log_as_sum(V a) {
  using F = FloatFormat<double>;
  using I = decltype(bits(a));
  const auto constant = [](double value) __attribute__((always_inline)) { return V::broadcast(value); };
  const auto tiny = less(a, constant(F::smallest_normal));
  const I i = bits(select(tiny, a * constant(0x1p52), a)) + I::broadcast(F::one - F::root_half);
  const V biased = from_bits(shift_right<52>(i) | I::broadcast(F::shift_bits));
  const V k = biased - select(tiny, constant(0x1p52 + 1023 + 52), constant(0x1p52 + 1023));
  const V m = from_bits((i & I::broadcast(F::fraction)) + I::broadcast(F::root_half));
  const V f = m - constant(1), two = constant(2);
  // s = f / (2 + f), z = s^2, with the parts that rounding lost
  const V d = two + f, d_low = f - (d - two);
  const V s = f / d;
  const V s_low = fma(negated(s), d_low, fma(negated(s), d, f)) / d;
  const V z = s * s, z_low = fma(s, s, negated(z)) + two * s * s_low;
  // u = s^3 (2/3 + z q)
  const V third = constant(0x1.5555555555555p-1), third_low = constant(0x1.5555555555555p-55);
  const Sum<V> w = exact_sum(third, z * polynomial(z, coefficients::kPower));
  const V t = z * w.high, t_low = fma(z, w.high, negated(t)) + (z * (w.low + third_low) + z_low * w.high);
  const V u = s * t, u_low = fma(s, t, negated(u)) + (s * t_low + s_low * t);
  // k ln 2 + 2 s + u; the first product is exact
  const Sum<V> first = exact_sum(k * constant(0x1.62e42fefa3800p-1), two * s);
  const Sum<V> second = exact_sum(first.high, u);
  const V low = (first.low + second.low) + fma(k, constant(0x1.ef35793c76730p-45), fma(two, s_low, u_low));
  return exact_sum(second.high, low);
}

// exp(high + low) for |low| far below |high|
template <class V>
STRETTO_INLINE V exp_of_sum(Sum<V> x) {
  using F = FloatFormat<double>;
  using I = decltype(bits(x.high));
  const auto constant = [](double value) __attribute__((always_inline)) { return V::broadcast(value); };
  const V low = select(less(magnitude(x.high), constant(800)), x.low, V::zero());
  const V high = min(constant(710), max(constant(-746), x.high));
  const V shift = constant(F::shift);
  const V t = fma(high, constant(0x1.71547652b82fep+0), shift), n = t - shift;
  const V near = fma(n, constant(-0x1.62e42fefa3800p-1), high);
  const Sum<V> r = exact_sum(near, fma(n, constant(-0x1.ef35793c76730p-45), low));
  const V tail = fma(r.high * r.high, polynomial(r.high, coefficients::kExpD), r.low);
  const Sum<V> y = exact_sum(constant(1), r.high);
  const V half = fma(n, constant(0.5), shift);
  const I one = I::broadcast(F::one);
  const V first = from_bits(shift_left<52>(bits(half)) + one);
  const V second = from_bits(shift_left<52>(bits(t) - bits(half)) + one);
  return ((y.high + (y.low + tail)) * first) * second;
}

// `size` is |x|^y where that needs no special case; V holds doubles.
template <class V>
STRETTO_INLINE V with_power_rules(V x, V y, V size) {
  const V zero = V::zero(), one = V::broadcast(1), half = V::broadcast(0.5);
  const V infinity = V::broadcast(FloatFormat<double>::infinity),
          nan = V::broadcast(FloatFormat<double>::nan);
  const V a = magnitude(x);
  const auto falls = less(y, zero);
  size = select(equal(a, zero), select(falls, infinity, zero), size);
  size = select(equal(a, infinity), select(falls, zero, infinity), size);
  size = select(equal(a, one), one, size);
  const V halved = y * half;
  const auto is_integer = equal(round_nearest(y), y);
  const V signed_size = select(equal(round_nearest(halved), halved), size, with_sign(size, sign_of(x)));
  const V root = select(less(x, zero), nan, size);  // of a negative number
  V result = select(is_integer, signed_size, select(equal(a, infinity), size, root));
  result = select(V::either(is_nan(x), is_nan(y)), nan, result);
  return select(V::either(equal(x, one), equal(y, zero)), one, result);
}

template <class V>
STRETTO_INLINE V power(V x, V y) {
  if constexpr (std::is_same_v<typename V::scalar, float>) {
    const auto rounded_later = [](auto base, auto exponent) __attribute__((always_inline)) {
      return with_power_rules(base, exponent, exp(exponent * log(magnitude(base))));
    };
    return joined(rounded_later(lower(x), lower(y)), rounded_later(upper(x), upper(y)));
  } else {
    const Sum<V> l = log_as_sum(magnitude(x));
    const V high = y * l.high;
    return with_power_rules(x, y, exp_of_sum(Sum<V>{high, fma(y, l.high, negated(high)) + y * l.low}));
  }
}

}  // namespace stretto
