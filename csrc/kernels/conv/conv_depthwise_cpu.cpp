// Depthwise convolution with channels last, for one instruction set: lanes are channels, which lie together
// in x, in the result and in the packed weight.
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/depthwise_square.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/shares.h"
#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kDepthwisePixels = 12;
constexpr bool kAlwaysMasked = true;  // which costs nothing there
#else
constexpr int kDepthwisePixels = 8;
constexpr bool kAlwaysMasked = false;
#endif

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
  Ending<T> ending;  // of this vector of channels
};

// P neighbouring outputs from column `q` on, whose taps fall inside the rows of x, of channels that lie
// together: a whole vector, or the first ones of it.
template <class T, bool whole, int P>
STRETTO_INLINE void depthwise_pixels(const DepthwiseRow<T>& t, std::int64_t q) {
  constexpr int lanes = Vec<T>::lanes, groups = (P + 2) / 3;  // x86 addresses p, p + s and p + 2s at once
  const std::int64_t pixel = t.c.stride[2] * t.c.x.strides.at[4], offset = t.channel + q * pixel;
  const int taps = t.c.tap_count;
  const T* w = t.w;
  Vec<T> acc[P][1];
#pragma GCC unroll 12
  for (int p = 0; p < P; ++p) acc[p][0] = Vec<T>::zero();
  for (int i = 0; i < taps; ++i, w += lanes) {
    const Vec<T> weight = Vec<T>::load(w);
    if (!t.rows[i]) {
#pragma GCC unroll 12
      for (int p = 0; p < P; ++p) acc[p][0] = fma(weight, Vec<T>::zero(), acc[p][0]);
      continue;
    }
    const T* from[groups];
#pragma GCC unroll 12
    for (int g = 0; g < groups; ++g) from[g] = t.rows[i] + offset + 3 * g * pixel;
#pragma GCC unroll 12
    for (int p = 0; p < P; ++p) {
      const T* const at = from[p / 3] + p % 3 * pixel;
      acc[p][0] = fma(weight, whole ? Vec<T>::load(at) : Vec<T>::load(at, t.n), acc[p][0]);
    }
  }
  if constexpr (kHasEndings<T>) end_outputs(t.ending, acc);
#pragma GCC unroll 12
  for (int p = 0; p < P; ++p) {
    T* const to = t.to + (q + p) * t.to_pixel;
    whole ? acc[p][0].store(to) : acc[p][0].store(to, t.n);
  }
}

template <class T, bool whole, int P = kDepthwisePixels>
STRETTO_INLINE void depthwise_columns(const DepthwiseRow<T>& t, std::int64_t q, std::int64_t count) {
  if constexpr (P > 1)
    if (count < P) return depthwise_columns<T, whole, P - 1>(t, q, count);
  depthwise_pixels<T, whole, P>(t, q);
}

// Columns [q, end), in tiles as even as can be.
template <class T, bool whole>
[[gnu::noinline]] void depthwise_inside(const DepthwiseRow<T>& t, std::int64_t q, std::int64_t end) {
  const std::int64_t first = q, count = end - q, tiles = divide_up(count, kDepthwisePixels);
  for (std::int64_t i = 1; i <= tiles; ++i) {
    const std::int64_t next = first + count * i / tiles;
    depthwise_columns<T, whole>(t, q, next - q);
    q = next;
  }
}

// Outputs [q, end), whose taps may fall outside of the rows of x, one by one.
template <class T>
[[gnu::noinline]] void depthwise_edge(const DepthwiseRow<T>& t, std::int64_t q, std::int64_t end) {
  const std::int64_t* const step = t.c.x.strides.at;
  for (; q < end; ++q) {
    const std::int64_t first = q * t.c.stride[2];
    const T* w = t.w;
    Vec<T> acc[1][1] = {{Vec<T>::zero()}};
    for (int i = 0; i < t.c.tap_count; ++i, w += Vec<T>::lanes) {
      const std::int64_t column = first + t.c.taps[i].at[2];
      Vec<T> x = Vec<T>::zero();
      if (t.rows[i] && column >= 0 && column < t.c.x.shape.at[4])
        x = load_as<T, T>(t.rows[i] + t.channel + first * step[4], step[1], t.n);
      acc[0][0] = fma(Vec<T>::load(w), x, acc[0][0]);
    }
    if constexpr (kHasEndings<T>) end_outputs(t.ending, acc);
    store_as<T, T>(acc[0][0], t.to + q * t.to_pixel, t.to_channel, t.n);
  }
}

