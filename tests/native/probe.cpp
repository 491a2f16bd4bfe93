#include "probe.h"

#include <time.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"

namespace stretto {
namespace {

std::atomic<int> probes{0};
thread_local int own_probes = 0;

// y = sum of the inputs + 1, in doubles; a NaN among them is thrown.
void probe(const Call& call) {
  ++probes;
  ++own_probes;
  double* const y = call.outputs[0].as<double>();
  bool is_slow = false;
  for (std::int64_t i = 0; i < call.outputs[0].size(); ++i) {
    double sum = 1;
    for (const ArrayView& input : call.inputs) sum += input.as<double>()[i];
    if (sum != sum) throw ShapeError("probe: a NaN");
    is_slow = is_slow || sum > kSlow;
    y[i] = sum;
  }
  if (is_slow) {
    const timespec moment{0, 100'000};
    nanosleep(&moment, nullptr);
  }
}

const Op kProbe = {
    .name = "probe", .inputs = {"x*"}, .infer = nullptr, .cost = nullptr, .batch = nullptr, .run = probe};

}  // namespace

void check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "FAILED %s\n", what);
  std::abort();
}

int probes_of_others() { return probes - own_probes; }

Program make_program(int steps, std::int64_t samples, const std::vector<int>& back) {
  Program program;
  for (int v = 0; v <= steps; ++v) {
    PlacedValue place;
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

Plan make_plan(int steps, int stages, int samples, int size, int slots) {
  Plan plan;
  plan.slots = slots;
  plan.inputs = plan.outputs = {Cut{0, 1}};
  for (int s = 0; s < stages; ++s) {
    plan.stages.emplace_back();
    for (int i = s * steps / stages; i < (s + 1) * steps / stages; ++i) plan.stages.back().steps.push_back(i);
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

std::shared_ptr<const Score> make_score(int steps, int stages, int samples, int size, int slots,
                                        const std::vector<int>& back) {
  return std::make_shared<Score>(
      Score{std::make_shared<Constants>(std::vector<ArrayView>{}),
            {make_program(steps, size, back), make_program(steps, samples % size, back)},
            make_plan(steps, stages, samples, size, slots)});
}

Case::Case(int samples, int steps, const std::vector<int>& back, double offset) {
  Dims shape;
  shape.push(samples);
  shape.push(kWidth);
  for (int i = 0; i < samples * kWidth; ++i) {
    x.push_back(double(i % 7) + offset);
    std::vector<double> values = {x.back()};
    for (int s = 0; s < steps; ++s)
      values.push_back(1 + values[std::size_t(s)] + values[std::size_t(back[s])]);
    wanted.push_back(values.back());
  }
  y.assign(x.size(), -1);
  in = contiguous_view(x.data(), DType::f64, shape);
  out = contiguous_view(y.data(), DType::f64, shape);
}

}  // namespace stretto
