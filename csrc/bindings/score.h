// Plans as Python describes them, and the arrays of a call as a plan's batch.
#pragma once

#include <memory>
#include <vector>

#include "bindings/arrays.h"
#include "execute/open_plan.h"

namespace stretto::bindings {

// Constants keep the arrays that their views look at.
struct HeldConstants {
  int device = -1;  // -1: in host memory
  std::vector<Operand> operands;
  std::shared_ptr<Constants> constants;
};

struct HeldScore {
  // A result that no step writes: a copy of an input, or of an earlier result.
  struct Echo {
    int output;
    bool is_of_input;
    int index;
  };
  std::shared_ptr<HeldConstants> constants;
  std::shared_ptr<const Score> score;
  Types outputs;
  std::vector<int> contiguous;  // the inputs that must be in C order
  std::vector<Echo> echoes;
  bool returns_tuple = false;
};

// Arrays of one call, with new ones for the results.
struct HeldBatch {
  std::vector<Operand> inputs;
  std::vector<py::array> outputs;
  std::vector<ArrayView> input_views() const;
  std::vector<ArrayView> output_views() const;
};

HeldBatch to_batch(const HeldScore& score, const py::sequence& arrays);

// What the network returns; the outputs are complete but for their echoes.
py::object to_results(const HeldScore& score, const HeldBatch& batch);

py::object to_tuple(const Span& span);

void bind_scores(py::module_& m);

}  // namespace stretto::bindings
