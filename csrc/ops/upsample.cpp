// upsample2d, nearest or bilinear, and its gradient.
#include "kernels/upsample/upsample.h"

#include "kernels/cuda_table.h"

#include <algorithm>
#include <cmath>

#include "ops/arguments.h"
#include "ops/ops.h"
#include "ops/shapes.h"
#include "ops/staged.h"

namespace stretto {

std::vector<VariantName> upsample_variants();

namespace {

constexpr const char* kName = "upsample2d";
constexpr const char* kGradient = "upsample2d_gradient";

struct Problem {
  bool channels_last, bilinear, align_corners;
  std::int64_t size[2], outputs[2];
  double factor[2];  // 0 where the size was asked for
  Dims out;
};

Floats factors(const char* op, const Attributes& attributes) {
  const Value* value = attributes.find("scale_factor");
  Floats each;
  if (const auto* many = std::get_if<Floats>(value)) {
    each = *many;
  } else if (const auto* ints = std::get_if<Ints>(value)) {
    each.assign(ints->begin(), ints->end());
  } else {
    each.assign(2, attributes.number(op, "scale_factor", 1));
  }
  if (each.size() != 2)
    throw ShapeError(message(op, ": scale_factor has ", each.size(), " values; it must be one number or 2"));
  for (const double f : each)
    if (!(f > 0 && f <= 1 << 20))
      throw ShapeError(
          message(op, ": scale_factor is out of range: it is ", f, "; it must be above 0, up to 2^20"));
  return each;
}

Problem parse(const char* op, const ValueType& x, const Attributes& attributes) {
  if (x.shape.count != 4)
    throw ShapeError(message(op, ": wrong number of dimensions: x is ", x.shape,
                             "; it must have 4: samples, channels and 2 spatial"));
  checked_size(op, x);
  Problem p;
  const std::string layout = attributes.text(op, "layout", "NCHW"),
                    mode = attributes.text(op, "mode", "nearest");
  if (layout != "NCHW" && layout != "NHWC")
    throw ShapeError(message(op, ": unknown layout: \"", layout, "\"; it must be \"NCHW\" or \"NHWC\""));
  if (mode != "nearest" && mode != "bilinear")
    throw ShapeError(message(op, ": unknown mode: \"", mode, "\"; it must be \"nearest\" or \"bilinear\""));
  p.channels_last = layout == "NHWC";
  p.bilinear = mode == "bilinear";
  p.align_corners = attributes.boolean(op, "align_corners", false);
  if (p.bilinear && !is_floating(x.dtype))
    throw DTypeError(message(op, ": bilinear needs floats: x is ", x.dtype, "; cast it to float32"));
  if (p.align_corners && !p.bilinear)
    throw ShapeError(message(op, ": align_corners has no meaning with mode \"nearest\"; leave it False"));
  const bool sized = attributes.find("size");
  if (sized == bool(attributes.find("scale_factor")))
    throw ShapeError(
        message(op, ": pass either size or scale_factor: ", sized ? "both" : "neither", " given"));
  p.out = x.shape;
  for (int i = 0; i < 2; ++i) {
    const int axis = (p.channels_last ? 1 : 2) + i;
    p.size[i] = x.shape[axis];
    p.factor[i] = sized ? 0 : factors(op, attributes)[std::size_t(i)];
    p.outputs[i] = sized ? attributes.integers(op, "size", 2, 1)[std::size_t(i)]
                         : std::int64_t(std::floor(double(p.size[i]) * p.factor[i]));
    if (p.size[i] < 1 || p.outputs[i] < 1 || std::max(p.size[i], p.outputs[i]) >= std::int64_t(1) << 31)
      throw ShapeError(message(op, ": size is out of range: from ", p.size[i], " to ", p.outputs[i],
                               " positions; both must be 1 or more, and below 2^31"));
    p.out[axis] = p.outputs[i];
  }
  checked_size(op, {x.dtype, p.out});
  return p;
}

UpsampleRule rule_of(const Problem& p, int axis) {
  const std::int64_t size = p.size[axis], outputs = p.outputs[axis];
  const double ratio = p.align_corners      ? (outputs > 1 ? double(size - 1) / double(outputs - 1) : 0.0)
                       : p.factor[axis] > 0 ? 1.0 / p.factor[axis]
                                            : double(size) / double(outputs);
  return {size, outputs, p.factor[axis], ratio, p.bilinear, p.align_corners};
}

Types infer(const Types& inputs, const Attributes& attributes) {
  return {{inputs[0].dtype, parse(kName, inputs[0], attributes).out}};
}

Types infer_gradient(const Types& inputs, const Attributes& attributes) {
  const Problem p = parse(kGradient, inputs[1], attributes);
  if (!is_floating(inputs[0].dtype))
    throw DTypeError(message(kGradient, ": gradients need floats: grad is ", inputs[0].dtype));
  if (!(inputs[0].shape == p.out))
    throw ShapeError(message(kGradient, ": grad has the wrong shape: grad is ", inputs[0].shape,
                             "; the result of upsample2d is ", p.out));
  return {{inputs[0].dtype, inputs[1].shape}};
}

Cost cost(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  const bool bilinear = attributes.text(kName, "mode", "nearest") == "bilinear";
  return {(bilinear ? 6.0 : 0.0) * double(outputs[0].shape.product()), bytes_moved(inputs, outputs)};
}

Cost cost_gradient(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  const bool bilinear = attributes.text(kGradient, "mode", "nearest") == "bilinear";
  return {(bilinear ? 12.0 : 1.0) * double(inputs[0].shape.product()), bytes_moved({inputs[0]}, outputs)};
}

// x's first axis stays, others mix samples; grad and x go together.
int batch(const Types&, const std::vector<int>& axes, const Attributes&) {
  for (const int axis : axes)
    if (axis != axes[0]) return kMixesSamples;
  return axes[0] == kNoBatch || axes[0] == 0 ? axes[0] : kMixesSamples;
}

template <bool gradient>
void run_kernel(const UpsampleByRules& args, bool bilinear, const Place* place, const RunOptions& options) {
  if (place) {
    const Upsampling kind = gradient ? bilinear ? Upsampling::bilinear_gradient : Upsampling::nearest_gradient
                            : bilinear ? Upsampling::bilinear
                                       : Upsampling::nearest;
    return run_on_device(gradient ? kGradient : kName, &CudaTable::upsample, args, kind, *place);
  }
  const UpsampleTable rows(args.height), columns(args.width);
  const UpsampleArgs by_tables{args.from,  args.to,     args.dtype,    args.outer,
                               args.inner, rows.axis(), columns.axis()};
  if (gradient)
    (bilinear ? upsample_bilinear_gradient : upsample_nearest_gradient)(by_tables, options.threads);
  else if (bilinear)
    select_upsample(by_tables, this_machine(), options.variant).run(by_tables, options.threads);
  else
    upsample_nearest(by_tables, options.threads);
}

template <bool gradient>
void run(const Call& call) {
  const ArrayView &given = call.inputs[0], &x = call.inputs[gradient ? 1 : 0], &wanted = call.outputs[0];
  const Problem p = parse(gradient ? kGradient : kName, x.type(), call.attributes);
  if (wanted.size() == 0) return;
  const bool computes = gradient || p.bilinear;
  const DType dtype = computes ? computed_in(given.dtype) : given.dtype;
  const Converted from = Converted::contiguous(given, dtype);
  const Staged out(wanted, dtype, is_contiguous(wanted));
  UpsampleByRules args;
  args.from = from.view().data;
  args.to = out.view().data;
  args.dtype = dtype;
  args.outer = p.channels_last ? x.shape[0] : x.shape[0] * x.shape[1];
  args.inner = p.channels_last ? x.shape[3] : 1;
  args.height = rule_of(p, 0);
  args.width = rule_of(p, 1);
  run_kernel<gradient>(args, p.bilinear, wanted.place, call.options);
  out.finish(call.options.threads);
}

}  // namespace

const Op upsample2d_op = {.name = kName,
                          .inputs = {"x"},
                          .infer = infer,
                          .cost = cost,
                          .batch = batch,
                          .run = run<false>,
                          .variants = upsample_variants};

const Op upsample2d_gradient_op = {.name = kGradient,
                                   .inputs = {"grad", "x"},
                                   .infer = infer_gradient,
                                   .cost = cost_gradient,
                                   .batch = batch,
                                   .run = run<true>};

}  // namespace stretto
