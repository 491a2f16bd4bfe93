// Pooling: max and average over windows, over all positions, or into a number of bins.
#include "kernels/pool/pool.h"

#include <functional>

#include "ops/arguments.h"
#include "ops/ops.h"
#include "ops/pool_window.h"
#include "ops/shapes.h"
#include "ops/staged.h"

namespace stretto {

std::vector<VariantName> pool_variants();

namespace {

constexpr const char* kMax[] = {"", "max_pool1d", "max_pool2d", "max_pool3d"};
constexpr const char* kAverage[] = {"", "avg_pool1d", "avg_pool2d", "avg_pool3d"};

// `axes` is the number of spatial axes, kGlobal or kAdaptive.
constexpr int kGlobal = 0, kAdaptive = -1;

template <PoolKind kind, int axes>
constexpr const char* name_of_op() {
  if (axes == kGlobal) return kind == PoolKind::max ? "global_max_pool" : "global_avg_pool";
  if (axes == kAdaptive) return "adaptive_avg_pool2d";
  return (kind == PoolKind::max ? kMax : kAverage)[axes > 0 ? axes : 0];
}

template <PoolKind kind, int axes>
PoolWindow parse(const ValueType& x, const Attributes& attributes) {
  constexpr const char* op = name_of_op<kind, axes>();
  if (kind == PoolKind::average && !is_floating(x.dtype))
    throw DTypeError(message(op, ": averages need floats: x is ", x.dtype, "; cast it to float32"));
  if constexpr (axes == kGlobal) return global_window(op, x, attributes);
  if constexpr (axes == kAdaptive) return adaptive_window(op, x, attributes);
  return pool_window(op, axes, x, attributes);
}

template <PoolKind kind, int axes>
Types infer(const Types& inputs, const Attributes& attributes) {
  return {{inputs[0].dtype, parse<kind, axes>(inputs[0], attributes).out}};
}

template <PoolKind kind, int axes>
Cost cost(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  const PoolWindow window = parse<kind, axes>(inputs[0], attributes);
  double taps = double(window.taps());
  for (const PoolAxis& axis : window.axis)
    if (axis.adaptive) taps *= double(axis.size) / double(axis.outputs);
  return {taps * double(outputs[0].shape.product()), bytes_moved(inputs, outputs)};
}

int batch(const Types&, const std::vector<int>& axes, const Attributes&) { return pool_batch(axes); }

using UsePool = std::function<void(const PoolArgs&, const PoolVariant&, const Staged& out)>;

// The result has elements.
template <PoolKind kind, int axes>
void with_arguments(const Call& call, const UsePool& use) {
  const ArrayView &given = call.inputs[0], &wanted = call.outputs[0];
  const PoolWindow window = parse<kind, axes>(given.type(), call.attributes);
  const DType dtype = computed_in(given.dtype);
  const auto has_lanes = [&](const ArrayView& view) {
    if (axes == kGlobal) return is_contiguous(view);
    return view.strides.last(0) == 1;
  };
  const Converted x = has_lanes(given) ? Converted(given, dtype) : Converted::contiguous(given, dtype);
  const Staged out(wanted, dtype, has_lanes(wanted));
  PoolArgs args;
  args.kind = kind;
  args.x = (axes == kGlobal ? global_view : pool_view)(x.view(), window.channels_last);
  args.out = (axes == kGlobal ? global_view : pool_view)(out.view(), window.channels_last);
  for (int i = 0; i < 3; ++i) args.axis[i] = window.axis[i];
  args.count_padding = window.count_padding;
  args.channels_last = window.channels_last;
  use(args, select_pool(args, this_machine(), call.options.variant), out);
}

template <PoolKind kind, int axes>
void run(const Call& call) {
  if (call.outputs[0].size() == 0) {
    parse<kind, axes>(call.inputs[0].type(), call.attributes);
    return;
  }
  with_arguments<kind, axes>(call, [&](const PoolArgs& args, const PoolVariant& variant, const Staged& out) {
    variant.run(args, call.options.threads);
    out.finish(call.options.threads);
  });
}

struct BoundPool final : BoundCall {
  PoolArgs arguments;
  const PoolVariant& variant;

  BoundPool(const PoolArgs& arguments, const PoolVariant& variant) : arguments(arguments), variant(variant) {}
  void run(const Call& call) override {
    arguments.x.data = call.inputs[0].data;
    arguments.out.data = call.outputs[0].data;
    variant.run(arguments, call.options.threads);
  }
};

template <PoolKind kind, int axes>
std::unique_ptr<BoundCall> bind(const Call& call) {
  std::unique_ptr<BoundCall> bound;
  if (call.outputs[0].size() == 0) return bound;
  with_arguments<kind, axes>(call, [&](const PoolArgs& args, const PoolVariant& variant, const Staged&) {
    if (args.x.data == call.inputs[0].data && args.out.data == call.outputs[0].data)
      bound = std::make_unique<BoundPool>(args, variant);
  });
  return bound;
}

}  // namespace

#define POOL(record, kind, axes)                                 \
  const Op record = {.name = name_of_op<PoolKind::kind, axes>(), \
                     .inputs = {"x"},                            \
                     .infer = infer<PoolKind::kind, axes>,       \
                     .cost = cost<PoolKind::kind, axes>,         \
                     .batch = batch,                             \
                     .run = run<PoolKind::kind, axes>,           \
                     .bind = bind<PoolKind::kind, axes>,         \
                     .variants = pool_variants};

POOL(max_pool1d_op, max, 1)
POOL(max_pool2d_op, max, 2)
POOL(max_pool3d_op, max, 3)
POOL(avg_pool1d_op, average, 1)
POOL(avg_pool2d_op, average, 2)
POOL(avg_pool3d_op, average, 3)
POOL(global_max_pool_op, max, kGlobal)
POOL(global_avg_pool_op, average, kGlobal)
POOL(adaptive_avg_pool2d_op, average, kAdaptive)
#undef POOL

}  // namespace stretto
