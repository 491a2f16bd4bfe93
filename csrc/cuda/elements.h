// Kernels without shared memory: a thread for each element.
//
//   struct Doubled {
//     float* x;
//     STRETTO_KERNEL void operator()(std::int64_t index) const { x[index] = 2 * x[index]; }
//   };
//   launch_elements(place, "double", count, Doubled{x});
#pragma once

#include "cuda/launch.h"

namespace stretto {

template <class Element>
struct Elements {
  static constexpr int kThreads = 256;
  using Shared = NoShared;
  Element element;
  std::int64_t count;

  STRETTO_KERNEL void operator()(const Block& block, Shared&) const {
    const std::int64_t index = block.index() * kThreads + block.thread();
    if (index < count) element(index);
  }
};

template <class Element>
void launch_elements(const Place& place, const char* name, std::int64_t count, const Element& element) {
  using Kernel = Elements<Element>;
  launch(place, name, (count + Kernel::kThreads - 1) / Kernel::kThreads, Kernel{element, count});
}

}  // namespace stretto
