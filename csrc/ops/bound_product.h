// Calls of matrix products and convolutions: a left and a right factor, and an epilogue.
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "ops/op.h"

namespace stretto {

// What is done with a call's arguments and the row that it takes: null for an empty result.
template <class Arguments, class Variant>
using Use = std::function<void(const Arguments&, const Variant*)>;

// `arguments` of a call of `variant`, and where the call's operands go in them.
template <class Arguments, class Variant, ArrayView Arguments::* left, ArrayView Arguments::* right>
struct BoundProduct final : BoundCall {
  Arguments arguments;
  const Variant* variant;  // null: there is nothing to compute

  BoundProduct(const Arguments& arguments, const Variant* variant) : arguments(arguments), variant(variant) {}

  // The operands as the call has them.
  std::array<ArrayView*, 6> operands() {
    Epilogue& e = arguments.epilogue;
    return {&(arguments.*left), &(arguments.*right), &e.bias, &e.scale, &e.shift, &e.residual};
  }
  void run(const Call& call) override {
    if (!variant) return;
    const auto to = operands();
    for (std::size_t i = 0; i < call.inputs.size(); ++i) to[i]->data = call.inputs[i].data;
    arguments.out.data = call.outputs[0].data;
    variant->run(arguments, call.options.threads);
  }
  // Whether the arguments are the call's own operands, none of them a converted copy.
  bool is_direct(const Call& call) {
    const auto to = operands();
    for (std::size_t i = 0; i < call.inputs.size(); ++i)
      if (call.inputs[i].present() && to[i]->data != call.inputs[i].data) return false;
    return true;
  }
};

// The call bound, given with_arguments(call, use); null where operands are converted.
template <class Product, class WithArguments>
std::unique_ptr<BoundCall> bind_product(const Call& call, WithArguments with_arguments) {
  std::unique_ptr<Product> bound;
  with_arguments(call, [&](const auto& arguments, const auto* variant) {
    bound = std::make_unique<Product>(arguments, variant);
    if (!bound->is_direct(call)) bound = nullptr;
  });
  return bound;
}

}  // namespace stretto
