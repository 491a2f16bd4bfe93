// Gradients of softmax and the norms, as sequences of element-wise functions and sums.
// docs/numerics_functions.md has the formulas. Of 16-bit arrays everything is computed in float32 and each
// result rounded once.
#include <algorithm>

#include "kernels/copy/copy.h"
#include "ops/arguments.h"
#include "ops/axes.h"
#include "ops/compose.h"
#include "ops/ops.h"
#include "ops/shapes.h"

namespace stretto {
namespace {

constexpr auto kAdd = Elementwise::add, kSub = Elementwise::sub, kMul = Elementwise::mul,
               kDiv = Elementwise::div;

void check_inputs(const char* op, const Types& inputs) {
  check_floats(op, inputs);
  if (!(inputs[0].shape == inputs[1].shape))
    throw ShapeError(message(op, ": shapes differ: grad is ", inputs[0].shape, ", the other is ",
                             inputs[1].shape, "; they must be equal"));
}

std::int64_t grain_of(const char* op, const Attributes& attributes) {
  const std::int64_t grain = attributes.integer(op, "grain", 8);
  if (grain < 1) throw ShapeError(message(op, ": grain is out of range: ", grain, "; it must be at least 1"));
  return grain;
}

Cost cost(const Types& inputs, const Types& outputs, const Attributes&) {
  return {16.0 * double(outputs[0].shape.product()), bytes_moved(inputs, outputs)};
}

// Copies a result to an output that has the same elements in the same order.
void deliver(const Temporary& result, const ArrayView& out) {
  if (out.size()) copy(contiguous_view(result.view.data, result.view.dtype, out.shape, out.place), out);
}

// ---- softmax: s = sum(dy * y), dx = (dy - s) * y;  log_softmax: s = sum(dy), dx = dy - exp(y) * s

constexpr char kSoftmax[] = "softmax_gradient", kLogSoftmax[] = "log_softmax_gradient";

Axes softmax_axes(const char* op, const Attributes& attributes, int ndim) {
  Attributes with_default = attributes;
  if (!attributes.find("axis")) with_default.set("axis", std::int64_t(-1));
  return Axes(op, with_default, ndim);
}

template <const char* name>
Types infer_softmax(const Types& inputs, const Attributes& attributes) {
  check_inputs(name, inputs);
  softmax_axes(name, attributes, inputs[0].shape.count);
  return {{computation_type(name, inputs, attributes), inputs[0].shape}};
}

template <const char* name>
int batch_softmax(const Types& inputs, const std::vector<int>& batch, const Attributes& attributes) {
  if (batch[0] != batch[1]) return kMixesSamples;
  if (batch[0] == kNoBatch) return kNoBatch;
  return softmax_axes(name, attributes, inputs[0].shape.count).reduced[batch[0]] ? kMixesSamples : batch[0];
}

template <const char* name>
void run_softmax(const Call& call) {
  const Composer c(call.outputs[0], call.options.threads);
  const DType dtype = computed_in(call.outputs[0].dtype);
  const Temporary dy = c.converted(call.inputs[0], dtype), y = c.converted(call.inputs[1], dtype);
  const Axes axes = softmax_axes(name, call.attributes, dy.view.shape.count);
  if (name == kSoftmax) {
    const Temporary s = c.reduce(Reduction::sum, c.apply(kMul, {dy, y}), axes.reduced);
    deliver(c.apply(kMul, {c.apply(kSub, {dy, s}), y}), call.outputs[0]);
  } else {
    const Temporary s = c.reduce(Reduction::sum, dy, axes.reduced);
    deliver(c.apply(kSub, {dy, c.apply(kMul, {c.apply(Activation::exp, y), s})}), call.outputs[0]);
  }
}

// ---- the norms

// 1 / sqrt(v + eps)
Temporary inverse_root(const Composer& c, const Temporary& v, double eps) {
  const DType dtype = v.view.dtype;
  const Temporary root = c.apply(Activation::sqrt, c.apply(kAdd, {v, c.number(eps, dtype)}));
  return c.apply(kDiv, {c.number(1, dtype), root});
}

struct Norm {
  bool inner[kMaxDims] = {};    // space: summed first
  bool outer[kMaxDims] = {};    // channels: summed after; none for layer_norm and rms_norm
  bool samples[kMaxDims] = {};  // what gamma and beta repeat along
  bool has_outer = false, centred = true;
};

// The mean over a norm's axes.
Temporary mean_over(const Composer& c, const Norm& norm, const Temporary& x) {
  Temporary sum = c.reduce(Reduction::sum, x, norm.inner);
  if (norm.has_outer) sum = c.reduce(Reduction::sum, sum, norm.outer);
  double n = 1;
  for (int d = 0; d < x.view.shape.count; ++d)
    if (norm.inner[d] || norm.outer[d]) n *= double(x.view.shape[d]);
  return c.apply(kDiv, {sum, c.number(n, x.view.dtype)});
}

// dx, dgamma and, where there is a third output, dbeta. `gamma` has the rank of x or is absent.
void run_norm(const Composer& c, const Norm& norm, const Temporary& dy, const Temporary& x,
              const Temporary& gamma, double eps, std::int64_t grain, std::span<ArrayView> outputs) {
  const Temporary d = norm.centred ? c.apply(kSub, {x, mean_over(c, norm, x)}) : x;
  const Temporary r = inverse_root(c, mean_over(c, norm, c.apply(kMul, {d, d})), eps);
  const Temporary h = c.apply(kMul, {d, r});
  const Temporary g = gamma.view.present() ? c.apply(kMul, {dy, gamma}) : dy;
  const Temporary b = mean_over(c, norm, c.apply(kMul, {g, h}));
  const Temporary centred = norm.centred ? c.apply(kSub, {g, mean_over(c, norm, g)}) : g;
  deliver(c.apply(kMul, {c.apply(kSub, {centred, c.apply(kMul, {h, b})}), r}), outputs[0]);
  deliver(c.sum_by_grains(c.apply(kMul, {dy, h}), norm.samples, grain), outputs[1]);
  if (outputs.size() > 2) deliver(c.sum_by_grains(dy, norm.samples, grain), outputs[2]);
}

// The array with axes of size 1 in front.
Temporary with_rank(Temporary x, int rank) {
  Dims shape, strides;
  for (int d = x.view.shape.count; d < rank; ++d) {
    shape.push(1);
    strides.push(0);
  }
  for (int d = 0; d < x.view.shape.count; ++d) {
    shape.push(x.view.shape[d]);
    strides.push(x.view.strides[d]);
  }
  x.view.shape = shape;
  x.view.strides = strides;
  return x;
}

constexpr char kLayerNorm[] = "layer_norm_gradient", kRmsNorm[] = "rms_norm_gradient";

Dims last_dims(const char* op, const Dims& shape, const Attributes& attributes) {
  const std::int64_t count = attributes.integer(op, "dims", 1);
  if (count < 1 || count > shape.count)
    throw ShapeError(message(op, ": dims is out of range: dims is ", count, ", x is ", shape,
                             "; it must be 1 to ", shape.count));
  Dims result;
  for (int d = shape.count - int(count); d < shape.count; ++d) result.push(shape[d]);
  return result;
}

template <const char* name>
Types infer_layer(const Types& inputs, const Attributes& attributes) {
  check_inputs(name, inputs);
  const Dims wanted = last_dims(name, inputs[1].shape, attributes);
  check_parameter(name, "gamma", inputs[2], wanted);
  grain_of(name, attributes);
  attributes.number(name, "eps", 0);
  if (inputs[1].shape.count == kMaxDims)
    throw ShapeError(message(name, ": too many dimensions: x has ", kMaxDims, "; at most ", kMaxDims - 1));
  const DType dtype = computation_type(name, inputs, attributes);
  Types outputs{{dtype, inputs[1].shape}, {dtype, wanted}};
  if (name == kLayerNorm) outputs.push_back({dtype, wanted});
  return outputs;
}

int mixes(const Types&, const std::vector<int>& batch, const Attributes&) {
  for (const int axis : batch)
    if (axis != kNoBatch) return kMixesSamples;
  return kNoBatch;
}

template <const char* name>
void run_layer(const Call& call) {
  const Composer c(call.outputs[0], call.options.threads);
  const DType dtype = computed_in(call.outputs[0].dtype);
  const Dims wanted = last_dims(name, call.inputs[1].shape, call.attributes);
  const int rank = std::max(call.inputs[1].shape.count, wanted.count + 1);  // there is an axis of samples
  const Temporary dy = with_rank(c.converted(call.inputs[0], dtype), rank);
  const Temporary x = with_rank(c.converted(call.inputs[1], dtype), rank);
  Temporary gamma = c.converted(call.inputs[2], dtype);
  if (gamma.view.present()) gamma = with_rank(gamma, rank);
  Norm norm;
  norm.centred = name == kLayerNorm;
  for (int d = 0; d < rank; ++d) (d < rank - wanted.count ? norm.samples : norm.inner)[d] = true;
  run_norm(c, norm, dy, x, gamma, call.attributes.number(name, "eps", 1e-5), grain_of(name, call.attributes),
           call.outputs);
}

constexpr char kBatchNorm[] = "batch_norm_gradient", kGroupNorm[] = "group_norm_gradient";

int channel_axis(const char* op, const Dims& shape, const Attributes& attributes) {
  const std::string layout = attributes.text(op, "layout", "NCHW");
  if (layout != "NCHW" && layout != "NHWC")
    throw ShapeError(message(op, ": unknown layout: \"", layout, "\"; it must be NCHW or NHWC"));
  if (shape.count < 2 || shape.count == kMaxDims)
    throw ShapeError(
        message(op, ": wrong number of dimensions: x is ", shape, "; it must have 2 to ", kMaxDims - 1));
  return layout == "NCHW" ? 1 : shape.count - 1;
}

template <const char* name>
Types infer_channels(const Types& inputs, const Attributes& attributes) {
  check_inputs(name, inputs);
  constexpr const char* kNames[] = {"grad", "x", "gamma", "mean", "var"};
  Dims wanted;
  wanted.push(inputs[1].shape[channel_axis(name, inputs[1].shape, attributes)]);
  for (std::size_t i = 2; i < inputs.size(); ++i) check_parameter(name, kNames[i], inputs[i], wanted);
  grain_of(name, attributes);
  attributes.number(name, "eps", 0);
  const std::int64_t groups = attributes.integer(name, "groups", 1);
  if (groups < 1 || wanted[0] % groups != 0)
    throw ShapeError(message(name, ": groups do not divide the channels: groups is ", groups,
                             ", channels are ", wanted[0], "; the first must divide the second"));
  const DType dtype = computation_type(name, inputs, attributes);
  return {{dtype, inputs[1].shape}, {dtype, wanted}, {dtype, wanted}};
}

// Axes (samples, groups, channels of a group, space...) of x; (1, groups, channels, 1...) of a parameter.
ArrayView by_channel(const ArrayView& view, int axis, std::int64_t groups) {
  ArrayView result = view;
  const std::int64_t each = groups ? view.shape[axis] / groups : 0;
  result.shape.count = result.strides.count = 0;
  const auto push = [&](std::int64_t size, std::int64_t stride) {
    result.shape.push(size);
    result.strides.push(stride);
  };
  push(view.shape[0], view.strides[0]);
  push(groups, each * view.strides[axis]);
  push(each, view.strides[axis]);
  for (int d = 1; d < view.shape.count; ++d)
    if (d != axis) push(view.shape[d], view.strides[d]);
  return result;
}

Temporary parameter_by_channel(Temporary p, std::int64_t groups, int rank) {
  if (!p.view.present()) return p;
  const std::int64_t each = p.view.shape[0] / groups, step = p.view.strides[0];
  p.view.shape = p.view.strides = Dims{};
  p.view.shape.count = p.view.strides.count = rank;
  for (int d = 0; d < rank; ++d) p.view.shape[d] = 1;
  p.view.shape[1] = groups;
  p.view.strides[1] = each * step;
  p.view.shape[2] = each;
  p.view.strides[2] = step;
  return p;
}

template <const char* name>
void run_channels(const Call& call) {
  const Composer c(call.outputs[0], call.options.threads);
  const DType dtype = computed_in(call.outputs[0].dtype);
  const int axis = channel_axis(name, call.inputs[1].shape, call.attributes);
  const std::int64_t groups = call.attributes.integer(name, "groups", 1);
  const std::int64_t grain = grain_of(name, call.attributes);
  const double eps = call.attributes.number(name, "eps", 1e-5);
  Temporary dy = c.converted(call.inputs[0], dtype), x = c.converted(call.inputs[1], dtype);
  dy.view = by_channel(dy.view, axis, groups);
  x.view = by_channel(x.view, axis, groups);
  const int rank = x.view.shape.count;
  const Temporary gamma = parameter_by_channel(c.converted(call.inputs[2], dtype), groups, rank);
  ArrayView outputs[] = {by_channel(call.outputs[0], axis, groups), call.outputs[1], call.outputs[2]};
  Norm norm;
  norm.has_outer = true;
  norm.outer[2] = true;
  norm.samples[0] = true;
  for (int d = 3; d < rank; ++d) norm.inner[d] = norm.samples[d] = true;
  if (name == kGroupNorm) return run_norm(c, norm, dy, x, gamma, eps, grain, outputs);
  // batch_norm: r = 1 / sqrt(var + eps); s = gamma / sqrt(var + eps); dx = dy * s; h = (x - mean) * r
  const Temporary mean = parameter_by_channel(c.converted(call.inputs[3], dtype), groups, rank);
  const Temporary var = parameter_by_channel(c.converted(call.inputs[4], dtype), groups, rank);
  const Temporary root = c.apply(Activation::sqrt, c.apply(kAdd, {var, c.number(eps, dtype)}));
  const Temporary one = c.number(1, dtype);
  const Temporary s = c.apply(kDiv, {gamma.view.present() ? gamma : one, root});
  deliver(c.apply(kMul, {dy, s}), outputs[0]);
  const Temporary h = c.apply(kMul, {c.apply(kSub, {x, mean}), c.apply(kDiv, {one, root})});
  deliver(c.sum_by_grains(c.apply(kMul, {dy, h}), norm.samples, grain), outputs[1]);
  deliver(c.sum_by_grains(dy, norm.samples, grain), outputs[2]);
}

}  // namespace

#define GRADIENT(op, label, family, batch_rule, ...) \
  const Op op = {.name = label,                      \
                 .inputs = {__VA_ARGS__},            \
                 .infer = infer_##family<label>,     \
                 .cost = cost,                       \
                 .batch = batch_rule,                \
                 .run = run_##family<label>};
GRADIENT(softmax_gradient_op, kSoftmax, softmax, batch_softmax<kSoftmax>, "grad", "y")
GRADIENT(log_softmax_gradient_op, kLogSoftmax, softmax, batch_softmax<kLogSoftmax>, "grad", "y")
GRADIENT(layer_norm_gradient_op, kLayerNorm, layer, mixes, "grad", "x", "gamma?")
GRADIENT(rms_norm_gradient_op, kRmsNorm, layer, mixes, "grad", "x", "gamma?")
GRADIENT(batch_norm_gradient_op, kBatchNorm, channels, mixes, "grad", "x", "gamma?", "mean", "var")
GRADIENT(group_norm_gradient_op, kGroupNorm, channels, mixes, "grad", "x", "gamma?")
#undef GRADIENT

}  // namespace stretto
