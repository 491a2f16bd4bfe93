#include "ops/ops.h"

namespace stretto {

std::span<const Op* const> all_ops() {
  static const Op* const table[] = {
#define OP(name) &name##_op,
#include "ops/ops.inc"
#undef OP
  };
  return table;
}

const Op* op_named(const std::string& name) {
  for (const Op* op : all_ops())
    if (name == op->name) return op;
  return nullptr;
}

}  // namespace stretto
