// Transposed convolution of maps of one point: every output meets it by one tap, so that the result is the
// product of x, a row for each sample, and of w as it lies. All other taps meet padding: their products are
// left out, which changes no bit where weights are finite and no sum is -0 (see negative_zeros.h).
#pragma once

#include <atomic>

#include "kernels/conv/finish_block.h"
#include "kernels/conv/negative_zeros.h"
#include "kernels/conv/phase_tile.h"
#include "kernels/conv/phases.h"
#include "kernels/conv/shares.h"

namespace stretto::STRETTO_ISA {

template <class T>
struct PointsTile {
  const T* x;  // sample 0, channel 0
  std::int64_t x_sample, x_channel;
  const T* w;  // channel 0, the tile's first element
  std::int64_t w_channel;
  T* out;
  std::int64_t out_sample;
  std::int64_t channels, segment_channels;
  int last_lanes;  // of the last vector
};

// N samples x V vectors of a channel's weights; returns whether the sums are those of all taps.
template <class T, int N, int V>
[[gnu::noinline]] bool run_points_tile(const PointsTile<T>& t) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> total[N][V], doubt[2] = {Vec<T>::zero(), Vec<T>::zero()};
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) total[n][v] = Vec<T>::zero();
  for (std::int64_t c0 = 0; c0 < t.channels; c0 += t.segment_channels) {
    Vec<T> acc[N][V];
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) acc[n][v] = Vec<T>::zero();
    const T *x = t.x + c0 * t.x_channel, *w = t.w + c0 * t.w_channel;
    for (std::int64_t c = least(t.segment_channels, t.channels - c0); c > 0; --c) {
      Vec<T> weight[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        weight[v] = v + 1 < V || t.last_lanes == lanes ? Vec<T>::load(w + v * lanes)
                                                       : Vec<T>::load(w + v * lanes, t.last_lanes);
        doubt[v % 2] = fma(weight[v], Vec<T>::zero(), doubt[v % 2]);
      }
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const Vec<T> point = Vec<T>::broadcast(x[n * t.x_sample]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) acc[n][v] = fma(point, weight[v], acc[n][v]);
      }
      x += t.x_channel;
      w += t.w_channel;
    }
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) total[n][v] = c0 == 0 ? acc[n][v] : total[n][v] + acc[n][v];
  }
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v)
      store_first(total[n][v], t.out + n * t.out_sample + v * lanes, v + 1 < V ? lanes : t.last_lanes);
  const Vec<T> all = doubt[0] + doubt[1];
  return Vec<T>::bitmask(is_nan(all)) == 0 && !has_negative_zero(total);
}

template <class T>
using PointsFunction = bool (*)(const PointsTile<T>&);

template <class T, int N, int V = 1>
STRETTO_INLINE PointsFunction<T> points_tile_of(int vectors) {
  if constexpr (V < kMostMapVectors[N]) {
    if (vectors != V) return points_tile_of<T, N, V + 1>(vectors);
  }
  return run_points_tile<T, N, V>;
}

template <class T, int N = 1>
STRETTO_INLINE PointsFunction<T> points_tile_of_samples(int samples, int vectors) {
  if constexpr (N < kTileOutputs) {
    if (samples != N) return points_tile_of_samples<T, N + 1>(samples, vectors);
  }
  return points_tile_of<T, N>(vectors);
}

STRETTO_INLINE bool suits_points(const ConvTransposeArgs& args) {
  bool suits = (args.x.dtype == DType::f32 || args.x.dtype == DType::f64) && args.out.dtype == args.x.dtype;
  std::int64_t step = 1;
  for (int d = kSpatial - 1; d >= 0; --d) {
    const std::int64_t size = args.w.shape.at[2 + d];
    suits = suits && args.x.shape.at[2 + d] == 1 && args.out.shape.at[2 + d] == size && args.before[d] == 0 &&
            (args.dilation[d] == 1 || size == 1) && (size == 1 || args.w.strides.at[2 + d] == step) &&
            (size == 1 || args.out.strides.at[2 + d] == step);
    step *= size;
  }
  return suits && args.w.strides.at[1] == step && args.out.strides.at[1] == step;
}

// Returns false where the sums need all products.
template <class T>
bool run_points(const ConvTransposeArgs& args, int threads) {
  constexpr std::int64_t lanes = Vec<T>::lanes;
  const Dims &x = args.x.strides, &w = args.w.strides, &out = args.out.strides;
  const std::int64_t samples = args.out.shape.at[0], columns = args.group_outputs() * args.taps();
  const std::int64_t most = kMostMapVectors[least(samples, kTileOutputs)] * lanes,
                     blocks = divide_up(columns, most), tasks = args.groups * blocks;
  const double products = double(samples * args.x.shape.at[1] * columns);
  std::atomic<bool> exact{true};
  share_tasks(tasks, products, 2e5, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t group = task / blocks, first = task % blocks * most,
                         count = least(most, columns - first), vectors = divide_up(count, lanes);
      PointsTile<T> tile;
      tile.x_sample = x.at[0];
      tile.x_channel = x.at[1];
      tile.w = args.w.as<T>() + group * args.group_inputs() * w.at[0] + first;
      tile.w_channel = w.at[0];
      tile.out_sample = out.at[0];
      tile.channels = args.group_inputs();
      tile.segment_channels = args.segment_channels();
      tile.last_lanes = int(count - (vectors - 1) * lanes);
      for (std::int64_t n = 0; n < samples; n += kTileOutputs) {
        tile.x = args.x.as<T>() + n * x.at[0] + group * args.group_inputs() * x.at[1];
        tile.out = args.out.as<T>() + n * out.at[0] + group * columns + first;
        const int rows = int(least(kTileOutputs, samples - n));
        if (!points_tile_of_samples<T>(rows, int(vectors))(tile)) exact = false;
      }
    }
  });
  if (!exact) return false;
  Correlation whole;
  whole.out = args.out;
  whole.epilogue = &args.epilogue;
  whole.outputs = args.out.shape.at[1];
  for (std::int64_t n = 0; n < samples; ++n)
    for (std::int64_t d = 0; d < args.out.shape.at[2]; ++d)
      finish_block<T, T, T>(whole, nullptr, {}, n, 0, d, 0, 0, 0, whole.outputs, args.out.shape.at[3],
                            args.out.shape.at[4]);
  return true;
}

STRETTO_INLINE bool transpose_points(const ConvTransposeArgs& args, int threads) {
  return args.x.dtype == DType::f32 ? run_points<float>(args, threads) : run_points<double>(args, threads);
}

}  // namespace stretto::STRETTO_ISA
