// Gradients of the pooling ops with respect to x.
#include "kernels/pool_gradient/pool_gradient.h"

#include "ops/arguments.h"
#include "ops/ops.h"
#include "ops/pool_window.h"
#include "ops/shapes.h"
#include "ops/staged.h"

namespace stretto {

std::vector<VariantName> pool_gradient_variants();

namespace {

using Kind = PoolGradientKind;

constexpr const char* kMax[] = {"", "max_pool1d_gradient", "max_pool2d_gradient", "max_pool3d_gradient"};
constexpr const char* kAverage[] = {"", "avg_pool1d_gradient", "avg_pool2d_gradient", "avg_pool3d_gradient"};

// `axes` is the number of spatial axes, kGlobal or kAdaptive.
constexpr int kGlobal = 0, kAdaptive = -1;

template <Kind kind, int axes>
constexpr const char* name_of_op() {
  if (axes == kGlobal) return kind == Kind::max ? "global_max_pool_gradient" : "global_avg_pool_gradient";
  if (axes == kAdaptive) return "adaptive_avg_pool2d_gradient";
  return (kind == Kind::max ? kMax : kAverage)[axes > 0 ? axes : 0];
}

template <Kind kind, int axes>
PoolWindow parse(const ValueType& grad, const ValueType& x, const Attributes& attributes) {
  constexpr const char* op = name_of_op<kind, axes>();
  for (const ValueType& type : {grad, x})
    if (!is_floating(type.dtype))
      throw DTypeError(message(op, ": gradients need floats: grad is ", grad.dtype, ", x is ", x.dtype));
  PoolWindow window;
  if constexpr (axes == kGlobal)
    window = global_window(op, x, attributes);
  else if constexpr (axes == kAdaptive)
    window = adaptive_window(op, x, attributes);
  else
    window = pool_window(op, axes, x, attributes);
  if (!(grad.shape == window.out))
    throw ShapeError(message(op, ": grad has the wrong shape: grad is ", grad.shape,
                             "; the pool's result is ", window.out));
  return window;
}

template <Kind kind, int axes>
DType result_dtype(const ValueType& grad, const ValueType& x) {
  const DType dtype = promote(grad.dtype, x.dtype);
  if (dtype == DType::none)
    throw DTypeError(message(name_of_op<kind, axes>(), ": no common dtype: ", grad.dtype, " and ", x.dtype,
                             "; cast one of them"));
  return dtype;
}

template <Kind kind, int axes>
Types infer(const Types& inputs, const Attributes& attributes) {
  parse<kind, axes>(inputs[0], inputs[1], attributes);
  return {{result_dtype<kind, axes>(inputs[0], inputs[1]), inputs[1].shape}};
}

template <Kind kind, int axes>
Cost cost(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  const PoolWindow window = parse<kind, axes>(inputs[0], inputs[1], attributes);
  return {double(window.taps()) * double(inputs[0].shape.product()), bytes_moved(inputs, outputs)};
}

int batch(const Types&, const std::vector<int>& axes, const Attributes&) { return pool_batch(axes); }

template <Kind kind, int axes>
void run(const Call& call) {
  const ArrayView &given = call.inputs[0], &x = call.inputs[1], &wanted = call.outputs[0];
  const PoolWindow window = parse<kind, axes>(given.type(), x.type(), call.attributes);
  if (wanted.size() == 0) return;
  const DType common = result_dtype<kind, axes>(given.type(), x.type());
  const DType dtype = computed_in(common);
  const auto view_of = [&](const ArrayView& view) {
    return (axes == kGlobal ? global_view : pool_view)(view, window.channels_last);
  };
  const Converted grad = Converted::contiguous(given, dtype);
  const Converted values = kind == Kind::max ? Converted::contiguous(x, dtype) : Converted({}, dtype);
  const Staged out(wanted, dtype, is_contiguous(wanted));
  ArrayView result = out.view();
  result.strides = contiguous_strides(result.shape);  // axes of one element too
  PoolGradientArgs args;
  args.kind = kind;
  args.grad = view_of(contiguous_view(grad.view().data, dtype, given.shape, given.place));
  if (kind == Kind::max) args.x = view_of(contiguous_view(values.view().data, dtype, x.shape, x.place));
  args.dx = view_of(result);
  for (int i = 0; i < 3; ++i) args.axis[i] = window.axis[i];
  args.count_padding = window.count_padding;
  args.channels_last = window.channels_last;
  select_pool_gradient(args, this_machine(), call.options.variant).run(args, call.options.threads);
  out.finish(call.options.threads);
}

}  // namespace

#define POOL_GRADIENT(record, kind, axes)                    \
  const Op record = {.name = name_of_op<Kind::kind, axes>(), \
                     .inputs = {"grad", "x"},                \
                     .infer = infer<Kind::kind, axes>,       \
                     .cost = cost<Kind::kind, axes>,         \
                     .batch = batch,                         \
                     .run = run<Kind::kind, axes>,           \
                     .variants = pool_gradient_variants};

POOL_GRADIENT(max_pool1d_gradient_op, max, 1)
POOL_GRADIENT(max_pool2d_gradient_op, max, 2)
POOL_GRADIENT(max_pool3d_gradient_op, max, 3)
POOL_GRADIENT(avg_pool1d_gradient_op, average, 1)
POOL_GRADIENT(avg_pool2d_gradient_op, average, 2)
POOL_GRADIENT(avg_pool3d_gradient_op, average, 3)
POOL_GRADIENT(global_max_pool_gradient_op, max, kGlobal)
POOL_GRADIENT(global_avg_pool_gradient_op, average, kGlobal)
POOL_GRADIENT(adaptive_avg_pool2d_gradient_op, average, kAdaptive)
#undef POOL_GRADIENT

}  // namespace stretto
