// The executor alone: random chains and diamonds in pipelines and shares, with steps that throw and callers
// that take turns. The ops are the test's own, so that it knows every result.
//   test_execute [rounds]
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "execute/executor.h"

namespace stretto {
namespace {

void check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "FAILED %s\n", what);
  std::abort();
}

// y = sum of the inputs + 1, in doubles; a NaN among them is thrown.
void probe(const Call& call) {
  double* const y = call.outputs[0].as<double>();
  for (std::int64_t i = 0; i < call.outputs[0].size(); ++i) {
    double sum = 1;
    for (const ArrayView& input : call.inputs) sum += input.as<double>()[i];
    if (sum != sum) throw ShapeError("probe: a NaN");
    y[i] = sum;
  }
}

const Op kProbe = {
    .name = "probe", .inputs = {"x*"}, .infer = nullptr, .cost = nullptr, .batch = nullptr, .run = probe};

struct Random {
  unsigned state;
  int below(int n) { return int((state = state * 1664525u + 1013904223u) >> 8) % n; }
};

constexpr int kWidth = 3;

// A chain in which every step also reads one value further back; value 0 is the input, the last the output.
Program make_program(int steps, std::int64_t samples, const std::vector<int>& back) {
  Program program;
  for (int v = 0; v <= steps; ++v) {
    Place place;
    place.type.dtype = DType::f64;
    place.type.shape.push(samples);
    place.type.shape.push(kWidth);
    place.strides = contiguous_strides(place.type.shape);
    place.storage = v == 0 ? Storage::input : v == steps ? Storage::output : Storage::arena;
    place.offset = place.storage == Storage::arena ? (v - 1) * ((samples * kWidth * 8 + 63) / 64 * 64) : 0;
    program.values.push_back(place);
    if (place.storage == Storage::arena)
      program.arena_bytes = place.offset + (samples * kWidth * 8 + 63) / 64 * 64;
  }
  for (int s = 0; s < steps; ++s) {
    Step step;
    step.op = &kProbe;
    step.inputs = {s, back[s]};
    step.outputs = {s + 1};
    program.steps.push_back(step);
  }
  return program;
}

// A pipeline: stage s on worker s; a slot is used again when the last stage has left it.
Plan make_plan(int steps, int stages, int samples, int size, int slots) {
  Plan plan;
  plan.slots = slots;
  plan.inputs = plan.outputs = {Cut{0, 1}};
  for (int s = 0; s < stages; ++s) {
    plan.stages.emplace_back();
    for (int i = s * steps / stages; i < (s + 1) * steps / stages; ++i) plan.stages.back().push_back(i);
  }
  for (int first = 0; first < samples; first += size)
    plan.micro_batches.push_back(
        {first + size > samples ? 1 : 0, first, int(plan.micro_batches.size()) % slots});
  const int count = int(plan.micro_batches.size());
  for (int s = 0; s < stages; ++s) {
    plan.workers.emplace_back();
    for (int m = 0; m < count; ++m) {
      Item item{s, m, {}};
      for (int t = 0; t < s; ++t) item.after.push_back(t * count + m);
      if (s == 0 && m >= slots) item.after.push_back((stages - 1) * count + m - slots);
      plan.workers.back().push_back(int(plan.items.size()));
      plan.items.push_back(item);
    }
  }
  return plan;
}

void one_round(unsigned seed) {
  Random random{seed};
  const int steps = 1 + random.below(9), stages = 1 + random.below(std::min(steps, 4));
  const int samples = 1 + random.below(20), size = 1 + random.below(samples), slots = 1 + random.below(4);
  std::vector<int> back;
  for (int s = 0; s < steps; ++s) back.push_back(random.below(s + 1));
  const auto workshop = std::make_shared<Workshop>(4);
  Executor executor(workshop, std::make_shared<Constants>(std::vector<ArrayView>{}),
                    {make_program(steps, size, back), make_program(steps, samples % size, back)},
                    make_plan(steps, stages, samples, size, slots));
  Dims shape;
  shape.push(samples);
  shape.push(kWidth);
  const auto use = [&](unsigned caller) {
    for (int call = 0; call < 4; ++call) {
      std::vector<double> x(std::size_t(samples * kWidth)), y(x.size(), -1), wanted(x.size());
      const bool fails = (seed + caller + unsigned(call)) % 3 == 0;
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = double(i % 7) + caller;
      for (std::size_t i = 0; i < x.size(); ++i) {
        std::vector<double> values = {x[i]};
        for (int s = 0; s < steps; ++s)
          values.push_back(1 + values[std::size_t(s)] + values[std::size_t(back[s])]);
        wanted[i] = values.back();
      }
      if (fails) x[x.size() / 2] = __builtin_nan("");
      const ArrayView in = contiguous_view(x.data(), DType::f64, shape);
      const ArrayView out = contiguous_view(y.data(), DType::f64, shape);
      Timeline timeline;
      try {
        executor.run({&in, 1}, {&out, 1}, call % 2 ? &timeline : nullptr);
        check(!fails, "an exception reaches the caller");
        check(y == wanted, "the results");
      } catch (const ShapeError& error) {
        check(fails, "no exception of another call");
        check(std::string(error.what()).find("step 0 (probe), micro-batch") != std::string::npos,
              "its place");
      }
    }
  };
  std::thread other(use, 1u);
  use(2u);
  other.join();
}

}  // namespace
}  // namespace stretto

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 200;
  for (int i = 0; i < rounds; ++i) stretto::one_round(unsigned(i) * 2654435761u);
  std::printf("%d rounds\n", rounds);
}
