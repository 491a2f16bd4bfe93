// Depthwise convolution with channels last, for one instruction set: lanes are channels, which lie together
// in x, in the result and in the packed weight.
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/shares.h"
#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {
namespace {

constexpr int kDepthwisePixels = sizeof(Vec<float>) == 64 ? 12 : 8;

// Weights: [vector of channels][tap][lane].
template <class T>
void pack_depthwise(const Correlation& c, T* packed) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t first = 0; first < c.groups; first += lanes)
    for (int t = 0; t < c.tap_count; ++t)
      for (std::int64_t i = first; i < first + lanes; ++i)
        *packed++ = i < c.groups ? static_cast<const T*>(c.w)[i * c.w_group + c.taps[t].weight] : T(0);
}

// One row of the result, of one vector of channels, of which `n` exist.
template <class T>
struct DepthwiseRow {
  const Correlation& c;
  const T* const* rows;  // [tap]: where column 0 of the result meets channel 0; null: outside of x
  std::int64_t channel;  // from channel 0, in x
  const T* w;            // [tap][lane]
  int n;
  T* to;
  std::int64_t to_pixel, to_channel;
};

template <class T, bool whole>
STRETTO_INLINE void store_pixel(const DepthwiseRow<T>& t, std::int64_t q, Vec<T> x) {
  if (whole)
    x.store(t.to + q * t.to_pixel);
  else
    store_as<T, T>(x, t.to + q * t.to_pixel, t.to_channel, t.n);
}

// P neighbouring outputs from column `q` on, whose taps fall inside the rows of x.
template <class T, bool whole, int P>
STRETTO_INLINE void depthwise_pixels(const DepthwiseRow<T>& t, std::int64_t q) {
  constexpr int lanes = Vec<T>::lanes, groups = (P + 2) / 3;  // x86 addresses p, p + s and p + 2s at once
  const std::int64_t pixel = t.c.stride[2] * t.c.x.strides.at[4], channel_step = t.c.x.strides.at[1];
  const int taps = t.c.tap_count;
  const std::int64_t offset = t.channel + q * pixel;
  const T* w = t.w;
  Vec<T> acc[P];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) acc[p] = Vec<T>::zero();
  for (int i = 0; i < taps; ++i, w += lanes) {
    const Vec<T> weight = Vec<T>::load(w);
    if (!t.rows[i]) {
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) acc[p] = fma(weight, Vec<T>::zero(), acc[p]);
      continue;
    }
    const T* from[groups];
#pragma GCC unroll 16
    for (int g = 0; g < groups; ++g) from[g] = t.rows[i] + offset + 3 * g * pixel;
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const T* const at = from[p / 3] + p % 3 * pixel;
      acc[p] = fma(weight, whole ? Vec<T>::load(at) : load_as<T, T>(at, channel_step, t.n), acc[p]);
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) store_pixel<T, whole>(t, q + p, acc[p]);
}

template <class T, bool whole, int P = kDepthwisePixels>
STRETTO_INLINE void depthwise_columns(const DepthwiseRow<T>& t, std::int64_t q, std::int64_t count) {
  if constexpr (P > 1)
    if (count < P) return depthwise_columns<T, whole, P - 1>(t, q, count);
  depthwise_pixels<T, whole, P>(t, q);
}

// Output `q`, whose taps may fall outside of the rows of x.
template <class T, bool whole>
STRETTO_INLINE void depthwise_edge(const DepthwiseRow<T>& t, std::int64_t q) {
  const std::int64_t *step = t.c.x.strides.at, first = q * t.c.stride[2];
  const T* w = t.w;
  Vec<T> acc = Vec<T>::zero();
  for (int i = 0; i < t.c.tap_count; ++i, w += Vec<T>::lanes) {
    const std::int64_t column = first + t.c.taps[i].at[2];
    const bool inside = t.rows[i] && column >= 0 && column < t.c.x.shape.at[4];
    const T* const at = inside ? t.rows[i] + t.channel + first * step[4] : nullptr;
    acc = fma(Vec<T>::load(w), inside ? load_as<T, T>(at, step[1], t.n) : Vec<T>::zero(), acc);
  }
  store_pixel<T, whole>(t, q, acc);
}

// Columns [inside, beyond) of the result need no zeros beside the rows of x.
template <class T, bool whole>
[[gnu::noinline]] void depthwise_row(const DepthwiseRow<T>& t, std::int64_t inside, std::int64_t beyond) {
  const std::int64_t tiles = divide_up(beyond - inside, kDepthwisePixels);
  for (std::int64_t q = 0; q < inside; ++q) depthwise_edge<T, whole>(t, q);
  for (std::int64_t i = 0, q = inside; i < tiles; ++i) {
    const std::int64_t end = inside + (beyond - inside) * (i + 1) / tiles;
    depthwise_columns<T, whole>(t, q, end - q);
    q = end;
  }
  for (std::int64_t q = beyond; q < t.c.out.shape.at[4]; ++q) depthwise_edge<T, whole>(t, q);
}

