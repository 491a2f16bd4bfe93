// Max pooling for one instruction set. The largest of a window does not depend on the order of its taps, so a
// row is first reduced over depth and height, all columns at once, then over width.
#include "base/parallel.h"
#include "kernels/pool/pool_rows.h"
#include "kernels/pool/small_maps.h"

namespace stretto::STRETTO_ISA {
namespace {

constexpr std::int64_t kBlock = 64;
constexpr std::int64_t kThreadedElements = 1 << 16;

template <class T>
STRETTO_INLINE T lowest() {
  if constexpr (T(0.5) != T(0))
    return T(-__builtin_inf());
  else
    return T(-1) < T(0) ? T(T(1) << (8 * sizeof(T) - 1)) : T(0);
}

template <class T>
STRETTO_INLINE T larger(T best, T x) {  // NaN wins
  return (x > best) | (x != x) ? x : best;
}
template <class T>
STRETTO_INLINE T positive_zero(T x) {
  if constexpr (T(0.5) != T(0))
    return x + T(0);
  else
    return x;
}

template <class T>
STRETTO_INLINE void raise(T* __restrict best, const T* __restrict x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) best[i] = larger(best[i], x[i]);
}

// The largest of each column over `count` rows of x.
template <class T>
void over_rows(const T* const* rows, std::int64_t count, T* __restrict best, std::int64_t n) {
  if (count == 0) {
    for (std::int64_t i = 0; i < n; ++i) best[i] = lowest<T>();
    return;
  }
  std::int64_t used = 1;
  if (count == 2) {
    const T* __restrict a = rows[0], * __restrict b = rows[1];
    for (std::int64_t i = 0; i < n; ++i) best[i] = larger(a[i], b[i]);
    return;
  }
  if (count >= 3) {
    const T* __restrict a = rows[0], * __restrict b = rows[1], * __restrict c = rows[2];
    for (std::int64_t i = 0; i < n; ++i) best[i] = larger(larger(a[i], b[i]), c[i]);
    used = 3;
  } else {
    const T* __restrict a = rows[0];
    for (std::int64_t i = 0; i < n; ++i) best[i] = a[i];
  }
  for (; used < count; ++used) raise(best, rows[used], n);
}

// out[j] = the largest of `taps` elements from x[j * stride] on, `dilation` apart.
template <class T, int fixed_stride>
STRETTO_INLINE void over_width(const T* __restrict x, T* __restrict out, std::int64_t n, std::int64_t taps,
                               std::int64_t dilation, std::int64_t any_stride) {
  const std::int64_t stride = fixed_stride ? fixed_stride : any_stride;
  if (taps == 2) {
    for (std::int64_t j = 0; j < n; ++j)
      out[j] = positive_zero(larger(x[j * stride], x[j * stride + dilation]));
    return;
  }
  if (taps == 3) {
    for (std::int64_t j = 0; j < n; ++j)
      out[j] = positive_zero(
          larger(larger(x[j * stride], x[j * stride + dilation]), x[j * stride + 2 * dilation]));
    return;
  }
  for (std::int64_t j = 0; j < n; ++j) out[j] = x[j * stride];
  for (std::int64_t t = 1; t < taps; ++t)
    for (std::int64_t j = 0; j < n; ++j) out[j] = larger(out[j], x[j * stride + t * dilation]);
  for (std::int64_t j = 0; j < n; ++j) out[j] = positive_zero(out[j]);
}

template <class T>
T largest_of_run(const T* x, std::int64_t n) {
  T best[kBlock];
  for (std::int64_t i = 0; i < kBlock; ++i) best[i] = lowest<T>();
  std::int64_t k = 0;
  for (; k + kBlock <= n; k += kBlock) raise(best, x + k, kBlock);
  raise(best, x + k, n - k);
  for (std::int64_t h = kBlock / 2; h > 0; h /= 2) raise(best, best + h, h);
  return positive_zero(best[0]);
}

// The rows of x, in depth and height, that the output row (d, h) sees; returns their number.
template <class T>
STRETTO_INLINE std::int64_t rows_of(const PoolArgs& args, const T* x, std::int64_t d, std::int64_t h,
                                    const T** rows) {
  const PoolAxis &depth = args.axis[0], &height = args.axis[1];
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < depth.window; ++i) {
    const std::int64_t from_d = depth.begin(d) + i * depth.dilation;
    if (!depth.has(from_d)) continue;
    for (std::int64_t j = 0; j < height.window; ++j) {
      const std::int64_t from_h = height.begin(h) + j * height.dilation;
      if (height.has(from_h)) rows[count++] = x + from_d * args.x.strides[2] + from_h * args.x.strides[3];
    }
  }
  return count;
}

