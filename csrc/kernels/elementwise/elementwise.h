// Element-wise functions of one, two or three arrays:   out[i] = f(inputs[0][i], inputs[1][i], ...)
#pragma once

#include "base/array_view.h"
#include "base/machine.h"
#include "kernels/activation.h"

namespace stretto {

enum class Elementwise : std::uint8_t {
  activation,           // f(x), by `activation`
  activation_gradient,  // f(dy, x)
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  pow,
  where,  // f(condition, a, b); the condition is bool
  clip,   // f(x, low, high) = minimum(maximum(x, low), high)
};

struct ElementwiseArgs {
  Elementwise function;
  Activation activation = Activation::none;
  double parameter = 0;
  int count = 0;  // of inputs
  // All of out's shape, stride 0 where they repeat, and of out's dtype (a condition aside). Floats may have
  // any function; integers have relu, abs, neg and all of two or three arguments except div; bool has add
  // (or), mul (and), maximum, minimum, abs, where, clip.
  ArrayView inputs[3];
  ArrayView out;  // not overlapping the inputs; not read
};

struct ElementwiseVariant {
  const char* name;
  Arch arch;
  bool (*fits)(const ElementwiseArgs&);
  void (*run)(const ElementwiseArgs&, int threads);
};

const ElementwiseVariant& select_elementwise(const ElementwiseArgs& args, const Machine& machine,
                                             const char* forced);

}  // namespace stretto
