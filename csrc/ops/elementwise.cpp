// Element-wise ops: one record for each function of one, two or three arrays.
#include "kernels/elementwise/elementwise.h"

#include "kernels/load.h"
#include "kernels/offset.h"
#include "ops/arguments.h"
#include "ops/batch_rule.h"
#include "ops/ops.h"
#include "ops/shapes.h"

namespace stretto {

std::vector<VariantName> elementwise_variants();

namespace {

struct Function {
  const char* name;
  Elementwise function;
  Activation activation = Activation::none;
  const char* parameter = nullptr;  // the attribute that holds it
  double otherwise = 0;
  double flops = 1;  // an element, for estimates
};

[[noreturn]] void no_such_kernel(const char* op, DType dtype, const char* right) {
  throw DTypeError(message(op, ": no kernel for dtype ", dtype, ": it is the dtype of the result; ", right));
}

// As NumPy: what has no meaning in integers gives the float that holds the integer.
DType float_of(DType dtype) {
  if (is_floating(dtype)) return dtype;
  return itemsize(dtype) == 1 ? DType::f16 : itemsize(dtype) == 2 ? DType::f32 : DType::f64;
}

bool keeps_integers(Activation activation) {
  return activation == Activation::relu || activation == Activation::abs || activation == Activation::neg;
}

DType result_type(const Function& f, const Types& inputs, const Attributes& attributes) {
  Types values = inputs;
  if (f.function == Elementwise::where) values.erase(values.begin());
  const DType dtype = computation_type(f.name, values, attributes);
  switch (f.function) {
    case Elementwise::activation:
      if (f.activation == Activation::neg && dtype == DType::boolean)
        no_such_kernel(f.name, dtype, "use np.logical_not, or cast to an integer");
      return keeps_integers(f.activation) ? dtype : float_of(dtype);
    case Elementwise::activation_gradient:
      if (!is_floating(dtype)) no_such_kernel(f.name, dtype, "cast the inputs to a float");
      return dtype;
    case Elementwise::div:
      return is_floating(dtype) ? dtype : DType::f64;
    case Elementwise::sub:
      if (dtype == DType::boolean) no_such_kernel(f.name, dtype, "use np.logical_xor, or cast to an integer");
      return dtype;
    case Elementwise::pow:
      return dtype == DType::boolean ? DType::i8 : dtype;
    default:
      return dtype;
  }
}

Types infer(const Function& f, const Types& inputs, const Attributes& attributes) {
  Dims shape;
  for (const ValueType& input : inputs)
    if (input.present()) shape = broadcast(f.name, shape, input.shape);
  if (f.function == Elementwise::where && inputs[0].dtype != DType::boolean)
    throw DTypeError(message("where: the condition must be bool: it is ", inputs[0].dtype,
                             "; compare it with something, or cast it"));
  if (f.function == Elementwise::clip && !inputs[1].present() && !inputs[2].present())
    throw ShapeError("clip: no bounds: low and high are both None; one of them must be given");
  const ValueType result{result_type(f, inputs, attributes), shape};
  checked_size(f.name, result);
  return {result};
}

// NumPy refuses these too, since the result would not be an integer.
void check_exponents(const ArrayView& y) {
  visit_dtype(y.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      if (y.place)
        throw NoKernelError(message(
            "pow: there is no CUDA kernel for signed integer exponents, which must not be negative: they "
            "are ",
            y.dtype, "; cast them to a float or copy the arrays to the host with cupy.asnumpy"));
      for (std::int64_t i = 0; i < y.size(); ++i)
        if (const T value = y.as<T>()[offset_of(i, y.shape, y.strides)]; value < 0)
          throw ShapeError(message("pow: an integer to a negative integer power: the exponent is ",
                                   std::int64_t(value), "; cast one of them to a float"));
    }
  });
}

