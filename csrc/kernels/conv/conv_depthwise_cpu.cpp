// Depthwise convolution with channels last, for one instruction set: lanes are channels, which lie together
// in x, in the result and in the packed weight.
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/shares.h"
#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {
namespace {

constexpr int kDepthwisePixels = 6;

// Weights: [vector of channels][tap][lane].
template <class T>
void pack_depthwise(const Correlation& c, T* packed) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t first = 0; first < c.groups; first += lanes)
    for (int t = 0; t < c.tap_count; ++t)
      for (std::int64_t i = first; i < first + lanes; ++i)
        *packed++ = i < c.groups ? static_cast<const T*>(c.w)[i * c.w_group + c.taps[t].weight] : T(0);
}

// P neighbouring outputs from column `ow` on; `inside`: every tap of them falls inside the rows of x.
template <class T, int P>
STRETTO_INLINE void pixels(const Correlation& c, const T* x, const T* w, std::int64_t d, std::int64_t h,
                           std::int64_t ow, bool inside, int n, T* to, std::int64_t to_pixel,
                           std::int64_t to_channel) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t* step = c.x.strides.at;
  const std::int64_t pixel = c.stride[2] * step[4];
  Vec<T> acc[P];
#pragma GCC unroll 6
  for (int p = 0; p < P; ++p) acc[p] = Vec<T>::zero();
  for (int t = 0; t < c.tap_count; ++t, w += lanes) {
    const Tap& tap = c.taps[t];
    const std::int64_t z = d + tap.at[0], y = h + tap.at[1], first = ow * c.stride[2] + tap.at[2];
    const bool row_inside = z >= 0 && z < c.x.shape.at[2] && y >= 0 && y < c.x.shape.at[3];
    const T* from = x + z * step[2] + y * step[3] + first * step[4];
    const Vec<T> weight = Vec<T>::load(w);
    if (row_inside && inside && n == lanes && step[1] == 1) {
#pragma GCC unroll 6
      for (int p = 0; p < P; ++p) acc[p] = fma(weight, Vec<T>::load(from + p * pixel), acc[p]);
      continue;
    }
#pragma GCC unroll 6
    for (int p = 0; p < P; ++p) {
      const std::int64_t column = first + p * c.stride[2];
      const bool valid = row_inside && column >= 0 && column < c.x.shape.at[4];
      acc[p] = fma(weight, valid ? load_as<T, T>(from + p * pixel, step[1], n) : Vec<T>::zero(), acc[p]);
    }
  }
#pragma GCC unroll 6
  for (int p = 0; p < P; ++p) store_as<T, T>(acc[p], to + p * to_pixel, to_channel, n);
}

// One row of the result, one vector of channels. `result` is [channel][column], or null where the result's
// channels lie together.
template <class T>
[[gnu::noinline]] void run_row(const Correlation& c, const T* packed, std::int64_t sample, std::int64_t od,
                               std::int64_t oh, std::int64_t channel, T* result) {
  const int n = int(least(Vec<T>::lanes, c.groups - channel));
  const std::int64_t columns = c.out.shape.at[4];
  const T* x = c.x.as<T>() + sample * c.x.strides.at[0] + channel * c.x.strides.at[1];
  const T* w = packed + channel * c.tap_count;
  T* to = result;
  std::int64_t to_pixel = 1, to_channel = columns;
  if (!result) {
    const std::int64_t* step = c.out.strides.at;
    to = c.out.as<T>() + sample * step[0] + channel * step[1] + od * step[2] + oh * step[3];
    to_pixel = step[4];
    to_channel = 1;
  }
  std::int64_t low = 0, high = 0;
  for (int t = 0; t < c.tap_count; ++t) {
    low = least(low, c.taps[t].at[2]);
    high = greatest(high, c.taps[t].at[2]);
  }
  const std::int64_t d = od * c.stride[0], h = oh * c.stride[1];
  for (std::int64_t q = 0; q < columns;) {
    constexpr int P = kDepthwisePixels;
    const bool inside =
        q * c.stride[2] + low >= 0 && (q + P - 1) * c.stride[2] + high < c.x.shape.at[4] && q + P <= columns;
    if (q + P <= columns) {
      pixels<T, P>(c, x, w, d, h, q, inside, n, to + q * to_pixel, to_pixel, to_channel);
      q += P;
    } else {
      pixels<T, 1>(c, x, w, d, h, q, false, n, to + q * to_pixel, to_pixel, to_channel);
      ++q;
    }
  }
  finish_block<T, T, T>(c, result, {columns, columns, 1}, sample, 0, od, oh, 0, channel, n, 1, columns);
}

template <class T>
void run(const Correlation& c, int threads) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t vectors = divide_up(c.groups, lanes);
  const Scratch packing(c.packed ? 0 : vectors * lanes * c.tap_count * std::int64_t(sizeof(T)));
  if (!c.packed) pack_depthwise(c, packing.as<T>());
  const T* packed = c.packed ? static_cast<const T*>(c.packed) : packing.as<T>();
  const std::int64_t rows = c.out.shape.at[0] * c.out.shape.at[2] * c.out.shape.at[3];
  share_tasks(rows, products_of(c), 2e5, threads, [&](std::int64_t begin, std::int64_t end) {
    const bool direct = c.out.strides.at[1] == 1;
    const Scratch result(direct ? 0 : lanes * c.out.shape.at[4] * std::int64_t(sizeof(T)));
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t v = 0; v < vectors; ++v)
        run_row<T>(c, packed, i / c.out.shape.at[3] / c.out.shape.at[2],
                   i / c.out.shape.at[3] % c.out.shape.at[2], i % c.out.shape.at[3], v * lanes,
                   direct ? nullptr : result.as<T>());
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
