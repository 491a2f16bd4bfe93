// Sums of products on the tensor cores that the device has.
#pragma once

#include "kernels/tile/tensor_cuda.h"
#include "kernels/tile/tensor_operands_cuda.h"

namespace stretto {

// By warpgroups: kernels/tile/warpgroup_cuda.h, of which an op makes what it needs in a file of its own, as
// only that may name instructions of one architecture.
template <class A, class B, class Finish>
void run_warpgroups(const Place& place, const char* name, const A& a, const B& b, TensorKind kind, int m,
                    int n, std::int64_t k_bytes, const Finish& finish, std::int64_t batches);

// k_bytes: of a line along k. Which instructions are taken depends on the device and the kind alone: the
// order of the sums within them is the hardware's.
template <class A, class B, class Finish>
void run_tensor_product(const Place& place, const char* name, const A& a, const B& b, TensorKind kind, int m,
                        int n, std::int64_t k_bytes, const Finish& finish, std::int64_t batches) {
  const int steps = int((k_bytes + 63) / 64);
  if (takes_warpgroups(place, kind))
    run_warpgroups(place, name, a, b, kind, m, n, k_bytes, finish, batches);
  else if (m > 64 && n > 64)
    run_tensor_tiles<128, 128>(place, name, a, b, kind, m, n, steps, finish, batches);
  else
    run_tensor_tiles<64, 64>(place, name, a, b, kind, m, n, steps, finish, batches);
}

}  // namespace stretto