// One output row of windows that lie two by two.
template <class T>
void pairs(const T* const* rows, std::int64_t count, T* out, std::int64_t n) {
  using V = Vec<T>;
  join_pairs(
      n, out,
      [&](std::int64_t i, int lanes) __attribute__((always_inline)) {
        const auto at = [&](std::int64_t r) __attribute__((always_inline)) {
          return lanes == V::lanes ? V::load(rows[r] + i) : V::load(rows[r] + i, lanes);
        };
        V best = at(0);
        for (std::int64_t r = 1; r < count; ++r) best = largest(best, at(r));
        return best;
      },
      [&](V even, V odd) __attribute__((always_inline)) { return largest(even, odd) + V::zero(); });
}

// The same of windows of 4, 8, ... columns side by side, which are pairs of pairs. `buffer` holds a row of x.
template <class T>
void pairs_of_pairs(const T* const* rows, std::int64_t count, T* buffer, T* out, std::int64_t n,
                    std::int64_t window) {
  pairs(rows, count, buffer, n * window / 2);
  for (window /= 2; window > 1; window /= 2) {
    const T* const from = buffer;
    buffer += n * window;
    pairs(&from, 1, window == 2 ? out : buffer, n * window / 2);
  }
}

STRETTO_INLINE bool is_in_pairs_of_pairs(const PoolAxis& width) {
  const std::int64_t window = width.window;
  return !width.adaptive && window > 2 && (window & (window - 1)) == 0 && width.stride == window &&
         width.dilation == 1 && width.before == 0 && window * width.outputs <= width.size;
}

// One output row whose columns are adjacent.
template <class T>
void columns(const PoolArgs& args, const T* const* rows, std::int64_t count, T* buffer, T* out) {
  const PoolAxis& width = args.axis[2];
  const std::int64_t seen = (width.outputs - 1) * width.stride + (width.window - 1) * width.dilation + 1;
  const std::int64_t inside = width.before + width.size < seen ? width.size : seen - width.before;
  if (width.outputs == 1 && count == 1 && width.dilation == 1 && inside == width.window) {
    *out = largest_of_run(rows[0], inside);
    return;
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (count > 0) {
      if (is_in_pairs(width)) return pairs(rows, count, out, width.outputs);
      if (is_in_pairs_of_pairs(width))
        return pairs_of_pairs(rows, count, buffer, out, width.outputs, width.window);
    }
  }
  over_rows(rows, count, buffer + width.before, inside);
  if (width.window >= kBlock && width.dilation == 1)
    for (std::int64_t j = 0; j < width.outputs; ++j)
      out[j] = largest_of_run(buffer + j * width.stride, width.window);
  else if (width.stride == 1)
    over_width<T, 1>(buffer, out, width.outputs, width.window, width.dilation, 1);
  else if (width.stride == 2)
    over_width<T, 2>(buffer, out, width.outputs, width.window, width.dilation, 2);
  else
    over_width<T, 0>(buffer, out, width.outputs, width.window, width.dilation, width.stride);
}

