#include <cfloat>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/error.h"
#include "cases.h"
#include "host_device.h"
#include "kernels/copy/copy.h"
#include "ops/ops.h"
#include "tensor_cores.h"

namespace stretto::testing {
namespace {

// Enough channels for every tile, together in memory, mostly as tensor cores take them without a copy.
Case draw_large(const std::string& name, Random& random) {
  const std::int64_t inputs = chance(random, 0.7) ? 8 * pick(random, 1, 6) : pick(random, 1, 40);
  const std::int64_t outputs = pick(random, 16, 150), kernel = pick(random, 1, 3), size = pick(random, 4, 13);
  const bool transposed = name.starts_with("conv_transpose");
  const DType dtype = one_of(random, {DType::f16, DType::bf16, DType::f32});
  Case drawn;
  drawn.attributes.set("layout", std::string("NHWC"));
  if (chance(random, 0.5)) drawn.attributes.set("padding", kernel / 2);
  if (chance(random, 0.3)) drawn.attributes.set("stride", std::int64_t(2));
  const Dims x = dims({pick(random, 1, 3), size, size + pick(random, 0, 3), inputs});
  const Dims w =
      transposed ? dims({inputs, outputs, kernel, kernel}) : dims({outputs, inputs, kernel, kernel});
  const ValueType xt{dtype, x}, wt{dtype, w};
  const std::string forward = transposed ? name : "conv2d";
  const Dims result = op_named(forward)->infer({xt, wt, {}, {}, {}, {}}, drawn.attributes)[0].shape;
  const auto ints = [](const Dims& shape) { return Ints(shape.begin(), shape.end()); };
  if (name.ends_with("_input_gradient")) {
    drawn.inputs = {{dtype, result}, wt};
    drawn.attributes.set("input_shape", ints(x));
  } else if (name.ends_with("_weight_gradient")) {
    drawn.inputs = {xt, {dtype, result}};
    drawn.attributes.set("weight_shape", ints(w));
    drawn.attributes.set("grain", std::int64_t(2));
  } else {
    drawn.inputs = {xt, wt, {}, {}, {}, {}};
    if (dtype == DType::f32 && !transposed)
      drawn.attributes.set("precision", std::string(chance(random, 0.5) ? "high" : "medium"));
  }
  return drawn;
}

// A convolution, a transposed one or a gradient, without an epilogue, of so many channels that tensor cores
// take most of them.
Case draw(const Op& op, Random& random) {
  const std::string name = op.name;
  if (name.find('2') != std::string::npos && chance(random, 0.4)) return draw_large(name, random);
  for (int attempt = 0;; ++attempt) {
    const Case any = draw_case(op, random);
    Case drawn{any.inputs, {}, any.weight};
    for (const auto& [name, value] : any.attributes.values())
      if (name != "activation") drawn.attributes.set(name, value);
    for (std::size_t i = 2; i < drawn.inputs.size(); ++i) drawn.inputs[i] = {};
    const DType dtype = drawn.inputs[0].dtype;
    if (dtype == DType::f32 && std::string(op.name).size() == 6)
      drawn.attributes.set("precision", std::string(chance(random, 0.5) ? "high" : "medium"));
    const bool is_wide = drawn.inputs[1].shape[0] >= 16 || drawn.inputs[1].shape[1] >= 16 || attempt > 40;
    if (is_wide && (dtype == DType::f32 || is_16bit_float(dtype))) return drawn;
  }
}

// The result in float64 of the inputs, or of their magnitudes.
class Sums {
 public:
  Sums(const Op& op, const std::vector<ArrayView>& inputs, const Attributes& attributes, bool of_magnitudes) {
    std::vector<ArrayView> wide;
    Types types;
    Attributes options = attributes;
    options.set("precision", std::string("highest"));
    for (const ArrayView& input : inputs) {
      wide.emplace_back();
      types.push_back({input.present() ? DType::f64 : DType::none, input.shape});
      if (!input.present()) continue;
      wide.back() = room(input.shape);
      copy(input, wide.back());
      double* const x = wide.back().as<double>();
      for (std::int64_t i = 0; of_magnitudes && i < input.size(); ++i) x[i] = std::fabs(x[i]);
    }
    result_.push_back(room(op.infer(types, attributes)[0].shape));
    op.run({wide, result_, attributes, {1, nullptr}});
  }
  const ArrayView& view() const { return result_[0]; }
  double operator[](std::int64_t i) const { return result_[0].as<double>()[i]; }

