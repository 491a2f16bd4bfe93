// What ops share whose outputs are views of their inputs.
#pragma once

#include <vector>

#include "kernels/copy/copy.h"
#include "ops/op.h"
#include "ops/shapes.h"

namespace stretto {

inline Cost cost_of_view(const Types& inputs, const Types& outputs, const Attributes&) {
  return {0, bytes_moved(inputs, outputs)};
}

// Outputs that are views, copied to where they are wanted.
template <bool (*view)(const Call&)>
void run_view(const Call& call) {
  std::vector<ArrayView> views(call.outputs.begin(), call.outputs.end());
  view({call.inputs, views, call.attributes, call.options});
  for (std::size_t i = 0; i < views.size(); ++i) copy(views[i], call.outputs[i], call.options.threads);
}

}  // namespace stretto
