// The maps kernel of transposed convolution for one instruction set.
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/phase_maps.h"
#include "kernels/conv/transpose_maps.h"

namespace stretto::STRETTO_ISA {

std::int64_t transpose_maps_bytes(const ConvTransposeArgs& args) {
  return args.w.size() * (args.w.dtype == DType::f64 ? 8 : 4);
}

void transpose_maps_pack(const ConvTransposeArgs& args, const Phases& phases, void* packed, int threads) {
  visit_floats(args.w.dtype, args.w.dtype, [&](auto from, auto compute, auto) {
    using From = typename decltype(from)::type;
    using T = typename decltype(compute)::type;
    if constexpr (!is_same<From, bfloat16>)
      MapsWeights(args, phases, all_phases(args, phases).tap_count)
          .pack<From>(static_cast<T*>(packed), threads);
  });
}

void transpose_maps(const ConvTransposeArgs& args, const Phases& phases, const void* packed, int threads) {
  visit_floats(args.x.dtype, args.out.dtype, [&](auto from, auto compute, auto out) {
    using From = typename decltype(from)::type;
    using T = typename decltype(compute)::type;
    if constexpr (!is_same<From, bfloat16>)
      run_maps<From, T, typename decltype(out)::type>(args, phases, static_cast<const T*>(packed), threads);
  });
}

}  // namespace stretto::STRETTO_ISA
