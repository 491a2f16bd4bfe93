// The CUDA kernels, compiled for the host, against the reference, bit for bit, on random calls; and that none
// writes outside its output or leaves a part of it unwritten.
//   test_cuda [calls per op] [seed] [op]
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "base/parallel.h"
#include "base/place.h"
#include "cases.h"
#include "cuda/recorded.h"
#include "cuda_moves.h"
#include "execute/step_memory.h"
#include "host_device.h"
#include "kernels/copy/copy.h"
#include "kernels/cuda_table.h"
#include "ops/ops.h"
#include "tensor_cores.h"

namespace stretto {

const char* no_device() { return nullptr; }
bool has_warpgroups(const Place&) { return true; }
int multiprocessors(const Place&) { return 2; }
class HostLaunches : public RecordedLaunches {
 protected:
  void launch(std::vector<RecordedLaunch>& launches, const Place&) override {
    for (const RecordedLaunch& launch : launches)
      reinterpret_cast<void (*)(const void*, std::int64_t)>(const_cast<void*>(launch.function))(
          launch.arguments.data(), launch.size.blocks);
  }
};

RecordedLaunches* new_recorded_launches() { return new HostLaunches; }

}  // namespace stretto

namespace stretto::testing {
namespace {

int failures = 0;

void report(const char* op, int number, const std::string& what) {
  if (++failures <= 40) std::printf("FAILED %s, call %d: %s\n", op, number, what.c_str());
}

// The call written down on marks, which nobody can read from or write to, and made again on two pieces of
// memory: what it leaves is the second one's.
void run_recorded(const Op& op, std::vector<ArrayView> inputs, std::vector<ArrayView> outputs,
                  const Attributes& attributes, std::vector<Array>& written, const Device& device) {
  const std::unique_ptr<Recording> recording(kCudaKernels.new_recording());
  std::vector<void*> regions{nullptr};
  std::vector<std::int64_t> within;  // 256 bytes
  for (const auto* views : {&inputs, &outputs})
    for (const ArrayView& view : *views) {
      within.push_back(std::int64_t(reinterpret_cast<std::uintptr_t>(view.data) % 256));
      regions.push_back(static_cast<char*>(view.data) - within.back());
    }
  std::int64_t scratch = 0;
  for (int pass = 0; pass < Recording::kPasses; ++pass) {
    MarkedMemory memory(0, pass, Recording::kFirstRegion);
    int number = 0;
    for (auto* views : {&inputs, &outputs})
      for (ArrayView& view : *views) {
        view.data = Mark::of(pass, Recording::kFirstRegion + 1 + number, within[std::size_t(number)]);
        ++number;
        view.place = memory.place();
      }
    recording->begin(pass);
    try {
      op.run({inputs, outputs, attributes, {1, nullptr}});
    } catch (...) {
      recording->end();
      throw;
    }
    recording->end();
    scratch = memory.bytes();
  }
  for (int call = 0; call < 2; ++call) {
    for (Array& array : written) array.fill_with_bytes(0x3c);
    regions[0] = aligned(device, scratch + 1);
    if (const char* wrong = recording->replay(regions.data(), int(regions.size()), device.place))
      throw std::runtime_error(wrong);
  }
}

std::string text_of(const Op& op, const Case& drawn) {
  std::string text = op.name;
  for (const ValueType& input : drawn.inputs)
    text += input.present() ? message(" ", input.dtype, input.shape) : std::string(" absent");
  for (const auto& [name, value] : drawn.attributes.values()) {
    text += " " + name;
    if (const auto* ints = std::get_if<Ints>(&value))
      for (const std::int64_t i : *ints) text += message(" ", i);
    if (const auto* word = std::get_if<std::string>(&value)) text += " " + *word;
    if (const auto* i = std::get_if<std::int64_t>(&value)) text += message(" ", *i);
  }
  return text;
}

ArrayView in_floats(const ArrayView& view, std::vector<std::unique_ptr<float[]>>& memory) {
  memory.emplace_back(new float[std::size_t(view.size()) + 1]);
  const ArrayView result = contiguous_view(memory.back().get(), DType::f32, view.shape);
  copy(view, result);
  return result;
}

// Sums of products of bfloat16 arrays have an order of their own on the host; on a device they are the
// float32 ones, rounded once.
void reference(const Op& op, const char* row, std::span<const ArrayView> inputs, std::span<ArrayView> outputs,
               const Attributes& attributes) {
  const std::string name = op.name;
  const bool product = name == "matmul" || name.starts_with("conv");
  if (!product || inputs[0].dtype != DType::bf16) return op.run({inputs, outputs, attributes, {1, row}});
  std::vector<std::unique_ptr<float[]>> memory;
  std::vector<ArrayView> wide;
  for (const ArrayView& input : inputs) wide.push_back(input.present() ? in_floats(input, memory) : input);
  memory.emplace_back(new float[std::size_t(outputs[0].size()) + 1]);
  std::vector<ArrayView> result{contiguous_view(memory.back().get(), DType::f32, outputs[0].shape)};
  op.run({wide, result, attributes, {1, row}});
  copy(result[0], outputs[0]);
}

// Products large enough for tiles, of which the shared cases have few.
Case draw_tiled(const Op& op, Random& random) {
  Case drawn = draw_case(op, random);
  const std::string name = op.name;
  if (name == "matmul") {
    const std::int64_t k = chance(random, 0.3) ? pick(random, 4090, 8200) : pick(random, 1, 70);
    const std::int64_t m = pick(random, 24, k > 100 ? 70 : 150), n = pick(random, 24, k > 100 ? 70 : 150);
    Dims a, b, out, row;
    for (Dims* dims : {&a, &b, &out})
      if (chance(random, 0.5)) dims->push(dims == &out ? 1 : pick(random, 1, 2));
    for (const std::int64_t i : {m, k}) a.push(i);
    for (const std::int64_t i : {k, n}) b.push(i);
    row.push(n);
    drawn.inputs.resize(2);
    drawn.inputs[0].shape = a;
    drawn.inputs[1].shape = b;
    const bool narrow = drawn.inputs[0].dtype != drawn.inputs[1].dtype;
    drawn.inputs.push_back(chance(random, 0.5) ? ValueType{} : ValueType{drawn.inputs[0].dtype, row});
    for (int i = 0; i < 3; ++i) drawn.inputs.push_back({});
    if (narrow) drawn.inputs[2] = {};
  } else {
    const int rank = name[name.find_first_of("123")] - '0';
    const std::int64_t channels = pick(random, 1, rank == 1 ? 600 : 40), outputs = pick(random, 24, 140);
    Dims x, w;
    x.push(pick(random, 1, 3));
    x.push(channels);
    w.push(outputs);
    w.push(channels);
    for (int d = 0; d < rank; ++d) {
      x.push(pick(random, 3, rank == 1 ? 90 : rank == 2 ? 12 : 6));
      w.push(pick(random, 1, 3));
    }
    const DType dtype = one_of(random, {DType::f32, DType::f32, DType::f64, DType::f16, DType::bf16});
    drawn = {};
    drawn.weight = 1;
    drawn.inputs = {{dtype, x}, {dtype, w}, {}, {}, {}, {}};
    drawn.attributes.set("padding", std::int64_t(pick(random, 0, 1)));
    if (chance(random, 0.3)) drawn.attributes.set("stride", std::int64_t(2));
  }
  return drawn;
}

// False when the call is not legal.
bool run_call(const Op& op, const char* reference_row, Random& random, int number) {
  Case drawn;
  Types results;
  try {
    const std::string name = op.name;
    const bool tiled = name == "matmul" || name == "conv1d" || name == "conv2d" || name == "conv3d";
    drawn = tiled && number % 3 == 0 ? draw_tiled(op, random) : draw_case(op, random);
    results = op.infer(drawn.inputs, drawn.attributes);
  } catch (const ShapeError&) {
    return false;
  } catch (const DTypeError&) {
    return false;
  }
  // On the host the products in it have the order of the bfloat16 units.
  if (std::string(op.name) == "attention" && drawn.inputs[0].dtype == DType::bf16) return false;
  const Values values = one_of(random, {Values::ordinary, Values::whole, Values::wide, Values::special});
  std::vector<Array> arrays, expected, outputs;
  std::vector<ArrayView> inputs, expected_views, output_views;
  for (const ValueType& type : drawn.inputs) {
    inputs.emplace_back();
    if (!type.present()) continue;
    const bool plain = chance(random, 0.5);
    arrays.emplace_back(random, type, plain ? Array::Layout::contiguous : Array::Layout::random_with_repeats);
    arrays.back().fill(random, values);
    inputs.back() = arrays.back().view();
  }
  const Device device;
  for (const ValueType& type : results) {
    const bool plain = chance(random, 0.6);
    expected.emplace_back(random, type, Array::Layout::contiguous);
    outputs.emplace_back(random, type, plain ? Array::Layout::contiguous : Array::Layout::random);
    outputs.back().fill_with_bytes(0x3c);
    expected_views.push_back(expected.back().view());
    output_views.push_back(device.view(outputs.back().view()));
  }
  try {
    reference(op, reference_row, inputs, expected_views, drawn.attributes);
  } catch (const ShapeError&) {
    return false;  // the values are not legal: an integer to a negative power
  }
  for (ArrayView& input : inputs)
    if (input.present()) input = device.view(input);
  try {
    if (number % 4 == 1)
      run_recorded(op, inputs, output_views, drawn.attributes, outputs, device);
    else
      op.run({inputs, output_views, drawn.attributes, {1, nullptr}});
  } catch (const NoKernelError&) {
    return false;  // of integers, powers: on a device nobody looks for negative exponents
  } catch (const std::exception& error) {
    report(op.name, number, text_of(op, drawn) + ": " + error.what());
    return true;
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::int64_t wrong = differences(output_views[i], expected_views[i]);
    if (wrong) report(op.name, number, text_of(op, drawn) + message(": ", wrong, " elements differ"));
    if (!outputs[i].guards_are_intact()) report(op.name, number, text_of(op, drawn) + ": wrote outside");
  }
  return true;
}

void run_op(const Op& op, int calls, std::uint64_t seed) {
  const std::vector<VariantName> rows = op.variants ? op.variants() : std::vector<VariantName>{};
  const bool has_row = !rows.empty() && rows.front().arch == Arch::cuda;
  if (std::strcmp(op.name, "take_gradient") == 0) return;  // see cuda_moves.h
  int legal = 0;
  for (int number = 0; number < 20 * calls && legal < calls; ++number) {
    Random random(seed * 1000003 + std::uint64_t(number));
    legal += run_call(op, has_row ? rows.back().name : nullptr, random, number);
  }
  std::printf("%-28s %5d calls\n", op.name, legal);
  std::fflush(stdout);
}

}  // namespace
}  // namespace stretto::testing

int main(int argc, char** argv) {
  using namespace stretto;
  const int calls = argc > 1 ? std::atoi(argv[1]) : 60;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const std::string only = argc > 3 ? argv[3] : "";
  const CallScope scope;
  set_cuda_table(&kCudaKernels);
  if (only.empty() || only == "copy") testing::run_copies(10 * calls, seed, testing::report);
  if (only.empty() || only == "loops") testing::run_loops(seed, testing::report);
  if (only.empty() || only == "take") testing::run_takes(10 * calls, seed, testing::report);
  if (only.empty() || only == "tensor") {
    const testing::Device device;
    testing::failures += testing::run_tensor_cores(kCudaKernels, device.place, calls, seed);
    testing::failures += testing::run_tensor_convolutions(calls / 2, seed);
  }
  for (const Op* op : all_ops())  // what only moves elements is the copy's, and has no cases of its own
    if ((op->variants || std::strstr(op->name, "_gradient")) && (only.empty() || only == op->name))
      testing::run_op(*op, calls, seed);
  std::printf("%s\n", testing::failures ? "FAILED" : "all equal");
  return testing::failures ? 1 : 0;
}
