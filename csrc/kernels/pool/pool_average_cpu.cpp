// Average pooling for one instruction set: lanes are outputs, or, where one window is a run of adjacent
// elements, the stripes of its sum.
#include "base/parallel.h"
#include "kernels/pool/pool.h"
#include "simd/simd.h"

namespace stretto::STRETTO_ISA {
namespace {

constexpr int kStripes = 16;
constexpr std::int64_t kSumSegment = 4096;
constexpr std::int64_t kThreadedElements = 1 << 16;

// Sums of up to `lanes` outputs at once by the contract's rule: stripes of the segment at hand, of the totals
// of segments, and of the totals of those. A stripe never is -0, so the absent ones need not be added.
template <class T>
struct Sums {
  static constexpr int lanes = 256 / sizeof(T);
  T stripe[3][kStripes][lanes];
  std::int64_t count[3];
  std::int64_t n;  // lanes in use

  STRETTO_INLINE void start(std::int64_t used, std::int64_t taps) {
    n = used;
    const std::int64_t stripes = taps < kStripes ? taps : kStripes;
    for (std::int64_t j = 0; j < stripes; ++j)
      for (std::int64_t i = 0; i < n; ++i) stripe[0][j][i] = T(0);
    for (int level = 0; level < 3; ++level) count[level] = 0;
    if (taps < kSumSegment) return;
    for (int level = 1; level < 3; ++level)
      for (int j = 0; j < kStripes; ++j)
        for (std::int64_t i = 0; i < n; ++i) stripe[level][j][i] = T(0);
  }

  // The total of a level is left in its first stripe.
  STRETTO_INLINE void fold(int level) {
    const std::int64_t present = count[level] < kStripes ? count[level] : kStripes;
    for (int h = 8; h > 0; h /= 2) {
      for (int j = 0; j < h && j + h < present; ++j) {
        T* __restrict a = stripe[level][j];
        const T* __restrict b = stripe[level][j + h];
        if (n == lanes)
          for (std::int64_t i = 0; i < lanes; ++i) a[i] = a[i] + b[i];
        else
          for (std::int64_t i = 0; i < n; ++i) a[i] = a[i] + b[i];
      }
    }
  }

  STRETTO_INLINE void close(int level) {
    fold(level);
    T* __restrict to = stripe[level + 1][count[level + 1] % kStripes];
    for (std::int64_t i = 0; i < n; ++i) to[i] = to[i] + stripe[level][0][i];
    ++count[level + 1];
    count[level] = 0;
    for (int j = 0; j < kStripes; ++j)
      for (std::int64_t i = 0; i < n; ++i) stripe[level][j][i] = T(0);
  }

  STRETTO_INLINE void advance() {
    if (++count[0] < kSumSegment) return;
    close(0);
    if (count[1] == kSumSegment) close(1);
  }

  STRETTO_INLINE void skip(std::int64_t taps) {  // they are +0
    for (; taps > 0; --taps) advance();
  }

  template <int stride>
  STRETTO_INLINE void add(const T* __restrict x, std::int64_t any_stride) {
    T* __restrict to = stripe[0][count[0] % kStripes];
    const std::int64_t step = stride ? stride : any_stride;
    if (n == lanes)
      for (std::int64_t i = 0; i < lanes; ++i) to[i] = to[i] + x[i * step];
    else
      for (std::int64_t i = 0; i < n; ++i) to[i] = to[i] + x[i * step];
    advance();
  }

