// Convolutions with stride 1 that keep the map's width, on small maps: lanes are neighbouring outputs of a
// map, across the ends of its rows; a mask for each tap stands for the padding, so that x is read where it
// lies. Vectors of several samples share a tile.
#pragma once

#include "kernels/conv/correlation.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/pixels_tile.h"
#include "kernels/conv/shares.h"
#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kMostPlane = 256;              // outputs of a map
inline constexpr double kLeastPlaneProducts = 2e5;           // of what a thread claims at once
inline constexpr std::int64_t kPlanesBatchBytes = 16 << 10;  // of the samples that meet a block of weights

// Where output `o` of a group has its weights: [channel][tap] at distance `step`.
template <class T>
struct PlanesWeights {
  const T* w;
  std::int64_t step;
};

template <class T>
struct PlanesTile {
  const T* x[kTileVectors];                   // channel 0, the element under the vector's first output
  const std::uint16_t* inside[kTileVectors];  // [tap]: the lanes that fall inside the map
  T* out[kTileVectors];
  int count[kTileVectors];  // valid lanes
  std::int64_t channel_pitch;
  const std::int64_t* offset;  // [taps]
  int taps;
  std::int64_t channels;
  PlanesWeights<T> weights;
  std::int64_t out_channel;
  bool first_segment;
};

template <class T, int R, int V>
[[gnu::noinline]] void run_planes_tile(const PlanesTile<T>& t) {
  Vec<T> acc[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) acc[r][v] = Vec<T>::zero();
  const T *w = t.weights.w, *x[V];
  const std::uint16_t* inside[V];
#pragma GCC unroll 3
  for (int v = 0; v < V; ++v) {
    x[v] = t.x[v];
    inside[v] = t.inside[v];
  }
  for (std::int64_t c = 0; c < t.channels; ++c) {
    for (int tap = 0; tap < t.taps; ++tap, w += t.weights.step) {
      Vec<T> pixel[V];
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) pixel[v] = load_lanes(x[v] + t.offset[tap], inside[v][tap]);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const Vec<T> weight = Vec<T>::broadcast(w[r]);
#pragma GCC unroll 3
        for (int v = 0; v < V; ++v) acc[r][v] = fma(weight, pixel[v], acc[r][v]);
      }
    }
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) x[v] += t.channel_pitch;
  }
#pragma GCC unroll 3
  for (int v = 0; v < V; ++v) {
    T* out = t.out[v];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r, out += t.out_channel) {
      if (!t.first_segment) acc[r][v] = Vec<T>::load(out, t.count[v]) + acc[r][v];
      if (t.count[v] == Vec<T>::lanes)
        acc[r][v].store(out);
      else
        acc[r][v].store(out, t.count[v]);
    }
  }
}

template <class T>
using PlanesFunction = void (*)(const PlanesTile<T>&);

template <class T, int V, int R = 1>
STRETTO_INLINE PlanesFunction<T> planes_tile_of(int outputs) {
  if constexpr (R < kTileOutputs) {
    if (outputs != R) return planes_tile_of<T, V, R + 1>(outputs);
  }
  return run_planes_tile<T, R, V>;
}

// Whether the maps of this problem are run so.
template <class T>
STRETTO_INLINE bool is_planes(const Correlation& c) {
  const std::int64_t width = c.out.shape.at[4], plane = c.out.shape.at[3] * width;
  const auto lies_flat = [&](const ArrayView& a) {
    return a.shape.at[2] == 1 && a.shape.at[4] == width && a.strides.at[4] == 1 && a.strides.at[3] == width;
  };
  if (c.stride[1] != 1 || c.stride[2] != 1 || !lies_flat(c.x) || !lies_flat(c.out)) return false;
  // Where planes fill tiles, or rows fill vectors, masks only cost.
  if (c.tap_count == 1 ? plane >= kTileVectors * Vec<T>::lanes : width % Vec<T>::lanes == 0) return false;
  if (c.inputs == 0 || c.outputs < 4 || plane > kMostPlane || width > 64 || c.tap_count > 64) return false;
  for (int t = 0; t < c.tap_count; ++t)
    if (c.taps[t].at[0] != 0) return false;
  return plane * 5 >= divide_up(plane, Vec<T>::lanes) * Vec<T>::lanes * 4;
}

// Sets bits [first, first + count) of an array of 16-bit words.
STRETTO_INLINE void set_bits(std::uint16_t* words, std::int64_t first, std::int64_t count) {
  for (std::int64_t i = first; i < first + count;) {
    const int low = int(i % 16), n = int(least(16 - low, first + count - i));
    words[i / 16] = std::uint16_t(words[i / 16] | ((1u << n) - 1u) << low);
    i += n;
  }
}

