// attention: softmax(q k^T * scale + mask) v, in blocks of rows, never the whole matrix of scores.
#include "kernels/attention/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"
#include "kernels/copy/copy.h"
#include "kernels/cuda_table.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/load.h"
#include "kernels/matmul/matmul.h"
#include "kernels/offset.h"
#include "ops/arguments.h"
#include "ops/ops.h"
#include "ops/room.h"
#include "ops/shapes.h"

namespace stretto {

std::vector<VariantName> attention_variants();

namespace {

constexpr const char* kName = "attention";
constexpr const char* kInputs[] = {"q", "k", "v", "mask"};
constexpr std::int64_t kBlockBytes = 1 << 20;  // of scores at once
constexpr std::int64_t kBlockRows = 128;
constexpr std::int64_t kDeviceBytes = 256 << 20;  // of scores at once on a device

struct Problem {
  DType dtype;
  Dims batch;  // broadcast leading axes
  std::int64_t queries, keys, width;
  Dims out, scores;  // batch with (queries, features of v) and (queries, keys)
};

Dims leading(Dims shape) {
  shape.count -= 2;
  return shape;
}

Problem parse(const Types& inputs, const Attributes& attributes) {
  const ValueType &q = inputs[0], &k = inputs[1], &v = inputs[2], &mask = inputs[3];
  for (int i = 0; i < 3; ++i) {
    if (inputs[std::size_t(i)].shape.count < 2)
      throw ShapeError(message("attention: too few dimensions: ", kInputs[i], " is ",
                               inputs[std::size_t(i)].shape,
                               "; it must have at least 2: positions and features"));
    checked_size(kName, inputs[std::size_t(i)]);
  }
  if (q.shape.last(0) != k.shape.last(0))
    throw ShapeError(message("attention: features differ: q is ", q.shape, ", k is ", k.shape,
                             "; their last axes must be equal"));
  if (k.shape.last(1) != v.shape.last(1))
    throw ShapeError(message("attention: keys and values differ: k is ", k.shape, ", v is ", v.shape,
                             "; their second-to-last axes must be equal"));
  Problem p;
  p.dtype = computation_type(kName, {q, k, v}, attributes);
  if (!is_floating(p.dtype))
    throw DTypeError(message("attention: it needs floats: q, k and v have the common dtype ", p.dtype));
  p.batch = broadcast(kName, broadcast(kName, leading(q.shape), leading(k.shape)), leading(v.shape));
  p.queries = q.shape.last(1);
  p.keys = k.shape.last(1);
  p.width = q.shape.last(0);
  p.out = p.scores = p.batch;
  p.out.push(p.queries);
  p.out.push(v.shape.last(0));
  p.scores.push(p.queries);
  p.scores.push(p.keys);
  checked_size(kName, {p.dtype, p.out});
  if (mask.present()) {
    const bool repeats =
        mask.shape.count <= p.scores.count && broadcast(kName, mask.shape, p.scores) == p.scores;
    if (!repeats)
      throw ShapeError(message("attention: mask does not broadcast to the scores: mask is ", mask.shape,
                               ", the scores are ", p.scores));
    if (mask.dtype != DType::boolean && !is_floating(mask.dtype))
      throw DTypeError(message("attention: mask must be bool or floats: it is ", mask.dtype));
  }
  return p;
}

Types infer(const Types& inputs, const Attributes& attributes) {
  const Problem p = parse(inputs, attributes);
  return {{p.dtype, p.out}};
}

Cost cost(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  const Problem p = parse(inputs, attributes);
  double scores = 1;
  for (const std::int64_t n : p.scores) scores *= double(n);
  return {scores * (2.0 * double(p.width) + 2.0 * double(p.out.last(0)) + 25.0),
          bytes_moved(inputs, outputs)};
}

// A leading axis may be cut where every input that has it has it there and the others repeat along it.
int batch(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  int from_last = -1;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].present() || axes[i] == kNoBatch) continue;
    const int position = inputs[i].shape.count - 1 - axes[i];
    if (position < 2 || (from_last != -1 && from_last != position)) return kMixesSamples;
    from_last = position;
  }
  if (from_last == -1) return kNoBatch;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].present() && axes[i] == kNoBatch && from_last < inputs[i].shape.count &&
        inputs[i].shape.last(from_last) != 1)
      return kMixesSamples;
  return parse(inputs, attributes).out.count - 1 - from_last;
}

