// Programs and plans whose results are known, for the tests of the executor.
#pragma once

#include <memory>
#include <vector>

#include "execute/open_plan.h"

namespace stretto {

void check(bool condition, const char* what);

struct Random {
  unsigned state;
  int below(int n) { return int((state = state * 1664525u + 1013904223u) >> 8) % n; }
};

constexpr int kWidth = 3;
constexpr double kSlow = 1e6;  // a step that meets more than this sleeps for a moment

// Steps that were made by other threads than the one that asks.
int probes_of_others();

// A chain of probes, each of which also reads one value further back; value 0 is the input, the last the
// output.
Program make_program(int steps, std::int64_t samples, const std::vector<int>& back);

// A pipeline: stage s on worker s; a slot is used again when the last stage has left it.
Plan make_plan(int steps, int stages, int samples, int size, int slots);

std::shared_ptr<const Score> make_score(int steps, int stages, int samples, int size, int slots,
                                        const std::vector<int>& back);

// An input and what the program makes of it.
struct Case {
  std::vector<double> x, wanted, y;
  ArrayView in, out;
  Case(int samples, int steps, const std::vector<int>& back, double offset);
  bool is_right() const { return y == wanted; }
};

}  // namespace stretto