  STRETTO_INLINE const T* total() {
    if (count[1] + count[2] > 0) {
      if (count[0] > 0) close(0);
      if (count[2] == 0) {
        fold(1);
        return stripe[1][0];
      }
      if (count[1] > 0) close(1);
      fold(2);
      return stripe[2][0];
    }
    fold(0);
    return stripe[0][0];
  }
};

// Sums over the window of the output (d, h, w) and of the n - 1 outputs beside it, which have the same taps
// inside x. `x` is the plane, at the first of the channels.
template <class T, int stride>
STRETTO_INLINE void sum_window(const PoolArgs& args, const T* x, std::int64_t d, std::int64_t h,
                               std::int64_t w, std::int64_t n, std::int64_t lane_stride, Sums<T>& sums) {
  const PoolAxis(&axis)[3] = args.axis;
  const std::int64_t taps_d = axis[0].taps(d), taps_h = axis[1].taps(h), taps_w = axis[2].taps(w);
  sums.start(n, taps_d * taps_h * taps_w);
  for (std::int64_t i = 0; i < taps_d; ++i) {
    const std::int64_t from_d = axis[0].begin(d) + i * axis[0].dilation;
    for (std::int64_t j = 0; j < taps_h; ++j) {
      const std::int64_t from_h = axis[1].begin(h) + j * axis[1].dilation;
      if (!axis[0].has(from_d) || !axis[1].has(from_h)) {
        sums.skip(taps_w);
        continue;
      }
      const T* row = x + from_d * args.x.strides[2] + from_h * args.x.strides[3];
      for (std::int64_t k = 0; k < taps_w; ++k) {
        const std::int64_t from_w = axis[2].begin(w) + k * axis[2].dilation;
        if (axis[2].has(from_w))
          sums.template add<stride>(row + from_w * args.x.strides[4], lane_stride);
        else
          sums.skip(1);
      }
    }
  }
}

// The sum of at most 4096 adjacent elements.
template <class T>
STRETTO_INLINE T sum_segment(const T* x, std::int64_t n) {
  using V = Vec<T>;
  constexpr int vectors = kStripes / V::lanes;
  V s[vectors];
  for (int v = 0; v < vectors; ++v) s[v] = V::zero();
  std::int64_t k = 0;
  for (; k + kStripes <= n; k += kStripes)
    for (int v = 0; v < vectors; ++v) s[v] = s[v] + V::load(x + k + v * V::lanes);
  T stripe[kStripes];
  for (int v = 0; v < vectors; ++v) s[v].store(stripe + v * V::lanes);
  for (int j = 0; k < n; ++j, ++k) stripe[j] = stripe[j] + x[k];
  for (int h = 8; h > 0; h /= 2)
    for (int j = 0; j < h; ++j) stripe[j] = stripe[j] + stripe[j + h];
  return stripe[0];
}

template <class T>
T sum_run(const T* x, std::int64_t n, Sums<T>& totals) {
  if (n <= kSumSegment) return sum_segment(x, n);
  totals.start(1, n);
  for (std::int64_t k = 0; k < n; k += kSumSegment) {
    const T total = sum_segment(x + k, n - k < kSumSegment ? n - k : kSumSegment);
    totals.template add<1>(&total, 1);
  }
  return *totals.total();
}

// The tree of the sum rule over `taps` elements, at most 16, each a stripe of its own: stripe j after the
// step h.
template <class T, int taps, int stride, int j, int h>
STRETTO_INLINE T tree(const T* const (&p)[taps], std::int64_t i) {
  if constexpr (h == kStripes)
    return p[j][i * stride];
  else if constexpr (j + h < taps)
    return tree<T, taps, stride, j, 2 * h>(p, i) + tree<T, taps, stride, j + h, 2 * h>(p, i);
  else
    return tree<T, taps, stride, j, 2 * h>(p, i);
}

// Averages of n windows; `at` points to the elements of the first. Adding +0 once at the end has the effect
// of adding it to each.
template <class T, int taps, int stride>
void average_few(const T* const* at, T divisor, T* __restrict out, std::int64_t n) {
  const T* p[taps];
  for (int k = 0; k < taps; ++k) p[k] = at[k];
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) out[i] = (tree<T, taps, stride, 0, 1>(p, i) + T(0)) / divisor;
}

template <class T>
using AverageFew = void (*)(const T* const*, T, T*, std::int64_t);

// nullptr for windows and strides that have no loop of their own.
template <class T, int stride>
STRETTO_INLINE AverageFew<T> average_few_for(std::int64_t taps) {
  switch (taps) {
    case 2:
      return average_few<T, 2, stride>;
    case 3:
      return average_few<T, 3, stride>;
    case 4:
      return average_few<T, 4, stride>;
    case 8:
      return average_few<T, 8, stride>;
    case 9:
      return average_few<T, 9, stride>;
    case 16:
      return average_few<T, 16, stride>;
    default:
      return nullptr;
  }
}

// Where the taps of output (d, h, w) are; false when one of them is outside x.
template <class T>
STRETTO_INLINE bool find_taps(const PoolArgs& args, const T* x, std::int64_t d, std::int64_t h,
                              std::int64_t w, const T** at) {
  const PoolAxis(&axis)[3] = args.axis;
  for (std::int64_t i = 0; i < axis[0].window; ++i) {
    for (std::int64_t j = 0; j < axis[1].window; ++j) {
      for (std::int64_t k = 0; k < axis[2].window; ++k) {
        const std::int64_t from_d = axis[0].begin(d) + i * axis[0].dilation;
        const std::int64_t from_h = axis[1].begin(h) + j * axis[1].dilation;
        const std::int64_t from_w = axis[2].begin(w) + k * axis[2].dilation;
        if (!axis[0].has(from_d) || !axis[1].has(from_h) || !axis[2].has(from_w)) return false;
        *at++ = x + from_d * args.x.strides[2] + from_h * args.x.strides[3] + from_w * args.x.strides[4];
      }
    }
  }
  return true;
}

// The loop for windows of this size, where they are few and the same everywhere; otherwise nullptr.
template <class T>
STRETTO_INLINE AverageFew<T> few_for(const PoolArgs& args, std::int64_t stride) {
  const PoolAxis(&axis)[3] = args.axis;
  if (axis[0].adaptive || axis[1].adaptive || axis[2].adaptive) return nullptr;
  for (const PoolAxis& a : axis)
    if (a.window > kStripes) return nullptr;
  const std::int64_t taps = axis[0].window * axis[1].window * axis[2].window;
  return stride == 1 ? average_few_for<T, 1>(taps) : stride == 2 ? average_few_for<T, 2>(taps) : nullptr;
}

template <class T>
STRETTO_INLINE void divide(const T* sums, std::int64_t count, T* __restrict out, std::int64_t n) {
  const T divisor = T(count);
  for (std::int64_t i = 0; i < n; ++i) out[i] = count == 0 ? T(0) : sums[i] / divisor;
}

// One output row whose columns are adjacent.
template <class T>
void columns(const PoolArgs& args, const T* x, std::int64_t d, std::int64_t h, Sums<T>& sums, T* out) {
  const PoolAxis& width = args.axis[2];
  const std::int64_t rows_counted =
      args.axis[0].counted(d, args.count_padding) * args.axis[1].counted(h, args.count_padding);
  const bool is_run = args.axis[0].taps(d) == 1 && args.axis[1].taps(h) == 1 && width.dilation == 1 &&
                      args.axis[0].has(args.axis[0].begin(d)) && args.axis[1].has(args.axis[1].begin(h));
  const std::int64_t first = width.adaptive ? width.outputs : width.first_inner();
  const std::int64_t end = width.adaptive ? width.outputs : width.end_inner();
  const AverageFew<T> few = few_for<T>(args, width.stride);
  const T* at[kStripes];
  for (std::int64_t w = 0; w < width.outputs;) {
    const bool inner = w >= first && w < end;
    if (few && inner && w == first && find_taps(args, x, d, h, w, at)) {
      few(at, T(rows_counted * width.window), out + w, end - w);
      w = end;
      continue;
    }
    std::int64_t n = inner ? end - w : 1;
    if (n > Sums<T>::lanes) n = Sums<T>::lanes;
    const std::int64_t taps = width.taps(w), begin = width.begin(w);
    const std::int64_t count = rows_counted * width.counted(w, args.count_padding);
    if (is_run && taps > kStripes && width.has(begin) && width.has(begin + taps - 1)) {
      n = 1;
      const T total = sum_run(
          x + args.axis[0].begin(d) * args.x.strides[2] + args.axis[1].begin(h) * args.x.strides[3] + begin,
          taps, sums);
      divide(&total, count, out + w, 1);
    } else {
      if (width.stride == 1)
        sum_window<T, 1>(args, x, d, h, w, n, 1, sums);
      else if (width.stride == 2)
        sum_window<T, 2>(args, x, d, h, w, n, 2, sums);
      else
        sum_window<T, 0>(args, x, d, h, w, n, width.stride, sums);
      divide(sums.total(), count, out + w, n);
    }
    w += n;
  }
}

// One output row whose channels are adjacent.
template <class T>
void channels(const PoolArgs& args, const T* x, std::int64_t d, std::int64_t h, Sums<T>& sums, T* out) {
  const PoolAxis& width = args.axis[2];
  const std::int64_t rows_counted =
      args.axis[0].counted(d, args.count_padding) * args.axis[1].counted(h, args.count_padding);
  const std::int64_t c_count = args.x.shape[1];
  const AverageFew<T> few = few_for<T>(args, 1);
  const T* at[kStripes];
  for (std::int64_t w = 0; w < width.outputs; ++w) {
    const std::int64_t count = rows_counted * width.counted(w, args.count_padding);
    if (few && find_taps(args, x, d, h, w, at)) {
      few(at, T(count), out + w * args.out.strides[4], c_count);
      continue;
    }
    for (std::int64_t c = 0; c < c_count; c += Sums<T>::lanes) {
      const std::int64_t n = c_count - c < Sums<T>::lanes ? c_count - c : Sums<T>::lanes;
      sum_window<T, 1>(args, x + c, d, h, w, n, 1, sums);
      divide(sums.total(), count, out + w * args.out.strides[4] + c, n);
    }
  }
}

template <class T>
void run(const PoolArgs& args, int threads) {
  const PoolAxis(&axis)[3] = args.axis;
  const std::int64_t c_count = args.channels_last ? 1 : args.x.shape[1];
  const std::int64_t out_rows = args.x.shape[0] * c_count * axis[0].outputs * axis[1].outputs;
  const std::int64_t lanes = axis[2].outputs * (args.channels_last ? args.x.shape[1] : 1);
  const std::int64_t row_work = axis[0].taps(0) * axis[1].taps(0) * axis[2].taps(0) * lanes;
  const std::int64_t chunk = 1 + (1 << 18) / (row_work + 1);
  const int used = out_rows * row_work < kThreadedElements ? 1 : threads;
  parallel_for(out_rows, chunk, used, [&](std::int64_t begin, std::int64_t end) {
    Sums<T> sums;
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t h = row % axis[1].outputs, d = row / axis[1].outputs % axis[0].outputs;
      const std::int64_t plane = row / (axis[1].outputs * axis[0].outputs);
      const std::int64_t n = plane / c_count, c = plane % c_count;
      const T* x = args.x.as<T>() + n * args.x.strides[0] + c * args.x.strides[1];
      T* out = args.out.as<T>() + n * args.out.strides[0] + c * args.out.strides[1] +
               d * args.out.strides[2] + h * args.out.strides[3];
      if (args.channels_last)
        channels(args, x, d, h, sums, out);
      else
        columns(args, x, d, h, sums, out);
    }
  });
}

}  // namespace

void pool_average(const PoolArgs& args, int threads) {
  if (args.x.dtype == DType::f32)
    run<float>(args, threads);
  else
    run<double>(args, threads);
}

}  // namespace stretto::STRETTO_ISA
