// Weight gradient of convolution for one instruction set: lanes are output channels; each step broadcasts an
// input element for one (input channel, tap).
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/conv_weight_gradient.h"
#include "kernels/conv/strip.h"
#include "kernels/conv/weight_gradient_tile.h"

namespace stretto::STRETTO_ISA {
namespace {

constexpr std::int64_t kSumsBytes = 384 << 10;   // of one task, all levels of the tree together
constexpr std::int64_t kStripBytes = 192 << 10;  // of x, and of the gradient that meets it
constexpr std::int64_t kMostPositions = 2048;

// One vector of output channels of a group, and a range of its input channels.
template <class From, class T, class Out>
struct Task {
  static constexpr int lanes = Vec<T>::lanes;
  static constexpr bool in_pairs = is_same<From, bfloat16>;
  static constexpr int states = in_pairs ? 3 : 1;  // the sums so far, and the chains of a block
  const ConvWeightGradientArgs& args;
  const Correlation& c;
  const StripPlan& strip;
  const std::int64_t* offset;
  std::int64_t group, first_output, outputs, first_channel, channels;
  std::int64_t rows, columns;  // of a block
  T *x, *grad;                 // memory of a block
  T* acc;                      // [state][pair][lane]
  std::int64_t terms = 0;      // in the segment so far
  bool has_total = false;

  STRETTO_INLINE std::int64_t pairs() const { return channels * c.tap_count; }
  STRETTO_INLINE std::int64_t size() const { return pairs() * lanes; }

  PairSums pair_sums(std::int64_t pair) const {
    float* sums = acc + pair * lanes;
    return {sums, sums + size(), sums + 2 * size()};
  }

  void end_segment(T* total) {
    if constexpr (in_pairs) {
      if (const int left = int(terms % kPairTerms)) {
        [[maybe_unused]] const FlushToZero flush_to_zero;
        end_pair_block(pair_sums(0), size(), left);
      }
    }
    add_segment(total);
  }

  [[gnu::noinline]] void add_segment(T* total) {
    for (std::int64_t i = 0; i < size(); i += lanes) {
      const Vec<T> sum = Vec<T>::load(acc + i);
      (has_total ? Vec<T>::load(total + i) + sum : sum).store(total + i);
      Vec<T>::zero().store(acc + i);
    }
    has_total = true;
    terms = 0;
  }

  void copy_gradient(std::int64_t n, std::int64_t od, std::int64_t oh, std::int64_t count, std::int64_t ow,
                     std::int64_t width) {
    const std::int64_t* step = args.grad.strides.at;
    const From* from = args.grad.as<From>() + n * step[0] + (group * c.outputs + first_output) * step[1] +
                       od * step[2] + oh * step[3] + ow * step[4];
    for (std::int64_t r = 0; r < count; ++r)
      for (std::int64_t o = 0; o < lanes; ++o)
        for (std::int64_t q = 0; q < width; ++q)
          grad[(r * width + q) * lanes + o] =
              o < outputs ? widen_to<T>(from[o * step[1] + r * step[3] + q * step[4]]) : T(0);
  }

  // Positions [p, p + count) of row r of the block.
  void run_row(std::int64_t r, std::int64_t width, std::int64_t p, std::int64_t count) {
    for (std::int64_t pair = 0; pair < pairs(); pair += kPairs) {
      const int many = int(least(kPairs, pairs() - pair));
      const T* from[kPairs];
      for (int j = 0; j < many; ++j)
        from[j] = x + (pair + j) / c.tap_count * strip.channel_pitch() + offset[(pair + j) % c.tap_count] +
                  r * strip.row_pitch() + p;
      const T* g = grad + (r * width + p) * lanes;
      if constexpr (in_pairs) {
        [[maybe_unused]] const FlushToZero flush_to_zero;
        for_tile_of(many, [&]<int P>() {
          accumulate_pairs<P>(from, g, count, int(terms % kPairTerms), pair_sums(pair));
        });
      } else {
        for_tile_of(many, [&]<int P>() { accumulate<T, P>(from, g, count, acc + pair * lanes); });
      }
    }
  }

  // The gradient over samples [first, last) into `total`.
  void run_grain(std::int64_t first, std::int64_t last, T* total) {
    const Dims& shape = args.grad.shape;
    for (std::int64_t i = 0; i < states * size(); i += lanes) Vec<T>::zero().store(acc + i);
    for (std::int64_t i = 0; i < size(); i += lanes) Vec<T>::zero().store(total + i);
    has_total = false;
    terms = 0;
    for (std::int64_t n = first; n < last; ++n) {
      const From* from = args.x.as<From>() + n * args.x.strides.at[0] +
                         (group * c.inputs + first_channel) * args.x.strides.at[1];
      for (std::int64_t od = 0; od < shape.at[2]; ++od) {
        for (std::int64_t oh = 0; oh < shape.at[3]; oh += rows) {
          const std::int64_t count = least(rows, shape.at[3] - oh);
          for (std::int64_t ow = 0; ow < shape.at[4]; ow += columns) {
            const std::int64_t width = least(columns, shape.at[4] - ow);
            fill_strip<From, T>(c, strip, from, channels, od, oh, ow, x);
            copy_gradient(n, od, oh, count, ow, width);
            for (std::int64_t r = 0; r < count; ++r) {
              for (std::int64_t p = 0; p < width;) {
                const std::int64_t step = least(width - p, kSegment - terms);
                run_row(r, width, p, step);
                p += step;
                terms += step;
                if (terms == kSegment) end_segment(total);
              }
            }
          }
        }
      }
    }
    if (terms > 0 || !has_total) end_segment(total);
  }

