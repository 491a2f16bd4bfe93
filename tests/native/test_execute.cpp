// The executor alone: random chains and diamonds in pipelines and shares, with steps that throw and callers
// that take turns. The ops are the test's own, so that it knows every result.
//   test_execute [rounds]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "execute/executor.h"
#include "probe.h"

namespace stretto {
namespace {

void one_round(unsigned seed) {
  Random random{seed};
  const int steps = 1 + random.below(9), stages = 1 + random.below(std::min(steps, 4));
  const int samples = 1 + random.below(20), size = 1 + random.below(samples), slots = 1 + random.below(4);
  std::vector<int> back;
  for (int s = 0; s < steps; ++s) back.push_back(random.below(s + 1));
  const auto workshop = std::make_shared<Workshop>(4);
  Executor executor(workshop, make_score(steps, stages, samples, size, slots, back));
  const bool is_cancelled = seed % 5 == 0;
  const auto use = [&](unsigned caller) {
    for (int call = 0; call < 4; ++call) {
      Case batch(samples, steps, back, caller + (is_cancelled ? kSlow : 0));
      const bool fails = (seed + caller + unsigned(call)) % 3 == 0;
      if (fails) batch.x[batch.x.size() / 2] = __builtin_nan("");
      Timeline timeline;
      try {
        executor.run({{&batch.in, 1}, {&batch.out, 1}, call % 2 ? &timeline : nullptr});
        check(!fails, "an exception reaches the caller");
        check(batch.is_right(), "the results");
      } catch (const ShapeError& error) {
        check(fails, "no exception of another call");
        check(std::string(error.what()).find("step 0 (probe), micro-batch") != std::string::npos,
              "its place");
      } catch (const Cancelled&) {
        check(is_cancelled, "nobody cancelled");
      }
    }
  };
  std::thread other(use, 1u);
  std::thread canceller([&] {
    for (int i = 0; is_cancelled && i < 5; ++i) workshop->cancel();
  });
  use(2u);
  other.join();
  canceller.join();
}

// A caller who has waited long for others works alone for a while, but for a timeline.
void crowded_caller() {
  const std::vector<int> back = {0, 1, 0, 2};
  Executor executor(std::make_shared<Workshop>(2), make_score(4, 2, 12, 3, 2, back));
  const auto others_do = [&](double offset, Timeline* timeline) {
    Case batch(12, 4, back, offset);
    const int before = probes_of_others();
    executor.run({{&batch.in, 1}, {&batch.out, 1}, timeline});
    check(batch.is_right(), "the results");
    return probes_of_others() - before;
  };
  check(others_do(0, nullptr) == 2 * 4, "a stage of two steps for each micro-batch is another worker's");
  // A pause may be over before the next run, a timeline between two lonely runs is within one.
  bool was_alone = false;
  for (int i = 0; i < 1000 && !was_alone; ++i) {
    others_do(kSlow, nullptr);
    Timeline timeline;
    const bool before = others_do(0, nullptr) == 0;
    const int shown = others_do(0, &timeline);
    was_alone = before && others_do(0, nullptr) == 0;
    if (was_alone) check(shown == 2 * 4, "a timeline shows the plan as it is");
  }
  check(was_alone, "after a long wait the caller works alone");
  for (int i = 0; others_do(0, nullptr) == 0; ++i) {
    check(i < 10'000, "the others are asked again after a while");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace
}  // namespace stretto

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 200;
  stretto::crowded_caller();
  for (int i = 0; i < rounds; ++i) stretto::one_round(unsigned(i) * 2654435761u);
  std::printf("%d rounds\n", rounds);
}
