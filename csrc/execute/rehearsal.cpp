#include "execute/rehearsal.h"

#include <time.h>

#include <algorithm>
#include <cerrno>

#include "execute/conductor.h"
#include "execute/timeline.h"

namespace stretto {
namespace {

constexpr std::int64_t kSlice = 50'000'000;  // ns between two looks at signals and the stop flag

// steady_clock is CLOCK_MONOTONIC on Linux.
void sleep_until(std::int64_t end) {
  for (std::int64_t now = now_ns(); now < end; now = now_ns()) {
    const std::int64_t until = std::min(end, now + kSlice);
    const timespec t{time_t(until / 1'000'000'000), long(until % 1'000'000'000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) poll_interrupt();
    poll_interrupt();
  }
}

}  // namespace

std::vector<RehearsedSpan> rehearse(Workshop& workshop, const Plan& plan,
                                    const std::vector<std::int64_t>& nanoseconds) {
  const CallScope scope;
  Conductor conductor(plan);
  Turn turn(workshop, conductor);
  std::vector<RehearsedSpan> spans(plan.items.size());
  conductor.run(workshop.crew, workshop.watchdog, turn.stop, [&](int worker, int item) {
    const std::int64_t begin = now_ns();
    sleep_until(begin + nanoseconds[std::size_t(item)]);
    spans[std::size_t(item)] = {worker, item, begin, now_ns()};
  });
  return spans;
}

}  // namespace stretto