  // The tree over grains as a binary counter: `level` l holds 2^l grains; more of them come later.
  void run(T* levels) {
    const std::int64_t grains = args.grains();
    std::int64_t held = 0;  // bit l: level l is taken
    T* fresh = levels;
    T* const stack = levels + size();
    for (std::int64_t g = 0; g < grains; ++g) {
      run_grain(g * args.grain, least(args.x.shape.at[0], (g + 1) * args.grain), fresh);
      std::int64_t level = 0;
      for (; held >> level & 1; ++level) add(stack + level * size(), fresh);
      copy(fresh, stack + level * size());
      held = (held >> level | 1) << level;
    }
    bool any = false;
    for (std::int64_t level = 0; held >> level; ++level) {
      if (!(held >> level & 1)) continue;
      if (any)
        add(stack + level * size(), fresh);
      else
        copy(stack + level * size(), fresh);
      any = true;
    }
    store(fresh, any);
  }

  void add(const T* earlier, T* later) {  // later = earlier + later
    for (std::int64_t i = 0; i < size(); i += lanes)
      (Vec<T>::load(earlier + i) + Vec<T>::load(later + i)).store(later + i);
  }
  void copy(const T* from, T* to) {
    for (std::int64_t i = 0; i < size(); i += lanes) Vec<T>::load(from + i).store(to + i);
  }
  void store(const T* from, bool any) {
    const std::int64_t* step = args.out.strides.at;
    const Dims& k = args.out.shape;
    for (std::int64_t pair = 0; pair < pairs(); ++pair) {
      const std::int64_t t = pair % c.tap_count;
      Out* out = args.out.as<Out>() + (group * c.outputs + first_output) * step[0] +
                 (first_channel + pair / c.tap_count) * step[1] + t / (k.at[3] * k.at[4]) * step[2] +
                 t / k.at[4] % k.at[3] * step[3] + t % k.at[4] * step[4];
      for (std::int64_t o = 0; o < outputs; ++o) {
        Out value{};
        if (any) store_as<T, Out>(Vec<T>::broadcast(from[pair * lanes + o]), &value, 1);
        out[o * step[0]] = value;
      }
    }
  }
};

template <class From, class T, class Out>
void run(const ConvWeightGradientArgs& args, const Correlation& c, int threads) {
  constexpr int lanes = Vec<T>::lanes;
  const Dims& shape = args.grad.shape;
  const Scratch room(StripPlan::room_for(c) * std::int64_t(sizeof(std::int64_t)));
  const Scratch offsets(c.tap_count * std::int64_t(sizeof(std::int64_t)));
  std::int64_t levels = 2;  // the fresh one, and the counter's
  while (args.grains() >> (levels - 2)) ++levels;
  const std::int64_t held = levels + Task<From, T, Out>::states;
  const std::int64_t pair_bytes = lanes * std::int64_t(sizeof(T));
  const std::int64_t channels = greatest(1, least(c.inputs, kSumsBytes / (held * c.tap_count * pair_bytes)));

  StripPlan strip;
  const auto plan = [&](std::int64_t rows, std::int64_t columns) {
    strip.plan(c, rows, columns, StripRuns::smaller, StripRuns::smaller, room.as<std::int64_t>());
    return channels * strip.channel_pitch() * std::int64_t(sizeof(T)) <= kStripBytes &&
           rows * columns <= kMostPositions;
  };
  std::int64_t columns = shape.at[4], rows = 1;
  while (columns > 16 && !plan(1, columns)) columns = divide_up(columns, 2);
  while (columns == shape.at[4] && rows < shape.at[3] && plan(rows + 1, columns)) ++rows;
  plan(rows, columns);
  for (int t = 0; t < c.tap_count; ++t) offsets.as<std::int64_t>()[t] = strip.offset(c.taps[t]);

  const std::int64_t vectors = divide_up(c.outputs, lanes), ranges = divide_up(c.inputs, channels);
  const std::int64_t tasks = c.groups * vectors * ranges;
  const double work = double(args.grad.size()) * double(c.inputs) * c.tap_count;
  parallel_for(tasks, 1, work < 1e6 ? 1 : threads, [&](std::int64_t begin, std::int64_t end) {
    const Scratch x(channels * strip.channel_pitch() * std::int64_t(sizeof(T)));
    const Scratch grad(rows * columns * pair_bytes);
    const Scratch sums(held * channels * c.tap_count * pair_bytes);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t range = i % ranges, vector = i / ranges % vectors;
      Task<From, T, Out> task{args,
                              c,
                              strip,
                              offsets.as<std::int64_t>(),
                              i / ranges / vectors,
                              vector * lanes,
                              least(lanes, c.outputs - vector * lanes),
                              range * channels,
                              least(channels, c.inputs - range * channels),
                              rows,
                              columns,
                              x.as<T>(),
                              grad.as<T>(),
                              sums.as<T>()};
      task.run(sums.as<T>() + task.states * task.size());
    }
  });
}

}  // namespace

void conv_weight_gradient_channels(const ConvWeightGradientArgs& args, int threads) {
  ConvArgs forward;  // the convolution whose gradient this is: its taps say what meets what
  forward.x = args.x;
  forward.w = args.out;
  forward.out = args.grad;
  for (int d = 0; d < kSpatial; ++d) {
    forward.stride[d] = args.stride[d];
    forward.dilation[d] = args.dilation[d];
    forward.before[d] = args.before[d];
  }
  forward.groups = args.groups;
  const Scratch taps(forward.taps() * std::int64_t(sizeof(Tap)));
  const Correlation c = correlation_of(forward, taps.as<Tap>());
  visit_floats(args.x.dtype, args.out.dtype, [&](auto from, auto compute, auto out) {
    run<typename decltype(from)::type, typename decltype(compute)::type, typename decltype(out)::type>(
        args, c, threads);
  });
}

}  // namespace stretto::STRETTO_ISA