// Columns [inside, beyond) of the result need no zeros beside the rows of x.
template <class T>
STRETTO_INLINE void depthwise_row(const DepthwiseRow<T>& t, std::int64_t inside, std::int64_t beyond) {
  const std::int64_t columns = t.c.out.shape.at[4];
  if (t.c.x.strides.at[1] != 1 || t.to_channel != 1) return depthwise_edge(t, 0, columns);
  depthwise_edge(t, 0, inside);
  if (!kAlwaysMasked && t.n == Vec<T>::lanes)
    depthwise_inside<T, !kAlwaysMasked>(t, inside, beyond);
  else
    depthwise_inside<T, false>(t, inside, beyond);
  depthwise_edge(t, beyond, columns);
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

// One row of the result, all channels. Tiles form the epilogue of an `ending`.
template <class T>
void run_row(const Correlation& c, const Ending<T>* ending, const T* packed, std::int64_t sample,
             std::int64_t od, std::int64_t oh, std::int64_t inside, std::int64_t beyond) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t columns = c.out.shape.at[4], *x_step = c.x.strides.at, *step = c.out.strides.at;
  const Scratch pointers(c.tap_count * std::int64_t(sizeof(T*)));
  const T** const rows = pointers.as<const T*>();
  for (int t = 0; t < c.tap_count; ++t) {
    const std::int64_t* const tap = c.taps[t].at;
    const std::int64_t z = od * c.stride[0] + tap[0], y = oh * c.stride[1] + tap[1];
    const bool exists = z >= 0 && z < c.x.shape.at[2] && y >= 0 && y < c.x.shape.at[3];
    const std::int64_t at = sample * x_step[0] + z * x_step[2] + y * x_step[3] + tap[2] * x_step[4];
    rows[t] = exists ? c.x.as<T>() + at : nullptr;
  }
  // [channel][column] where the result's channels do not lie together.
  const bool direct = step[1] == 1;
  const Scratch result(direct ? 0 : lanes * columns * std::int64_t(sizeof(T)));
  for (std::int64_t channel = 0; channel < c.groups; channel += lanes) {
    const int n = int(least(lanes, c.groups - channel));
    T* const to =
        direct ? c.out.as<T>() + sample * step[0] + channel + od * step[2] + oh * step[3] : result.as<T>();
    const DepthwiseRow<T> row{c,
                              rows,
                              channel * x_step[1],
                              packed + channel * c.tap_count,
                              n,
                              to,
                              direct ? step[4] : 1,
                              direct ? 1 : columns,
                              direct && ending ? ending->at(0, channel) : Ending<T>()};
    depthwise_row(row, inside, beyond);
    if (!direct)
      finish_block<T, T, T>(c, result.as<T>(), {columns, columns, 1}, sample, 0, od, oh, 0, channel, n, 1,
                            columns);
  }
  if (direct && !ending) finish_block<T, T, T>(c, nullptr, {}, sample, 0, od, oh, 0, 0, c.groups, 1, columns);
}

template <class T>
void run(const Correlation& c, int threads) {
  constexpr int lanes = Vec<T>::lanes;
  const Scratch packing(
      c.packed ? 0 : divide_up(c.groups, lanes) * lanes * c.tap_count * std::int64_t(sizeof(T)));
  if (!c.packed) pack_depthwise(c, packing.as<T>());
  const T* packed = c.packed ? static_cast<const T*>(c.packed) : packing.as<T>();
  const bool squares = is_square<T>(c);
  const std::int64_t height = c.out.shape.at[3], depth = c.out.shape.at[2],
                     bands = divide_up(height, squares ? square_rows_of(c) : 1);
  const bool ends = ends_in_tiles<T>(*c.epilogue);
  const Scratch bias(
      ends && c.epilogue->bias.present() ? divide_up(c.groups, lanes) * lanes * std::int64_t(sizeof(T)) : 0);
  const Ending<T> ending = ends ? ending_of(*c.epilogue, 0, c.groups, bias.as<T>()) : Ending<T>();
  std::int64_t inside, beyond;
  columns_inside(c, inside, beyond);
  share_tasks(c.out.shape.at[0] * depth * bands, products_of(c), 2e5, threads,
              [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i) {
                  const std::int64_t first = height * (i % bands) / bands, d = i / bands % depth,
                                     sample = i / bands / depth;
                  const int rows = int(height * (i % bands + 1) / bands - first);
                  if constexpr (kHasSquares<T>)
                    if (squares) {
                      run_square_band<T>(c, ending, packed, sample, d, first, rows);
                      if (!ends)
                        finish_block<T, T, T>(c, nullptr, {}, sample, 0, d, first, 0, 0, c.groups, rows,
                                              c.out.shape.at[4]);
                      continue;
                    }
                  run_row<T>(c, ends ? &ending : nullptr, packed, sample, d, first, inside, beyond);
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
