#include "ops/batch_rule.h"

namespace stretto {

int broadcast_batch(const Types& inputs, const std::vector<int>& axes, int rank) {
  int from_last = -1;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].present() || axes[i] == kNoBatch) continue;
    const int position = inputs[i].shape.count - 1 - axes[i];
    if (from_last != -1 && from_last != position) return kMixesSamples;
    from_last = position;
  }
  if (from_last == -1) return kNoBatch;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].present() || axes[i] != kNoBatch) continue;
    if (from_last < inputs[i].shape.count && inputs[i].shape.last(from_last) != 1) return kMixesSamples;
  }
  return rank - 1 - from_last;
}

}  // namespace stretto
