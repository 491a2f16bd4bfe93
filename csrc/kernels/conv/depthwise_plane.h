// Depthwise convolution with a small square kernel, channels first: lanes are neighbouring outputs of a row.
// x is read where it lies, by masks at its edges, or copied between zeros; every vector of it serves all the
// output rows that it meets.
#pragma once

#include <cstring>

#include "kernels/conv/correlation.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/pixels_tile.h"
#include "kernels/conv/shares.h"
#include "kernels/conv/strip.h"
#include "simd/store_first.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kPlaneResultBytes = 16 << 10;  // of a block: hot in the first cache
inline constexpr std::int64_t kFrameColumns = 4096;          // of outputs, at most: whole vectors
// Kernels that read an element so often that a copy between zeros costs less than masks at the edges, which
// AVX-512 has for nothing.
#if defined(__AVX2__) && !defined(__AVX512F__)
STRETTO_INLINE constexpr bool is_framed(std::int64_t kernel) { return kernel > 3; }
#else
STRETTO_INLINE constexpr bool is_framed(std::int64_t) { return false; }
#endif

template <class T>
struct DepthwisePlane {
  const T *x, *zeros;  // channel's element (0, 0); a row of zeros
  std::int64_t x_row, height, width;
  std::int64_t top, left;  // where the first tap of output (0, 0) falls
  const T* w;              // [K][K]
  T* out;                  // element (0, 0)
  std::int64_t out_row;
  std::int64_t begin, end, columns;  // rows to compute
};

// The vectors of x that an output vector meets in one row: kernel column k of stride 1 has one, pairs of
// columns of stride 2 have two.
template <class T, int K, int S, int V>
struct PlaneColumns {
  static constexpr int lanes = Vec<T>::lanes, loads = S == 1 ? K : (K + 1) / 2 * 2;
  Part<T> part[V][loads];
  bool full = true;

  STRETTO_INLINE static std::int64_t shift(int v, int i) {
    return S == 1 ? v * lanes + i : std::int64_t(v) * 2 * lanes + i / 2 * 2 + i % 2 * lanes;
  }
  STRETTO_INLINE PlaneColumns(std::int64_t first, std::int64_t width) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v)
#pragma GCC unroll 8
      for (int i = 0; i < loads; ++i) {
        const std::int64_t at = first + shift(v, i);
        part[v][i] = Part<T>(-at, width - at);
        full = full && at >= 0 && at + lanes <= width;
      }
  }
};

// R rows of output from `r` on x V vectors from column `q` on.
template <class T, int K, int S, int R, int V, bool full>
STRETTO_INLINE void plane_rows(const DepthwisePlane<T>& t, const PlaneColumns<T, K, S, V>& columns,
                               std::int64_t r, std::int64_t q, int last_lanes) {
  constexpr int lanes = Vec<T>::lanes, loads = PlaneColumns<T, K, S, V>::loads;
  Vec<T> acc[R][V];
#pragma GCC unroll 4
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) acc[i][v] = Vec<T>::zero();
#pragma GCC unroll 16
  for (int j = 0; j < (R - 1) * S + K; ++j) {
    const std::int64_t y = r * S + t.top + j;
    const T* row = (y >= 0 && y < t.height ? t.x + y * t.x_row : t.zeros) + q * S + t.left;
    Vec<T> pixel[V][loads];
    const auto load = [&](int v, int i) __attribute__((always_inline)) {
      const T* from = row + PlaneColumns<T, K, S, V>::shift(v, i);
      pixel[v][i] = full ? Vec<T>::load(from) : columns.part[v][i].load(from);
    };
    if constexpr (S == 2) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
#pragma GCC unroll 8
        for (int i = 0; i < loads; ++i) load(v, i);
#pragma GCC unroll 3
        for (int i = 0; i < loads; i += 2) {
          const Vec<T> a = pixel[v][i], b = pixel[v][i + 1];
          pixel[v][i] = even_lanes(a, b);
          pixel[v][i + 1] = odd_lanes(a, b);
        }
      }
    }
#pragma GCC unroll 8
    for (int k = 0; k < K; ++k) {
      if constexpr (S == 1)  // one column at a time: all of them would not fit the registers
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) load(v, k);
#pragma GCC unroll 4
      for (int i = 0; i < R; ++i) {
        if (j < i * S || j - i * S >= K) continue;
        const Vec<T> weight = Vec<T>::broadcast(t.w[(j - i * S) * K + k]);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) acc[i][v] = fma(weight, pixel[v][k], acc[i][v]);
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < R; ++i) {
    T* out = t.out + (r + i) * t.out_row + q;
#pragma GCC unroll 2
    for (int v = 0; v + 1 < V; ++v) acc[i][v].store(out + v * lanes);
    if (last_lanes == lanes)
      acc[i][V - 1].store(out + (V - 1) * lanes);
    else
      store_first(acc[i][V - 1], out + (V - 1) * lanes, last_lanes);
  }
}

