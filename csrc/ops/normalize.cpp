// softmax, log_softmax and the norms: each brings its axes into rows and channels for one kernel.
#include "kernels/normalize/normalize.h"

#include "kernels/cuda_table.h"
#include "kernels/normalize/batch_scale.h"
#include "ops/arguments.h"
#include "ops/axes.h"
#include "ops/ops.h"
#include "ops/room.h"
#include "ops/shapes.h"

namespace stretto {

std::vector<VariantName> normalize_variants();

namespace {

Cost cost(const Types& inputs, const Types& outputs, const Attributes&) {
  return {8.0 * double(outputs[0].shape.product()), bytes_moved(inputs, outputs)};
}

void run_kernel(const NormalizeArgs& args, const Call& call) {
  if (args.out.size() == 0) return;
  select_normalize(args, this_machine(), call.options.variant).run(args, call.options.threads);
}

// ---- softmax, over one axis or several

constexpr char kSoftmax[] = "softmax", kLogSoftmax[] = "log_softmax";

Attributes with_last_axis(const Attributes& attributes) {
  Attributes result = attributes;
  if (!attributes.find("axis")) result.set("axis", std::int64_t(-1));
  return result;
}

template <const char* name>
Types infer_softmax(const Types& inputs, const Attributes& attributes) {
  check_floats(name, inputs);
  const Axes axes(name, with_last_axis(attributes), inputs[0].shape.count);
  return {inputs[0]};
}

template <const char* name>
int batch_softmax(const Types& inputs, const std::vector<int>& batch, const Attributes& attributes) {
  if (batch[0] == kNoBatch) return kNoBatch;
  const Axes axes(name, with_last_axis(attributes), inputs[0].shape.count);
  return axes.reduced[batch[0]] ? kMixesSamples : batch[0];
}

template <const char* name, Normalization kind>
void run_softmax(const Call& call) {
  const Axes axes(name, with_last_axis(call.attributes), call.inputs[0].shape.count);
  NormalizeArgs args{};
  args.kind = kind;
  args.kept = call.inputs[0].shape.count - axes.count;
  args.x = axes.kept_then_reduced(call.inputs[0]);
  args.out = axes.kept_then_reduced(call.outputs[0]);
  run_kernel(args, call);
}

// ---- layer_norm and rms_norm, over the last axes

constexpr char kLayerNorm[] = "layer_norm", kRmsNorm[] = "rms_norm";

Dims last_dims(const char* op, const Types& inputs, const Attributes& attributes) {
  const std::int64_t count = attributes.integer(op, "dims", 1);
  const Dims& shape = inputs[0].shape;
  if (count < 1 || count > shape.count)
    throw ShapeError(message(op, ": dims is out of range: dims is ", count, ", x is ", shape,
                             "; it must be 1 to ", shape.count));
  Dims result;
  for (int d = shape.count - int(count); d < shape.count; ++d) result.push(shape[d]);
  return result;
}

template <const char* name>
Types infer_layer(const Types& inputs, const Attributes& attributes) {
  check_floats(name, inputs);
  const Dims wanted = last_dims(name, inputs, attributes);
  check_parameter(name, "gamma", inputs[1], wanted);
  if (inputs.size() > 2) check_parameter(name, "beta", inputs[2], wanted);
  attributes.number(name, "eps", 0);
  return {inputs[0]};
}

template <const char* name>
int batch_layer(const Types& inputs, const std::vector<int>& batch, const Attributes& attributes) {
  for (std::size_t i = 1; i < inputs.size(); ++i)
    if (inputs[i].present() && batch[i] != kNoBatch) return kMixesSamples;
  if (batch[0] == kNoBatch) return kNoBatch;
  const int first = inputs[0].shape.count - last_dims(name, inputs, attributes).count;
  return batch[0] < first ? batch[0] : kMixesSamples;
}

template <const char* name, Normalization kind>
void run_layer(const Call& call) {
  const Dims wanted = last_dims(name, {call.inputs[0].type()}, call.attributes);
  const DType dtype = computed_in(call.inputs[0].dtype);
  const Converted gamma = Converted::contiguous(call.inputs[1], dtype);
  const Converted beta = Converted::contiguous(call.inputs.size() > 2 ? call.inputs[2] : ArrayView{}, dtype);
  NormalizeArgs args{};
  args.kind = kind;
  args.kept = call.inputs[0].shape.count - wanted.count;
  args.x = call.inputs[0];
  args.out = call.outputs[0];
  args.channels = wanted.product();
  args.gamma = gamma.view().present() ? gamma.view().data : nullptr;
  args.beta = beta.view().present() ? beta.view().data : nullptr;
  args.eps = call.attributes.number(name, "eps", 1e-5);
  run_kernel(args, call);
}

// ---- batch_norm and group_norm, with a channel axis

constexpr char kBatchNorm[] = "batch_norm", kGroupNorm[] = "group_norm";

int channel_axis(const char* op, const Dims& shape, const Attributes& attributes) {
  const std::string layout = attributes.text(op, "layout", "NCHW");
  if (layout != "NCHW" && layout != "NHWC")
    throw ShapeError(message(op, ": unknown layout: \"", layout, "\"; it must be NCHW or NHWC"));
  if (shape.count < 2)
    throw ShapeError(message(op, ": too few dimensions: x is ", shape, "; it needs samples and channels"));
  return layout == "NCHW" ? 1 : shape.count - 1;
}

template <const char* name>
Types infer_channels(const Types& inputs, const Attributes& attributes) {
  check_floats(name, inputs);
  constexpr const char* kNames[] = {"x", "gamma", "beta", "mean", "var"};
  Dims wanted;
  wanted.push(inputs[0].shape[channel_axis(name, inputs[0].shape, attributes)]);
  for (std::size_t i = 1; i < inputs.size(); ++i) check_parameter(name, kNames[i], inputs[i], wanted);
  attributes.number(name, "eps", 0);
  if (name == kGroupNorm) {
    const std::int64_t groups = attributes.integer(name, "groups", 1);
    if (groups < 1 || wanted[0] % groups != 0)
      throw ShapeError(message("group_norm: groups do not divide the channels: groups is ", groups,
                               ", channels are ", wanted[0], "; the first must divide the second"));
  }
  return {inputs[0]};
}

template <const char* name>
int batch_channels(const Types& inputs, const std::vector<int>& batch, const Attributes& attributes) {
  for (std::size_t i = 1; i < inputs.size(); ++i)
    if (inputs[i].present() && batch[i] != kNoBatch) return kMixesSamples;
  if (batch[0] <= 0) return batch[0];
  const bool may = name == kBatchNorm && batch[0] != channel_axis(name, inputs[0].shape, attributes);
  return may ? batch[0] : kMixesSamples;
}

// Axes (samples, channels, space) with the channels split into groups.
ArrayView channels_first(const ArrayView& view, int axis, std::int64_t groups) {
  ArrayView result = view;
  result.shape.count = result.strides.count = 0;
  const auto push = [&](std::int64_t size, std::int64_t stride) {
    result.shape.push(size);
    result.strides.push(stride);
  };
  push(view.shape[0], view.strides[0]);
  const std::int64_t each = view.shape[axis] / groups;
  push(groups, each * view.strides[axis]);
  push(each, view.strides[axis]);
  for (int d = 1; d < view.shape.count; ++d)
    if (d != axis) push(view.shape[d], view.strides[d]);
  return result;
}

void run_group_norm(const Call& call) {
  const ArrayView& x = call.inputs[0];
  if (x.size() == 0) return;
  const int axis = channel_axis(kGroupNorm, x.shape, call.attributes);
  const DType dtype = computed_in(x.dtype);
  const Converted gamma = Converted::contiguous(call.inputs[1], dtype);
  const Converted beta = Converted::contiguous(call.inputs[2], dtype);
  NormalizeArgs args{};
  args.kind = Normalization::layer;
  args.kept = 2;
  args.groups = call.attributes.integer(kGroupNorm, "groups", 1);
  args.channels = x.shape[axis] / args.groups;
  args.space = x.size() / (x.shape[0] * x.shape[axis]);
  args.x = channels_first(x, axis, args.groups);
  args.out = channels_first(call.outputs[0], axis, args.groups);
  args.gamma = gamma.view().present() ? gamma.view().data : nullptr;
  args.beta = beta.view().present() ? beta.view().data : nullptr;
  args.eps = call.attributes.number(kGroupNorm, "eps", 1e-5);
  run_kernel(args, call);
}

void run_batch_norm(const Call& call) {
  const ArrayView& x = call.inputs[0];
  if (x.size() == 0) return;
  const int axis = channel_axis(kBatchNorm, x.shape, call.attributes);
  const std::int64_t channels = x.shape[axis];
  const DType dtype = computed_in(x.dtype);
  std::vector<Converted> held;
  for (int i = 1; i < 5; ++i) held.push_back(Converted::contiguous(call.inputs[std::size_t(i)], dtype));
  const std::shared_ptr<void> scale = room_for(channels * itemsize(dtype), x.place),
                              shift = room_for(channels * itemsize(dtype), x.place);
  const double eps = call.attributes.number(kBatchNorm, "eps", 1e-5);
  if (x.place)
    run_on_device(kBatchNorm, &CudaTable::batch_scale, held[0].view(), held[1].view(), held[2].view(),
                  held[3].view(), eps, scale.get(), shift.get(), *x.place);
  else
    batch_scale(held[0].view(), held[1].view(), held[2].view(), held[3].view(), eps, scale.get(),
                shift.get());
  NormalizeArgs args{};
  args.kind = Normalization::affine;
  args.gamma = scale.get();
  args.beta = shift.get();
  if (x.strides[axis] == 1 && axis == x.shape.count - 1) {  // rows of channels
    args.kept = x.shape.count - 1;
    args.channels = channels;
    args.x = x;
    args.out = call.outputs[0];
  } else {  // rows of one channel's space
    args.kept = 3;
    args.groups = channels;
    args.space = x.size() / (x.shape[0] * channels);
    args.x = channels_first(x, axis, channels);
    args.out = channels_first(call.outputs[0], axis, channels);
  }
  run_kernel(args, call);
}

}  // namespace

#define NORMALIZATION(op, label, family, runner, ...) \
  const Op op = {.name = label,                       \
                 .inputs = {__VA_ARGS__},             \
                 .infer = infer_##family<label>,      \
                 .cost = cost,                        \
                 .batch = batch_##family<label>,      \
                 .run = runner,                       \
                 .variants = normalize_variants};
NORMALIZATION(softmax_op, kSoftmax, softmax, (run_softmax<kSoftmax, Normalization::softmax>), "x")
NORMALIZATION(log_softmax_op, kLogSoftmax, softmax, (run_softmax<kLogSoftmax, Normalization::log_softmax>),
              "x")
NORMALIZATION(layer_norm_op, kLayerNorm, layer, (run_layer<kLayerNorm, Normalization::layer>), "x", "gamma?",
              "beta?")
NORMALIZATION(rms_norm_op, kRmsNorm, layer, (run_layer<kRmsNorm, Normalization::rms>), "x", "gamma?")
NORMALIZATION(batch_norm_op, kBatchNorm, channels, run_batch_norm, "x", "gamma?", "beta?", "mean", "var")
NORMALIZATION(group_norm_op, kGroupNorm, channels, run_group_norm, "x", "gamma?", "beta?")
#undef NORMALIZATION

}  // namespace stretto
