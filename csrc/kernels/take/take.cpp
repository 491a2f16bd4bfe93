#include "kernels/take/take.h"

#include <algorithm>
#include <cstring>

#include "base/parallel.h"

namespace stretto {
namespace {

constexpr std::int64_t kThreadedBytes = 1 << 20;

template <class T>
void scatter_add(const TakeArgs& args, int threads) {
  const std::int64_t block = std::min<std::int64_t>(64, std::max<std::int64_t>(1, args.inner));
  const std::int64_t blocks = (args.inner + block - 1) / block;
  const bool small = args.outer * args.count * args.inner * std::int64_t(sizeof(T)) < kThreadedBytes;
  parallel_for(args.outer * blocks, 1, small ? 1 : threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t first = item % blocks * block, n = std::min(block, args.inner - first);
      const T* grad = static_cast<const T*>(args.from) + item / blocks * args.count * args.inner + first;
      T* dx = static_cast<T*>(args.to) + item / blocks * args.length * args.inner + first;
      for (std::int64_t j = 0; j < args.length; ++j) std::fill_n(dx + j * args.inner, n, T(0));
      for (std::int64_t k = 0; k < args.count; ++k) {
        T* __restrict row = dx + args.indices[k] * args.inner;
        const T* __restrict g = grad + k * args.inner;
        for (std::int64_t i = 0; i < n; ++i) row[i] = row[i] + g[i];
      }
    }
  });
}

}  // namespace

void take(const TakeArgs& args, int threads) {
  const std::int64_t bytes = args.inner * itemsize(args.dtype), rows = args.outer * args.count;
  const std::int64_t chunk = std::max<std::int64_t>(1, (256 << 10) / std::max<std::int64_t>(1, bytes));
  parallel_for(rows, chunk, rows * bytes < kThreadedBytes ? 1 : threads,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t row = begin; row < end; ++row) {
                   const std::int64_t from = row / args.count * args.length + args.indices[row % args.count];
                   std::memcpy(static_cast<char*>(args.to) + row * bytes,
                               static_cast<const char*>(args.from) + from * bytes, std::size_t(bytes));
                 }
               });
}

void take_gradient(const TakeArgs& args, int threads) {
  if (args.dtype == DType::f32)
    scatter_add<float>(args, threads);
  else
    scatter_add<double>(args, threads);
}

}  // namespace stretto
