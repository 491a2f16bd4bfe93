// Every variant of every op's table on the published cases: op/case/variant. A variant's result is compared
// with the reference's, bit for bit, before it is timed. STRETTO_NUM_THREADS sets the threads, one otherwise.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>

#include "base/parallel.h"
#include "cases.h"
#include "kernels/peak/peak.h"
#include "ops/ops.h"

namespace stretto::bench {
namespace {

// Inputs, room for the output and the reference's output of one case.
class Problem {
 public:
  Problem(const Case& the_case, const Op& op) : op_(op), case_(the_case) {
    for (const Dims& shape : case_.shapes) types_.push_back({DType::f32, shape});
    types_.resize(op.inputs.size());
    out_types_ = op.infer(types_, case_.attributes);
    cost_ = op.cost(types_, out_types_, case_.attributes);
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    for (const ValueType& type : types_) {
      std::vector<float>& values = data_.emplace_back(type.present() ? std::size_t(type.shape.product()) : 0);
      for (float& value : values) value = normal(random);
      views_.push_back(type.present() ? contiguous_view(values.data(), type.dtype, type.shape) : ArrayView{});
    }
    if (case_.weight_is_constant && op.pack) {
      packed_ = op.pack(views_[1], case_.attributes);
      views_[1].packed = packed_.get();
    }
    for (const ValueType& type : out_types_) {
      std::vector<float>& values = results_.emplace_back(std::size_t(type.shape.product()));
      outputs_.push_back(contiguous_view(values.data(), type.dtype, type.shape));
    }
    run(op.variants().back().name, 1);
    expected_ = results_;
  }

  void run(const char* variant, int threads) {
    op_.run({views_, outputs_, case_.attributes, {.threads = threads, .variant = variant}});
  }

  // On bits; only the payload and sign of a NaN may differ.
  bool equals_reference() const {
    for (std::size_t i = 0; i < results_.size(); ++i)
      for (std::size_t k = 0; k < results_[i].size(); ++k) {
        const float a = results_[i][k], b = expected_[i][k];
        if (std::bit_cast<std::uint32_t>(a) != std::bit_cast<std::uint32_t>(b) && !(a != a && b != b))
          return false;
      }
    return true;
  }

  void spoil_results() {
    for (auto& values : results_) std::fill(values.begin(), values.end(), -1e30f);
  }

  const Cost& cost() const { return cost_; }

 private:
  const Op& op_;
  const Case& case_;
  Types types_, out_types_;
  Cost cost_;
  std::vector<std::vector<float>> data_, results_, expected_;
  std::vector<ArrayView> views_, outputs_;
  std::shared_ptr<const PackedWeight> packed_;
};

// The last problem is kept: a library of benchmarks calls one several times, and a case's variants in turn.
Problem& problem_of(const Case& the_case, const Op& op) {
  static const Case* last = nullptr;
  static std::unique_ptr<Problem> problem;
  if (last != &the_case) {
    problem.reset();
    problem = std::make_unique<Problem>(the_case, op);
    last = &the_case;
  }
  return *problem;
}

constexpr double kPeakSeconds = 0.1;

std::map<Arch, double> fma_peaks() {
  std::map<Arch, double> peaks;
  for (const Arch arch : {Arch::avx2, Arch::avx512, Arch::neon})
    if (this_machine().has(arch)) peaks[arch] = fma_peak(DType::f32, arch, kPeakSeconds) * 1e-9;
  return peaks;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Of one core: GFLOP/s in float32 by instruction set, and GB/s of copying more than the caches hold.
struct Rates {
  std::map<Arch, double> fma = fma_peaks();
  double stream = stream_peak(Stream::copy, 4 * std::max(this_machine().l3_bytes, std::int64_t(32) << 20),
                              kPeakSeconds, this_machine()) *
                  1e-9;

  double fma_of(Arch arch) const {
    const auto found = fma.find(arch);
    if (found != fma.end()) return found->second;
    return fma.empty() ? 0 : fma.rbegin()->second;  // the reference is held against the machine's best
  }
};

void time_variant(benchmark::State& state, const Case& the_case, const Op& op, VariantName variant,
                  const Rates& rates, int threads) {
  if (!this_machine().has(variant.arch)) {
    state.SkipWithError("this machine does not have the instruction set");
    return;
  }
  const CallScope scope;
  try {
    Problem& problem = problem_of(the_case, op);
    problem.spoil_results();
    problem.run(variant.name, threads);
    if (!problem.equals_reference()) {
      state.SkipWithError("WRONG: the result differs from the reference");
      return;
    }
    double seconds = 1e9;  // of the best call: the mean is the first column
    for (auto _ : state) {
      const double start = seconds_now();
      problem.run(variant.name, threads);
      seconds = std::min(seconds, seconds_now() - start);
    }
    const Cost cost = problem.cost();
    const double gflops = cost.flops / seconds * 1e-9, gbytes = cost.bytes / seconds * 1e-9;
    state.counters["GFLOP/s"] = gflops;
    state.counters["of_peak"] = gflops / rates.fma_of(variant.arch) / threads;
    state.counters["GB/s"] = gbytes;
    state.counters["of_stream"] = gbytes / rates.stream;
  } catch (const NoKernelError&) {
    state.SkipWithError("does not fit this case");
  }
}

void register_all(const std::vector<Case>& cases, const Rates& rates, int threads) {
  for (const Case& the_case : cases) {
    const Op* op = op_named(the_case.op);
    if (!op || !op->variants) {
      std::fprintf(stderr, "%s/%s: the op has no table of variants\n", the_case.op.c_str(),
                   the_case.name.c_str());
      continue;
    }
    for (const VariantName& variant : op->variants())
      benchmark::RegisterBenchmark((the_case.op + "/" + the_case.name + "/" + variant.name).c_str(),
                                   [&, op, variant](benchmark::State& state) {
                                     time_variant(state, the_case, *op, variant, rates, threads);
                                   })
          ->UseRealTime();
  }
}

}  // namespace
}  // namespace stretto::bench

int main(int argc, char** argv) {
  using namespace stretto;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const int threads = std::getenv("STRETTO_NUM_THREADS") ? resolve_threads(0) : 1;
  const bench::Rates rates;
  for (const auto& [arch, rate] : rates.fma)
    benchmark::AddCustomContext(std::string("peak_") + name_of(arch), std::to_string(rate) + " GFLOP/s");
  benchmark::AddCustomContext("stream", std::to_string(rates.stream) + " GB/s");
  benchmark::AddCustomContext("threads", std::to_string(threads));
  const std::vector<bench::Case> cases = bench::published_cases(STRETTO_CASES);
  bench::register_all(cases, rates, threads);
  benchmark::RunSpecifiedBenchmarks();
}
