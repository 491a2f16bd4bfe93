#include "ops/conv_problem.h"

#include "ops/arguments.h"

namespace stretto {
namespace {

constexpr std::int64_t kLimit = std::int64_t(1) << 31;     // of strides, padding, dilation, groups
constexpr std::int64_t kElements = std::int64_t(1) << 60;  // of a result

const char* axes_of(int rank, bool channels_last) {
  constexpr const char* first[] = {"(N, C, L)", "(N, C, H, W)", "(N, C, D, H, W)"};
  constexpr const char* last[] = {"(N, L, C)", "(N, H, W, C)", "(N, D, H, W, C)"};
  return (channels_last ? last : first)[rank - 1];
}

void check_rank(const ConvProblem& p, const char* name, const Dims& shape, const char* wanted) {
  if (shape.count != p.rank + 2)
    throw ShapeError(message(p.op, ": ", name, " has the wrong number of dimensions: ", name, " is ", shape,
                             "; it must be ", wanted));
}

void check_range(const ConvProblem& p, const char* name, std::int64_t value, std::int64_t least) {
  if (value < least || value >= kLimit)
    throw ShapeError(
        message(p.op, ": ", name, " is out of range: ", value, "; it must be ", least, " to ", kLimit - 1));
}

void read_options(ConvProblem& p, const Attributes& attributes) {
  const std::string layout = attributes.text(p.op, "layout", "NCHW");
  if (layout != "NCHW" && layout != "NHWC")
    throw ShapeError(message(p.op, ": unknown layout: \"", layout, "\"; it must be NCHW or NHWC"));
  p.channels_last = layout == "NHWC";
  p.groups = attributes.integer(p.op, "groups", 1);
  check_range(p, "groups", p.groups, 1);
  const Ints stride = attributes.integers(p.op, "stride", p.rank, 1);
  const Ints dilation = attributes.integers(p.op, "dilation", p.rank, 1);
  for (int i = 0; i < p.rank; ++i) {
    check_range(p, "stride", stride[i], 1);
    check_range(p, "dilation", dilation[i], 1);
    p.stride[3 - p.rank + i] = stride[i];
    p.dilation[3 - p.rank + i] = dilation[i];
  }
  const Value* padding = attributes.find("padding");
  if (!padding) return;
  if (const auto* word = std::get_if<std::string>(padding)) {
    if (*word != "same" && *word != "valid")
      throw ShapeError(message(p.op, ": unknown padding: \"", *word,
                               "\"; it must be same, valid, a number, numbers, or (before, after) pairs"));
    p.same = *word == "same";
    return;
  }
  const auto* pairs = std::get_if<Pairs>(padding);
  if (pairs && int(pairs->size()) != p.rank)
    throw ShapeError(message(p.op, ": padding has ", pairs->size(), " pairs; it must have one for each of ",
                             p.rank, " axes"));
  const Ints both = pairs ? Ints() : attributes.integers(p.op, "padding", p.rank, 0);
  for (int i = 0; i < p.rank; ++i) {
    p.before[3 - p.rank + i] = pairs ? (*pairs)[i][0] : both[i];
    p.after[3 - p.rank + i] = pairs ? (*pairs)[i][1] : both[i];
  }
  for (int d = 0; d < 3; ++d) {
    check_range(p, "padding", p.before[d], 0);
    check_range(p, "padding", p.after[d], 0);
  }
}

void read_shapes(ConvProblem& p, const Dims& x, const Dims& w, const char* w_axes) {
  check_rank(p, "x", x, axes_of(p.rank, p.channels_last));
  check_rank(p, "w", w, w_axes);
  p.samples = x[0];
  p.channels = p.channels_last ? x.last(0) : x[1];
  for (int i = 0; i < p.rank; ++i) {
    p.in[3 - p.rank + i] = x[(p.channels_last ? 1 : 2) + i];
    p.kernel[3 - p.rank + i] = w[2 + i];
  }
  for (int d = 0; d < 3; ++d) {
    if (p.kernel[d] < 1)
      throw ShapeError(
          message(p.op, ": the kernel is empty: w is ", w, "; every spatial size must be positive"));
    if (p.kernel[d] >= kLimit || p.in[d] >= kLimit)
      throw ShapeError(message(p.op, ": a spatial size is out of range: x is ", x, ", w is ", w,
                               "; the limit is ", kLimit - 1));
  }
}

std::int64_t extent(const ConvProblem& p, int d) { return (p.kernel[d] - 1) * p.dilation[d] + 1; }

void pad_by(ConvProblem& p, int d, std::int64_t total) {  // SAME_UPPER: the odd one goes behind
  p.before[d] = total > 0 ? total / 2 : 0;
  p.after[d] = total > 0 ? total - total / 2 : 0;
}

}  // namespace

Dims ConvProblem::in_layout(std::int64_t channel_count, const std::int64_t sizes[3]) const {
  Dims shape;
  shape.push(samples);
  if (!channels_last) shape.push(channel_count);
  for (int d = 3 - rank; d < 3; ++d) shape.push(sizes[d]);
  if (channels_last) shape.push(channel_count);
  std::int64_t elements = 1;
  bool empty = false, overflows = false;
  for (const std::int64_t size : shape) {
    empty |= size == 0;
    overflows |= size != 0 && __builtin_mul_overflow(elements, size, &elements);
  }
  if (!empty && (overflows || elements >= kElements))
    throw ShapeError(
        message(op, ": the result is too large: it would be ", shape, "; at most 2^60 elements"));
  return shape;
}

double ConvProblem::terms() const {
  return double(channels / groups) * double(kernel[0]) * double(kernel[1]) * double(kernel[2]);
}

ConvProblem conv_problem(const char* op, int rank, const Dims& x, const Dims& w,
                         const Attributes& attributes) {
  constexpr const char* w_axes[] = {"(O, C / groups, kl)", "(O, C / groups, kh, kw)",
                                    "(O, C / groups, kd, kh, kw)"};
  ConvProblem p{op, rank};
  read_options(p, attributes);
  read_shapes(p, x, w, w_axes[rank - 1]);
  p.outputs = w[0];
  if (p.channels % p.groups != 0 || p.outputs % p.groups != 0)
    throw ShapeError(message(op, ": groups do not divide the channels: groups is ", p.groups, ", x has ",
                             p.channels, " channels, w has ", p.outputs, " outputs; it must divide both"));
  if (p.channels / p.groups != w[1])
    throw ShapeError(message(op, ": channels differ: x is ", x, " with ", p.channels, " channels, w is ", w,
                             ", groups is ", p.groups, "; w's second (", w[1], ") must equal ",
                             p.channels / p.groups));
  for (int d = 3 - rank; d < 3; ++d) {
    if (p.same) {
      p.out[d] = (p.in[d] + p.stride[d] - 1) / p.stride[d];
      pad_by(p, d, (p.out[d] - 1) * p.stride[d] + extent(p, d) - p.in[d]);
      continue;
    }
    const std::int64_t padded = p.in[d] + p.before[d] + p.after[d];
    if (padded < extent(p, d))
      throw ShapeError(message(op, ": the kernel is larger than the padded input: it spans ", extent(p, d),
                               " of ", padded, " elements along axis ", d + rank - 3, "; x is ", x, ", w is ",
                               w, "; pad more or dilate less"));
    p.out[d] = (padded - extent(p, d)) / p.stride[d] + 1;
  }
  return p;
}

ConvProblem conv_transpose_problem(const char* op, int rank, const Dims& x, const Dims& w,
                                   const Attributes& attributes) {
  constexpr const char* w_axes[] = {"(C, O / groups, kl)", "(C, O / groups, kh, kw)",
                                    "(C, O / groups, kd, kh, kw)"};
  ConvProblem p{op, rank};
  read_options(p, attributes);
  read_shapes(p, x, w, w_axes[rank - 1]);
  if (p.channels % p.groups != 0)
    throw ShapeError(message(op, ": groups do not divide the channels: groups is ", p.groups, ", x has ",
                             p.channels, " channels; it must divide them"));
  if (p.channels != w[0])
    throw ShapeError(message(op, ": channels differ: x is ", x, " with ", p.channels, " channels, w is ", w,
                             "; w's first (", w[0], ") must equal ", p.channels));
  if (__builtin_mul_overflow(w[1], p.groups, &p.outputs))
    throw ShapeError(message(op, ": the result is too large: w is ", w, ", groups is ", p.groups));
  const Ints more = attributes.integers(op, "output_padding", rank, 0);
  for (int i = 0; i < rank; ++i) {
    const int d = 3 - rank + i;
    if (more[i] < 0 || (more[i] >= p.stride[d] && more[i] >= p.dilation[d]))
      throw ShapeError(message(op, ": output_padding is out of range: ", more[i],
                               "; it must be at least 0 and smaller than the stride or the dilation"));
    const std::int64_t full = (p.in[d] - 1) * p.stride[d] + extent(p, d) + more[i];
    if (p.same) {
      p.out[d] = p.in[d] * p.stride[d];
      pad_by(p, d, full - p.out[d]);
    } else {
      p.out[d] = full - p.before[d] - p.after[d];
    }
    if (p.out[d] < 1)
      throw ShapeError(message(op, ": the result would be empty: its size along axis ", i, " would be ",
                               p.out[d], "; x is ", x, ", w is ", w, "; pad less"));
  }
  return p;
}

ConvProblem least_conv_transpose_problem(const char* op, int rank, const Dims& w,
                                         const Attributes& attributes) {
  ConvProblem p{op, rank};
  read_options(p, attributes);
  p.samples = 1;
  for (int d = 0; d < 3; ++d) {
    const std::int64_t padding = p.before[d] + p.after[d];
    p.in[d] = 2 + (padding + p.stride[d] - 1) / p.stride[d];
  }
  return conv_transpose_problem(op, rank, p.in_layout(w.count > 0 ? w[0] : 0, p.in), w, attributes);
}

ArrayView as_volume(const ArrayView& view, int rank, bool channels_last) {
  ArrayView v = view;
  v.shape = v.strides = Dims();
  const auto take = [&](int axis) {
    v.shape.push(view.shape[axis]);
    v.strides.push(view.strides[axis]);
  };
  take(0);
  take(channels_last ? rank + 1 : 1);
  for (int i = rank; i < 3; ++i) {
    v.shape.push(1);
    v.strides.push(0);
  }
  for (int i = 0; i < rank; ++i) take((channels_last ? 1 : 2) + i);
  return v;
}

void check_conv_epilogue(const ConvProblem& problem, std::span<const ValueType> operands, DType dtype,
                         const Attributes& attributes) {
  constexpr const char* names[] = {"bias", "scale", "shift"};
  std::vector<ValueType> reshaped(operands.begin(), operands.end());
  for (int i = 0; i < 3; ++i) {
    ValueType& operand = reshaped[i];
    if (!operand.present()) continue;
    if (operand.shape.count != 1 || operand.shape[0] != problem.outputs)
      throw ShapeError(message(problem.op, ": ", names[i], " has the wrong shape: ", names[i], " is ",
                               operand.shape, "; it must be (", problem.outputs,
                               ",), one for each output channel"));
    operand.shape.count = 0;  // checked: now anything that broadcasts
  }
  check_epilogue(problem.op, reshaped, {dtype, problem.result()}, attributes);
}

std::vector<ArrayView> along_channels(const ConvProblem& problem, std::span<const ArrayView> operands) {
  std::vector<ArrayView> views(operands.begin(), operands.end());
  for (int i = 0; i < 3 && !problem.channels_last; ++i) {
    if (!views[i].present()) continue;
    for (int d = 0; d < problem.rank; ++d) {
      views[i].shape.push(1);
      views[i].strides.push(0);
    }
  }
  return views;
}

int conv_batch(const Types& inputs, const std::vector<int>& axes, const Attributes&) {
  if (axes[0] != 0) return kMixesSamples;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (!inputs[i].present()) continue;
    const bool is_residual = i == 5;
    if (axes[i] != kNoBatch &&
        !(is_residual && axes[i] == 0 && inputs[i].shape.count == inputs[0].shape.count))
      return kMixesSamples;
    // A residual without the batch must repeat along it.
    if (is_residual && axes[i] == kNoBatch && inputs[i].shape.count == inputs[0].shape.count &&
        inputs[i].shape[0] != 1)
      return kMixesSamples;
  }
  return 0;
}

}  // namespace stretto
