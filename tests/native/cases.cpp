#include "cases.h"

#include <cstring>
#include <string>

#include "ops/ops.h"

namespace stretto::testing {
namespace {

// Mostly small, at times around a vector's or a tile's width, seldom empty.
std::int64_t size(Random& random) {
  if (chance(random, 0.02)) return 0;
  if (chance(random, 0.5)) return pick(random, 1, 9);
  if (chance(random, 0.5)) return pick(random, 10, 40);
  return one_of<std::int64_t>(random, {15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 97});
}

// Lengths of sums: also around the ends of the contract's segments and blocks.
std::int64_t length(Random& random) {
  if (chance(random, 0.85)) return size(random);
  return one_of<std::int64_t>(random, {127, 128, 129, 512, 1000, 4095, 4096, 4097, 8200});
}

DType float_type(Random& random) {
  if (chance(random, 0.5)) return DType::f32;
  return one_of(random, {DType::f64, DType::f16, DType::bf16});
}

DType any_type(Random& random) {
  if (chance(random, 0.8)) return float_type(random);
  return one_of(random,
                {DType::i8, DType::i16, DType::i32, DType::i64, DType::u8, DType::u32, DType::boolean});
}

// Bias, scale, shift and residual of the given shapes, and an activation.
void draw_epilogue(Case& drawn, Random& random, DType dtype, const Dims& channels, const Dims& result) {
  const bool scaled = chance(random, 0.3);
  const auto operand = [&](bool present, const Dims& shape) {
    drawn.inputs.push_back(present ? ValueType{dtype, shape} : ValueType{});
  };
  operand(chance(random, 0.5), channels);
  operand(scaled, channels);
  operand(scaled, channels);
  operand(chance(random, 0.3), result);
  if (!is_floating(dtype) || chance(random, 0.5)) return;
  if (chance(random, 0.2))
    drawn.attributes.set("activation", Named{"leaky_relu", 0.1});
  else
    drawn.attributes.set("activation",
                         std::string(one_of(random, {"relu", "gelu", "sigmoid", "tanh", "silu"})));
}

// Makes the two factors of a product in int32 narrow integers.
void narrow_factors(Case& drawn, Random& random) {
  drawn.attributes.set("dtype", DType::i32);
  const bool words = chance(random, 0.2);
  for (int i = 0; i < 2; ++i)
    drawn.inputs[std::size_t(i)].dtype = words ? DType::i16 : one_of(random, {DType::i8, DType::u8});
}

Case draw_matmul(Random& random) {
  Case drawn;
  drawn.weight = 1;
  const bool narrow = chance(random, 0.2);
  const DType dtype = narrow ? DType::i32 : any_type(random);
  const std::int64_t k = length(random), m = k > 200 ? pick(random, 1, 20) : size(random),
                     n = k > 200 ? pick(random, 1, 40) : size(random);
  Dims a, b, result;
  for (std::int64_t d = pick(random, 0, 2); d > 0; --d) {
    const std::int64_t batch = pick(random, 1, 3);
    a.push(chance(random, 0.2) ? 1 : batch);
    b.push(chance(random, 0.2) ? 1 : batch);
    result.push(std::max(a.last(0), b.last(0)));
  }
  for (const std::int64_t s : {m, k}) a.push(s);
  for (const std::int64_t s : {k, n}) b.push(s);
  for (const std::int64_t s : {m, n}) result.push(s);
  if (chance(random, 0.3)) b = dims({k, n}), result = a, result[a.count - 1] = n;
  drawn.inputs = {{dtype, a}, {dtype, b}};
  if (narrow) narrow_factors(drawn, random);
  draw_epilogue(drawn, random, dtype, dims({n}), result);
  return drawn;
}

Ints numbers(Random& random, int count, std::int64_t low, std::int64_t high) {
  Ints values;
  for (int i = 0; i < count; ++i) values.push_back(pick(random, low, high));
  return values;
}

Dims in_layout(std::int64_t samples, std::int64_t channels, const Ints& sizes, bool channels_last) {
  Dims shape = dims({samples});
  if (!channels_last) shape.push(channels);
  for (const std::int64_t s : sizes) shape.push(s);
  if (channels_last) shape.push(channels);
  return shape;
}

Ints to_ints(const Dims& shape) { return Ints(shape.begin(), shape.end()); }

// The convolutions in all their forms: `name` is conv2d, conv_transpose2d, conv2d_input_gradient, ...
Case draw_conv(const std::string& name, Random& random) {
  Case drawn;
  const int rank = name[name.find_first_of("123")] - '0';
  const bool transposed = name.starts_with("conv_transpose"), channels_last = chance(random, 0.3);
  const bool narrow = name.size() == 6 && chance(random, 0.3);  // a convolution itself
  const DType dtype = narrow ? DType::i32 : float_type(random);
  const std::int64_t groups = chance(random, 0.7) ? 1 : pick(random, 2, 5);
  const bool depthwise = groups > 1 && chance(random, 0.5);
  const std::int64_t channels = groups * (depthwise ? 1 : pick(random, 1, chance(random, 0.2) ? 40 : 6));
  const std::int64_t outputs =
      groups * (depthwise ? pick(random, 1, 2) : pick(random, 1, chance(random, 0.3) ? 40 : 8));
  const Ints kernel = numbers(random, rank, 1, rank == 3 ? 3 : 5);
  const std::int64_t samples = pick(random, 1, 3);
  const Dims x = in_layout(samples, channels,
                           numbers(random, rank, 1,
                                   rank == 1   ? 60
                                   : rank == 2 ? 20
                                               : 7),
                           channels_last);
  Dims w = transposed ? dims({channels, outputs / groups}) : dims({outputs, channels / groups});
  for (const std::int64_t s : kernel) w.push(s);
  Attributes& options = drawn.attributes;
  if (channels_last) options.set("layout", std::string("NHWC"));
  if (groups > 1) options.set("groups", groups);
  if (chance(random, 0.5)) options.set("stride", numbers(random, rank, 1, 3));
  if (chance(random, 0.3)) options.set("dilation", numbers(random, rank, 1, 2));
  if (chance(random, 0.6)) options.set("padding", numbers(random, rank, 0, 2));

  const std::string forward = name.substr(0, name.find('_', name.find_first_of("123")));
  const ValueType wt{dtype, w}, xt{dtype, x};
  const Types forward_inputs{xt, wt, {}, {}, {}, {}};
  const Dims result = op_named(forward)->infer(forward_inputs, options)[0].shape;
  if (name.ends_with("_input_gradient")) {
    drawn.inputs = {{dtype, result}, wt};
    options.set("input_shape", to_ints(x));
  } else if (name.ends_with("_weight_gradient")) {
    drawn.inputs = {xt, {dtype, result}};
    options.set("weight_shape", to_ints(w));
    options.set("grain", pick(random, 1, 3));
  } else {
    drawn.weight = 1;
    drawn.inputs = {xt, wt};
    if (narrow) narrow_factors(drawn, random);
    draw_epilogue(drawn, random, dtype, dims({outputs}), result);
  }
  return drawn;
}

// Pools over windows, global and adaptive ones, upsampling; and their gradients, which take (grad, x).
Case draw_window(const std::string& name, Random& random) {
  Case drawn;
  const std::size_t digit = name.find_first_of("123");
  const int rank = digit == std::string::npos ? int(pick(random, 1, 3)) : name[digit] - '0';
  const bool channels_last = digit != std::string::npos && chance(random, 0.3);
  const DType dtype = float_type(random);
  const Dims x = in_layout(pick(random, 1, 3), pick(random, 1, chance(random, 0.3) ? 40 : 6),
                           numbers(random, rank, 1,
                                   rank == 1   ? 80
                                   : rank == 2 ? 24
                                               : 8),
                           channels_last);
  Attributes& options = drawn.attributes;
  if (channels_last) options.set("layout", std::string(rank == 1 ? "NWC" : rank == 2 ? "NHWC" : "NDHWC"));
  if (name.starts_with("max_pool") || name.starts_with("avg_pool")) {
    options.set("kernel_size", numbers(random, rank, 1, 4));
    if (chance(random, 0.6)) options.set("stride", numbers(random, rank, 1, 3));
    if (chance(random, 0.5)) options.set("padding", numbers(random, rank, 0, 2));
    if (chance(random, 0.3)) options.set("dilation", numbers(random, rank, 1, 2));
    if (chance(random, 0.3)) options.set("ceil_mode", true);
    if (name.starts_with("avg") && chance(random, 0.3)) options.set("count_include_pad", false);
  } else if (name.starts_with("adaptive")) {
    options.set("output_size", numbers(random, 2, 1, 9));
  } else if (name.starts_with("upsample")) {
    options.set("size", numbers(random, 2, 1, 40));
    if (chance(random, 0.7)) options.set("mode", std::string("bilinear"));
  }
  const ValueType xt{dtype, x};
  const std::size_t suffix = name.find("_gradient");
  drawn.inputs = {xt};
  if (suffix != std::string::npos) {
    const Types forward{xt};
    drawn.inputs = {op_named(name.substr(0, suffix))->infer(forward, options)[0], xt};
  }
  return drawn;
}

// Norms by channels: one parameter a channel.
Case draw_channels(const Op& op, Random& random) {
  Case drawn;
  const DType dtype = float_type(random);
  const bool channels_last = chance(random, 0.3);
  const std::int64_t groups = pick(random, 1, 4), channels = groups * pick(random, 1, 9);
  const Dims x =
      in_layout(pick(random, 1, 3), channels, numbers(random, int(pick(random, 0, 3)), 1, 9), channels_last);
  for (const char* name : op.inputs) {
    const bool absent = name[std::strlen(name) - 1] == '?' && chance(random, 0.5);
    drawn.inputs.push_back(absent                 ? ValueType{}
                           : drawn.inputs.empty() ? ValueType{dtype, x}
                                                  : ValueType{dtype, dims({channels})});
  }
  if (channels_last) drawn.attributes.set("layout", std::string("NHWC"));
  if (std::strcmp(op.name, "group_norm") == 0) drawn.attributes.set("groups", groups);
  return drawn;
}

// Everything else: operands of one shape, some of them broadcast; optional ones come and go.
Case draw_general(const Op& op, Random& random) {
  Case drawn;
  const DType dtype = any_type(random);
  Dims shape;
  for (std::int64_t d = pick(random, 1, 4); d > 0; --d) shape.push(size(random));
  if (chance(random, 0.1)) shape[0] = length(random);
  while (shape.product() > 200000) shape[0] = shape[0] / 2, shape[shape.count - 1] = shape.last(0) / 2;
  for (const char* name : op.inputs) {
    const std::size_t end = std::strlen(name) - 1;
    if (name[end] == '?' && chance(random, 0.5)) {
      drawn.inputs.push_back({});
      continue;
    }
    Dims own = shape;
    if (!drawn.inputs.empty() && chance(random, 0.4)) own = dims({shape.last(0)});
    if (!drawn.inputs.empty() && chance(random, 0.1)) own = dims({});
    drawn.inputs.push_back({std::strcmp(name, "condition") == 0 ? DType::boolean : dtype, own});
  }
  if (op.inputs.size() == 1 && chance(random, 0.7)) {  // reductions; others do not look at it
    drawn.attributes.set("axis", pick(random, 0, drawn.inputs[0].shape.count - 1));
    if (chance(random, 0.3)) drawn.attributes.set("keepdims", true);
  }
  return drawn;
}

}  // namespace

Case draw_case(const Op& op, Random& random) {
  const std::string name = op.name;
  if (name == "matmul") return draw_matmul(random);
  if (name.starts_with("conv")) return draw_conv(name, random);
  if (name.find("pool") != std::string::npos || name.starts_with("upsample"))
    return draw_window(name, random);
  if (name == "batch_norm" || name == "group_norm") return draw_channels(op, random);
  return draw_general(op, random);
}

}  // namespace stretto::testing
