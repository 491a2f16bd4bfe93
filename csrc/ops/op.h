// What an op is: one record of functions over types, attributes and views. Arguments are checked here and
// nowhere else; kernels trust them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/array_view.h"
#include "base/error.h"
#include "base/variant_names.h"
#include "ops/attributes.h"

namespace stretto {

using Types = std::vector<ValueType>;

struct Cost {
  double flops = 0;
  double bytes = 0;  // read once and written once
};

struct RunOptions {
  int threads = 1;
  const char* variant = nullptr;  // forces a row of variants.inc
};

struct Call {
  std::span<const ArrayView> inputs;  // absent optional inputs have dtype none
  // Of the inferred types; any strides; never overlapping the inputs, but those of a concat that are where
  // its result has them.
  std::span<ArrayView> outputs;
  const Attributes& attributes;
  RunOptions options;
};

// A call with everything settled but where its operands are. They keep the types, strides and packed weights
// of the call that it was made from; ops derive their own from it.
struct BoundCall {
  virtual ~BoundCall() = default;
  virtual void run(const Call& call) = 0;
};

// An immutable prepacked copy of a weight; ops derive their own from it.
struct PackedWeight {
  virtual ~PackedWeight() = default;
};

inline constexpr int kNoBatch = -1;       // the value has no batch axis
inline constexpr int kMixesSamples = -2;  // the op may not be cut along the batch
inline constexpr int kNoChannels = -1;    // no axis of the value lies along the output's channels

struct Op {
  const char* name;
  // Names of the inputs; "bias?" may be absent, a last "values*" stands for any number.
  std::vector<const char*> inputs;
  // Types of the outputs; throws ShapeError or DTypeError for everything that is not legal.
  Types (*infer)(const Types& inputs, const Attributes& attributes);
  Cost (*cost)(const Types& inputs, const Types& outputs, const Attributes& attributes);
  // The outputs' batch axis, given each input's (or kNoBatch), or kMixesSamples.
  int (*batch)(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes);
  void (*run)(const Call& call);
  // Optional. What a call does again and again, in host memory; nullptr when it converts operands.
  std::unique_ptr<BoundCall> (*bind)(const Call& call) = nullptr;
  // Optional. Makes the outputs views of the first input instead of running; false when the strides do not
  // allow it.
  bool (*view)(const Call& call) = nullptr;
  // Optional. Prepacks a weight for this op and these attributes.
  std::shared_ptr<const PackedWeight> (*pack)(const ArrayView& weight,
                                              const Attributes& attributes) = nullptr;
  // Optional. The rows of the op's table, for tests and benches.
  std::vector<VariantName> (*variants)() = nullptr;
  // Optional. The row that a call of these inputs takes on a machine.
  const char* (*select)(const Types& inputs, const Attributes& attributes, const Machine& machine) = nullptr;
  // Optional. Which axis of each input, and last of the output, the output's channels lie along (kNoChannels:
  // the input is needed whole), so that a part of the channels is made from a part of the weight; empty when
  // the op has no such parts for these types.
  std::vector<int> (*channels)(const Types& inputs, const Types& outputs,
                               const Attributes& attributes) = nullptr;
  // A 16-bit float result may be asked for as float32, skipping the last rounding.
  bool widens = false;
};

// How many inputs a call has that was given so many: those left out at the end are absent. Throws DTypeError
// when one of them must be there.
std::size_t inputs_of_call(const Op& op, std::size_t given);

// All ops, in the order of ops.inc.
std::span<const Op* const> all_ops();
const Op* op_named(const std::string& name);  // nullptr when there is none

}  // namespace stretto