// One output row whose channels are adjacent.
template <class T>
void channels(const PoolArgs& args, const T* const* rows, std::int64_t count, T* out) {
  const PoolAxis& width = args.axis[2];
  const std::int64_t c_count = args.x.shape[1];
  for (std::int64_t j = 0; j < width.outputs; ++j) {
    for (std::int64_t c = 0; c < c_count; c += kBlock) {
      const std::int64_t n = c_count - c < kBlock ? c_count - c : kBlock;
      T best[kBlock];
      for (std::int64_t i = 0; i < kBlock; ++i) best[i] = lowest<T>();
      for (std::int64_t r = 0; r < count; ++r) {
        for (std::int64_t t = 0; t < width.window; ++t) {
          const std::int64_t w = width.begin(j) + t * width.dilation;
          if (!width.has(w)) continue;
          const T* x = rows[r] + w * args.x.strides[4] + c;
          if (n == kBlock)
            raise(best, x, kBlock);
          else
            raise(best, x, n);
        }
      }
      T* to = out + j * args.out.strides[4] + c;
      for (std::int64_t i = 0; i < n; ++i) to[i] = positive_zero(best[i]);
    }
  }
}

template <class T>
void run(const PoolArgs& args, int threads) {
  if constexpr (std::is_floating_point_v<T>) {
    if (max_of_small_maps(args, threads)) return;
  }
  const PoolAxis(&axis)[3] = args.axis;
  const std::int64_t c_count = args.channels_last ? 1 : args.x.shape[1];
  const std::int64_t out_rows = args.x.shape[0] * c_count * axis[0].outputs * axis[1].outputs;
  const std::int64_t width = (axis[2].outputs - 1) * axis[2].stride +
                             (axis[2].window - 1) * axis[2].dilation + 1 + axis[2].before + axis[2].size;
  const std::int64_t taps = axis[0].window * axis[1].window;
  const std::int64_t row_work =
      (args.channels_last ? args.x.shape[1] * axis[2].window : 1) * axis[2].size * taps;
  const std::int64_t chunk = 1 + (1 << 18) / (row_work + 1);
  const int used = out_rows * row_work < kThreadedElements ? 1 : threads;
  parallel_for(out_rows, chunk, used, [&](std::int64_t begin, std::int64_t end) {
    const Scratch row_scratch(taps * std::int64_t(sizeof(void*)));
    const Scratch buffer_scratch(args.channels_last ? 0 : width * std::int64_t(sizeof(T)));
    const T** rows = row_scratch.as<const T*>();
    T* buffer = buffer_scratch.as<T>();
    if (!args.channels_last)
      for (std::int64_t i = 0; i < width; ++i) buffer[i] = lowest<T>();
    each_row<T>(args, c_count, begin, end,
                [&](const T* x, T* out, std::int64_t d, std::int64_t h) __attribute__((always_inline)) {
                  const std::int64_t count = rows_of(args, x, d, h, rows);
                  if (args.channels_last)
                    channels(args, rows, count, out);
                  else
                    columns(args, rows, count, buffer, out);
                });
  });
}

}  // namespace

void pool_max(const PoolArgs& args, int threads) {
  switch (args.x.dtype) {
    case DType::i8:
      return run<std::int8_t>(args, threads);
    case DType::i16:
      return run<std::int16_t>(args, threads);
    case DType::i32:
      return run<std::int32_t>(args, threads);
    case DType::i64:
      return run<std::int64_t>(args, threads);
    case DType::boolean:
    case DType::u8:
      return run<std::uint8_t>(args, threads);
    case DType::u16:
      return run<std::uint16_t>(args, threads);
    case DType::u32:
      return run<std::uint32_t>(args, threads);
    case DType::u64:
      return run<std::uint64_t>(args, threads);
    case DType::f32:
      return run<float>(args, threads);
    default:
      return run<double>(args, threads);
  }
}

}  // namespace stretto::STRETTO_ISA
