// A Program whose sizes are all known: what the executor runs. Python makes it; nothing is decided here.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ops/op.h"

namespace stretto {

// Where a value's elements are.
enum class Storage : std::uint8_t {
  arena,     // in the slot of the micro-batch; offset from the slot's begin
  input,     // in the user's array `index`
  output,    // in the result `index`
  constant,  // in the parameter or captured array `index`
};

// A value: its type and its place. Views of a value share its storage, with an offset and strides of their
// own.
struct PlacedValue {
  ValueType type;
  Dims strides;  // in elements; of inputs and outputs only where the value is a view of one
  Storage storage = Storage::arena;
  int index = 0;
  std::int64_t offset = 0;  // in bytes
  bool is_view = false;
};

struct Step {
  const Op* op = nullptr;
  Attributes attributes;
  std::vector<int> inputs;  // values; -1: absent
  std::vector<int> outputs;
  bool is_view = false;  // nothing to run: the outputs are views
};

struct Program {
  std::vector<PlacedValue> values;
  std::vector<Step> steps;
  std::int64_t arena_bytes = 0;
};

// An array of the caller, and how a micro-batch is cut from it.
struct Cut {
  int axis = kNoBatch;      // kNoBatch: every micro-batch sees all of it
  std::int64_t factor = 1;  // elements along the axis for each sample
};

}  // namespace stretto
