// Every variant of every op that this machine has, against the reference, bit for bit, on random calls; and
// that none writes outside its output or leaves a part of it unwritten.
//   test_variants [calls per op] [seed] [op]
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "base/parallel.h"
#include "cases.h"
#include "ops/ops.h"

namespace stretto::testing {
namespace {

struct Count {
  int compared = 0;
  bool present = false;
};

int failures = 0;

void report(const Op& op, const Case& drawn, const char* variant, int threads, int number,
            const std::string& what) {
  std::string text =
      message(op.name, " ", variant, ", threads ", threads, ", call ", number, ": ", what, ":");
  for (const ValueType& input : drawn.inputs)
    text += input.present() ? message(" ", input.dtype, input.shape) : std::string(" absent");
  for (const auto& [name, value] : drawn.attributes.values()) {
    text += " " + name;
    if (const auto* ints = std::get_if<Ints>(&value))
      for (const std::int64_t i : *ints) text += message(" ", i);
    if (const auto* word = std::get_if<std::string>(&value)) text += " " + *word;
    if (const auto* i = std::get_if<std::int64_t>(&value)) text += message(" ", *i);
  }
  std::printf("FAILED %s\n", text.c_str());
  ++failures;
}

std::vector<ArrayView> views(const std::vector<Array>& arrays, const Types& types) {
  std::vector<ArrayView> result;
  std::size_t next = 0;
  for (const ValueType& type : types) result.push_back(type.present() ? arrays[next++].view() : ArrayView());
  return result;
}

// False when the call is not legal.
bool run_call(const Op& op, Random& random, int number, std::map<std::string, Count>& counts) {
  Case drawn;
  Types results;
  try {
    drawn = draw_case(op, random);
    results = op.infer(drawn.inputs, drawn.attributes);
  } catch (const ShapeError&) {
    return false;
  } catch (const DTypeError&) {
    return false;
  }
  const Values values = one_of(random, {Values::ordinary, Values::whole, Values::wide, Values::special});
  std::vector<Array> inputs, expected, outputs;
  for (const ValueType& type : drawn.inputs) {
    if (!type.present()) continue;
    const bool plain = chance(random, 0.6);
    inputs.emplace_back(random, type, plain ? Array::Layout::contiguous : Array::Layout::random_with_repeats);
    inputs.back().fill(random, values);
  }
  for (const ValueType& type : results) {
    const bool plain = chance(random, 0.7);
    expected.emplace_back(random, type, Array::Layout::contiguous);
    outputs.emplace_back(random, type, plain ? Array::Layout::contiguous : Array::Layout::random);
  }
  std::vector<ArrayView> input_views = views(inputs, drawn.inputs), expected_views = views(expected, results),
                         output_views = views(outputs, results);
  const std::vector<VariantName> rows = op.variants();
  try {
    op.run({input_views, expected_views, drawn.attributes, {1, rows.back().name}});
  } catch (const ShapeError&) {
    return false;  // the values are not legal: an integer to a negative power
  }

  std::shared_ptr<const PackedWeight> packed;
  if (op.pack && drawn.weight >= 0 && chance(random, 0.5)) {
    packed = op.pack(input_views[std::size_t(drawn.weight)], drawn.attributes);
    input_views[std::size_t(drawn.weight)].packed = packed.get();
  }
  for (const VariantName& row : rows) {
    if (!this_machine().has(row.arch)) continue;
    for (const int threads : {1, 3}) {
      // What was there before must not matter, and must be gone.
      for (Array& output : outputs) output.fill_with_bytes(threads == 1 ? 0xff : 0x3c);
      try {
        op.run({input_views, output_views, drawn.attributes, {threads, row.name}});
      } catch (const NoKernelError&) {
        break;  // the row does not fit these arguments
      }
      ++counts[row.name].compared;
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        const std::int64_t wrong = differences(output_views[i], expected_views[i]);
        if (wrong) report(op, drawn, row.name, threads, number, message(wrong, " elements differ"));
        if (!outputs[i].guards_are_intact()) report(op, drawn, row.name, threads, number, "wrote outside");
      }
    }
  }
  return true;
}

void run_op(const Op& op, int calls, std::uint64_t seed) {
  std::map<std::string, Count> counts;
  for (const VariantName& row : op.variants()) counts[row.name].present = this_machine().has(row.arch);
  int legal = 0;
  for (int number = 0; number < 20 * calls && legal < calls; ++number) {
    Random random(seed * 1000003 + std::uint64_t(number));
    legal += run_call(op, random, number, counts);
  }
  std::printf("%-28s %5d calls", op.name, legal);
  for (const auto& [name, count] : counts)
    if (count.present) std::printf("  %s %d", name.c_str(), count.compared);
  std::printf("\n");
  if (legal < calls) {
    std::printf("FAILED %s: only %d of %d calls drawn were legal: its cases need a generator\n", op.name,
                legal, calls);
    ++failures;
  }
  std::fflush(stdout);
}

}  // namespace
}  // namespace stretto::testing

int main(int argc, char** argv) {
  using namespace stretto;
  const int calls = argc > 1 ? std::atoi(argv[1]) : 100;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const CallScope scope;
  for (const Op* op : all_ops()) {
    if (argc > 3 && std::string(op->name) != argv[3]) continue;
    if (op->variants) testing::run_op(*op, calls, seed);
  }
  std::printf("%s\n", testing::failures ? "FAILED" : "all equal");
  return testing::failures ? 1 : 0;
}
