// take along an axis (embedding is take of rows), and its gradient.
#include "kernels/take/take.h"

#include "kernels/cuda_table.h"

#include "ops/arguments.h"
#include "ops/ops.h"
#include "ops/shapes.h"
#include "ops/staged.h"

namespace stretto {
namespace {

int axis_of(const char* op, const ValueType& x, const Attributes& attributes) {
  return checked_axis(op, "axis", attributes.integer(op, "axis", 0), x.shape.count);
}

// x's shape with the shape of the indices in the place of the axis.
Dims taken_shape(const char* op, const ValueType& x, const ValueType& indices, int axis) {
  if (!is_integer(indices.dtype))
    throw DTypeError(
        message(op, ": indices must be integers: they are ", indices.dtype, "; cast them to int64"));
  if (x.shape.count - 1 + indices.shape.count > kMaxDims)
    throw ShapeError(message(op, ": too many dimensions: x is ", x.shape, ", indices are ", indices.shape,
                             "; the result may have ", kMaxDims));
  Dims shape;
  for (int d = 0; d < axis; ++d) shape.push(x.shape[d]);
  for (const std::int64_t n : indices.shape) shape.push(n);
  for (int d = axis + 1; d < x.shape.count; ++d) shape.push(x.shape[d]);
  return shape;
}

Types infer_take(const Types& inputs, const Attributes& attributes) {
  const int axis = axis_of("take", inputs[0], attributes);
  const ValueType out{inputs[0].dtype, taken_shape("take", inputs[0], inputs[1], axis)};
  checked_size("take", inputs[0]);
  checked_size("take", inputs[1]);
  checked_size("take", out);
  return {out};
}

Types infer_gradient(const Types& inputs, const Attributes& attributes) {
  const int axis = axis_of("take_gradient", inputs[2], attributes);
  const Dims expected = taken_shape("take_gradient", inputs[2], inputs[1], axis);
  if (!(inputs[0].shape == expected))
    throw ShapeError(message("take_gradient: grad has the wrong shape: grad is ", inputs[0].shape,
                             ", take gives ", expected));
  if (!is_floating(inputs[0].dtype))
    throw DTypeError(message("take_gradient: grad must be floats: it is ", inputs[0].dtype));
  const ValueType out{inputs[0].dtype, inputs[2].shape};
  for (const ValueType& type : inputs) checked_size("take_gradient", type);
  checked_size("take_gradient", out);
  return {out};
}

Cost cost_take(const Types& inputs, const Types& outputs, const Attributes&) {
  return {0, bytes_moved({inputs[1], outputs[0]}, outputs)};
}

Cost cost_gradient(const Types& inputs, const Types& outputs, const Attributes&) {
  return {double(inputs[0].shape.product()), bytes_moved({inputs[0], inputs[1]}, outputs)};
}

int batch_take(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  const int axis = axis_of("take", inputs[0], attributes);
  if (axes[1] != kNoBatch) return axes[0] == kNoBatch ? axis + axes[1] : kMixesSamples;
  if (axes[0] == kNoBatch) return kNoBatch;
  if (axes[0] == axis) return kMixesSamples;
  return axes[0] < axis ? axes[0] : axes[0] + inputs[1].shape.count - 1;
}

int batch_gradient(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  const int axis = axis_of("take_gradient", inputs[2], attributes);
  if (axes[1] != kNoBatch || axes[2] == axis) return kMixesSamples;
  if (axes[2] == kNoBatch) return axes[0] == kNoBatch ? kNoBatch : kMixesSamples;
  const int in_grad = axes[2] < axis ? axes[2] : axes[2] + inputs[1].shape.count - 1;
  return axes[0] == in_grad ? axes[2] : kMixesSamples;
}

// The indices as int64 in [0, length); throws ShapeError before anything is written. On a device they stay as
// they are, since looking at them would be waiting for them: the kernel deals with all of them.
class Positions {
 public:
  Positions(const char* op, const ArrayView& indices, std::int64_t length)
      : held_(Converted::contiguous(indices, DType::i64)) {
    const std::int64_t count = indices.size();
    const std::int64_t* given = held_.view().as<std::int64_t>();
    data_ = given;
    count_ = count;
    if (indices.place) return;
    at_.resize(std::size_t(count));
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t index = given[k];
      const bool wrapped = index < 0 && indices.dtype == DType::u64;
      if (wrapped || index < -length || index >= length)
        throw ShapeError(message(op, ": index is out of range: indices[", k, "] is ",
                                 wrapped ? "above 2^63" : std::to_string(index), ", the axis has ", length,
                                 " elements; it must be ", -length, " to ", length - 1));
      at_[std::size_t(k)] = index < 0 ? index + length : index;
    }
    data_ = at_.data();
  }
  const std::int64_t* data() const { return data_; }
  std::int64_t count() const { return count_; }

 private:
  Converted held_;
  std::vector<std::int64_t> at_;
  const std::int64_t* data_;
  std::int64_t count_;
};

TakeArgs layout(const Dims& x, int axis, const Positions& positions, DType dtype) {
  TakeArgs args{nullptr, nullptr, positions.data(), dtype, 1, x[axis], positions.count(), 1};
  for (int d = 0; d < axis; ++d) args.outer *= x[d];
  for (int d = axis + 1; d < x.count; ++d) args.inner *= x[d];
  return args;
}

void run_take(const Call& call) {
  const ArrayView &x = call.inputs[0], &out = call.outputs[0];
  const int axis = axis_of("take", x.type(), call.attributes);
  const Positions positions("take", call.inputs[1], x.shape[axis]);
  if (out.size() == 0) return;
  const Converted source = Converted::contiguous(x, x.dtype);
  const Staged result(out, x.dtype, is_contiguous(out));
  TakeArgs args = layout(x.shape, axis, positions, x.dtype);
  args.from = source.view().data;
  args.to = result.view().data;
  if (out.place)
    run_on_device("take", &CudaTable::take, args, *out.place);
  else
    take(args, call.options.threads);
  result.finish(call.options.threads);
}

void run_gradient(const Call& call) {
  const ArrayView &grad = call.inputs[0], &x = call.inputs[2], &out = call.outputs[0];
  const int axis = axis_of("take_gradient", x.type(), call.attributes);
  const Positions positions("take_gradient", call.inputs[1], x.shape[axis]);
  if (out.size() == 0) return;
  const DType dtype = grad.dtype == DType::f64 ? DType::f64 : DType::f32;
  const Converted source = Converted::contiguous(grad, dtype);
  const Staged result(out, dtype, is_contiguous(out));
  TakeArgs args = layout(x.shape, axis, positions, dtype);
  args.from = source.view().data;
  args.to = result.view().data;
  if (out.place)
    run_on_device("take_gradient", &CudaTable::take_gradient, args, *out.place);
  else
    take_gradient(args, call.options.threads);
  result.finish(call.options.threads);
}

}  // namespace

const Op take_op = {.name = "take",
                    .inputs = {"x", "indices"},
                    .infer = infer_take,
                    .cost = cost_take,
                    .batch = batch_take,
                    .run = run_take};

const Op take_gradient_op = {.name = "take_gradient",
                             .inputs = {"grad", "indices", "x"},
                             .infer = infer_gradient,
                             .cost = cost_gradient,
                             .batch = batch_gradient,
                             .run = run_gradient};

}  // namespace stretto
