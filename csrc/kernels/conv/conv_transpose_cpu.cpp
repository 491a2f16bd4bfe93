// Transposed convolution for one instruction set: each phase of the stride is a convolution with a stride
// of 1.
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/pack_phases.h"
#include "kernels/conv/transpose_maps.h"
#include "kernels/conv/transpose_points.h"
#include "kernels/conv/weave.h"

namespace stretto::STRETTO_ISA {
namespace {

inline constexpr std::int64_t kBandBytes = 192 << 10;  // of sums for each thread, in the second cache
inline constexpr std::int64_t kLeastRows = 4;          // of a band, whose neighbours' x is read again

// Every `step`-th element of an axis from `first` on.
STRETTO_INLINE void thin_out(ArrayView& view, int axis, std::int64_t first, std::int64_t step) {
  const std::int64_t bytes = first * view.strides.at[axis] * itemsize(view.dtype);
  if (!view.present()) return;
  view.data = static_cast<char*>(view.data) + bytes;
  view.shape.at[axis] = divide_up(view.shape.at[axis] - first, step);
  view.strides.at[axis] *= step;
}

std::int64_t packed_bytes(const ConvTransposeArgs& args, const Phases& phases) {
  return suits_maps(args) ? transpose_maps_bytes(args) : phases.packed_bytes();
}

void pack(const ConvTransposeArgs& args, const Phases& phases, int threads) {
  if (suits_maps(args)) return transpose_maps_pack(args, phases, phases.packed(phases[0]), threads);
  if (can_pack_phases(args, phases))
    return args.w.dtype == DType::f32 ? pack_phases<float>(args, phases, threads)
                                      : pack_phases<double>(args, phases, threads);
  for (std::int64_t i = 0; i < phases.count(); ++i) {
    const Phase& phase = phases[i];
    if (phase.uses_pixels)
      correlate_pixels_pack(args.w.dtype, phases.correlation(phase), phases.packed(phase));
    else
      correlate_channels_pack(args.w.dtype, phases.correlation(phase), phases.packed(phase), threads);
  }
}

// Each phase goes straight to its elements of the result.
void run_in_place(const ConvTransposeArgs& args, const Phases& phases, int threads) {
  for (std::int64_t i = 0; i < phases.count(); ++i) {
    const Phase& phase = phases[i];
    Correlation c = phases.correlation(phase);
    c.x = args.x;
    c.out = args.out;
    Epilogue epilogue = args.epilogue;
    for (ArrayView* view : {&c.out, &epilogue.bias, &epilogue.scale, &epilogue.shift, &epilogue.residual})
      for (int d = 0; d < kSpatial; ++d) thin_out(*view, 2 + d, phase.at[d], args.stride[d]);
    c.epilogue = &epilogue;
    phases.run(phase, c, threads);
  }
}

// The sums of all phases of a band.
template <class T>
void sum_band(const ConvTransposeArgs& args, const Phases& phases, const Band& band, T* sums, int threads) {
  const BandSums<T> all(args, phases, band, sums);
  const Epilogue nothing;
  for (std::int64_t i = 0; i < phases.count(); ++i) {
    const Phase& phase = phases[i];
    if (all.size(phase) == 0) continue;
    Correlation c = phases.correlation(phase);
    c.x = args.x;
    c.x.shape.at[0] = band.samples;
    c.x.data = args.x.as<char>() + band.first * args.x.strides.at[0] * itemsize(args.x.dtype);
    c.out = all.view(phase, is_same<T, double> ? DType::f64 : DType::f32);
    c.epilogue = &nothing;
    const Scratch shifted(c.tap_count * std::int64_t(sizeof(Tap)));
    for (int t = 0; t < c.tap_count; ++t) {
      shifted.as<Tap>()[t] = phase.taps[t];
      shifted.as<Tap>()[t].at[1] += band.first_row;
    }
    c.taps = shifted.as<Tap>();
    phases.run(phase, c, threads);
  }
}

// Rows whose phases would each be written element by element: sums of a band of them first.
template <class From, class T, class Out>
void run_woven(const ConvTransposeArgs& args, const Phases& phases, int threads) {
  const Dims& out = args.out.shape;
  const std::int64_t rows = divide_up(out.at[3], args.stride[1]);
  const std::int64_t row = out.at[1] * out.at[2] * args.stride[1] * out.at[4];
  const std::int64_t most = kBandBytes * threads / (row * std::int64_t(sizeof(T)));  // rows of a band
  const std::int64_t samples = least(out.at[0], greatest(1, most / rows));
  const std::int64_t bands = divide_up(rows, least(rows, greatest(kLeastRows, most)));
  const std::int64_t height = divide_up(rows, bands);
  const Scratch sums(samples * height * row * std::int64_t(sizeof(T)));
  for (std::int64_t n = 0; n < out.at[0]; n += samples)
    for (std::int64_t y = 0; y < rows; y += height) {
      const Band band{n, least(samples, out.at[0] - n), y, least(height, rows - y)};
      sum_band(args, phases, band, sums.as<T>(), threads);
      weave<From, T, Out>(args, phases, band, sums.as<T>(), threads);
    }
}

}  // namespace

void conv_transpose_channels(const ConvTransposeArgs& args, int threads) {
  if (suits_points(args) && transpose_points(args, threads)) return;
  Phases phases(args);
  const Scratch memory(args.packed ? 0 : packed_bytes(args, phases));
  phases.set_packed(args.packed ? const_cast<void*>(args.packed) : memory.as<void>());
  if (!args.packed) pack(args, phases, threads);
  if (suits_maps(args)) return transpose_maps(args, phases, phases.packed(phases[0]), threads);
  if (phases.count() == 1 || args.out.strides.at[1] == 1) return run_in_place(args, phases, threads);
  visit_floats(args.x.dtype, args.out.dtype, [&](auto from, auto compute, auto out) {
    run_woven<typename decltype(from)::type, typename decltype(compute)::type, typename decltype(out)::type>(
        args, phases, threads);
  });
}

std::int64_t conv_transpose_channels_bytes(const ConvTransposeArgs& args) {
  return packed_bytes(args, Phases(args));
}

void conv_transpose_channels_pack(const ConvTransposeArgs& args, void* packed) {
  Phases phases(args);
  phases.set_packed(packed);
  pack(args, phases, 1);
}

}  // namespace stretto::STRETTO_ISA
