// Bilinear resampling for one instruction set: rows are resampled along their width once, and blended in
// pairs.
#include "base/parallel.h"
#include "kernels/upsample/upsample.h"

namespace stretto::STRETTO_ISA {
namespace {

constexpr std::int64_t kThreadedElements = 1 << 16;

STRETTO_INLINE float fma_of(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
STRETTO_INLINE double fma_of(double a, double b, double c) { return __builtin_fma(a, b, c); }

template <class T>
void along_width(const UpsampleAxis& width, const T* __restrict x, std::int64_t inner,
                 const T* __restrict weight, T* __restrict row) {
  if (inner == 1) {
    for (std::int64_t j = 0; j < width.outputs; ++j)
      row[j] = fma_of(weight[j], x[width.high[j]], (T(1) - weight[j]) * x[width.low[j]]);
    return;
  }
  for (std::int64_t j = 0; j < width.outputs; ++j) {
    const T b = weight[j], rest = T(1) - b;
    const T* __restrict low = x + width.low[j] * inner, * __restrict high = x + width.high[j] * inner;
    for (std::int64_t c = 0; c < inner; ++c) row[j * inner + c] = fma_of(b, high[c], rest * low[c]);
  }
}

template <class T>
void run(const UpsampleArgs& args, int threads) {
  const UpsampleAxis &height = args.height, &width = args.width;
  const std::int64_t length = width.outputs * args.inner, from_length = width.size * args.inner;
  const int used = args.outer * height.outputs * length < kThreadedElements ? 1 : threads;
  parallel_for(args.outer * height.outputs, 1 + (1 << 17) / (length + 1), used,
               [&](std::int64_t begin, std::int64_t end) {
                 const Scratch scratch((2 * length + width.outputs) * std::int64_t(sizeof(T)));
                 T* rows[2] = {scratch.as<T>(), scratch.as<T>() + length};
                 T* weight = scratch.as<T>() + 2 * length;
                 for (std::int64_t j = 0; j < width.outputs; ++j) weight[j] = T(width.weight[j]);
                 std::int64_t held[2] = {-1, -1};  // which input row is in rows[0] and rows[1]
                 for (std::int64_t item = begin; item < end; ++item) {
                   const std::int64_t i = item % height.outputs, first = item / height.outputs * height.size;
                   const std::int64_t wanted[2] = {first + height.low[i], first + height.high[i]};
                   if (held[0] != wanted[0] && held[1] == wanted[0]) {
                     T* row = rows[0];
                     rows[0] = rows[1];
                     rows[1] = row;
                     held[1] = held[0];
                     held[0] = wanted[0];
                   }
                   for (int k = 0; k < 2; ++k) {
                     if (held[k] == wanted[k]) continue;
                     const T* x = static_cast<const T*>(args.from) + wanted[k] * from_length;
                     along_width(width, x, args.inner, weight, rows[k]);
                     held[k] = wanted[k];
                   }
                   const T a = T(height.weight[i]), rest = T(1) - a;
                   const T* __restrict low = rows[0], * __restrict high = rows[1];
                   T* __restrict to = static_cast<T*>(args.to) + item * length;
                   for (std::int64_t k = 0; k < length; ++k) to[k] = fma_of(a, high[k], rest * low[k]);
                 }
               });
}

}  // namespace

void upsample_bilinear(const UpsampleArgs& args, int threads) {
  if (args.dtype == DType::f32)
    run<float>(args, threads);
  else
    run<double>(args, threads);
}

}  // namespace stretto::STRETTO_ISA
