// Flows alone: random plans one after the other in random flows, with batches that throw, are slow or are
// cancelled, and a look at the memory.
//   test_flow [rounds]
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "execute/flow.h"
#include "probe.h"

namespace stretto {
namespace {

struct Shape {  // of the batches of one size
  std::shared_ptr<const Score> score;
  int samples;
};

double resident_mebibytes() {
  long pages = 0, ignored = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (!file || std::fscanf(file, "%ld %ld", &ignored, &pages) != 2) std::abort();
  std::fclose(file);
  return double(pages) * double(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// Pushes `count` batches and pops them; a failure of batch `bad` must come after all before it.
void one_stream(Flow& flow, const FlowOptions& options, const std::vector<Shape>& shapes, int steps,
                const std::vector<int>& back, Random& random, int count, int bad, bool may_be_cancelled) {
  std::deque<Case> cases;
  int pushed = 0, popped = 0;
  const bool is_left = random.below(4) == 0;  // halfway
  try {
    while (popped < count) {
      while (pushed < count && flow.has_room() && (pushed == popped || random.below(3) != 0)) {
        const Shape& shape = shapes[std::size_t(random.below(int(shapes.size())))];
        Case& batch = cases.emplace_back(shape.samples, steps, back, random.below(8) ? pushed : kSlow);
        if (pushed == bad) batch.x[batch.x.size() / 2] = __builtin_nan("");
        flow.push(shape.score, {batch.in}, {batch.out}, random.below(2) == 0);
        ++pushed;
      }
      bool failed = false;
      try {
        flow.wait();
      } catch (const ShapeError& error) {
        failed = true;
        check(popped == bad, "only the bad batch fails");
        check(std::string(error.what()).find(message("[batch ", bad, ", stage ")) != std::string::npos,
              "its place");
        if (!options.is_independent) break;
      }
      check(failed || popped != bad, "the bad batch fails");
      check(failed || cases.front().is_right(), "the results");
      flow.pop();
      cases.pop_front();
      if (++popped == count / 2 && is_left) break;
    }
  } catch (const Cancelled&) {
    check(may_be_cancelled, "nobody cancelled");
  }
  flow.stop();
}

void one_round(unsigned seed) {
  Random random{seed};
  const int steps = 1 + random.below(9);
  std::vector<int> back;
  for (int s = 0; s < steps; ++s) back.push_back(random.below(s + 1));
  const bool in_order = random.below(2) == 0;
  const int stages = in_order ? 1 + random.below(std::min(steps, 4)) : 1;
  std::vector<Shape> shapes;
  for (int i = 0; i < 2; ++i) {
    const int samples = 1 + random.below(20), size = 1 + random.below(samples);
    shapes.push_back({make_score(steps, stages, samples, size, 1 + random.below(4), back), samples});
  }
  FlowOptions options;
  options.in_order = in_order;
  options.workers = in_order ? stages : 1 + random.below(4);
  options.in_flight = 1 + random.below(6);
  options.caller_works = random.below(2) == 0;
  options.is_independent = random.below(2) == 0;
  Flow flow(options);
  flow.watchdog.set_seconds(20);
  for (int stream = 0; stream < 3; ++stream) {
    const int count = random.below(20), bad = random.below(2) ? random.below(20) : -1;
    std::optional<std::thread> canceller;
    if (random.below(4) == 0) canceller.emplace([&flow] { flow.cancel(); });
    one_stream(flow, options, shapes, steps, back, random, count, bad, canceller.has_value());
    if (canceller) canceller->join();
  }
}

}  // namespace
}  // namespace stretto

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 200;
  double before = 0;
  for (int i = 0; i < rounds; ++i) {
    stretto::one_round(unsigned(i) * 2654435761u);
    if (i == rounds / 4) before = stretto::resident_mebibytes();
  }
  const double grown = stretto::resident_mebibytes() - before;
  std::printf("%d rounds, %.1f MiB grown in the last three quarters\n", rounds, grown);
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)  // which keep accounts of their own
  stretto::check(grown < 8, "no memory is lost");
#endif
}
