// vecdot for one instruction set: lanes are stripes.
#include "kernels/vecdot/vecdot.h"

#include "base/parallel.h"
#include "kernels/offset.h"
#include "simd/convert.h"

namespace stretto::STRETTO_ISA {
namespace {

STRETTO_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
STRETTO_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

template <class T>
T tree(T (&s)[kStripes]) {
  for (int h = kStripes / 2; h > 0; h /= 2)
    for (int j = 0; j < h; ++j) s[j] = s[j] + s[j + h];
  return s[0];
}

// One segment of adjacent elements; without `b` the sum of `a`.
template <class T>
T segment(const T* a, const T* b, std::int64_t k) {
  using V = Vec<T>;
  constexpr int vectors = kStripes / V::lanes;
  V acc[vectors];
  for (int v = 0; v < vectors; ++v) acc[v] = V::zero();
  std::int64_t p = 0;
  for (; p + kStripes <= k; p += kStripes) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const V x = V::load(a + p + v * V::lanes);
      acc[v] = b ? fma(x, V::load(b + p + v * V::lanes), acc[v]) : acc[v] + x;
    }
  }
  T s[kStripes];
  for (int v = 0; v < vectors; ++v) acc[v].store(s + v * V::lanes);
  for (int j = 0; p < k; ++p, ++j) s[j] = b ? fused(a[p], b[p], s[j]) : s[j] + a[p];
  return tree(s);
}

// Elements start .. start + k as adjacent values of the computation type: as they lie, or copied.
template <class T, class From>
const T* adjacent(const From* from, std::int64_t step, std::int64_t k, T* to) {
  if constexpr (is_same<T, From>)
    if (step == 1) return from;
  for (std::int64_t p = 0; p < k; p += Vec<T>::lanes) {
    const int n = k - p < Vec<T>::lanes ? int(k - p) : Vec<T>::lanes;
    store_as<T, T>(load_as<T, From>(from + p * step, step, n), to + p, n);
  }
  return to;
}

template <class T>
T sum(T* x, std::int64_t n) {
  while (n > 1) {
    std::int64_t count = 0;
    for (std::int64_t start = 0; start < n; start += kStripeSegment)
      x[count++] = segment<T>(x + start, nullptr, n - start < kStripeSegment ? n - start : kStripeSegment);
    n = count;
  }
  return n ? x[0] : T(0);
}

template <class T, class From, class Out>
void run(const VecdotArgs& args, int threads) {
  const std::int64_t k = args.k(), count = args.out.size();
  const std::int64_t segments = (k + kStripeSegment - 1) / kStripeSegment;
  const std::int64_t a_step = args.a.strides.last(0), b_step = args.b.strides.last(0);
  const auto total_of = [&](std::int64_t index, std::int64_t s, T* block) {
    const std::int64_t start = s * kStripeSegment;
    const std::int64_t terms = k - start < kStripeSegment ? k - start : kStripeSegment;
    const From* a = args.a.as<From>() + offset_of(index, args.out.shape, args.a.strides) + start * a_step;
    const From* b = args.b.as<From>() + offset_of(index, args.out.shape, args.b.strides) + start * b_step;
    return segment<T>(adjacent<T, From>(a, a_step, terms, block),
                      adjacent<T, From>(b, b_step, terms, block + kStripeSegment), terms);
  };
  const auto put = [&](std::int64_t index, T total) {
    Out* to = args.out.as<Out>() + offset_of(index, args.out.shape, args.out.strides);
    if constexpr (is_same<Out, float16>)
      *to = to_float16(total);
    else if constexpr (is_same<Out, bfloat16>)
      *to = to_bfloat16(total);
    else
      *to = total;
  };
  const double terms = double(count) * double(k);
  if (terms < 60e3 * threads) threads = terms < 120e3 ? 1 : int(terms / 60e3);
  constexpr std::int64_t block_bytes = 2 * kStripeSegment * std::int64_t(sizeof(T));
  if (count >= threads || segments < 2) {
    const std::int64_t chunk = k > 0 && k < 200000 ? 200000 / k : 1;
    parallel_for(count, chunk < count / 64 ? chunk : count / 64 + 1, threads,
                 [&](std::int64_t begin, std::int64_t end) {
                   const Scratch block(block_bytes), totals((segments + 1) * std::int64_t(sizeof(T)));
                   for (std::int64_t i = begin; i < end; ++i) {
                     for (std::int64_t s = 0; s < segments; ++s) {
                       if (s > 0) poll_interrupt();
                       totals.template as<T>()[s] = total_of(i, s, block.template as<T>());
                     }
                     put(i, sum(totals.template as<T>(), segments));
                   }
                 });
    return;
  }
  const Scratch totals(segments * std::int64_t(sizeof(T)));
  T* const total = totals.as<T>();
  for (std::int64_t i = 0; i < count; ++i) {
    parallel_for(segments, 16, threads, [&](std::int64_t begin, std::int64_t end) {
      const Scratch block(block_bytes);
      for (std::int64_t s = begin; s < end; ++s) total[s] = total_of(i, s, block.template as<T>());
    });
    put(i, sum(total, segments));
  }
}

}  // namespace

void vecdot(const VecdotArgs& args, int threads) {
  const bool widens = args.out.dtype != args.a.dtype;
  switch (args.a.dtype) {
    case DType::f32:
      return run<float, float, float>(args, threads);
    case DType::f64:
      return run<double, double, double>(args, threads);
    case DType::f16:
      return widens ? run<float, float16, float>(args, threads) : run<float, float16, float16>(args, threads);
    default:
      return widens ? run<float, bfloat16, float>(args, threads)
                    : run<float, bfloat16, bfloat16>(args, threads);
  }
}

}  // namespace stretto::STRETTO_ISA
