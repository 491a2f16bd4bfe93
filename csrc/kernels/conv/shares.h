// How a call's tasks are given to threads.
#pragma once

#include "base/parallel.h"
#include "kernels/conv/correlation.h"
#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {

// Fused multiply-adds of the whole call.
STRETTO_INLINE double products_of(const Correlation& c) {
  double products = double(c.inputs) * c.tap_count * double(c.outputs) * double(c.groups);
  for (const int axis : {0, 2, 3, 4}) products *= double(c.out.shape.at[axis]);
  return products;
}

// Waking several threads pays for so many products only.
STRETTO_INLINE int sharing_threads(double products, double least_products, int threads) {
  return products < 2 * least_products ? 1 : threads;
}

// Runs f(begin, end) over equal tasks that form `products` in all. A thread claims at least `least_products`
// of them at once, and there are as many claims for each thread, unless there are many.
template <class F>
STRETTO_INLINE void share_tasks(std::int64_t tasks, double products, double least_products, int threads,
                                F&& f) {
  threads = sharing_threads(products, least_products, threads);
  std::int64_t claims =
      products < double(tasks) * least_products ? std::int64_t(products / least_products) + 1 : tasks;
  if (claims < 8 * threads) claims = least(tasks, divide_up(claims, threads) * threads);
  parallel_for(tasks, divide_up(tasks, greatest(1, claims)), threads, f);
}

}  // namespace stretto::STRETTO_ISA
