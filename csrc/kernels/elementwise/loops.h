// The innermost loops over contiguous memory, and the choice of one by function and dtype.
#pragma once

#include "kernels/elementwise/functions.h"
#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

using Loop = void (*)(const void* const* in, void* out, std::int64_t n, double parameter);

namespace {

template <Elementwise function, Activation activation, int count, class T>
void float_loop(const void* const* in, void* out, std::int64_t n, double parameter) {
  using V = Vec<T>;
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[count > 1 ? 1 : 0]);
  const T* c = static_cast<const T*>(in[count > 2 ? 2 : 0]);
  T* y = static_cast<T*>(out);
  const V p = V::broadcast(T(parameter));
  std::int64_t i = 0;
  for (; i + V::lanes <= n; i += V::lanes)
    apply<function, activation>(V::load(a + i), V::load(b + i), V::load(c + i), p).store(y + i);
  if (i == n) return;
  const int rest = int(n - i);
  apply<function, activation>(V::load(a + i, rest), V::load(b + i, rest), V::load(c + i, rest), p)
      .store(y + i, rest);
}

template <Elementwise function, Activation activation, int count, class T>
void integer_loop(const void* const* in, void* out, std::int64_t n, double) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[count > 1 ? 1 : 0]);
  const T* c = static_cast<const T*>(in[count > 2 ? 2 : 0]);
  T* __restrict y = static_cast<T*>(out);
  for (std::int64_t i = 0; i < n; ++i) y[i] = apply_to_integer<function, activation, T>(a[i], b[i], c[i]);
}

template <class T>
void where_loop(const void* const* in, void* out, std::int64_t n, double) {
  const std::uint8_t* condition = static_cast<const std::uint8_t*>(in[0]);
  const T* a = static_cast<const T*>(in[1]);
  const T* b = static_cast<const T*>(in[2]);
  T* __restrict y = static_cast<T*>(out);
  for (std::int64_t i = 0; i < n; ++i) y[i] = condition[i] ? a[i] : b[i];
}

template <Elementwise function, int count, class T>
STRETTO_INLINE Loop plain_loop() {
  if constexpr (std::is_floating_point_v<T>)
    return float_loop<function, Activation::none, count, T>;
  else
    return integer_loop<function, Activation::none, count, T>;
}

template <class T>
Loop activation_loop(Elementwise function, Activation activation) {
#define STRETTO_LOOP(name)                                                   \
  case Activation::name:                                                     \
    return function == Elementwise::activation                               \
               ? float_loop<Elementwise::activation, Activation::name, 1, T> \
               : float_loop<Elementwise::activation_gradient, Activation::name, 2, T>;
  switch (activation) {
    STRETTO_LOOP(none)
    STRETTO_LOOP(relu)
    STRETTO_LOOP(relu6)
    STRETTO_LOOP(leaky_relu)
    STRETTO_LOOP(elu)
    STRETTO_LOOP(sigmoid)
    STRETTO_LOOP(hard_sigmoid)
    STRETTO_LOOP(hard_swish)
    STRETTO_LOOP(tanh)
    STRETTO_LOOP(gelu)
    STRETTO_LOOP(gelu_tanh)
    STRETTO_LOOP(silu)
    STRETTO_LOOP(softplus)
    STRETTO_LOOP(exp)
    STRETTO_LOOP(log)
    STRETTO_LOOP(sqrt)
    STRETTO_LOOP(erf)
    STRETTO_LOOP(abs)
    STRETTO_LOOP(neg)
  }
#undef STRETTO_LOOP
  return nullptr;
}

template <class T>
Loop integer_activation_loop(Activation activation) {
  if (activation == Activation::relu) return integer_loop<Elementwise::activation, Activation::relu, 1, T>;
  if (activation == Activation::abs) return integer_loop<Elementwise::activation, Activation::abs, 1, T>;
  return integer_loop<Elementwise::activation, Activation::neg, 1, T>;
}

template <class T>
Loop loop_of(const ElementwiseArgs& args) {
  switch (args.function) {
    case Elementwise::activation:
    case Elementwise::activation_gradient:
      if constexpr (std::is_floating_point_v<T>)
        return activation_loop<T>(args.function, args.activation);
      else
        return integer_activation_loop<T>(args.activation);
    case Elementwise::add:
      return plain_loop<Elementwise::add, 2, T>();
    case Elementwise::sub:
      return plain_loop<Elementwise::sub, 2, T>();
    case Elementwise::mul:
      return plain_loop<Elementwise::mul, 2, T>();
    case Elementwise::div:
      return plain_loop<Elementwise::div, 2, T>();
    case Elementwise::maximum:
      return plain_loop<Elementwise::maximum, 2, T>();
    case Elementwise::minimum:
      return plain_loop<Elementwise::minimum, 2, T>();
    case Elementwise::pow:
      return plain_loop<Elementwise::pow, 2, T>();
    case Elementwise::clip:
      return plain_loop<Elementwise::clip, 3, T>();
    case Elementwise::where:
      break;
  }
  switch (sizeof(T)) {
    case 1:
      return where_loop<std::uint8_t>;
    case 4:
      return where_loop<std::uint32_t>;
    default:
      return where_loop<std::uint64_t>;
  }
}

}  // namespace

STRETTO_INLINE Loop find_loop(const ElementwiseArgs& args) {
  const DType dtype = args.out.dtype;
  if (args.function == Elementwise::where && itemsize(dtype) == 2) return where_loop<std::uint16_t>;
  return visit_dtype(is_16bit_float(dtype) ? DType::f32 : dtype, [&](auto type) -> Loop {
    using T = typename decltype(type)::type;
    if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>)
      return nullptr;
    else
      return loop_of<T>(args);
  });
}

}  // namespace stretto::STRETTO_ISA
