// Dot products of vectors on a device: the sum rule with fma (kernels/rows_cuda.h).
#include "kernels/cuda_kernels.h"
#include "kernels/rows_cuda.h"
#include "kernels/vecdot/vecdot.h"
#include "simd/scalar.h"

namespace stretto {
namespace {

template <class C>
struct Products : Adding<C> {
  const void* a;
  const void* b;
  DType a_dtype, b_dtype;
  RowLoops<2> loops;

  STRETTO_INLINE C take(C so_far, std::int64_t row, int k) const {
    std::int64_t at[2];
    loops.offsets(row, k, at);
    const C x = load_as<C>(a, a_dtype, at[0]), y = load_as<C>(b, b_dtype, at[1]);
    if constexpr (std::is_floating_point_v<C>)
      return fma(Scalar<C>{x}, Scalar<C>{y}, Scalar<C>{so_far}).v;
    else
      return so_far + x * y;
  }
};

struct Unchanged {
  template <class C>
  STRETTO_INLINE C operator()(C value) const {
    return value;
  }
};

template <class C>
void run(const VecdotArgs& args) {
  const Place& place = *args.out.place;
  const RowLoops<2> loops =
      row_loops<2>(args.a.shape, args.a.shape.count - 1, {&args.a.strides, &args.b.strides});
  const Products<C> fold{{}, args.a.data, args.b.data, args.a.dtype, args.b.dtype, loops};
  const C* totals = folded(place, "vecdot", fold, args.out.size(), args.k(), are_adjacent(loops));
  store_rows("vecdot", totals, Unchanged{}, args.out);
}

}  // namespace

const char* cuda_vecdot(const VecdotArgs& args) {
  return guarded("vecdot", [&] {
    if (args.out.size() == 0) return;
    switch (kind_of(args.a.dtype)) {
      case Kind::single:
        return run<float>(args);
      case Kind::wide:
        return run<double>(args);
      default:
        return run<std::uint64_t>(args);  // modulo 2^64, which cut to the dtype is modulo its 2^bits
    }
  });
}

}  // namespace stretto
