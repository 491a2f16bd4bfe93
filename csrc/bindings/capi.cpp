// The table of capi.h: raw memory becomes views; an op's record checks them and runs.
#include "capi.h"

#include <pybind11/pybind11.h>

#include <cstring>
#include <limits>
#include <new>

#include "base/error.h"
#include "base/parallel_region.h"
#include "bindings/bindings.h"
#include "kernels/copy/copy.h"
#include "ops/ops.h"

namespace stretto::bindings {
namespace {

constexpr std::int64_t kMostElements = std::int64_t(1) << 60;
constexpr int kMostThreads = 4096;
constexpr int kInputs = 6;
constexpr const char* kTerms[] = {"bias", "scale", "shift", "residual"};

thread_local std::string last_error;

const char* error_text() noexcept { return last_error.c_str(); }

int failed(int status, const char* text) noexcept {
  try {
    last_error = text;
  } catch (const std::bad_alloc&) {
    last_error.clear();
  }
  return status;
}

template <class Call>
int status_of(Call&& call) noexcept {
  try {
    call();
    return STRETTO_OK;
  } catch (const ShapeError& error) {
    return failed(STRETTO_INVALID, error.what());
  } catch (const DTypeError& error) {
    return failed(STRETTO_INVALID, error.what());
  } catch (const NoKernelError& error) {
    return failed(STRETTO_NO_KERNEL, error.what());
  } catch (const std::bad_alloc&) {
    return failed(STRETTO_NO_MEMORY, "stretto: out of memory");
  } catch (const std::exception& error) {
    return failed(STRETTO_FAILED, error.what());
  }
}

// What a call holds while it computes. Unlike CallScope it never looks at signals: that would take the GIL.
class RawCallScope {
 public:
  RawCallScope() : next_poll_(thread_state().next_poll) {
    thread_state().next_poll = std::numeric_limits<std::int64_t>::max();
  }
  ~RawCallScope() { thread_state().next_poll = next_poll_; }
  RawCallScope(const RawCallScope&) = delete;
  RawCallScope& operator=(const RawCallScope&) = delete;

 private:
  FloatState float_state_;
  std::int64_t next_poll_;
};

Dims dims(std::initializer_list<std::int64_t> sizes) {
  Dims shape;
  for (const std::int64_t size : sizes) shape.push(size);
  return shape;
}

// The addresses that a view's elements lie at.
struct Extent {
  std::uintptr_t begin = 0, end = 0;

