// conv1d, 2d, 3d_weight_gradient: by grains of samples, which a fixed tree sums.
#include "kernels/conv/conv_weight_gradient.h"

#include "ops/arguments.h"
#include "ops/conv_problem.h"
#include "ops/ops.h"

namespace stretto {

std::vector<VariantName> conv_weight_gradient_variants();

namespace {

constexpr const char* kNames[] = {"", "conv1d_weight_gradient", "conv2d_weight_gradient",
                                  "conv3d_weight_gradient"};

Dims weight_shape(const char* op, int rank, const Attributes& attributes) {
  Dims shape;
  for (const std::int64_t size : attributes.integers(op, "weight_shape", rank + 2, -1)) shape.push(size);
  for (const std::int64_t size : shape)
    if (size < 0)
      throw ShapeError(
          message(op, ": weight_shape has a negative size: ", shape, "; it must be the shape of the weight"));
  return shape;
}

template <int rank>
ConvProblem parse(const Types& inputs, const Attributes& attributes) {
  const char* op = kNames[rank];
  const Dims& x = inputs[0].shape;
  const Dims w = weight_shape(op, rank, attributes);
  const ConvProblem p = conv_problem(op, rank, x, w, attributes);
  if (!(inputs[1].shape == p.result()))
    throw ShapeError(message(op, ": grad has the wrong shape: grad is ", inputs[1].shape, "; x of ", x,
                             " and a weight of ", w, " give ", p.result()));
  const std::int64_t grain = attributes.integer(op, "grain", 8);
  if (grain < 1)
    throw ShapeError(message(op, ": grain is out of range: ", grain, "; it must be at least 1 sample"));
  return p;
}

template <int rank>
Types infer(const Types& inputs, const Attributes& attributes) {
  parse<rank>(inputs, attributes);
  return {{computation_type(kNames[rank], inputs, attributes), weight_shape(kNames[rank], rank, attributes)}};
}

template <int rank>
Cost cost(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  const ConvProblem p = parse<rank>(inputs, attributes);
  Cost c;
  c.flops = 2.0 * double(inputs[1].shape.product()) * p.terms();
  for (const ValueType& input : inputs) c.bytes += double(input.shape.product()) * itemsize(input.dtype);
  c.bytes += double(outputs[0].shape.product()) * itemsize(outputs[0].dtype);
  return c;
}

int batch(const Types&, const std::vector<int>&, const Attributes&) { return kMixesSamples; }

template <int rank>
void run(const Call& call) {
  const Types types{call.inputs[0].type(), call.inputs[1].type()};
  const ConvProblem p = parse<rank>(types, call.attributes);
  const DType dtype = computation_type(p.op, types, call.attributes);
  const Converted x(call.inputs[0], dtype), grad(call.inputs[1], dtype);
  ConvWeightGradientArgs args;
  args.x = as_volume(x.view(), rank, p.channels_last);
  args.grad = as_volume(grad.view(), rank, p.channels_last);
  args.out = as_volume(call.outputs[0], rank, false);
  for (int d = 0; d < kSpatial; ++d) {
    args.stride[d] = p.stride[d];
    args.dilation[d] = p.dilation[d];
    args.before[d] = p.before[d];
  }
  args.groups = p.groups;
  args.grain = call.attributes.integer(p.op, "grain", 8);
  if (args.out.size() == 0) return;
  select_conv_weight_gradient(args, this_machine(), call.options.variant).run(args, call.options.threads);
}

template <int rank>
Op record() {
  return {
      .name = kNames[rank],
      .inputs = {"x", "grad"},
      .infer = infer<rank>,
      .cost = cost<rank>,
      .batch = batch,
      .run = run<rank>,
      .variants = conv_weight_gradient_variants,
      .widens = true,
  };
}

}  // namespace

const Op conv1d_weight_gradient_op = record<1>();
const Op conv2d_weight_gradient_op = record<2>();
const Op conv3d_weight_gradient_op = record<3>();

}  // namespace stretto
