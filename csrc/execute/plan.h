// A Plan as the executor obeys it: which worker runs which stage on which micro-batch, in what order.
#pragma once

#include <cstdint>
#include <vector>

#include "execute/program.h"

namespace stretto {

struct MicroBatch {
  int program = 0;         // the Program with this micro-batch's size
  std::int64_t first = 0;  // sample
  int slot = 0;            // whose arena it uses
};

struct Item {
  int stage = 0;
  int micro_batch = 0;
  std::vector<int> after;  // items that must have finished
};

// Steps in order, or one of `parts` shares of their output channels.
struct Stage {
  std::vector<int> steps;
  int part = 0, parts = 1;
};

struct Plan {
  std::vector<Stage> stages;
  std::vector<MicroBatch> micro_batches;
  std::vector<Item> items;
  std::vector<std::vector<int>> workers;  // items, in order
  std::vector<Cut> inputs, outputs;
  int slots = 1;
  int threads = 1;  // inside each op
};

}  // namespace stretto