// The matrix of one batch index, or some of its rows.
ArrayView matrix(const ArrayView& view, const Dims& batch, std::int64_t index, std::int64_t first,
                 std::int64_t rows) {
  ArrayView result = view;
  result.packed = nullptr;
  result.shape = result.strides = {};
  for (int i = 1; i >= 0; --i) {
    result.shape.push(view.shape.last(i));
    result.strides.push(view.strides.last(i));
  }
  const std::int64_t offset = offset_of(index, batch, view.strides) + first * result.strides[0];
  result.data = view.as<char>() + offset * itemsize(view.dtype);
  result.shape[0] = rows;
  return result;
}

ArrayView turned(ArrayView view) {
  const int last = view.shape.count - 1;
  std::swap(view.shape[last - 1], view.shape[last]);
  std::swap(view.strides[last - 1], view.strides[last]);
  return view;
}

// Of a mask of ones and zeros: adds 0 where it is one, -inf where it is zero.
void hide(const ArrayView& mask) {
  visit_dtype(mask.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (!std::is_integral_v<T>) {
      const T nothing = narrow<T>(0.0f), never = narrow<T>(-std::numeric_limits<float>::infinity());
      T* at = mask.as<T>();
      for (std::int64_t i = 0; i < mask.size(); ++i) at[i] = widen(at[i]) != 0 ? nothing : never;
    }
  });
}

void multiply(const ArrayView& a, const ArrayView& b, const ArrayView& out) {
  if (out.size() == 0) return;
  MatmulArgs args;
  args.a = a;
  args.b = b;
  args.out = out;
  select_matmul(args, this_machine(), nullptr).run(args, 1);
}

ArrayView with_batch(const ArrayView& view, const Dims& batch) {
  Dims shape = batch;
  shape.push(view.shape.last(1));
  shape.push(view.shape.last(0));
  return broadcast_to(view, shape);
}

// Some rows of every matrix of a stack.
ArrayView rows_of(ArrayView stack, std::int64_t first, std::int64_t count) {
  stack.packed = nullptr;
  const int axis = stack.shape.count - 2;
  stack.data = stack.as<char>() + first * stack.strides[axis] * itemsize(stack.dtype);
  stack.shape[axis] = count;
  return stack;
}

// What is added to the scores for a mask of ones and zeros: 0 where it is one, -inf where it is zero.
void hide_on_device(const ArrayView& mask, const ArrayView& addends) {
  ElementwiseArgs args;
  args.function = Elementwise::where;
  args.count = 3;
  args.inputs[0] = mask;
  const std::shared_ptr<void> room = room_for(2 * sizeof(double), addends.place);
  for (int i = 0; i < 2; ++i) {
    const double value = i == 0 ? 0.0 : -std::numeric_limits<double>::infinity();
    const ArrayView one =
        contiguous_view(static_cast<double*>(room.get()) + i, addends.dtype, {}, addends.place);
    copy(contiguous_view(const_cast<double*>(&value), DType::f64, {}), one);
    args.inputs[1 + i] = broadcast_to(one, addends.shape);
  }
  args.out = addends;
  select_elementwise(args, this_machine(), nullptr).run(args, 1);
}

// On a device the rows of all matrices at once, as many as fit in kDeviceBytes.
void run_on_device(const Problem& p, const ArrayView& queries, const ArrayView& keys, const ArrayView& values,
                   const ArrayView& mask, const AttentionArgs& shared, const ArrayView& out) {
  const std::int64_t matrices = p.batch.product(), row_bytes = matrices * p.keys * itemsize(p.dtype);
  const std::int64_t rows =
      std::clamp<std::int64_t>(kDeviceBytes / std::max<std::int64_t>(1, row_bytes), 1, p.queries);
  const std::shared_ptr<void> room = room_for(rows * row_bytes, out.place),
                              mask_room = mask.present() ? room_for(rows * row_bytes, out.place) : nullptr;
  for (std::int64_t first = 0; first < p.queries; first += rows) {
    const std::int64_t count = std::min(rows, p.queries - first);
    Dims shape = p.scores;
    shape[shape.count - 2] = count;
    const ArrayView scores = contiguous_view(room.get(), p.dtype, shape, out.place);
    multiply(rows_of(queries, first, count), turned(keys), scores);
    AttentionArgs args = shared;
    args.scores = scores.data;
    args.rows = matrices * count;
    args.first_query = first;
    args.stacked = count;
    if (mask.present()) {
      const ArrayView from = rows_of(mask, first, count),
                      addends = contiguous_view(mask_room.get(), p.dtype, shape, out.place);
      if (mask.dtype == DType::boolean)
        hide_on_device(from, addends);
      else
        copy(from, addends);
      args.mask = addends.data;
    }
    if (scores.size() > 0) stretto::run_on_device(kName, &CudaTable::attention, args, *out.place);
    multiply(scores, values, rows_of(out, first, count));
  }
}

