// Declarations of every op's record.
#pragma once

#include "ops/op.h"

namespace stretto {
#define OP(name) extern const Op name##_op;
#include "ops/ops.inc"
#undef OP
}  // namespace stretto
