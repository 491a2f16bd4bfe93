// Depthwise convolution of small maps, channels first: lanes are channels, whose maps are turned round in
// registers on the way in and out. The rows of such maps fill few vectors, or parts of them.
#pragma once

#include "kernels/conv/channel_terms.h"
#include "kernels/conv/depthwise_plane.h"
#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kSmallMapBytes = 48 << 10;  // of a vector of padded maps
inline constexpr std::int64_t kSmallMapColumns = 16;      // of outputs
inline constexpr int kMostSmallMapTaps = 64;

// The part of x that the outputs read, with its padding: [place][lane].
struct PaddedMap {
  std::int64_t top = 0, left = 0, height = 0, width = 0;  // element (0, 0) of it is x's (top, left)

  STRETTO_INLINE explicit PaddedMap(const Correlation& c) {
    if (c.tap_count == 0) return;
    std::int64_t low[3], high[3];
    for (int d = 1; d < 3; ++d) {
      low[d] = high[d] = c.taps[0].at[d];
      for (int t = 1; t < c.tap_count; ++t) {
        low[d] = least(low[d], c.taps[t].at[d]);
        high[d] = greatest(high[d], c.taps[t].at[d]);
      }
    }
    top = low[1];
    left = low[2];
    height = (c.out.shape.at[3] - 1) * c.stride[1] + high[1] - low[1] + 1;
    width = (c.out.shape.at[4] - 1) * c.stride[2] + high[2] - low[2] + 1;
  }
  STRETTO_INLINE std::int64_t size() const { return height * width; }
  // Where x's element goes; those that no output reads share one place behind the others.
  STRETTO_INLINE std::int64_t place(std::int64_t y, std::int64_t x) const {
    const bool is_read = y >= top && y < top + height && x >= left && x < left + width;
    return is_read ? (y - top) * width + x - left : size();
  }
};

// Whether the maps of this problem are run so.
template <class T>
STRETTO_INLINE bool is_small_maps(const Correlation& c) {
  const auto lies_flat = [&](const ArrayView& a) {
    return a.shape.at[2] == 1 && a.strides.at[4] == 1 && a.strides.at[3] == a.shape.at[4];
  };
  if (c.inputs != 1 || c.outputs != 1 || c.groups < Vec<T>::lanes || c.tap_count == 0 ||
      c.tap_count > kMostSmallMapTaps || c.out.shape.at[4] > kSmallMapColumns || !lies_flat(c.x) ||
      !lies_flat(c.out))
    return false;
  for (int t = 0; t < c.tap_count; ++t)
    if (c.taps[t].at[0] != 0) return false;
  const PaddedMap map(c);
  const std::int64_t limit = kSmallMapBytes / std::int64_t(sizeof(Vec<T>));
  return map.height < limit && map.width < limit && map.size() < limit &&
         c.x.shape.at[3] * c.x.shape.at[4] <= 2 * limit;
}

// What a vector of channels is multiplied by, and the part of the epilogue that is one for a channel.
template <class T>
struct ChannelVectors {
  Vec<T> weights[kMostSmallMapTaps];
  Vec<T> bias, scale, shift, low, high;

  STRETTO_INLINE Vec<T> finished(Vec<T> z) const {
    return Clamp<T>::apply(fma(z + bias, scale, shift), low, high);
  }
};

// N neighbouring outputs, of a vector of channels.
template <class T, int N>
STRETTO_INLINE void small_map_outputs(const T* map, std::int64_t step, const ChannelVectors<T>& terms,
                                      const std::int64_t* offset, int taps, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> acc[N];
  const T* from[N];
#pragma GCC unroll 8
  for (int i = 0; i < N; ++i) {
    acc[i] = Vec<T>::zero();
    from[i] = map + i * step;
  }
  for (int t = 0; t < taps; ++t) {
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) acc[i] = fma(terms.weights[t], Vec<T>::load(from[i] + offset[t]), acc[i]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < N; ++i) terms.finished(acc[i]).store(to + i * lanes);
}

template <class T>
class SmallMaps {
 public:
  static constexpr int lanes = Vec<T>::lanes, most_outputs = 8;

  explicit SmallMaps(const Correlation& c)
      : c_(c),
        padded_(c),
        rows_(c.out.shape.at[3]),
        columns_(c.out.shape.at[4]),
        elements_(c.x.shape.at[3] * c.x.shape.at[4]),
        finishes_first_(is_of_channels(*c.epilogue)),
        places_(elements_ * std::int64_t(sizeof(std::int64_t))) {
    const std::int64_t width = c.x.shape.at[4];
    for (std::int64_t e = 0; e < elements_; ++e)
      places_.as<std::int64_t>()[e] = padded_.place(e / width, e % width) * lanes;
    for (int t = 0; t < c.tap_count; ++t)
      offset_[t] = padded_.place(c.taps[t].at[1], c.taps[t].at[2]) * lanes;
  }

  std::int64_t map_size() const { return (padded_.size() + 1) * lanes; }
  std::int64_t result_size() const { return rows_ * columns_ * lanes; }