 private:
  ArrayView room(const Dims& shape) {
    memory_.emplace_back(new double[std::size_t(shape.product()) + 1]);
    return contiguous_view(memory_.back().get(), DType::f64, shape);
  }
  std::vector<std::unique_ptr<double[]>> memory_;
  std::vector<ArrayView> result_;
};

// How far from the exact sum the roundings on the way allow a result to be: of the factors to TF32, by
// cutting off, or two parts of it, of every addition, perhaps by cutting off, and of the result.
double allowed(const Case& drawn, DType result, double exact, double size, double terms) {
  const Value* const precision = drawn.attributes.find("precision");
  const bool is_high = precision && std::get<std::string>(*precision) == "high";
  const double unit = drawn.inputs[0].dtype != DType::f32 ? 0
                                                          : std::ldexp(1, is_high             ? -22
                                                                          : has_cut_factors() ? -10
                                                                                              : -11);
  const double last = std::ldexp(1, -23), cut = result == DType::f16    ? std::ldexp(1, -11)
                                                : result == DType::bf16 ? std::ldexp(1, -8)
                                                                        : last;
  return (2.01 * unit + (terms + 8) * last) * size + 1.01 * cut * (std::fabs(exact) + size * 2.1 * unit) +
         1e-7;
}

// The first sample alone has its bits in the batch.
bool is_alone_the_same(const Op& op, const Case& drawn, std::vector<ArrayView> inputs, const ArrayView& whole,
                       Random& random, const Device& device) {
  Dims shape = whole.shape;
  shape[0] = inputs[0].shape[0] = 1;
  Array out(random, {whole.dtype, shape}, Array::Layout::contiguous);
  std::vector<ArrayView> outputs{device.view(out.view())};
  op.run({inputs, outputs, drawn.attributes, {1, nullptr}});
  ArrayView first = whole;
  first.shape[0] = 1;
  return differences(out.view(), first) == 0;
}

// What is wrong with a call, or nothing.
std::string wrong(const Op& op, const Case& drawn, Random& random) {
  const Device device;
  std::vector<Array> arrays;
  std::vector<ArrayView> inputs, on_device;
  for (const ValueType& type : drawn.inputs) {
    inputs.emplace_back();
    on_device.emplace_back();
    if (!type.present()) continue;
    arrays.emplace_back(random, type,
                        chance(random, 0.5) ? Array::Layout::contiguous : Array::Layout::random_with_repeats);
    arrays.back().fill(random, Values::ordinary);
    inputs.back() = arrays.back().view();
    on_device.back() = device.view(inputs.back());
  }
  const ValueType result = op.infer(drawn.inputs, drawn.attributes)[0];
  Array out(random, result, chance(random, 0.6) ? Array::Layout::contiguous : Array::Layout::random);
  out.fill_with_bytes(0x3c);
  std::vector<ArrayView> outputs{device.view(out.view())};
  op.run({on_device, outputs, drawn.attributes, {1, nullptr}});

  const Sums exact(op, inputs, drawn.attributes, false), size(op, inputs, drawn.attributes, true);
  std::vector<double> found(std::size_t(result.shape.product()) + 1);
  copy(out.view(), contiguous_view(found.data(), DType::f64, result.shape));
  const ArrayView& second = inputs[1];  // the weight but in its own gradient
  const std::string name = op.name;
  const bool is_weight_gradient = name.ends_with("weight_gradient"), is_conv = name.size() == 6;
  const double terms = double(second.size()) / double(is_weight_gradient ? 1 : second.shape[is_conv ? 0 : 1]);
  std::int64_t far = 0;
  for (std::int64_t i = 0; i < result.shape.product(); ++i)
    far += !(std::fabs(found[std::size_t(i)] - exact[i]) <=
             allowed(drawn, result.dtype, exact[i], size[i], terms));
  if (far) return message(far, " of ", result.shape.product(), " are too far");
  if (!out.guards_are_intact()) return "wrote outside";
  if (name.find("gradient") == std::string::npos &&
      !is_alone_the_same(op, drawn, on_device, out.view(), random, device))
    return "bits depend on the samples beside";
  return "";
}

}  // namespace

int run_tensor_convolutions(int calls, std::uint64_t seed) {
  int failures = 0;
  for (const Op* op : all_ops()) {
    if (std::string(op->name).rfind("conv", 0) != 0) continue;
    for (int number = 0; number < calls; ++number) {
      Random random(seed * 1000003 + std::uint64_t(number));
      choose_tensor_cores(number);
      std::string text;
      try {
        text = wrong(*op, draw(*op, random), random);
      } catch (const ShapeError&) {
        continue;
      }
      if (!text.empty() && ++failures < 20)
        std::printf("FAILED %s, call %d: %s\n", op->name, number, text.c_str());
    }
  }
  unsetenv("STRETTO_CUDA_TENSOR_CORES");
  std::printf("%-28s %5d calls each\n", "convolutions on tensor cores", calls);
  return failures;
}

}  // namespace stretto::testing
