// conv1d, conv2d, conv3d: cross-correlation, then an epilogue.
#include "kernels/conv/conv.h"

#include "kernels/conv/correlation.h"
#include "ops/arguments.h"
#include "ops/bound_product.h"
#include "ops/conv_problem.h"
#include "ops/ops.h"
#include "ops/packed_memory.h"

namespace stretto {

std::vector<VariantName> conv_variants();

namespace {

constexpr const char* kNames[] = {"", "conv1d", "conv2d", "conv3d"};

// A weight in the layouts of the variants that run for small maps and for large ones, and what must hold for
// those to read it.
struct PackedConvWeight : PackedWeight {
  struct Layout {
    const ConvVariant* variant = nullptr;
    PackedMemory memory{nullptr, std::free};
  };
  std::int64_t groups = 1;
  DType dtype = DType::none;
  Layout layouts[2];

  // The weight as `variant` reads it, or null.
  const void* of(const ConvVariant& variant) const {
    for (const Layout& layout : layouts)
      if (layout.variant == &variant) return layout.memory.get();
    return nullptr;
  }
};

template <int rank>
Types infer(const Types& inputs, const Attributes& attributes) {
  const ConvProblem p = conv_problem(kNames[rank], rank, inputs[0].shape, inputs[1].shape, attributes);
  const DType dtype = computation_type(p.op, inputs, attributes);
  check_conv_epilogue(p, std::span(inputs).subspan(2), dtype, attributes);
  parse_precision(p.op, attributes);
  return {{dtype, p.result()}};
}

template <int rank>
Cost cost(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  const ConvProblem p = conv_problem(kNames[rank], rank, inputs[0].shape, inputs[1].shape, attributes);
  Cost c;
  c.flops = 2.0 * double(outputs[0].shape.product()) * p.terms();
  for (const ValueType& input : inputs) c.bytes += double(input.shape.product()) * itemsize(input.dtype);
  c.bytes += double(outputs[0].shape.product()) * itemsize(outputs[0].dtype);
  return c;
}

// Without an epilogue.
ConvArgs arguments(const ConvProblem& p, int rank, const ArrayView& x, const ArrayView& w,
                   const ArrayView& out, const Attributes& attributes) {
  ConvArgs args;
  args.x = as_volume(x, rank, p.channels_last);
  args.w = as_volume(w, rank, false);
  args.out = as_volume(out, rank, p.channels_last);
  for (int d = 0; d < kSpatial; ++d) {
    args.stride[d] = p.stride[d];
    args.dilation[d] = p.dilation[d];
    args.before[d] = p.before[d];
  }
  args.groups = p.groups;
  args.precision = parse_precision(p.op, attributes);
  args.channels_last = p.channels_last;
  return args;
}

template <int rank>
const char* select(const Types& inputs, const Attributes& attributes, const Machine& machine) {
  const ConvProblem p = conv_problem(kNames[rank], rank, inputs[0].shape, inputs[1].shape, attributes);
  const DType dtype = computation_type(p.op, inputs, attributes);
  const auto [x_type, w_type] = factor_types(dtype, inputs[0].dtype, inputs[1].dtype);
  const ConvArgs args = arguments(p, rank, contiguous_view(nullptr, x_type, inputs[0].shape),
                                  contiguous_view(nullptr, w_type, inputs[1].shape),
                                  contiguous_view(nullptr, dtype, p.result()), attributes);
  return select_conv(args, machine, nullptr).name;
}

template <int rank>
void with_arguments(const Call& call, const Use<ConvArgs, ConvVariant>& use) {
  const ArrayView &x = call.inputs[0], &w = call.inputs[1];
  const ConvProblem p = conv_problem(kNames[rank], rank, x.shape, w.shape, call.attributes);
  Types types;
  for (const ArrayView& input : call.inputs) types.push_back(input.type());
  const DType dtype = computation_type(p.op, types, call.attributes);
  const auto [x_type, w_type] = factor_types(dtype, x.dtype, w.dtype);
  const Converted x_converted(x, x_type), w_converted(w, w_type);
  const EpilogueOperands operands(p.op, along_channels(p, call.inputs.subspan(2)), p.result(), dtype,
                                  call.attributes);
  ConvArgs args =
      arguments(p, rank, x_converted.view(), w_converted.view(), call.outputs[0], call.attributes);
  args.epilogue = operands.epilogue();
  for (ArrayView* operand :
       {&args.epilogue.bias, &args.epilogue.scale, &args.epilogue.shift, &args.epilogue.residual})
    if (operand->present()) *operand = as_volume(*operand, rank, p.channels_last);
  const ConvVariant* variant = nullptr;
  if (args.out.size() > 0) variant = &select_conv(args, this_machine(), call.options.variant);
  if (const auto* packed = dynamic_cast<const PackedConvWeight*>(w.packed))
    if (variant && packed->groups == p.groups && packed->dtype == w_type) args.packed = packed->of(*variant);
  use(args, variant);
}

template <int rank>
void run(const Call& call) {
  with_arguments<rank>(call, [&](const ConvArgs& args, const ConvVariant* variant) {
    if (variant) variant->run(args, call.options.threads);
  });
}

template <int rank>
std::unique_ptr<BoundCall> bind(const Call& call) {
  using Product = BoundProduct<ConvArgs, ConvVariant, &ConvArgs::x, &ConvArgs::w>;
  return bind_product<Product>(call, with_arguments<rank>);
}

template <int rank>
std::shared_ptr<const PackedWeight> pack(const ArrayView& w, const Attributes& attributes) {
  Dims x;  // the smallest input that the weight takes: its sizes do not matter
  const std::int64_t groups = attributes.integer(kNames[rank], "groups", 1);
  const bool channels_last = attributes.text(kNames[rank], "layout", "NCHW") == "NHWC";
  for (int i = 0; i < rank + 2; ++i) x.push(1);
  if (w.shape.count == rank + 2) {
    x[channels_last ? rank + 1 : 1] = groups > 0 ? w.shape[1] * groups : 0;
    const Ints dilation = attributes.integers(kNames[rank], "dilation", rank, 1);
    for (int i = 0; i < rank; ++i)
      x[(channels_last ? 1 : 2) + i] = dilation[i] > 0 ? (w.shape[2 + i] - 1) * dilation[i] + 1 : 1;
  }
  const ConvProblem p = conv_problem(kNames[rank], rank, x, w.shape, attributes);
  ConvArgs args = arguments(p, rank, contiguous_view(nullptr, w.dtype, x), w,
                            contiguous_view(nullptr, w.dtype, p.result()), attributes);
  auto packed = std::make_shared<PackedConvWeight>();
  packed->groups = p.groups;
  packed->dtype = w.dtype;
  std::int64_t map = 1;
  for (PackedConvWeight::Layout& layout : packed->layouts) {
    for (int d = 0; d < kSpatial; ++d) args.out.shape[2 + d] = d == 0 ? map : 1;
    map = kManyOutputs + 1;
    const ConvVariant& variant = select_conv(args, this_machine(), nullptr);
    if (!variant.pack || w.size() == 0 || packed->of(variant)) continue;
    layout.memory = packed_memory(variant.packed_bytes(args));
    layout.variant = &variant;
    variant.pack(args, layout.memory.get());
  }
  return packed;
}

// The rows of the weight; a group is a convolution of its own and stays whole.
template <int rank>
std::vector<int> channels(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  if (attributes.integer(kNames[rank], "groups", 1) != 1) return {};
  const bool channels_last = attributes.text(kNames[rank], "layout", "NCHW") == "NHWC";
  const int from_last = channels_last ? 0 : rank;
  std::vector<int> axes = {kNoChannels, 0};
  for (std::size_t i = 2; i < inputs.size(); ++i) {
    const Dims& shape = inputs[i].shape;
    const int axis = i == 5 ? shape.count - 1 - from_last : shape.count - 1;
    axes.push_back(inputs[i].present() && axis >= 0 && shape[axis] != 1 ? axis : kNoChannels);
  }
  axes.push_back(outputs[0].shape.count - 1 - from_last);
  return axes;
}

template <int rank>
Op record() {
  return {
      .name = kNames[rank],
      .inputs = {"x", "w", "bias?", "scale?", "shift?", "residual?"},
      .infer = infer<rank>,
      .cost = cost<rank>,
      .batch = conv_batch,
      .run = run<rank>,
      .bind = bind<rank>,
      .pack = pack<rank>,
      .variants = conv_variants,
      .select = select<rank>,
      .channels = channels<rank>,
      .widens = true,
  };
}

}  // namespace

const Op conv1d_op = record<1>();
const Op conv2d_op = record<2>();
const Op conv3d_op = record<3>();

}  // namespace stretto
