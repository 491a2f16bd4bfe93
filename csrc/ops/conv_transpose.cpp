// conv_transpose1d, 2d, 3d, then an epilogue; and conv1d, 2d, 3d_input_gradient, the same sums.
#include "kernels/conv/conv_transpose.h"

#include "ops/arguments.h"
#include "ops/bound_product.h"
#include "ops/conv_problem.h"
#include "ops/ops.h"
#include "ops/packed_memory.h"

namespace stretto {

std::vector<VariantName> conv_transpose_variants();

namespace {

constexpr const char* kNames[] = {"", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
constexpr const char* kGradientNames[] = {"", "conv1d_input_gradient", "conv2d_input_gradient",
                                          "conv3d_input_gradient"};

constexpr std::int64_t kMostPhases = 1 << 12;  // of a packed weight

// A weight in one variant's layout, and what must hold for that variant to read it.
struct PackedConvTransposeWeight : PackedWeight {
  const ConvTransposeVariant* variant = nullptr;
  DType dtype = DType::none;
  ConvTransposeArgs packed_for;
  PackedMemory memory{nullptr, std::free};

  bool serves(const ConvTransposeArgs& args, const ConvTransposeVariant& runs) const {
    bool same = &runs == variant && args.w.dtype == dtype && args.groups == packed_for.groups &&
                args.channels_last == packed_for.channels_last;
    for (int d = 0; d < kSpatial; ++d)
      same = same && args.stride[d] == packed_for.stride[d] && args.dilation[d] == packed_for.dilation[d] &&
             args.before[d] == packed_for.before[d] && args.out.shape[2 + d] >= args.stride[d];
    return same;
  }
};

ConvTransposeArgs arguments(const ConvProblem& p, const ArrayView& x, const ArrayView& w,
                            const ArrayView& out) {
  ConvTransposeArgs args;
  args.x = as_volume(x, p.rank, p.channels_last);
  args.w = as_volume(w, p.rank, false);
  args.out = as_volume(out, p.rank, p.channels_last);
  for (int d = 0; d < kSpatial; ++d) {
    args.stride[d] = p.stride[d];
    args.dilation[d] = p.dilation[d];
    args.before[d] = p.before[d];
  }
  args.groups = p.groups;
  args.channels_last = p.channels_last;
  return args;
}

using UseTranspose = Use<ConvTransposeArgs, ConvTransposeVariant>;

void with_arguments(const ConvProblem& p, const ArrayView& x, const ArrayView& w, const ArrayView& out,
                    Epilogue epilogue, const PackedWeight* packed, const char* forced,
                    const UseTranspose& use) {
  ConvTransposeArgs args = arguments(p, x, w, out);
  args.epilogue = epilogue;
  for (ArrayView* operand :
       {&args.epilogue.bias, &args.epilogue.scale, &args.epilogue.shift, &args.epilogue.residual})
    if (operand->present()) *operand = as_volume(*operand, p.rank, p.channels_last);
  const ConvTransposeVariant* variant = nullptr;
  if (args.out.size() > 0) variant = &select_conv_transpose(args, this_machine(), forced);
  if (const auto* prepared = dynamic_cast<const PackedConvTransposeWeight*>(packed))
    if (variant && prepared->serves(args, *variant)) args.packed = prepared->memory.get();
  use(args, variant);
}

auto running(const RunOptions& options) {
  return [&options](const ConvTransposeArgs& args, const ConvTransposeVariant* variant) {
    if (variant) variant->run(args, options.threads);
  };
}

Cost count(const ConvProblem& p, const Types& inputs, const Types& outputs) {
  Cost c;  // every element of x meets every tap once
  c.flops = 2.0 * double(inputs[0].shape.product()) * p.terms() / double(p.channels > 0 ? p.channels : 1) *
            double(p.outputs);
  for (const ValueType& input : inputs) c.bytes += double(input.shape.product()) * itemsize(input.dtype);
  c.bytes += double(outputs[0].shape.product()) * itemsize(outputs[0].dtype);
  return c;
}

template <int rank>
Types infer(const Types& inputs, const Attributes& attributes) {
  const ConvProblem p =
      conv_transpose_problem(kNames[rank], rank, inputs[0].shape, inputs[1].shape, attributes);
  const DType dtype = computation_type(p.op, inputs, attributes);
  check_conv_epilogue(p, std::span(inputs).subspan(2), dtype, attributes);
  parse_precision(p.op, attributes);
  return {{dtype, p.result()}};
}

template <int rank>
Cost cost(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  return count(conv_transpose_problem(kNames[rank], rank, inputs[0].shape, inputs[1].shape, attributes),
               inputs, outputs);
}

template <int rank>
void with_arguments(const Call& call, const UseTranspose& use) {
  const ArrayView &x = call.inputs[0], &w = call.inputs[1];
  const ConvProblem p = conv_transpose_problem(kNames[rank], rank, x.shape, w.shape, call.attributes);
  Types types;
  for (const ArrayView& input : call.inputs) types.push_back(input.type());
  const DType dtype = computation_type(p.op, types, call.attributes);
  const Converted x_converted(x, dtype), w_converted(w, dtype);
  const EpilogueOperands operands(p.op, along_channels(p, call.inputs.subspan(2)), p.result(), dtype,
                                  call.attributes);
  with_arguments(p, x_converted.view(), w_converted.view(), call.outputs[0], operands.epilogue(), w.packed,
                 call.options.variant, use);
}

template <int rank>
void run(const Call& call) {
  with_arguments<rank>(call, running(call.options));
}

template <int rank>
std::unique_ptr<BoundCall> bind(const Call& call) {
  using Product =
      BoundProduct<ConvTransposeArgs, ConvTransposeVariant, &ConvTransposeArgs::x, &ConvTransposeArgs::w>;
  return bind_product<Product>(call, with_arguments<rank>);
}

template <int rank>
std::shared_ptr<const PackedWeight> pack(const ArrayView& w, const Attributes& attributes) {
  double phases = 1;
  for (const std::int64_t stride : attributes.integers(kNames[rank], "stride", rank, 1))
    phases *= double(stride);
  if (phases > kMostPhases) return nullptr;
  const ConvProblem p = least_conv_transpose_problem(kNames[rank], rank, w.shape, attributes);
  auto packed = std::make_shared<PackedConvTransposeWeight>();
  const ConvTransposeArgs args =
      arguments(p, contiguous_view(nullptr, w.dtype, p.in_layout(p.channels, p.in)), w,
                contiguous_view(nullptr, w.dtype, p.result()));
  packed->variant = &select_conv_transpose(args, this_machine(), nullptr);
  packed->dtype = w.dtype;
  packed->packed_for = args;
  if (!packed->variant->pack || w.size() == 0) return nullptr;
  packed->memory = packed_memory(packed->variant->packed_bytes(args));
  packed->variant->pack(args, packed->memory.get());
  return packed;
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
      .variants = conv_transpose_variants,
      .widens = true,
  };
}

// The transposed problem whose result has the asked input shape: the forward problem turned round.
template <int rank>
ConvProblem gradient_problem(const Types& inputs, const Attributes& attributes) {
  const Dims &grad = inputs[0].shape, &w = inputs[1].shape;
  const Ints asked = attributes.integers(kGradientNames[rank], "input_shape", rank + 2, -1);
  Dims shape;
  for (const std::int64_t size : asked) shape.push(size);
  if (shape[0] == -1 && grad.count > 0) shape[0] = grad[0];  // as many samples as grad has
  for (const std::int64_t size : shape)
    if (size < 0)
      throw ShapeError(message(kGradientNames[rank], ": input_shape has a negative size: ", shape,
                               "; it must be the shape of the input (its first size may be -1)"));
  ConvProblem p = conv_problem(kGradientNames[rank], rank, shape, w, attributes);
  if (!(grad == p.result()))
    throw ShapeError(message(p.op, ": grad has the wrong shape: grad is ", grad, "; an input of ", shape,
                             " and w of ", w, " give ", p.result()));
  std::swap(p.channels, p.outputs);
  for (int d = 0; d < 3; ++d) std::swap(p.in[d], p.out[d]);
  return p;
}

template <int rank>
Types infer_gradient(const Types& inputs, const Attributes& attributes) {
  const ConvProblem p = gradient_problem<rank>(inputs, attributes);
  return {{computation_type(p.op, inputs, attributes), p.result()}};
}

template <int rank>
Cost cost_gradient(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  return count(gradient_problem<rank>(inputs, attributes), inputs, outputs);
}

template <int rank>
int batch_gradient(const Types&, const std::vector<int>& axes, const Attributes& attributes) {
  const Ints asked = attributes.integers(kGradientNames[rank], "input_shape", rank + 2, -1);
  return axes[0] == 0 && axes[1] == kNoBatch && asked[0] == -1 ? 0 : kMixesSamples;
}

template <int rank>
void run_gradient(const Call& call) {
  const Types types{call.inputs[0].type(), call.inputs[1].type()};
  const ConvProblem p = gradient_problem<rank>(types, call.attributes);
  const DType dtype = computation_type(p.op, types, call.attributes);
  const Converted grad(call.inputs[0], dtype), w(call.inputs[1], dtype);
  with_arguments(p, grad.view(), w.view(), call.outputs[0], Epilogue(), nullptr, call.options.variant,
                 running(call.options));
}

template <int rank>
Op gradient_record() {
  return {
      .name = kGradientNames[rank],
      .inputs = {"grad", "w"},
      .infer = infer_gradient<rank>,
      .cost = cost_gradient<rank>,
      .batch = batch_gradient<rank>,
      .run = run_gradient<rank>,
      .variants = conv_transpose_variants,
      .widens = true,
  };
}

}  // namespace

const Op conv_transpose1d_op = record<1>();
const Op conv_transpose2d_op = record<2>();
const Op conv_transpose3d_op = record<3>();
const Op conv1d_input_gradient_op = gradient_record<1>();
const Op conv2d_input_gradient_op = gradient_record<2>();
const Op conv3d_input_gradient_op = gradient_record<3>();

}  // namespace stretto
