// Average pooling for one instruction set: lanes are outputs, or, where one window is a run of adjacent
// elements, the stripes of its sum.
#include "base/parallel.h"
#include "kernels/pool/average_few.h"
#include "kernels/pool/small_maps.h"
#include "kernels/stripe_rows.h"

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

// One copy of its 10 KB for columns and channels.
template <class T>
[[gnu::noinline]] void sum_adjacent(const PoolArgs& args, const T* x, std::int64_t d, std::int64_t h,
                                    std::int64_t w, std::int64_t n, StripeRows<T>& sums) {
  sum_window<T, 1>(args, x, d, h, w, n, 1, sums);
}

template <class T>
STRETTO_INLINE void divide(const T* sums, std::int64_t count, T* __restrict out, std::int64_t n) {
  const T divisor = T(count);
  for (std::int64_t i = 0; i < n; ++i) out[i] = count == 0 ? T(0) : sums[i] / divisor;
}

// Outputs whose taps in width are all inside, and the loop for them if windows are small and alike.
template <class T>
struct Inner {
  AverageFew<T> few;
  std::int64_t many = 0;  // taps, if there are more than the stripes
  std::int64_t first, end;
  const T* zeros;  // as long as a row of x, or of its channels
  bool is_one_segment;
  Inner(const PoolArgs& args, std::int64_t stride, const T* zeros)
      : few(few_for<T>(args, stride)), zeros(zeros), is_one_segment(has_one_segment(args)) {
    const PoolAxis(&axis)[3] = args.axis;
    const std::int64_t taps = axis[0].window * axis[1].window * axis[2].window;
    if (is_one_segment && stride == 1 && taps > kStripes && taps <= kManyTaps) many = taps;
    first = end = axis[2].outputs;
    if (!axis[2].adaptive) first = axis[2].first_inner(), end = axis[2].end_inner();
  }
  STRETTO_INLINE bool has_loop() const { return few || many; }
  STRETTO_INLINE void average(const T* const* at, T divisor, T* out, std::int64_t n) const {
    many ? average_many(at, many, divisor, out, n) : few(at, divisor, out, n);
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
  const auto divide_one = [&] {
    const T total = sum_of_one(args, x, d, h, w);
    divide(&total, rows_counted * width.counted(w, args.count_padding), out + w, 1);
  };
  for (; inner.has_loop() && w < last; ++w) divide_one();
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
    } else if (n == 1 && inner.is_one_segment) {
      divide_one();
    } else {
      if (width.stride == 1)
        sum_adjacent(args, x, d, h, w, n, sums);
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
  const T* at[kManyTaps];
  const PoolAxis& width = args.axis[2];
  const std::int64_t outputs = width.outputs;
  if (!inner.has_loop() || inner.first >= inner.end ||
      !find_taps(args, x, d, h, inner.first, inner.zeros, at))
    return columns_between(args, inner, x, d, h, 0, outputs, sums, out);
  const std::int64_t count = args.axis[0].counted(d, args.count_padding) *
                             args.axis[1].counted(h, args.count_padding) *
                             width.counted(inner.first, args.count_padding);
  if (count == 0) return columns_between(args, inner, x, d, h, 0, outputs, sums, out);
  inner.average(at, T(count), out + inner.first, inner.end - inner.first);
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
  const T* at[kManyTaps];
  for (std::int64_t w = 0; w < width.outputs; ++w) {
    const std::int64_t count = rows_counted * width.counted(w, args.count_padding);
    if (inner.has_loop() && count > 0 && find_taps(args, x, d, h, w, inner.zeros, at)) {
      inner.average(at, T(count), out + w * args.out.strides[4], c_count);
      continue;
    }
    for (std::int64_t c = 0; c < c_count; c += StripeRows<T>::lanes) {
      const std::int64_t n = c_count - c < StripeRows<T>::lanes ? c_count - c : StripeRows<T>::lanes;
      sum_adjacent(args, x + c, d, h, w, n, sums);
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

// One average per run of adjacent elements.
template <class T>
void whole_planes(const PoolArgs& args, int threads) {
  const std::int64_t channels = args.x.shape[1], planes = args.x.shape[0] * channels, n = args.axis[2].size;
  const auto place = [&](const ArrayView& view, std::int64_t i) {
    const std::int64_t sample = i / channels, c = i - sample * channels;
    return view.as<T>() + sample * view.strides[0] + c * view.strides[1];
  };
  parallel_for(planes, 1 + (1 << 18) / (n + 16), planes * n < kThreadedElements ? 1 : threads,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i)
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
  const std::int64_t row_elements = args.channels_last ? args.x.shape[1] : axis[2].size;
  const Scratch zeros((row_elements + 2 * Vec<T>::lanes) * std::int64_t(sizeof(T)));
  std::memset(zeros.as<T>(), 0, std::size_t(row_elements + 2 * Vec<T>::lanes) * sizeof(T));
  const Inner<T> inner(args, args.channels_last ? 1 : axis[2].stride, zeros.as<T>());
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
  if (average_of_small_maps(original, threads)) return;
  const PoolArgs args = with_joined_axes(original);
  if (args.x.dtype == DType::f32)
    run<float>(args, threads);
  else
    run<double>(args, threads);
}

}  // namespace stretto::STRETTO_ISA