void run(const Call& call) {
  Types types;
  for (const ArrayView& input : call.inputs) types.push_back(input.type());
  types.resize(4);
  const Problem p = parse(types, call.attributes);
  const ArrayView& out = call.outputs[0];
  if (out.size() == 0) return;
  const Converted q(call.inputs[0], p.dtype), k(call.inputs[1], p.dtype), v(call.inputs[2], p.dtype);
  const ArrayView queries = with_batch(q.view(), p.batch), keys = with_batch(k.view(), p.batch),
                  values = with_batch(v.view(), p.batch);
  const bool has_mask = types[3].present(), is_bool = types[3].dtype == DType::boolean;
  const ArrayView mask = has_mask ? broadcast_to(call.inputs[3], p.scores) : ArrayView{};
  AttentionArgs shared{};
  shared.dtype = p.dtype;
  shared.keys = p.keys;
  shared.scale =
      call.attributes.number(kName, "scale", 1.0 / std::sqrt(double(std::max<std::int64_t>(1, p.width))));
  shared.causal = call.attributes.boolean(kName, "causal", false);
  if (out.place) return run_on_device(p, queries, keys, values, mask, shared, out);
  const AttentionVariant& variant = select_attention(shared, this_machine(), call.options.variant);

  const std::int64_t size = itemsize(p.dtype), row_bytes = std::max<std::int64_t>(1, p.keys * size);
  const std::int64_t rows =
      std::clamp<std::int64_t>(kBlockBytes / row_bytes, 1, std::min(kBlockRows, p.queries));
  const std::int64_t blocks = (p.queries + rows - 1) / rows;
  const double flops = double(p.batch.product()) * double(p.queries) * double(p.keys) * double(p.width);
  parallel_for(p.batch.product() * blocks, 1, flops < 1e5 ? 1 : call.options.threads,
               [&](std::int64_t begin, std::int64_t end) {
                 const Scratch room(rows * p.keys * size), mask_room(has_mask ? rows * p.keys * size : 0);
                 for (std::int64_t item = begin; item < end; ++item) {
                   const std::int64_t index = item / blocks, first = item % blocks * rows;
                   const std::int64_t count = std::min(rows, p.queries - first);
                   Dims shape;
                   shape.push(count);
                   shape.push(p.keys);
                   const ArrayView scores = contiguous_view(room.as<void>(), p.dtype, shape);
                   multiply(matrix(queries, p.batch, index, first, count),
                            turned(matrix(keys, p.batch, index, 0, p.keys)), scores);
                   AttentionArgs args = shared;
                   args.scores = scores.data;
                   args.rows = count;
                   args.first_query = first;
                   if (has_mask) {
                     const ArrayView from = matrix(mask, p.batch, index, first, count);
                     const ArrayView addends = contiguous_view(mask_room.as<void>(), p.dtype, shape);
                     copy(from, addends);
                     if (is_bool) hide(addends);
                     args.mask = addends.data;
                   }
                   variant.run(args);
                   multiply(scores, matrix(values, p.batch, index, 0, p.keys),
                            matrix(out, p.batch, index, first, count));
                 }
               });
}

}  // namespace

const Op attention_op = {.name = kName,
                         .inputs = {"q", "k", "v", "mask?"},
                         .infer = infer,
                         .cost = cost,
                         .batch = batch,
                         .run = run,
                         .variants = attention_variants};

}  // namespace stretto
