// A plan's order on real workers with sleeps in place of the kernels: what the hand-offs alone cost.
#pragma once

#include <cstdint>
#include <vector>

#include "execute/plan.h"
#include "execute/workshop.h"

namespace stretto {

struct RehearsedSpan {
  int worker, item;
  std::int64_t begin, end;  // nanoseconds of the steady clock
};

// Item i sleeps for nanoseconds[i]. The plan needs its items and workers only.
std::vector<RehearsedSpan> rehearse(Workshop& workshop, const Plan& plan,
                                    const std::vector<std::int64_t>& nanoseconds);

}  // namespace stretto
