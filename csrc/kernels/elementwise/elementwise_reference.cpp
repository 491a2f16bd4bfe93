// One element after the other: oracle of every other variant, and last row of the table.
#include "kernels/elementwise/functions.h"
#include "kernels/load.h"
#include "kernels/offset.h"
#include "simd/scalar.h"

namespace stretto {
namespace {

// The loops' compile-time choice of an activation, at run time.
template <class C>
C float_result(const ElementwiseArgs& args, C a, C b, C c) {
  using V = Scalar<C>;
  const V x{a}, y{b}, z{c}, parameter{C(args.parameter)};
  constexpr Activation none = Activation::none;
  switch (args.function) {
    case Elementwise::activation:
      return activate(args.activation, x, parameter).v;
    case Elementwise::activation_gradient:
      return activation_gradient(args.activation, x, y, parameter).v;
    case Elementwise::add:
      return apply<Elementwise::add, none>(x, y, z, parameter).v;
    case Elementwise::sub:
      return apply<Elementwise::sub, none>(x, y, z, parameter).v;
    case Elementwise::mul:
      return apply<Elementwise::mul, none>(x, y, z, parameter).v;
    case Elementwise::div:
      return apply<Elementwise::div, none>(x, y, z, parameter).v;
    case Elementwise::maximum:
      return apply<Elementwise::maximum, none>(x, y, z, parameter).v;
    case Elementwise::minimum:
      return apply<Elementwise::minimum, none>(x, y, z, parameter).v;
    case Elementwise::pow:
      return apply<Elementwise::pow, none>(x, y, z, parameter).v;
    case Elementwise::clip:
      return apply<Elementwise::clip, none>(x, y, z, parameter).v;
    case Elementwise::where:
      break;
  }
  return a;
}

template <class T>
T integer_result(const ElementwiseArgs& args, T a, T b, T c) {
  constexpr Activation none = Activation::none;
  switch (args.function) {
    case Elementwise::activation:
      if (args.activation == Activation::relu)
        return apply_to_integer<Elementwise::activation, Activation::relu>(a, b, c);
      if (args.activation == Activation::abs)
        return apply_to_integer<Elementwise::activation, Activation::abs>(a, b, c);
      return apply_to_integer<Elementwise::activation, Activation::neg>(a, b, c);
    case Elementwise::add:
      return apply_to_integer<Elementwise::add, none>(a, b, c);
    case Elementwise::sub:
      return apply_to_integer<Elementwise::sub, none>(a, b, c);
    case Elementwise::mul:
      return apply_to_integer<Elementwise::mul, none>(a, b, c);
    case Elementwise::maximum:
      return apply_to_integer<Elementwise::maximum, none>(a, b, c);
    case Elementwise::minimum:
      return apply_to_integer<Elementwise::minimum, none>(a, b, c);
    case Elementwise::pow:
      return apply_to_integer<Elementwise::pow, none>(a, b, c);
    case Elementwise::clip:
      return apply_to_integer<Elementwise::clip, none>(a, b, c);
    default:
      return a;
  }
}

template <class T>
void run(const ElementwiseArgs& args) {
  const Dims& shape = args.out.shape;
  const auto at = [&](int i, std::int64_t index) {
    const ArrayView& view = args.inputs[i < args.count ? i : 0];
    return view.as<T>()[offset_of(index, shape, view.strides)];
  };
  for (std::int64_t i = 0; i < args.out.size(); ++i) {
    T& y = args.out.as<T>()[offset_of(i, shape, args.out.strides)];
    if (args.function == Elementwise::where) {
      const ArrayView& condition = args.inputs[0];
      y = condition.as<bool>()[offset_of(i, shape, condition.strides)] ? at(1, i) : at(2, i);
    } else if constexpr (std::is_integral_v<T>) {
      y = integer_result<T>(args, at(0, i), at(1, i), at(2, i));
    } else {
      y = narrow<T>(float_result<Compute<T>>(args, widen(at(0, i)), widen(at(1, i)), widen(at(2, i))));
    }
  }
}

}  // namespace

template <class T>
void activate_values_reference(Activation activation, double parameter, T* values, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i)
    values[i] = activate(activation, Scalar<T>{values[i]}, Scalar<T>{T(parameter)}).v;
}
template void activate_values_reference(Activation, double, float*, std::int64_t);
template void activate_values_reference(Activation, double, double*, std::int64_t);

void elementwise_reference(const ElementwiseArgs& args, int) {
  visit_dtype(args.out.dtype, [&](auto type) { run<typename decltype(type)::type>(args); });
}

}  // namespace stretto
