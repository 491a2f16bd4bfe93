#include "ops/arguments.h"

#include <algorithm>

#include "kernels/copy/copy.h"
#include "ops/room.h"

namespace stretto {
namespace {

constexpr const char* kOperandNames[] = {"bias", "scale", "shift", "residual"};

bool broadcasts_to(const Dims& from, const Dims& to) {
  if (from.count > to.count) return false;
  for (int i = 0; i < from.count; ++i)
    if (from.last(i) != 1 && from.last(i) != to.last(i)) return false;
  return true;
}

}  // namespace

DType computation_type(const char* op, const Types& inputs, const Attributes& attributes) {
  const DType asked = attributes.dtype(op, "dtype", DType::none);
  if (asked != DType::none) return asked;
  DType result = DType::none;
  for (const ValueType& input : inputs) {
    if (!input.present()) continue;
    const DType next = result == DType::none ? input.dtype : promote(result, input.dtype);
    if (next == DType::none)
      throw DTypeError(message(op, ": no common dtype: ", result, " and ", input.dtype,
                               "; cast one of them or pass dtype="));
    result = next;
  }
  return result;
}

std::array<DType, 2> factor_types(DType computation, DType a, DType b) {
  if (computation == DType::i32 && has_int32_product(a, b)) return {a, b};
  return {computation, computation};
}

DType computed_in(DType dtype) { return is_16bit_float(dtype) ? DType::f32 : dtype; }

void check_floats(const char* op, const Types& inputs) {
  for (const ValueType& input : inputs)
    if (input.present() && !is_floating(input.dtype))
      throw DTypeError(message(op, ": no kernel for dtype ", input.dtype,
                               "; available: float16, bfloat16, float32, float64"));
}

void check_parameter(const char* op, const char* name, const ValueType& parameter, const Dims& wanted) {
  if (parameter.present() && !(parameter.shape == wanted))
    throw ShapeError(message(op, ": ", name, " has the wrong shape: ", name, " is ", parameter.shape,
                             "; it must be ", wanted));
}

void check_size(const char* op, const Dims& shape) {
  constexpr std::int64_t kMost = std::int64_t(1) << 60;
  std::int64_t elements = 1;
  bool overflows = false, empty = false;
  for (const std::int64_t size : shape) {
    empty |= size == 0;
    overflows |= size != 0 && __builtin_mul_overflow(elements, size, &elements);
  }
  if (!empty && (overflows || elements > kMost))
    throw ShapeError(
        message(op, ": the result is too large: it would be ", shape, "; at most 2^60 elements"));
}

Dims broadcast(const char* op, const Dims& a, const Dims& b) {
  Dims result;
  result.count = std::max(a.count, b.count);
  for (int i = 0; i < result.count; ++i) {
    const std::int64_t x = i < a.count ? a.last(i) : 1, y = i < b.count ? b.last(i) : 1;
    if (x != y && x != 1 && y != 1)
      throw ShapeError(message(op, ": shapes do not broadcast: ", a, " and ", b,
                               "; counted from the last, each pair of axes must be equal or contain a 1"));
    result[result.count - 1 - i] = x == 1 ? y : x;
  }
  check_size(op, result);
  return result;
}

ArrayView broadcast_to(const ArrayView& view, const Dims& shape) {
  ArrayView result = view;
  result.shape = shape;
  result.strides.count = shape.count;
  for (int i = 0; i < shape.count; ++i) {
    const bool repeats = i >= view.shape.count || (view.shape.last(i) == 1 && shape.last(i) != 1);
    result.strides[shape.count - 1 - i] = repeats ? 0 : view.strides.last(i);
  }
  return result;
}

Converted::Converted(const ArrayView& view, DType dtype) {
  if (!view.present() || view.dtype == dtype)
    view_ = view;
  else
    copy_from(view, dtype);
}

Converted Converted::contiguous(const ArrayView& view, DType dtype) {
  Converted result;
  if (!view.present() || (view.dtype == dtype && is_contiguous(view)))
    result.view_ = view;
  else
    result.copy_from(view, dtype);
  return result;
}

void Converted::copy_from(const ArrayView& view, DType dtype) {
  storage_ = room_for(view.size() * itemsize(dtype), view.place);
  view_ = contiguous_view(storage_.get(), dtype, view.shape, view.place);
  copy(view, view_);
}

void check_epilogue(const char* op, std::span<const ValueType> operands, const ValueType& result,
                    const Attributes& attributes) {
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const ValueType& operand = operands[i];
    if (operand.present() && !broadcasts_to(operand.shape, result.shape))
      throw ShapeError(message(op, ": ", kOperandNames[i], " does not broadcast to the result: ",
                               kOperandNames[i], " is ", operand.shape, ", the result is ", result.shape));
  }
  const bool has_scale = operands.size() > 1 && operands[1].present();
  if (has_scale != (operands.size() > 2 && operands[2].present()))
    throw ShapeError(
        message(op, ": scale and shift come together: one of them is missing; pass both or neither"));
  Activation activation;
  double parameter;
  parse_activation(op, attributes, activation, parameter);
  if ((activation != Activation::none || has_scale) && !is_floating(result.dtype))
    throw DTypeError(message(op, ": activation and scale need floats: the result is ", result.dtype,
                             "; cast an input or pass dtype=np.float32"));
}

void parse_activation(const char* op, const Attributes& attributes, Activation& activation,
                      double& parameter) {
  activation = Activation::none;
  parameter = 0;
  const Value* value = attributes.find("activation");
  if (!value) return;
  const auto* pair = std::get_if<Named>(value);
  const std::string name = pair ? pair->name : attributes.text(op, "activation", "none");
  if (!activation_named(name.c_str(), activation, parameter))
    throw ShapeError(message(
        op, ": unknown activation: \"", name,
        "\"; known are relu, relu6, (\"leaky_relu\", slope), "
        "(\"elu\", alpha), sigmoid, hard_sigmoid, hard_swish, tanh, gelu, gelu_tanh, silu, softplus"));
  if (pair) parameter = pair->parameter;
}

Precision parse_precision(const char* op, const Attributes& attributes) {
  const std::string name = attributes.text(op, "precision", "highest");
  if (name == "highest") return Precision::highest;
  if (name == "high") return Precision::high;
  if (name == "medium") return Precision::medium;
  throw ShapeError(message(op, ": unknown precision: \"", name, "\"; it must be highest, high or medium"));
}

EpilogueOperands::EpilogueOperands(const char* op, std::span<const ArrayView> operands, const Dims& result,
                                   DType dtype, const Attributes& attributes) {
  ArrayView* const slots[] = {&epilogue_.bias, &epilogue_.scale, &epilogue_.shift, &epilogue_.residual};
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i].present()) continue;
    held_.emplace_back(operands[i], dtype);
    *slots[i] = broadcast_to(held_.back().view(), result);
  }
  parse_activation(op, attributes, epilogue_.activation, epilogue_.parameter);
}

}  // namespace stretto
