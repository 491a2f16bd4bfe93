// The middle of attention, on a block of rows of scores, in place:
//
//   z = z * scale;  if mask: z = z + mask;  if causal: z = -inf where key > query;  z = softmax(z) over the
//   keys
//
// softmax by the contract: m = max, e = exp(z - m), e / sum(e). Of 16-bit floats every step rounds, as
// separate ops would.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "base/machine.h"

namespace stretto {

struct AttentionArgs {
  void* scores;      // (rows, keys), contiguous
  const void* mask;  // (rows, keys), contiguous, or nullptr
  DType dtype;
  std::int64_t rows, keys;
  std::int64_t first_query;  // of the block
  // Rows of one matrix where the block is a stack of them, which it is on a device alone: row i is of query
  // first_query + i % stacked.
  std::int64_t stacked = INT64_MAX;
  double scale;  // rounded to dtype
  bool causal;
};

struct AttentionVariant {
  const char* name;
  Arch arch;
  bool (*fits)(const AttentionArgs&);
  void (*run)(const AttentionArgs&);
};

const AttentionVariant& select_attention(const AttentionArgs& args, const Machine& machine,
                                         const char* forced);

}  // namespace stretto
