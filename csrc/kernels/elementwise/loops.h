// The innermost loops over contiguous memory, and the choice of one by function and dtype.
#pragma once

#include "kernels/elementwise/functions.h"
#include "simd/past_caches.h"

namespace stretto::STRETTO_ISA {

// A piece of an operand: n elements, or kFixed copies of one value that stands for all of them.
struct Piece {
  const void* data;
  std::int64_t mask;  // of indices into it
};
inline constexpr std::int64_t kEach = -1, kSame = 0;
inline constexpr std::int64_t kFixed = 64;

using Loop = void (*)(const Piece* in, void* out, std::int64_t n, double parameter);

namespace {

// Elements i to i + W::lanes, W one vector or several.
template <class W, Elementwise function, Activation activation, int count, Range range,
          bool past_caches = false>
STRETTO_INLINE void step(const Piece* in, typename W::scalar* y, std::int64_t i, double parameter) {
  using T = typename W::scalar;
  const auto at = [&](int k) __attribute__((always_inline)) {
    const Piece& piece = in[k < count ? k : 0];
    return W::load(static_cast<const T*>(piece.data) + (count == 1 ? i : i & piece.mask));
  };
  const W p = W::broadcast(T(parameter));
  const W z = apply<function, activation, range>(at(0), at(1), at(2), p);
  if constexpr (past_caches)
    store_past_caches(z, y + i);
  else
    z.store(y + i);
}

// Elements i to n, one vector at a time.
template <Elementwise function, Activation activation, int count, class T>
__attribute__((noinline)) void rest_of_loop(const Piece* in, T* y, std::int64_t i, std::int64_t n,
                                            double parameter) {
  using V = Vec<T>;
  for (; i + V::lanes <= n; i += V::lanes)
    step<V, function, activation, count, Range::any>(in, y, i, parameter);
  if (i == n) return;
  const int rest = int(n - i);
  const auto last = [&](int k) __attribute__((always_inline)) {
    const Piece& piece = in[k < count ? k : 0];
    return V::load(static_cast<const T*>(piece.data) + (i & piece.mask), rest);
  };
  apply<function, activation>(last(0), last(1), last(2), V::broadcast(T(parameter))).store(y + i, rest);
}

template <class V>
STRETTO_INLINE bool all_near(Abreast<Abreast<V>> x) {
  const auto near = less_equal(magnitude(x), decltype(x)::broadcast(kNear<typename V::scalar>));
  const auto two = Abreast<V>::both(near.low, near.high);
  return V::bitmask(V::both(two.low, two.high)) == (1u << V::lanes) - 1u;
}

constexpr bool is_light(Elementwise function, Activation activation) {
  if (function == Elementwise::activation)
    return activation <= Activation::leaky_relu || activation >= Activation::abs;
  return function > Elementwise::activation_gradient && function != Elementwise::pow;
}

template <Elementwise function, Activation activation, int count, bool past_caches, class T>
void float_loop(const Piece* in, void* out, std::int64_t n, double parameter) {
  using Four = Several<Vec<T>, 4>;
  T* y = static_cast<T*>(out);
  std::int64_t i = 0;
  if constexpr (function == Elementwise::activation && is_shorter_when_near(activation)) {
    for (; i + Four::lanes <= n; i += Four::lanes) {
      if (all_near(Four::load(static_cast<const T*>(in[0].data) + i))) [[likely]]
        step<Four, function, activation, count, Range::near>(in, y, i, parameter);
      else
        rest_of_loop<function, activation, count>(in, y, i, i + Four::lanes, parameter);
    }
  } else if constexpr (function != Elementwise::pow) {
    if constexpr (past_caches) {
      constexpr int lanes = Vec<T>::lanes;
      const std::int64_t begin =
          (lanes - std::int64_t(reinterpret_cast<std::uintptr_t>(y) / sizeof(T) % lanes)) % lanes;
      i = begin < n ? begin : n;
      rest_of_loop<function, activation, count>(in, y, 0, i, parameter);
    }
    for (; i + Four::lanes <= n; i += Four::lanes)
      step<Four, function, activation, count, Range::any, past_caches>(in, y, i, parameter);
    if constexpr (past_caches) end_of_stores_past_caches();
  }
  rest_of_loop<function, activation, count>(in, y, i, n, parameter);
}

template <Elementwise function, Activation activation, int count, class T>
void integer_loop(const Piece* in, void* out, std::int64_t n, double) {
  const T* a = static_cast<const T*>(in[0].data);
  const T* b = static_cast<const T*>(in[count > 1 ? 1 : 0].data);
  const T* c = static_cast<const T*>(in[count > 2 ? 2 : 0].data);
  T* __restrict y = static_cast<T*>(out);
  for (std::int64_t i = 0; i < n; ++i) y[i] = apply_to_integer<function, activation, T>(a[i], b[i], c[i]);
}

template <class T>
void where_loop(const Piece* in, void* out, std::int64_t n, double) {
  const std::uint8_t* condition = static_cast<const std::uint8_t*>(in[0].data);
  const T* a = static_cast<const T*>(in[1].data);
  const T* b = static_cast<const T*>(in[2].data);
  T* __restrict y = static_cast<T*>(out);
  for (std::int64_t i = 0; i < n; ++i) y[i] = condition[i] ? a[i] : b[i];
}

template <Elementwise function, Activation activation, int count, class T>
Loop loop_for(bool past_caches) {
  if constexpr (!std::is_floating_point_v<T>) {
    return integer_loop<function, activation, count, T>;
  } else {
    if constexpr (kHasStoresPastCaches && is_light(function, activation))
      if (past_caches) return float_loop<function, activation, count, true, T>;
    return float_loop<function, activation, count, false, T>;
  }
}

template <class T>
Loop activation_loop(Elementwise function, Activation activation, bool past_caches) {
#define STRETTO_LOOP(name)                                                              \
  case Activation::name:                                                                \
    return function == Elementwise::activation                                          \
               ? loop_for<Elementwise::activation, Activation::name, 1, T>(past_caches) \
               : loop_for<Elementwise::activation_gradient, Activation::name, 2, T>(false);
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
Loop loop_of(const ElementwiseArgs& args, bool past_caches) {
  constexpr Activation none = Activation::none;
  switch (args.function) {
    case Elementwise::activation:
    case Elementwise::activation_gradient:
      if constexpr (std::is_floating_point_v<T>)
        return activation_loop<T>(args.function, args.activation, past_caches);
      else
        return integer_activation_loop<T>(args.activation);
    case Elementwise::add:
      return loop_for<Elementwise::add, none, 2, T>(past_caches);
    case Elementwise::sub:
      return loop_for<Elementwise::sub, none, 2, T>(past_caches);
    case Elementwise::mul:
      return loop_for<Elementwise::mul, none, 2, T>(past_caches);
    case Elementwise::div:
      return loop_for<Elementwise::div, none, 2, T>(past_caches);
    case Elementwise::maximum:
      return loop_for<Elementwise::maximum, none, 2, T>(past_caches);
    case Elementwise::minimum:
      return loop_for<Elementwise::minimum, none, 2, T>(past_caches);
    case Elementwise::pow:
      return loop_for<Elementwise::pow, none, 2, T>(past_caches);
    case Elementwise::clip:
      return loop_for<Elementwise::clip, none, 3, T>(past_caches);
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

// `past_caches`: the results of light functions go past the caches.
STRETTO_INLINE Loop find_loop(const ElementwiseArgs& args, bool past_caches) {
  const DType dtype = args.out.dtype;
  if (args.function == Elementwise::where && itemsize(dtype) == 2) return where_loop<std::uint16_t>;
  return visit_dtype(is_16bit_float(dtype) ? DType::f32 : dtype, [&](auto type) -> Loop {
    using T = typename decltype(type)::type;
    if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>)
      return nullptr;
    else
      return loop_of<T>(args, past_caches);
  });
}

}  // namespace stretto::STRETTO_ISA
