// A transposed convolution as correlations with a stride of 1: one for each phase of its stride, the outputs
// phase + i * stride.
#pragma once

#include "base/scratch.h"
#include "kernels/conv/conv_transpose.h"
#include "kernels/conv/correlate.h"
#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {

struct Phase {
  std::int64_t at[kSpatial], size[kSpatial];  // its first output, and how many there are
  Tap* taps;                                  // those that exist in it
  int tap_count;
  bool uses_pixels;        // of the two kernels
  std::int64_t packed_at;  // where its weights lie, for that kernel: bytes from those of the first phase
};

class Phases {
 public:
  explicit Phases(const ConvTransposeArgs& args)
      : args_(args),
        taps_(args.taps() * std::int64_t(sizeof(Tap))),
        phases_(count() * std::int64_t(sizeof(Phase))),
        packed_bytes_(plan()) {}

  // The packed weights of all phases: their size, which depends on w, the stride and the padding only, and
  // where they lie, once that is set.
  std::int64_t packed_bytes() const { return packed_bytes_; }
  void set_packed(void* packed) { packed_ = static_cast<char*>(packed); }
  void* packed(const Phase& phase) const { return packed_ + phase.packed_at; }

  std::int64_t count(int axis) const {
    const std::int64_t outputs = args_.out.shape.at[2 + axis];
    return args_.stride[axis] < outputs ? args_.stride[axis] : outputs;
  }
  std::int64_t count() const { return count(0) * count(1) * count(2); }
  const Phase& operator[](std::int64_t index) const { return phases_.as<Phase>()[index]; }
  const Phase& holding(std::int64_t d, std::int64_t h, std::int64_t w) const {
    return (*this)[(d % args_.stride[0] * count(1) + h % args_.stride[1]) * count(2) + w % args_.stride[2]];
  }

  // The sums of a phase; the caller says of which x, where to, and the epilogue.
  Correlation correlation(const Phase& phase) const {
    Correlation c;
    c.w = args_.w.data;
    c.w_input = args_.w.strides.at[0];
    c.w_output = args_.w.strides.at[1];
    c.groups = args_.groups;
    c.inputs = c.channels = args_.group_inputs();
    c.outputs = args_.group_outputs();
    c.w_group = c.inputs * c.w_input;
    c.segment_channels = args_.segment_channels();
    c.packed = packed_ ? packed(phase) : nullptr;
    c.taps = phase.taps;
    c.tap_count = phase.tap_count;
    for (int d = 0; d < kSpatial; ++d) c.stride[d] = 1;
    return c;
  }

  void run(const Phase& phase, const Correlation& c, int threads) const {
    const auto correlate = phase.uses_pixels ? correlate_pixels : correlate_channels;
    correlate(args_.x.dtype, c.out.dtype, c, threads);
  }

 private:
  // Fills the phases in, and gives the bytes of their packed weights.
  std::int64_t plan() {
    Tap* taps = taps_.as<Tap>();
    std::int64_t bytes = 0, index = 0, at[kSpatial];
    for (at[0] = 0; at[0] < count(0); ++at[0])
      for (at[1] = 0; at[1] < count(1); ++at[1])
        for (at[2] = 0; at[2] < count(2); ++at[2]) {
          Phase& phase = phases_.as<Phase>()[index++];
          for (int d = 0; d < kSpatial; ++d) {
            phase.at[d] = at[d];
            phase.size[d] = divide_up(args_.out.shape.at[2 + d] - at[d], args_.stride[d]);
          }
          phase.taps = taps;
          phase.tap_count = find_taps(at, taps);
          phase.packed_at = bytes;
          const bool is_one_segment = args_.group_inputs() <= args_.segment_channels();
          phase.uses_pixels = phase.tap_count > 0 && is_one_segment && !args_.channels_last &&
                              suits_pixels(args_.w.dtype, args_.group_inputs(), phase.tap_count,
                                           args_.group_outputs(), kManyOutputs + 1, int(sizeof(Vec<float>)));
          taps += phase.tap_count;
          bytes += bytes_of(phase);
        }
    return bytes;
  }

  std::int64_t bytes_of(const Phase& phase) const {
    const Correlation c = correlation(phase);
    const std::int64_t bytes = phase.uses_pixels ? correlate_pixels_bytes(args_.w.dtype, c)
                                                 : correlate_channels_bytes(args_.w.dtype, c);
    return divide_up(bytes, 64) * 64;
  }

  // The taps that exist in a phase, and where they meet x.
  int find_taps(const std::int64_t at[kSpatial], Tap* taps) const {
    const std::int64_t* const k = args_.w.shape.at + 2;
    int found = 0;
    Tap tap;
    const auto exists = [&](int d, std::int64_t index) {
      const std::int64_t scaled = at[d] + args_.before[d] - index * args_.dilation[d];
      tap.at[d] = scaled / args_.stride[d];
      return scaled % args_.stride[d] == 0;
    };
    const std::int64_t* const step = args_.w.strides.at + 2;
    for (std::int64_t z = 0; z < k[0]; ++z)
      for (std::int64_t y = 0; exists(0, z) && y < k[1]; ++y)
        for (std::int64_t x = 0; exists(1, y) && x < k[2]; ++x) {
          if (!exists(2, x)) continue;
          tap.weight = z * step[0] + y * step[1] + x * step[2];
          taps[found++] = tap;
        }
    return found;
  }

  const ConvTransposeArgs& args_;
  const Scratch taps_, phases_;
  char* packed_ = nullptr;
  const std::int64_t packed_bytes_;
};

}  // namespace stretto::STRETTO_ISA
