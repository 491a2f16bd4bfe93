#include "ops/ops.h"

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
  const auto last_of = [&](std::size_t input) { return op.inputs[input][std::strlen(op.inputs[input]) - 1]; };
  for (std::size_t i = given; i < op.inputs.size(); ++i) {
    if (last_of(i) == '*') return given;
    if (last_of(i) != '?')
      throw DTypeError(
          message(op.name, ": inputs are missing: there are ", given, ", and no ", op.inputs[i]));
  }
  const bool has_optional = given > 0 && given < op.inputs.size() && last_of(given - 1) == '?';
  return has_optional ? op.inputs.size() : given;
}

const Op* op_named(const std::string& name) {
  for (const Op* op : all_ops())
    if (name == op->name) return op;
  return nullptr;
}

}  // namespace stretto