template <class T, int K, int S, int V, bool full>
[[gnu::noinline]] void plane_columns(const DepthwisePlane<T>& t, const PlaneColumns<T, K, S, V>& columns,
                                     std::int64_t q, int last_lanes) {
  std::int64_t r = t.begin;
  for (; r + 4 <= t.end; r += 4) plane_rows<T, K, S, 4, V, full>(t, columns, r, q, last_lanes);
  if (r + 2 <= t.end) {
    plane_rows<T, K, S, 2, V, full>(t, columns, r, q, last_lanes);
    r += 2;
  }
  if (r < t.end) plane_rows<T, K, S, 1, V, full>(t, columns, r, q, last_lanes);
}

template <int V>
struct VectorCount {
  static constexpr int value = V;
};

template <class T, int K, int S>
void run_plane(const DepthwisePlane<T>& t) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  constexpr int V = S == 1 && K > 3 ? 2 : 1;  // two share a weight, which is loaded for each product
#else
  constexpr int V = S == 1 && K == 3 ? 2 : 1;
#endif
  constexpr int lanes = Vec<T>::lanes;
  std::int64_t q = 0;
  const auto run = [&](auto vectors) {
    constexpr int W = decltype(vectors)::value;
    const PlaneColumns<T, K, S, W> columns(q * S + t.left, t.width);
    const int last = int(least(lanes, t.columns - q - (W - 1) * lanes));
    if (is_framed(K) || columns.full)
      plane_columns<T, K, S, W, true>(t, columns, q, last);
    else if constexpr (!is_framed(K))
      plane_columns<T, K, S, W, false>(t, columns, q, last);
    q += W * lanes;
  };
  while (q + (V - 1) * lanes < t.columns) run(VectorCount<V>{});
  while (q < t.columns) run(VectorCount<1>{});
}

template <class T>
using PlaneFunction = void (*)(const DepthwisePlane<T>&);

// Null where there is none.
template <class T>
STRETTO_INLINE PlaneFunction<T> plane_of(std::int64_t kernel, std::int64_t stride) {
  if (kernel == 3) return stride == 1 ? run_plane<T, 3, 1> : stride == 2 ? run_plane<T, 3, 2> : nullptr;
  if (kernel == 5) return stride == 1 ? run_plane<T, 5, 1> : stride == 2 ? run_plane<T, 5, 2> : nullptr;
  if (kernel == 7)
    return stride == 1 ? run_plane<T, 7, 1> : is_framed(7) && stride == 2 ? run_plane<T, 7, 2> : nullptr;
  if (kernel == 4 && is_framed(4)) return stride == 1 ? run_plane<T, 4, 1> : nullptr;
  return nullptr;
}

// The size of the kernel if it is square, undilated and in index order, with equal strides; else 0.
STRETTO_INLINE std::int64_t square_kernel(const Correlation& c) {
  std::int64_t k = 1;
  while (k * k < c.tap_count) ++k;
  if (k * k != c.tap_count || c.stride[1] != c.stride[2]) return 0;
  for (int t = 0; t < c.tap_count; ++t) {
    const Tap &tap = c.taps[t], &first = c.taps[0];
    if (tap.at[0] != first.at[0] || tap.at[1] != first.at[1] + t / k || tap.at[2] != first.at[2] + t % k)
      return 0;
  }
  return k;
}

// Several outputs of one channel share its vectors of x better in a tile of theirs.
STRETTO_INLINE bool is_depthwise(const Correlation& c) { return c.inputs == 1 && c.outputs < kTileOutputs; }

// The function for this problem, or null.
template <class T>
STRETTO_INLINE PlaneFunction<T> depthwise_plane_of(const Correlation& c) {
  if (!is_depthwise(c) || c.tap_count == 0 || c.x.shape.at[2] != 1 || c.out.shape.at[2] != 1 ||
      c.taps[0].at[0] != 0 || c.x.strides.at[4] != 1 || c.out.strides.at[4] != 1)
    return nullptr;
  return plane_of<T>(square_kernel(c), c.stride[1]);
}