  // The terms of channels [first, first + count).
  template <class WeightsOf>
  ChannelVectors<T> terms_of(std::int64_t first, int count, const WeightsOf& weights_of) const {
    alignas(64) T values[kMostSmallMapTaps][lanes] = {};
    for (int i = 0; i < count; ++i) {
      const auto from = weights_of(first + i, 0);
      for (int t = 0; t < c_.tap_count; ++t) values[t][i] = from.w[t * from.step];
    }
    ChannelVectors<T> terms;
    for (int t = 0; t < c_.tap_count; ++t) terms.weights[t] = Vec<T>::load(values[t]);
    const Epilogue& e = *c_.epilogue;
    const auto term = [&](const ArrayView& view, T absent) {
      if (!finishes_first_ || !view.present()) return Vec<T>::broadcast(absent);
      for (int i = 0; i < count; ++i) values[0][i] = view.as<T>()[(first + i) * view.strides.at[1]];
      return Vec<T>::load(values[0]);
    };
    const ChannelTerms<T> absent;
    terms.bias = term(e.bias, absent.bias);
    terms.scale = term(e.scale, absent.scale);
    terms.shift = term(e.shift, absent.shift);
    const Clamp<T> clamp(finishes_first_ && Clamp<T>::is(e.activation) ? e.activation : Activation::none);
    terms.low = Vec<T>::broadcast(clamp.least);
    terms.high = Vec<T>::broadcast(clamp.most);
    return terms;
  }

  // `map` holds zeros outside of x. Channels [first, first + count).
  void run(std::int64_t n, std::int64_t first, int count, const ChannelVectors<T>& terms, T* map,
           T* result) const {
    read(c_.x.as<T>() + n * c_.x.strides.at[0] + first * c_.x.strides.at[1], count, map);
    for (std::int64_t r = 0; r < rows_; ++r) {
      const T* const row = map + r * c_.stride[1] * padded_.width * lanes;
      for (std::int64_t q = 0; q < columns_; q += most_outputs)
        sum(int(least(most_outputs, columns_ - q)), row + q * c_.stride[2] * lanes, terms,
            result + (r * columns_ + q) * lanes);
    }
    const Epilogue& e = *c_.epilogue;
    if (finishes_first_ && !Clamp<T>::is(e.activation))
      activate_values(e.activation, e.parameter, result, result_size());
    write(c_.out.as<T>() + n * c_.out.strides.at[0] + first * c_.out.strides.at[1], count, result);
    if (!finishes_first_)
      finish_block<T, T, T>(c_, nullptr, {}, n, 0, 0, 0, 0, first, count, rows_, columns_);
  }

 private:
  [[gnu::noinline]] void read(const T* x, int count, T* map) const {
    const std::int64_t* const places = places_.as<std::int64_t>();
    for (std::int64_t e = 0; e < elements_; e += lanes) {
      const int valid = int(least(lanes, elements_ - e));
      Vec<T> square[lanes];
#pragma GCC unroll 16
      for (int i = 0; i < lanes; ++i)
        square[i] = i < count ? Vec<T>::load(x + i * c_.x.strides.at[1] + e, valid) : Vec<T>::zero();
      transpose(square);
#pragma GCC unroll 16
      for (int i = 0; i < lanes; ++i)
        if (i < valid) square[i].store(map + places[e + i]);
    }
  }

  template <int N = most_outputs>
  STRETTO_INLINE void sum(int outputs, const T* map, const ChannelVectors<T>& terms, T* to) const {
    if constexpr (N > 1)
      if (outputs < N) return sum<N - 1>(outputs, map, terms, to);
    small_map_outputs<T, N>(map, c_.stride[2] * lanes, terms, offset_, c_.tap_count, to);
  }

  [[gnu::noinline]] void write(T* out, int count, const T* result) const {
    for (std::int64_t o = 0; o < rows_ * columns_; o += lanes) {
      const int valid = int(least(lanes, rows_ * columns_ - o));
      Vec<T> square[lanes];
#pragma GCC unroll 16
      for (int i = 0; i < lanes; ++i)
        square[i] = i < valid ? Vec<T>::load(result + (o + i) * lanes) : Vec<T>::zero();
      transpose(square);
#pragma GCC unroll 16
      for (int i = 0; i < lanes; ++i)
        if (i < count) square[i].store(out + i * c_.out.strides.at[1] + o, valid);
    }
  }

  const Correlation& c_;
  const PaddedMap padded_;
  const std::int64_t rows_, columns_, elements_;
  const bool finishes_first_;
  const Scratch places_;
  std::int64_t offset_[kMostSmallMapTaps];
};

template <class T, class WeightsOf>
void run_small_maps(const Correlation& c, int threads, const WeightsOf& weights_of) {
  constexpr int lanes = Vec<T>::lanes;
  const SmallMaps<T> maps(c);
  const std::int64_t samples = c.out.shape.at[0], tasks = divide_up(c.groups, lanes) * samples;
  share_tasks(tasks, products_of(c), 2e5, threads, [&](std::int64_t begin, std::int64_t end) {
    const Scratch map(maps.map_size() * std::int64_t(sizeof(T)));
    const Scratch result(maps.result_size() * std::int64_t(sizeof(T)));
    for (std::int64_t i = 0; i < maps.map_size(); ++i) map.as<T>()[i] = T(0);
    ChannelVectors<T> terms;
    std::int64_t known = -1;  // the channels whose terms those are
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t first = task / samples * lanes;
      const int count = int(least(lanes, c.groups - first));
      if (first != known) terms = maps.terms_of(first, count, weights_of);
      known = first;
      maps.run(task % samples, first, count, terms, map.as<T>(), result.as<T>());
    }
  });
}

}  // namespace stretto::STRETTO_ISA