// inside[vector][tap], for the vectors of a map.
template <class T>
STRETTO_INLINE void mask_planes(const Correlation& c, std::int64_t vectors, std::uint16_t* inside) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t height = c.x.shape.at[3], width = c.x.shape.at[4], rows = c.out.shape.at[3];
  for (int t = 0; t < c.tap_count; ++t) {
    std::uint16_t words[kMostPlane / 16 + 1] = {};
    const std::int64_t low = greatest(0, -c.taps[t].at[2]), high = width - greatest(0, c.taps[t].at[2]);
    for (std::int64_t r = greatest(0, -c.taps[t].at[1]); r < least(rows, height - c.taps[t].at[1]); ++r)
      if (low < high) set_bits(words, r * width + low, high - low);
    for (std::int64_t v = 0; v < vectors; ++v) {
      const std::int64_t bit = v * lanes;
      inside[v * c.tap_count + t] = std::uint16_t((words[bit / 16] >> (bit % 16)) & ((1u << lanes) - 1u));
    }
  }
}

// Samples [first, last) of a group, output channels [begin, end).
template <class T, class WeightsOf>
STRETTO_INLINE void run_planes_block(const Correlation& c, const std::int64_t* offset,
                                     const std::uint16_t* inside, const WeightsOf& weights_of,
                                     std::int64_t group, std::int64_t first, std::int64_t last,
                                     std::int64_t begin, std::int64_t end) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t plane = c.out.shape.at[3] * c.out.shape.at[4], vectors = divide_up(plane, lanes);
  PlanesTile<T> tile;
  tile.channel_pitch = c.x.strides.at[1];
  tile.offset = offset;
  tile.taps = c.tap_count;
  tile.out_channel = c.out.strides.at[1];
  for (std::int64_t o = begin; o < end; o += kTileOutputs) {
    const int outputs = int(least(kTileOutputs, c.outputs - o));
    const PlanesFunction<T> run[] = {planes_tile_of<T, 1>(outputs), planes_tile_of<T, 2>(outputs),
                                     planes_tile_of<T, 3>(outputs)};
    for (std::int64_t c0 = 0; c0 < c.inputs; c0 += c.segment_channels) {
      tile.channels = least(c.segment_channels, c.inputs - c0);
      tile.first_segment = c0 == 0;
      tile.weights = weights_of(group, o);
      tile.weights.w += c0 * c.tap_count * tile.weights.step;
      std::int64_t n = first, v = 0;
      const std::int64_t all = (last - first) * vectors, tiles = divide_up(all, kTileVectors);
      for (std::int64_t i = 0, done = 0; i < tiles; ++i) {
        const int width = int(all * (i + 1) / tiles - done);
        done += width;
        for (int u = 0; u < width; ++u) {
          tile.x[u] =
              c.x.as<T>() + n * c.x.strides.at[0] + (group * c.inputs + c0) * c.x.strides.at[1] + v * lanes;
          tile.inside[u] = inside + v * c.tap_count;
          tile.out[u] = c.out.as<T>() + n * c.out.strides.at[0] +
                        (group * c.outputs + o) * c.out.strides.at[1] + v * lanes;
          tile.count[u] = int(least(lanes, plane - v * lanes));
          if (++v == vectors) v = 0, ++n;
        }
        run[width - 1](tile);
      }
    }
    for (std::int64_t n = first; n < last; ++n)
      finish_block<T, T, T>(c, nullptr, {}, n, group, 0, 0, 0, o, outputs, c.out.shape.at[3],
                            c.out.shape.at[4]);
  }
}

// weights_of(group, output) for an output that is a multiple of kTileOutputs.
template <class T, class WeightsOf>
void run_planes(const Correlation& c, int threads, const WeightsOf& weights_of) {
  const std::int64_t plane = c.out.shape.at[3] * c.out.shape.at[4], samples = c.out.shape.at[0];
  const std::int64_t vectors = divide_up(plane, Vec<T>::lanes);
  const Scratch masks(vectors * c.tap_count * 2), offsets(c.tap_count * 8);
  mask_planes<T>(c, vectors, masks.as<std::uint16_t>());
  for (int t = 0; t < c.tap_count; ++t)
    offsets.as<std::int64_t>()[t] = c.taps[t].at[1] * c.x.strides.at[3] + c.taps[t].at[2];

  const double products = products_of(c), per_sample = products / double(samples * c.groups);
  threads = sharing_threads(products, kLeastPlaneProducts, threads);
  std::int64_t batch = kPlanesBatchBytes / (c.inputs * plane * std::int64_t(sizeof(T)));
  batch = least(batch, std::int64_t(1e7 / per_sample));
  if (threads > 1) batch = least(batch, divide_up(samples, 2 * threads));
  batch = greatest(1, batch > kTileVectors ? batch / kTileVectors * kTileVectors : batch);
  const std::int64_t batches = divide_up(samples, batch), blocks = divide_up(c.outputs, kTileOutputs);
  std::int64_t splits = 1;
  while (threads > 1 && splits < blocks && c.groups * batches * splits < 2 * threads) splits *= 2;
  const std::int64_t share = divide_up(blocks, splits) * kTileOutputs;
  const std::int64_t tasks = c.groups * batches * splits;
  share_tasks(tasks, products, kLeastPlaneProducts, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t first = task / splits % batches * batch, o = task % splits * share;
      run_planes_block<T>(c, offsets.as<std::int64_t>(), masks.as<std::uint16_t>(), weights_of,
                          task / splits / batches, first, least(samples, first + batch), o,
                          least(c.outputs, o + share));
    }
  });
}

}  // namespace stretto::STRETTO_ISA