// Rows of x between columns of zeros, so that every vector of so many outputs is read whole.
template <class T>
class Frame {
 public:
  Frame(const Correlation& c, std::int64_t kernel, std::int64_t rows, std::int64_t columns)
      : is_used_(is_framed(kernel)),
        stride_(c.stride[2]),
        changes_(columns < c.out.shape.at[4]),
        pitch_(is_used_ ? (divide_up(columns, Vec<T>::lanes) * Vec<T>::lanes - 1) * stride_ + kernel
                        : c.x.shape.at[4]),
        rows_(is_used_ ? (rows - 1) * stride_ + kernel : 0),
        size_(((rows_ + 1) * pitch_ + 1) * std::int64_t(sizeof(T))),
        block_(size_) {
    std::memset(block_.as<T>(), 0, std::size_t(size_));
  }
  const T* zeros() const { return block_.as<T>() + rows_ * pitch_; }

  // Has the plane read its rows here.
  void hold(DepthwisePlane<T>& plane) const {
    if (!is_used_) return;
    const std::int64_t first = plane.begin * stride_ + plane.top;
    const std::int64_t margin = greatest(0, -plane.left), skipped = greatest(0, plane.left);
    const std::int64_t width = greatest(0, least(plane.width - skipped, pitch_ - margin));
    for (std::int64_t i = greatest(0, -first); i < least(rows_, plane.height - first); ++i) {
      T* const row = block_.as<T>() + i * pitch_;
      if (changes_) std::memset(row, 0, std::size_t(pitch_) * sizeof(T));
      std::memcpy(row + margin, plane.x + (first + i) * plane.x_row + skipped,
                  std::size_t(width) * sizeof(T));
    }
    plane.x = block_.as<T>() - first * pitch_;
    plane.x_row = plane.width = pitch_;
    plane.left = 0;
  }

 private:
  bool is_used_;
  std::int64_t stride_;
  bool changes_;  // where the zeros are
  std::int64_t pitch_, rows_;
  std::int64_t size_;  // one element more: vectors of pairs of columns end behind the last one
  Scratch block_;
};

// weights_of(group, output).w[tap * step].
template <class T, class WeightsOf>
void run_depthwise_planes(const Correlation& c, PlaneFunction<T> function, int threads,
                          const WeightsOf& weights_of) {
  const std::int64_t oh = c.out.shape.at[3], ow = c.out.shape.at[4];
  const std::int64_t kernel = square_kernel(c);
  const std::int64_t bytes = is_framed(kernel) ? kPlaneResultBytes / 2 : kPlaneResultBytes;
  const std::int64_t columns = is_framed(kernel) ? least(ow, kFrameColumns) : ow,
                     stripes = divide_up(ow, greatest(1, columns));
  const std::int64_t most = bytes / greatest(1, columns * std::int64_t(sizeof(T)));
  const std::int64_t rows = least(oh, greatest(1, (most + 3) / 4) * 4),
                     blocks = divide_up(oh, greatest(1, rows));
  const std::int64_t tasks = c.out.shape.at[0] * c.groups * blocks * stripes;
  share_tasks(tasks, products_of(c), 2e5, threads, [&](std::int64_t begin, std::int64_t end) {
    const Frame<T> frame(c, kernel, rows, columns);
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t column = task % stripes * columns, block = task / stripes;
      const std::int64_t row = block % blocks * rows, group = block / blocks % c.groups,
                         n = block / blocks / c.groups;
      DepthwisePlane<T> plane;
      plane.x = c.x.as<T>() + n * c.x.strides.at[0] + group * c.x.strides.at[1];
      plane.zeros = frame.zeros();
      plane.x_row = c.x.strides.at[3];
      plane.height = c.x.shape.at[3];
      plane.width = c.x.shape.at[4];
      plane.top = c.taps[0].at[1];
      plane.left = c.taps[0].at[2] + column * c.stride[2];
      plane.out_row = c.out.strides.at[3];
      plane.begin = row;
      plane.end = least(oh, row + rows);
      plane.columns = least(columns, ow - column);
      frame.hold(plane);
      T weights[49];
      plane.w = weights;
      for (std::int64_t o = 0; o < c.outputs; ++o) {
        const auto from = weights_of(group, o);
        for (int t = 0; t < c.tap_count; ++t) weights[t] = from.w[t * from.step];
        plane.out =
            c.out.as<T>() + n * c.out.strides.at[0] + (group * c.outputs + o) * c.out.strides.at[1] + column;
        function(plane);
        finish_block<T, T, T>(c, nullptr, {}, n, group, 0, row, column, o, 1, plane.end - row, plane.columns);
      }
    }
  });
}

}  // namespace stretto::STRETTO_ISA
