// batch_norm_scale: what batch_norm multiplies and adds, for the epilogue of a product.
#include "kernels/normalize/batch_scale.h"

#include "kernels/cuda_table.h"
#include "ops/arguments.h"
#include "ops/ops.h"
#include "ops/shapes.h"
#include "ops/staged.h"

namespace stretto {
namespace {

constexpr char kName[] = "batch_norm_scale";
constexpr const char* kNames[] = {"gamma", "beta", "mean", "var"};

Types infer(const Types& inputs, const Attributes& attributes) {
  const ValueType& mean = inputs[2];
  if (mean.dtype != DType::f32 && mean.dtype != DType::f64)
    throw DTypeError(message(kName, ": no kernel for dtype ", mean.dtype, "; available: float32, float64"));
  if (mean.shape.count != 1)
    throw ShapeError(message(kName, ": mean has the wrong shape: mean is ", mean.shape,
                             "; it must be one number a channel"));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].present()) continue;
    if (inputs[i].dtype != mean.dtype)
      throw DTypeError(message(kName, ": dtypes differ: ", kNames[i], " is ", inputs[i].dtype, ", mean is ",
                               mean.dtype, "; they must be the same"));
    if (!(inputs[i].shape == mean.shape))
      throw ShapeError(message(kName, ": ", kNames[i], " has the wrong shape: ", kNames[i], " is ",
                               inputs[i].shape, ", mean is ", mean.shape, "; they must be the same"));
  }
  attributes.number(kName, "eps", 0);
  return {mean, mean};
}

Cost cost(const Types& inputs, const Types& outputs, const Attributes&) {
  return {4.0 * double(outputs[0].shape.product()), bytes_moved(inputs, outputs)};
}

int batch(const Types&, const std::vector<int>& axes, const Attributes&) {
  for (int axis : axes)
    if (axis != kNoBatch) return kMixesSamples;
  return kNoBatch;
}

void run(const Call& call) {
  const DType dtype = call.inputs[2].dtype;
  std::vector<Converted> held;
  for (const ArrayView& input : call.inputs) held.push_back(Converted::contiguous(input, dtype));
  const double eps = call.attributes.number(kName, "eps", 1e-5);
  const Staged scale(call.outputs[0], dtype, is_contiguous(call.outputs[0])),
      shift(call.outputs[1], dtype, is_contiguous(call.outputs[1]));
  if (const Place* place = call.inputs[2].place)
    run_on_device(kName, &CudaTable::batch_scale, held[0].view(), held[1].view(), held[2].view(),
                  held[3].view(), eps, scale.view().data, shift.view().data, *place);
  else
    batch_scale(held[0].view(), held[1].view(), held[2].view(), held[3].view(), eps, scale.view().data,
                shift.view().data);
  scale.finish(call.options.threads);
  shift.finish(call.options.threads);
}

}  // namespace

const Op batch_norm_scale_op = {.name = kName,
                                .inputs = {"gamma?", "beta?", "mean", "var"},
                                .infer = infer,
                                .cost = cost,
                                .batch = batch,
                                .run = run};

}  // namespace stretto
