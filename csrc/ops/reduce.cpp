// Reductions over axes: sum, mean, max, min, var, argmax.
#include "kernels/reduce/reduce.h"

#include "ops/arguments.h"
#include "ops/axes.h"
#include "ops/ops.h"
#include "ops/shapes.h"

namespace stretto {

std::vector<VariantName> reduce_variants();

namespace {

struct Name {
  const char* name;
  Reduction reduction;
};

bool needs_floats(Reduction r) { return r == Reduction::mean || r == Reduction::var; }

Types infer(const Name& f, const Types& inputs, const Attributes& attributes) {
  const ValueType& x = inputs[0];
  checked_size(f.name, x);
  const Axes axes(f.name, attributes, x.shape.count);
  const bool keeps = attributes.boolean(f.name, "keepdims", false);
  if (f.reduction == Reduction::argmax && attributes.find("axis") && axes.count != 1)
    throw ShapeError(message("argmax: axis must be one axis or None: it names ", axes.count, " axes"));
  attributes.number(f.name, "ddof", 0);
  const Dims kept = axes.kept(x.shape, false);
  const bool has_order =
      f.reduction == Reduction::max || f.reduction == Reduction::min || f.reduction == Reduction::argmax;
  if (has_order && x.shape.product() == 0 && kept.product() != 0)
    throw ShapeError(message(f.name, ": nothing to reduce: the shape is ", x.shape,
                             "; the reduced axes must have at least one element"));
  DType dtype = x.dtype;
  if (f.reduction == Reduction::argmax)
    dtype = DType::i64;
  else if (!is_floating(dtype) && needs_floats(f.reduction))
    dtype = DType::f64;
  else if (!is_floating(dtype) && f.reduction == Reduction::sum)
    dtype = dtype >= DType::u8 ? DType::u64 : DType::i64;
  return {{dtype, axes.kept(x.shape, keeps)}};
}

void run(const Name& f, const Call& call) {
  const DType dtype = call.inputs[0].dtype;
  const Converted x(call.inputs[0], needs_floats(f.reduction) && !is_floating(dtype) ? DType::f64 : dtype);
  const Axes axes(f.name, call.attributes, x.view().shape.count);
  ReduceArgs args;
  args.reduction = f.reduction;
  args.x = axes.kept_then_reduced(x.view());
  args.kept = args.x.shape.count - axes.count;
  args.ddof = call.attributes.number(f.name, "ddof", 0);
  args.out = call.outputs[0];
  if (args.out.size() == 0) return;
  if (call.attributes.boolean(f.name, "keepdims", false)) {
    args.out.shape = axes.kept(args.out.shape, false);
    args.out.strides = axes.kept(args.out.strides, false);
  }
  select_reduce(args, this_machine(), call.options.variant).run(args, call.options.threads);
}

template <const Name& f>
Op record() {
  Op op{};
  op.name = f.name;
  op.inputs = {"x"};
  op.infer = [](const Types& types, const Attributes& attributes) { return infer(f, types, attributes); };
  op.cost = [](const Types& types, const Types& outputs, const Attributes&) {
    const double terms = double(types[0].shape.product());
    return Cost{f.reduction == Reduction::var ? 4 * terms : terms, bytes_moved(types, outputs)};
  };
  op.batch = [](const Types& types, const std::vector<int>& batch, const Attributes& attributes) {
    if (batch[0] == kNoBatch) return kNoBatch;
    const Axes axes(f.name, attributes, types[0].shape.count);
    if (axes.reduced[batch[0]]) return kMixesSamples;
    int axis = batch[0];
    if (!attributes.boolean(f.name, "keepdims", false))
      for (int d = 0; d < batch[0]; ++d) axis -= axes.reduced[d];
    return axis;
  };
  op.run = [](const Call& call) { run(f, call); };
  op.variants = reduce_variants;
  return op;
}

}  // namespace

#define REDUCTION(name)                               \
  namespace {                                         \
  constexpr Name name##_name{#name, Reduction::name}; \
  }                                                   \
  const Op name##_op = record<name##_name>();
REDUCTION(sum)
REDUCTION(mean)
REDUCTION(max)
REDUCTION(min)
REDUCTION(var)
REDUCTION(argmax)
#undef REDUCTION

}  // namespace stretto