// The columns [first, last) of outputs all of whose taps fall inside the rows of x.
STRETTO_INLINE void columns_inside(const Correlation& c, std::int64_t& first, std::int64_t& last) {
  first = 0;
  last = c.out.shape.at[4];
  for (int t = 0; t < c.tap_count; ++t) {
    std::int64_t low, high;
    clip(c.taps[t].at[2], c.stride[2], c.x.shape.at[4], c.out.shape.at[4], low, high);
    first = greatest(first, low);
    last = least(last, high);
  }
  last = greatest(first, last);
}

template <class T>
void run(const Correlation& c, int threads) {
  constexpr int lanes = Vec<T>::lanes;
  const Scratch packing(
      c.packed ? 0 : divide_up(c.groups, lanes) * lanes * c.tap_count * std::int64_t(sizeof(T)));
  if (!c.packed) pack_depthwise(c, packing.as<T>());
  const T* packed = c.packed ? static_cast<const T*>(c.packed) : packing.as<T>();
  const std::int64_t rows = c.out.shape.at[0] * c.out.shape.at[2] * c.out.shape.at[3];
  std::int64_t first, last;
  columns_inside(c, first, last);
  share_tasks(rows, products_of(c), 2e5, threads, [&](std::int64_t begin, std::int64_t end) {
    // [channel][column] where the result's channels do not lie together.
    const std::int64_t columns = c.out.shape.at[4], *x_step = c.x.strides.at, *step = c.out.strides.at;
    const bool direct = step[1] == 1;
    const Scratch result(direct ? 0 : lanes * columns * std::int64_t(sizeof(T)));
    const Scratch pointers(c.tap_count * std::int64_t(sizeof(T*)));
    const T** const row_of = pointers.as<const T*>();
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t h = i % c.out.shape.at[3], d = i / c.out.shape.at[3] % c.out.shape.at[2],
                         sample = i / c.out.shape.at[3] / c.out.shape.at[2];
      for (int t = 0; t < c.tap_count; ++t) {
        const std::int64_t* const tap = c.taps[t].at;
        const std::int64_t z = d * c.stride[0] + tap[0], y = h * c.stride[1] + tap[1];
        const bool inside = z >= 0 && z < c.x.shape.at[2] && y >= 0 && y < c.x.shape.at[3];
        const std::int64_t at = sample * x_step[0] + z * x_step[2] + y * x_step[3] + tap[2] * x_step[4];
        row_of[t] = inside ? c.x.as<T>() + at : nullptr;
      }
      for (std::int64_t channel = 0; channel < c.groups; channel += lanes) {
        const int n = int(least(lanes, c.groups - channel));
        const bool whole = n == lanes && x_step[1] == 1 && direct;
        T* const to =
            direct ? c.out.as<T>() + sample * step[0] + channel + d * step[2] + h * step[3] : result.as<T>();
        const DepthwiseRow<T> row{c, row_of, channel * x_step[1],  packed + channel * c.tap_count,
                                  n, to,     direct ? step[4] : 1, direct ? 1 : columns};
        (whole ? depthwise_row<T, true> : depthwise_row<T, false>)(row, first, last);
        finish_block<T, T, T>(c, direct ? nullptr : result.as<T>(), {columns, columns, 1}, sample, 0, d, h, 0,
                              channel, n, 1, columns);
      }
    }
  });
}

}  // namespace

void conv_depthwise(const ConvArgs& args, int threads) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  const Correlation c = correlation_of(args, taps.as<Tap>());
  args.x.dtype == DType::f32 ? run<float>(c, threads) : run<double>(c, threads);
}

std::int64_t conv_depthwise_bytes(const ConvArgs& args) {
  const int lanes = args.w.dtype == DType::f32 ? Vec<float>::lanes : Vec<double>::lanes;
  return divide_up(args.groups, lanes) * lanes * args.taps() * itemsize(args.w.dtype);
}

void conv_depthwise_pack(const ConvArgs& args, void* packed) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  const Correlation c = correlation_of(args, taps.as<Tap>());
  args.w.dtype == DType::f32 ? pack_depthwise(c, static_cast<float*>(packed))
                             : pack_depthwise(c, static_cast<double*>(packed));
}

}  // namespace stretto::STRETTO_ISA