  bool overlaps(const Extent& other) const { return begin < other.end && other.begin < end; }
};

Extent extent_of(const char* op, const char* name, const ArrayView& view) {
  if (view.size() == 0) return {};
  std::int64_t first = 0, last = 0;
  for (int d = 0; d < view.shape.count; ++d) {
    std::int64_t span;
    bool far = __builtin_mul_overflow(view.shape[d] - 1, view.strides[d], &span);
    std::int64_t& side = span < 0 ? first : last;
    far = far || __builtin_add_overflow(side, span, &side) || side > kMostElements || side < -kMostElements;
    if (far)
      throw ShapeError(message(op, ": the strides of ", name, " are too large: ", name, " is ", view.shape,
                               ", its strides are ", view.strides, "; they may span 2^60 elements"));
  }
  const auto at = [&](std::int64_t i) {
    return reinterpret_cast<std::uintptr_t>(view.data) + std::uintptr_t(i * itemsize(view.dtype));
  };
  return {at(first), at(last + 1)};
}

void check_sizes(const char* op, const char* name, const Dims& shape) {
  std::int64_t elements = 1;
  for (const std::int64_t size : shape) {
    if (size < 0) throw ShapeError(message(op, ": a size of ", name, " is negative: ", name, " is ", shape));
    if (size != 0 && (__builtin_mul_overflow(elements, size, &elements) || elements > kMostElements))
      throw ShapeError(message(op, ": ", name, " is too large: it is ", shape, "; at most 2^60 elements"));
  }
}

ArrayView raw_view(const char* op, const char* name, const void* data, DType dtype, const Dims& shape,
                   const std::int64_t* strides) {
  check_sizes(op, name, shape);
  ArrayView view = contiguous_view(const_cast<void*>(data), dtype, shape);
  for (int d = 0; strides && d < shape.count; ++d) view.strides[d] = strides[d];
  if (view.size() != 0 && !data)
    throw ShapeError(message(op, ": ", name, " is NULL: its shape is ", shape, "; only an empty one may be"));
  if (reinterpret_cast<std::uintptr_t>(data) % std::uintptr_t(itemsize(dtype)) != 0)
    throw ShapeError(message(op, ": ", name, " is not aligned: its address is ", data,
                             "; it must be a multiple of ", itemsize(dtype)));
  return view;
}

void check_out(const char* op, const ArrayView& out) {
  for (int d = 0; d < out.shape.count; ++d)
    if (out.shape[d] > 1 && out.strides[d] == 0)
      throw ShapeError(message(op, ": out repeats elements: out is ", out.shape, ", its strides are ",
                               out.strides, "; only an axis of size 1 may have stride 0"));
}

int threads_of(const char* op, int threads) {
  if (threads < 0 || threads > kMostThreads)
    throw ShapeError(message(op, ": threads is out of range: ", threads, "; it must be 1 to ", kMostThreads,
                             ", or 0 for the default"));
  return resolve_threads(threads);
}

// What the caller's version had of the options; later fields are 0.
stretto_options options_of(const char* op, const stretto_options* given) {
  constexpr std::uint64_t kFirstVersion = offsetof(stretto_options, residual_strides) + sizeof(std::int64_t*);
  stretto_options options = {};
  if (!given) return options;
  if (given->size < kFirstVersion || given->size > sizeof(options))
    throw ShapeError(message(op, ": options.size is out of range: ", given->size,
                             "; it must be sizeof(stretto_options), ", sizeof(options)));
  std::memcpy(&options, given, given->size);
  return options;
}

void set_options(const char* op, const stretto_options& options, Attributes& attributes) {
  constexpr const char* kActivations[] = {"none",      "relu",         "relu6",      "leaky_relu", "elu",
                                          "sigmoid",   "hard_sigmoid", "hard_swish", "tanh",       "gelu",
                                          "gelu_tanh", "silu",         "softplus"};
  constexpr const char* kPrecisions[] = {"highest", "high", "medium"};
  if (options.activation < 0 || options.activation > STRETTO_SOFTPLUS)
    throw ShapeError(message(op, ": unknown activation: ", options.activation, "; it must be 0 to ",
                             int(STRETTO_SOFTPLUS)));
  if (options.precision < 0 || options.precision > STRETTO_MEDIUM)
    throw ShapeError(
        message(op, ": unknown precision: ", options.precision, "; it must be 0 to ", int(STRETTO_MEDIUM)));
  if (options.activation != STRETTO_NO_ACTIVATION)
    attributes.set("activation", Named{kActivations[options.activation], options.parameter});
  if (options.precision != STRETTO_HIGHEST) attributes.set("precision", kPrecisions[options.precision]);
}

struct Result {
  void* data;
  const std::int64_t* strides;
};

// `first` and `second` are multiplied; bias, scale and shift have an element for each of the output's
// channels.
void run(const Op& op, const ArrayView& first, const ArrayView& second, std::int64_t channels, Result result,
         int threads, const stretto_options* given, Attributes attributes) {
  const stretto_options options = options_of(op.name, given);
  set_options(op.name, options, attributes);
  ArrayView inputs[kInputs] = {first, second};
  const void* const terms[] = {options.bias, options.scale, options.shift};
  for (int i = 0; i < 3; ++i)
    if (terms[i])
      inputs[2 + i] = raw_view(op.name, kTerms[i], terms[i], first.dtype, dims({channels}), nullptr);
  Types types(kInputs);
  for (int i = 0; i < kInputs; ++i) types[i] = inputs[i].type();
  const ValueType type = op.infer(types, attributes)[0];
  if (options.residual)
    inputs[5] =
        raw_view(op.name, kTerms[3], options.residual, type.dtype, type.shape, options.residual_strides);

  ArrayView out = raw_view(op.name, "out", result.data, type.dtype, type.shape, result.strides);
  check_out(op.name, out);
  const RunOptions how{threads_of(op.name, threads)};
  const Extent written = extent_of(op.name, "out", out);
  bool overlaps = false;
  for (const ArrayView& input : inputs)
    overlaps |= input.present() && written.overlaps(extent_of(op.name, "an operand", input));

  const RawCallScope scope;
  if (!overlaps) {
    op.run({inputs, {&out, 1}, attributes, how});
    return;
  }
  const Scratch aside(out.size() * itemsize(out.dtype));
  ArrayView formed = contiguous_view(aside.as<void>(), out.dtype, out.shape);
  op.run({inputs, {&formed, 1}, attributes, how});
  copy(formed, out);
}

void matmul(DType dtype, const stretto_matmul_shape& s, const void* a, const void* b, void* out, int threads,
            const stretto_options* options) {
  const ArrayView left = raw_view("matmul", "a", a, dtype, dims({s.batch, s.m, s.k}), s.a_strides);
  const ArrayView right = raw_view("matmul", "b", b, dtype, dims({s.batch, s.k, s.n}), s.b_strides);
  run(matmul_op, left, right, s.n, {out, s.out_strides}, threads, options, {});
}

// Sets nothing when all are 0, which stands for the default.
void set_sizes(const char* name, const std::int64_t* sizes, int axes, Attributes& attributes) {
  Ints values(sizes, sizes + axes);
  bool given = false;
  for (std::int64_t& value : values) {
    given |= value != 0;
    value = value ? value : 1;
  }
  if (given) attributes.set(name, std::move(values));
}

Attributes attributes_of(const stretto_conv_shape& s) {
  Attributes attributes;
  set_sizes("stride", s.stride, s.axes, attributes);
  set_sizes("dilation", s.dilation, s.axes, attributes);
  if (s.groups) attributes.set("groups", s.groups);
  if (s.channels_last) attributes.set("layout", "NHWC");
  Pairs padding;
  for (int i = 0; i < s.axes; ++i) padding.push_back({s.before[i], s.after[i]});
  attributes.set("padding", std::move(padding));
  return attributes;
}

void conv(DType dtype, const stretto_conv_shape& s, const void* x, const void* w, void* out, int threads,
          const stretto_options* options) {
  if (s.axes < 1 || s.axes > 3)
    throw ShapeError(message("conv: axes is out of range: ", s.axes, "; it must be 1, 2 or 3"));
  const Op* const ops[] = {&conv1d_op, &conv2d_op, &conv3d_op};
  const Op& op = *ops[s.axes - 1];
  Dims x_shape = dims({s.samples}),
       w_shape = dims({s.outputs, s.groups > 0 ? s.channels / s.groups : s.channels});
  if (!s.channels_last) x_shape.push(s.channels);
  for (int i = 0; i < s.axes; ++i) {
    x_shape.push(s.size[i]);
    w_shape.push(s.kernel[i]);
  }
  if (s.channels_last) x_shape.push(s.channels);
  const ArrayView input = raw_view(op.name, "x", x, dtype, x_shape, s.x_strides);
  const ArrayView weight = raw_view(op.name, "w", w, dtype, w_shape, s.w_strides);
  run(op, input, weight, s.outputs, {out, s.out_strides}, threads, options, attributes_of(s));
}

template <DType dtype, class T>
int raw_matmul(const stretto_matmul_shape* shape, const T* a, const T* b, T* out, int threads,
               const stretto_options* options) noexcept {
  return status_of([&] {
    if (!shape) throw ShapeError("matmul: shape is NULL: it must point to a stretto_matmul_shape");
    matmul(dtype, *shape, a, b, out, threads, options);
  });
}

template <DType dtype, class T>
int raw_conv(const stretto_conv_shape* shape, const T* x, const T* w, T* out, int threads,
             const stretto_options* options) noexcept {
  return status_of([&] {
    if (!shape) throw ShapeError("conv: shape is NULL: it must point to a stretto_conv_shape");
    conv(dtype, *shape, x, w, out, threads, options);
  });
}

constexpr stretto_capi kTable = {
    .version = STRETTO_CAPI_VERSION,
    .size = sizeof(stretto_capi),
    .error_text = error_text,
    .matmul_f32 = raw_matmul<DType::f32, float>,
    .matmul_f64 = raw_matmul<DType::f64, double>,
    .matmul_bf16 = raw_matmul<DType::bf16, stretto_bfloat16>,
    .conv_f32 = raw_conv<DType::f32, float>,
    .conv_f64 = raw_conv<DType::f64, double>,
    .conv_bf16 = raw_conv<DType::bf16, stretto_bfloat16>,
};

}  // namespace

void bind_capi(pybind11::module_& m) { m.attr("capi") = pybind11::capsule(&kTable, STRETTO_CAPI_NAME); }

}  // namespace stretto::bindings