void run(const Function& f, const Call& call) {
  ElementwiseArgs args;
  args.function = f.function;
  args.activation = f.activation;
  args.parameter = f.parameter ? call.attributes.number(f.name, f.parameter, f.otherwise) : f.otherwise;
  if (f.function == Elementwise::activation_gradient)
    parse_activation(f.name, call.attributes, args.activation, args.parameter);
  args.out = call.outputs[0];
  std::vector<Converted> held;
  held.reserve(call.inputs.size());
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    if (!call.inputs[i].present()) continue;
    const bool is_condition = f.function == Elementwise::where && i == 0;
    held.emplace_back(call.inputs[i], is_condition ? DType::boolean : args.out.dtype);
    args.inputs[args.count++] = broadcast_to(held.back().view(), args.out.shape);
  }
  if (f.function == Elementwise::pow) check_exponents(held[1].view());
  if (f.function == Elementwise::clip && args.count == 2)
    args.function = call.inputs[1].present() ? Elementwise::maximum : Elementwise::minimum;
  if (args.out.size() == 0) return;
  select_elementwise(args, this_machine(), call.options.variant).run(args, call.options.threads);
}

Cost cost(const Function& f, const Types& inputs, const Types& outputs) {
  double size = 1;
  for (const std::int64_t n : outputs[0].shape) size *= double(n);
  return {f.flops * size, bytes_moved(inputs, outputs)};
}

// The record of a function that is known at compile time.
template <const Function& f>
Op record(std::vector<const char*> inputs) {
  Op op{};
  op.name = f.name;
  op.inputs = std::move(inputs);
  op.infer = [](const Types& types, const Attributes& attributes) {
    Activation activation;
    double parameter;
    if (f.function == Elementwise::activation_gradient)
      parse_activation(f.name, attributes, activation, parameter);
    if (f.parameter) attributes.number(f.name, f.parameter, 0);
    return infer(f, types, attributes);
  };
  op.cost = [](const Types& types, const Types& outputs, const Attributes&) {
    return cost(f, types, outputs);
  };
  op.batch = [](const Types& types, const std::vector<int>& axes, const Attributes&) {
    int rank = 0;
    for (const ValueType& type : types)
      if (type.present() && type.shape.count > rank) rank = type.shape.count;
    return broadcast_batch(types, axes, rank);
  };
  op.run = [](const Call& call) { run(f, call); };
  op.variants = elementwise_variants;
  return op;
}

}  // namespace

#define UNARY(name, flops, ...)                                                                            \
  namespace {                                                                                              \
  constexpr Function name##_function{#name, Elementwise::activation, Activation::name, __VA_ARGS__ flops}; \
  }                                                                                                        \
  const Op name##_op = record<name##_function>({"x"});
#define NO_PARAMETER nullptr, 0,
UNARY(relu, 1, NO_PARAMETER)
UNARY(relu6, 2, NO_PARAMETER)
UNARY(leaky_relu, 2, "slope", 0.01, )
UNARY(elu, 20, "alpha", 1.0, )
UNARY(sigmoid, 22, NO_PARAMETER)
UNARY(hard_sigmoid, 4, NO_PARAMETER)
UNARY(hard_swish, 5, NO_PARAMETER)
UNARY(tanh, 30, NO_PARAMETER)
UNARY(gelu, 40, NO_PARAMETER)
UNARY(gelu_tanh, 36, NO_PARAMETER)
UNARY(silu, 23, NO_PARAMETER)
UNARY(softplus, 45, NO_PARAMETER)
UNARY(exp, 20, NO_PARAMETER)
UNARY(log, 20, NO_PARAMETER)
UNARY(sqrt, 4, NO_PARAMETER)
UNARY(erf, 36, NO_PARAMETER)
UNARY(abs, 1, NO_PARAMETER)
UNARY(neg, 1, NO_PARAMETER)
#undef UNARY

#define PLAIN(name, flops, ...)                                                                      \
  namespace {                                                                                        \
  constexpr Function name##_function{#name, Elementwise::name, Activation::none, nullptr, 0, flops}; \
  }                                                                                                  \
  const Op name##_op = record<name##_function>({__VA_ARGS__});
PLAIN(activation_gradient, 40, "grad", "x")
PLAIN(add, 1, "a", "b")
PLAIN(sub, 1, "a", "b")
PLAIN(mul, 1, "a", "b")
PLAIN(div, 4, "a", "b")
PLAIN(maximum, 1, "a", "b")
PLAIN(minimum, 1, "a", "b")
PLAIN(pow, 100, "a", "b")
PLAIN(where, 1, "condition", "a", "b")
PLAIN(clip, 2, "x", "low?", "high?")
#undef PLAIN

}  // namespace stretto
