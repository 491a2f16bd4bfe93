// matmul: NumPy's rules for shapes, broadcasting and dtypes, then an epilogue.
#include "kernels/matmul/matmul.h"

#include <cstdlib>
#include <new>

#include "ops/arguments.h"
#include "ops/bound_product.h"
#include "ops/ops.h"
#include "ops/packed_memory.h"

namespace stretto {

std::vector<VariantName> matmul_variants();

namespace {

constexpr const char* kName = "matmul";

struct Problem {
  Dims a, b;      // promoted to at least two dimensions
  Dims batch;     // broadcast
  Dims out;       // what the user sees
  Dims full_out;  // (batch..., m, n)
  bool a_is_vector, b_is_vector;
};

Problem parse(const Types& inputs) {
  Problem p;
  p.a = inputs[0].shape;
  p.b = inputs[1].shape;
  p.a_is_vector = p.a.count == 1;
  p.b_is_vector = p.b.count == 1;
  if (p.a.count == 0 || p.b.count == 0)
    throw ShapeError(message("matmul: operands need at least one dimension: a is ", p.a, ", b is ", p.b,
                             "; multiply by a scalar with mul"));
  if (p.a_is_vector) {
    p.a.push(p.a[0]);
    p.a[0] = 1;
  }
  if (p.b_is_vector) p.b.push(1);
  if (p.a.last(0) != p.b.last(1))
    throw ShapeError(message("matmul: inner dimensions differ: a is ", inputs[0].shape, ", b is ",
                             inputs[1].shape, "; a's last (", p.a.last(0), ") must equal b's ",
                             p.b_is_vector ? "only" : "second-to-last", " (", p.b.last(1), ")"));
  Dims a_batch = p.a, b_batch = p.b;
  a_batch.count -= 2;
  b_batch.count -= 2;
  p.batch = broadcast(kName, a_batch, b_batch);
  p.full_out = p.batch;
  p.full_out.push(p.a.last(1));
  p.full_out.push(p.b.last(0));
  check_size(kName, p.full_out);
  p.out = p.batch;
  if (!p.a_is_vector) p.out.push(p.a.last(1));
  if (!p.b_is_vector) p.out.push(p.b.last(0));
  return p;
}

Types infer(const Types& inputs, const Attributes& attributes) {
  const Problem p = parse(inputs);
  const ValueType result{computation_type(kName, inputs, attributes), p.out};
  check_epilogue(kName, std::span(inputs).subspan(2), result, attributes);
  parse_precision(kName, attributes);
  return {result};
}

Cost cost(const Types& inputs, const Types& outputs, const Attributes&) {
  const Problem p = parse(inputs);
  Cost c;
  c.flops = 2.0 * double(p.full_out.product()) * double(p.a.last(0));
  for (const ValueType& input : inputs) c.bytes += double(input.shape.product()) * itemsize(input.dtype);
  c.bytes += double(outputs[0].shape.product()) * itemsize(outputs[0].dtype);
  return c;
}

// The batch may be an axis of the stack, or the rows of a; every operand that has it must have it in the same
// place.
int batch(const Types& inputs, const std::vector<int>& axes, const Attributes&) {
  const Problem p = parse(inputs);
  int from_last = -1;  // the batch axis counted from the last axis of (batch..., m, n)
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].present() || axes[i] == kNoBatch) continue;
    const bool is_vector = inputs[i].shape.count == 1;
    int position = inputs[i].shape.count - 1 - axes[i];
    if (i < 2 && (is_vector || position == (i == 0 ? 0 : 1) || (i == 1 && position == 0)))
      return kMixesSamples;
    if (i >= 2) position += p.b_is_vector + (p.a_is_vector && position > 0);
    if (from_last != -1 && from_last != position) return kMixesSamples;
    from_last = position;
  }
  // An operand without the batch must repeat along it: b under rows of a always does.
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].present() || axes[i] != kNoBatch || (i == 1 && from_last == 1)) continue;
    int own = from_last;
    if (i >= 2) own -= p.b_is_vector + (p.a_is_vector && own > 1);
    if (own < inputs[i].shape.count && inputs[i].shape.last(own) != 1) return kMixesSamples;
  }
  return p.full_out.count - 1 - from_last - (p.a_is_vector && from_last < 1);
}

struct PackedMatmul : PackedWeight {
  const MatmulVariant* variant;  // panels are of its making
  DType dtype;
  PackedMemory panels{nullptr, std::free};
};

// One matrix is packed; a stack of them is used as it lies.
std::shared_ptr<const PackedWeight> pack(const ArrayView& weight, const Attributes& attributes) {
  const DType dtype = attributes.dtype(kName, "dtype", weight.dtype);
  if (weight.shape.count != 2 || weight.size() == 0) return nullptr;
  if (factor_types(dtype, weight.dtype, weight.dtype)[1] != weight.dtype) return nullptr;
  MatmulArgs args;
  args.a = args.b = args.out = weight;
  args.precision = parse_precision(kName, attributes);
  const MatmulVariant& variant = select_matmul(args, this_machine(), nullptr);
  if (!variant.pack) return nullptr;
  auto packed = std::make_shared<PackedMatmul>();
  packed->variant = &variant;
  packed->dtype = weight.dtype;
  packed->panels = packed_memory(variant.pack(weight, nullptr));
  variant.pack(weight, packed->panels.get());
  return packed;
}

