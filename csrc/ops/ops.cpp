#include "ops/ops.h"

#include <algorithm>
#include <cstring>

namespace stretto {

std::span<const Op* const> all_ops() {
  static const Op* const table[] = {
#define OP(name) &name##_op,
#include "ops/ops.inc"
#undef OP
  };
  return table;
}

std::size_t inputs_of_call(const Op& op, std::size_t given) {
  for (std::size_t i = given; i < op.inputs.size(); ++i) {
    const char last = op.inputs[i][std::strlen(op.inputs[i]) - 1];
    if (last == '*') return given;
    if (last != '?')
      throw DTypeError(
          message(op.name, ": inputs are missing: there are ", given, ", and no ", op.inputs[i]));
  }
  return std::max(given, op.inputs.size());
}

const Op* op_named(const std::string& name) {
  for (const Op* op : all_ops())
    if (name == op->name) return op;
  return nullptr;
}

}  // namespace stretto
