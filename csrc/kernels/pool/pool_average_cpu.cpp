// Average pooling for one instruction set: lanes are outputs, or, where one window is a run of adjacent
// elements, the stripes of its sum.
#include "base/parallel.h"
#include "kernels/pool/pool_rows.h"
#include "kernels/stripe_rows.h"
#include "kernels/stripes.h"

namespace stretto::STRETTO_ISA {
namespace {

constexpr std::int64_t kThreadedElements = 1 << 16;

// Sums over the window of the output (d, h, w) and of the n - 1 outputs beside it, which have the same taps
// inside x. `x` is the plane, at the first of the channels.
template <class T, int stride>
STRETTO_INLINE void sum_window(const PoolArgs& args, const T* x, std::int64_t d, std::int64_t h,
                               std::int64_t w, std::int64_t n, std::int64_t lane_stride,
                               StripeRows<T>& sums) {
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

// Averages of n windows from the elements of the first on. Adding +0 at the end has the effect of adding it
// to each.
template <class T, int taps, int stride>
void average_few(const T* const* at, T divisor, T* __restrict out, std::int64_t n) {
  const T* p[taps];
  for (int k = 0; k < taps; ++k) p[k] = at[k];
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) out[i] = (tree<T, taps, stride, 0, 1>(p, i) + T(0)) / divisor;
}

// The same for windows of two rows that lie two by two; a product by the inverse of 4 is the quotient.
template <class T>
void average_pairs(const T* const* at, T four, T* out, std::int64_t n) {
  using V = Vec<T>;
  const V quarter = V::broadcast(T(1) / four);
  join_pairs(
      n, out,
      [&](std::int64_t i, int lanes) __attribute__((always_inline)) {
        return lanes == V::lanes ? V::load(at[0] + i) + V::load(at[2] + i)
                                 : V::load(at[0] + i, lanes) + V::load(at[2] + i, lanes);
      },
      [&](V even, V odd) __attribute__((always_inline)) { return ((even + odd) + V::zero()) * quarter; });
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
  if (taps == 4 && stride == 2 && is_in_pairs(axis[2])) return average_pairs<T>;
  return stride == 1 ? average_few_for<T, 1>(taps) : stride == 2 ? average_few_for<T, 2>(taps) : nullptr;
}

template <class T>
STRETTO_INLINE void divide(const T* sums, std::int64_t count, T* __restrict out, std::int64_t n) {
  const T divisor = T(count);
  for (std::int64_t i = 0; i < n; ++i) out[i] = count == 0 ? T(0) : sums[i] / divisor;
}

// Outputs whose taps in width are all inside, and the loop for them if windows are few and alike.
template <class T>
struct Inner {
  AverageFew<T> few;
  std::int64_t first, end;
  T taps;
  Inner(const PoolArgs& args, std::int64_t stride) : few(few_for<T>(args, stride)) {
    const PoolAxis(&axis)[3] = args.axis;
    first = end = axis[2].outputs;
    if (!axis[2].adaptive) first = axis[2].first_inner(), end = axis[2].end_inner();
    taps = T(axis[0].window * axis[1].window * axis[2].window);
  }
};

// Outputs [w, last) of a row whose columns are adjacent.
template <class T>
void columns_between(const PoolArgs& args, const Inner<T>& inner, const T* x, std::int64_t d, std::int64_t h,
                     std::int64_t w, std::int64_t last, StripeRows<T>& sums, T* out) {
  const PoolAxis& width = args.axis[2];
  const std::int64_t rows_counted =
      args.axis[0].counted(d, args.count_padding) * args.axis[1].counted(h, args.count_padding);
  const bool is_run = args.axis[0].taps(d) == 1 && args.axis[1].taps(h) == 1 && width.dilation == 1 &&
                      args.axis[0].has(args.axis[0].begin(d)) && args.axis[1].has(args.axis[1].begin(h));
  while (w < last) {
    std::int64_t n = w >= inner.first && w < inner.end ? inner.end - w : 1;
    if (n > StripeRows<T>::lanes) n = StripeRows<T>::lanes;
    const std::int64_t taps = width.taps(w), begin = width.begin(w);
    const std::int64_t count = rows_counted * width.counted(w, args.count_padding);
    if (is_run && taps > kStripes && width.has(begin) && width.has(begin + taps - 1)) {
      n = 1;
      const T* from =
          x + args.axis[0].begin(d) * args.x.strides[2] + args.axis[1].begin(h) * args.x.strides[3] + begin;
      const T total = whole_row<SumOf, T>(from, taps, T(0));
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

// One output row whose columns are adjacent.
template <class T>
STRETTO_INLINE void columns(const PoolArgs& args, const Inner<T>& inner, const T* x, std::int64_t d,
                            std::int64_t h, StripeRows<T>& sums, T* out) {
  const T* at[kStripes];
  const std::int64_t outputs = args.axis[2].outputs;
  if (!inner.few || inner.first >= inner.end || !find_taps(args, x, d, h, inner.first, at))
    return columns_between(args, inner, x, d, h, 0, outputs, sums, out);
  inner.few(at, inner.taps, out + inner.first, inner.end - inner.first);
  if (inner.first > 0) columns_between(args, inner, x, d, h, 0, inner.first, sums, out);
  if (inner.end < outputs) columns_between(args, inner, x, d, h, inner.end, outputs, sums, out);
}

// One output row whose channels are adjacent.
template <class T>
void channels(const PoolArgs& args, const Inner<T>& inner, const T* x, std::int64_t d, std::int64_t h,
              StripeRows<T>& sums, T* out) {
  const PoolAxis& width = args.axis[2];
  const std::int64_t rows_counted =
      args.axis[0].counted(d, args.count_padding) * args.axis[1].counted(h, args.count_padding);
  const std::int64_t c_count = args.x.shape[1];
  const T* at[kStripes];
  for (std::int64_t w = 0; w < width.outputs; ++w) {
    const std::int64_t count = rows_counted * width.counted(w, args.count_padding);
    if (inner.few && find_taps(args, x, d, h, w, at)) {
      inner.few(at, T(count), out + w * args.out.strides[4], c_count);
      continue;
    }
    for (std::int64_t c = 0; c < c_count; c += StripeRows<T>::lanes) {
      const std::int64_t n = c_count - c < StripeRows<T>::lanes ? c_count - c : StripeRows<T>::lanes;
      sum_window<T, 1>(args, x + c, d, h, w, n, 1, sums);
      divide(sums.total(), count, out + w * args.out.strides[4] + c, n);
    }
  }
}

// One output per plane of adjacent elements: their order is that of one axis.
STRETTO_INLINE bool sees_all(const PoolAxis& axis) {
  return axis.outputs == 1 && axis.begin(0) == 0 && axis.taps(0) == axis.size && axis.dilation == 1 &&
         axis.before == 0 && axis.after == 0;
}
STRETTO_INLINE PoolArgs with_joined_axes(PoolArgs args) {
  const std::int64_t* step = args.x.strides.at + 2;
  for (int d = 1; d >= 0; --d) {
    PoolAxis &outer = args.axis[d], &inner = args.axis[2];
    const bool is_adjacent = outer.size == 1 || step[d] == inner.size;
    if (args.channels_last || !sees_all(outer) || !sees_all(inner) || !is_adjacent) break;
    inner.size = inner.window = outer.size * inner.size;
    inner.adaptive = outer.adaptive = false;
    outer.size = outer.window = 1;
  }
  return args;
}

// One average per run of adjacent elements; short runs side by side.
template <class T>
void whole_planes(const PoolArgs& args, int threads) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t channels = args.x.shape[1], planes = args.x.shape[0] * channels, n = args.axis[2].size;
  const auto place = [&](const ArrayView& view, std::int64_t i) {
    const std::int64_t sample = i / channels, c = i - sample * channels;
    return view.as<T>() + sample * view.strides[0] + c * view.strides[1];
  };
  parallel_for(planes, 1 + (1 << 18) / (n + 16), planes * n < kThreadedElements ? 1 : threads,
               [&](std::int64_t begin, std::int64_t end) {
                 std::int64_t i = begin;
                 for (; i + lanes <= end && n <= kSumSegment; i += lanes) {
                   const T* rows[lanes];
                   T sums[lanes];
                   for (int r = 0; r < lanes; ++r) rows[r] = place(args.x, i + r);
                   segments<SumOf, T>(rows, n, nullptr, sums);
                   (Vec<T>::load(sums) / Vec<T>::broadcast(T(n))).store(sums);
                   for (int r = 0; r < lanes; ++r) *place(args.out, i + r) = sums[r];
                 }
                 for (; i < end; ++i)
                   *place(args.out, i) = whole_row<SumOf, T>(place(args.x, i), n, T(0)) / T(n);
               });
}

template <class T>
void run(const PoolArgs& args, int threads) {
  const PoolAxis(&axis)[3] = args.axis;
  if (!args.channels_last && axis[0].size == 1 && axis[1].size == 1 && sees_all(axis[0]) &&
      sees_all(axis[1]) && sees_all(axis[2]) && axis[2].size > 0)
    return whole_planes<T>(args, threads);
  const std::int64_t c_count = args.channels_last ? 1 : args.x.shape[1];
  const std::int64_t out_rows = args.x.shape[0] * c_count * axis[0].outputs * axis[1].outputs;
  const std::int64_t lanes = axis[2].outputs * (args.channels_last ? args.x.shape[1] : 1);
  const std::int64_t row_work = axis[0].taps(0) * axis[1].taps(0) * axis[2].taps(0) * lanes;
  const std::int64_t chunk = 1 + (1 << 18) / (row_work + 1);
  const int used = out_rows * row_work < kThreadedElements ? 1 : threads;
  const Inner<T> inner(args, args.channels_last ? 1 : axis[2].stride);
  parallel_for(out_rows, chunk, used, [&](std::int64_t begin, std::int64_t end) {
    StripeRows<T> sums;
    each_row<T>(args, c_count, begin, end,
                [&](const T* x, T* out, std::int64_t d, std::int64_t h) __attribute__((always_inline)) {
                  if (args.channels_last)
                    channels(args, inner, x, d, h, sums, out);
                  else
                    columns(args, inner, x, d, h, sums, out);
                });
  });
}

}  // namespace

void pool_average(const PoolArgs& original, int threads) {
  const PoolArgs args = with_joined_axes(original);
  if (args.x.dtype == DType::f32)
    run<float>(args, threads);
  else
    run<double>(args, threads);
}

}  // namespace stretto::STRETTO_ISA