ArrayView as_matrices(ArrayView view, bool is_left) {
  if (view.shape.count == 1) {
    const std::int64_t step = view.strides[0], n = view.shape[0];
    view.shape.count = view.strides.count = 2;
    view.shape[0] = is_left ? 1 : n;
    view.shape[1] = is_left ? n : 1;
    view.strides[0] = is_left ? 0 : step;
    view.strides[1] = is_left ? step : 0;
  }
  return view;
}

// Inserts the axes that vectors took away, so that a view of the result has the shape (batch..., m, n).
ArrayView with_matrix_axes(ArrayView view, const Problem& p) {
  if (!p.a_is_vector && !p.b_is_vector) return view;
  ArrayView full = view;
  full.shape = p.full_out;
  full.strides.count = p.full_out.count;
  int source = view.strides.count - 1;
  for (int d = p.full_out.count - 1; d >= 0; --d) {
    const int from_last = p.full_out.count - 1 - d;
    const bool inserted = (from_last == 0 && p.b_is_vector) || (from_last == 1 && p.a_is_vector);
    full.strides[d] = inserted ? 0 : view.strides[source--];
  }
  return full;
}

Dims shape_of(const Dims& batch, const Dims& matrix) {
  Dims shape = batch;
  shape.push(matrix.last(1));
  shape.push(matrix.last(0));
  return shape;
}

const char* select(const Types& inputs, const Attributes& attributes, const Machine& machine) {
  const Problem p = parse(inputs);
  const DType dtype = computation_type(kName, inputs, attributes);
  MatmulArgs args;
  const auto [a, b] = factor_types(dtype, inputs[0].dtype, inputs[1].dtype);
  args.a = contiguous_view(nullptr, a, shape_of(p.batch, p.a));
  args.b = contiguous_view(nullptr, b, shape_of(p.batch, p.b));
  args.out = contiguous_view(nullptr, dtype, p.full_out);
  args.precision = parse_precision(kName, attributes);
  return select_matmul(args, machine, nullptr).name;
}

void with_arguments(const Call& call, const Use<MatmulArgs, MatmulVariant>& use) {
  Types types;
  types.reserve(call.inputs.size());
  for (const ArrayView& input : call.inputs) types.push_back(input.type());
  const Problem p = parse(types);
  const DType dtype = computation_type(kName, types, call.attributes);
  const auto [a_type, b_type] = factor_types(dtype, types[0].dtype, types[1].dtype);
  const Converted a(call.inputs[0], a_type), b(call.inputs[1], b_type);
  const EpilogueOperands operands(kName, call.inputs.subspan(2), p.out, dtype, call.attributes);

  MatmulArgs args;
  args.a = broadcast_to(as_matrices(a.view(), true), shape_of(p.batch, p.a));
  args.b = broadcast_to(as_matrices(b.view(), false), shape_of(p.batch, p.b));
  args.out = with_matrix_axes(call.outputs[0], p);
  args.epilogue = operands.epilogue();
  args.precision = parse_precision(kName, call.attributes);
  for (ArrayView* operand :
       {&args.epilogue.bias, &args.epilogue.scale, &args.epilogue.shift, &args.epilogue.residual})
    if (operand->present()) *operand = with_matrix_axes(*operand, p);
  const MatmulVariant* variant = nullptr;
  if (args.out.size() > 0) variant = &select_matmul(args, this_machine(), call.options.variant);
  if (const auto* packed = dynamic_cast<const PackedMatmul*>(b.view().packed))
    if (packed->variant == variant && packed->dtype == b_type) args.panels = packed->panels.get();
  use(args, variant);
}

void run(const Call& call) {
  with_arguments(call, [&](const MatmulArgs& args, const MatmulVariant* variant) {
    if (variant) variant->run(args, call.options.threads);
  });
}

std::unique_ptr<BoundCall> bind(const Call& call) {
  using Product = BoundProduct<MatmulArgs, MatmulVariant, &MatmulArgs::a, &MatmulArgs::b>;
  return bind_product<Product>(call, with_arguments);
}

// The columns of b, and of every operand of the epilogue that does not repeat along them.
std::vector<int> channels(const Types& inputs, const Types& outputs, const Attributes&) {
  if (inputs[1].shape.count < 2) return {};
  std::vector<int> axes = {kNoChannels, inputs[1].shape.count - 1};
  for (std::size_t i = 2; i < inputs.size(); ++i) {
    const Dims& shape = inputs[i].shape;
    const bool repeats = !inputs[i].present() || shape.count == 0 || shape.last(0) == 1;
    axes.push_back(repeats ? kNoChannels : shape.count - 1);
  }
  axes.push_back(outputs[0].shape.count - 1);
  return axes;
}

}  // namespace

const Op matmul_op = {
    .name = kName,
    .inputs = {"a", "b", "bias?", "scale?", "shift?", "residual?"},
    .infer = infer,
    .cost = cost,
    .batch = batch,
    .run = run,
    .bind = bind,
    .pack = pack,
    .variants = matmul_variants,
    .select = select,
    .channels = channels,
    .widens = true,
};

}  // namespace stretto
