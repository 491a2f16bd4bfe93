// Pooling on a device. An output a thread where its window has up to 16 taps, and for max; larger averages
// are folds (kernels/rows_cuda.h) with the taps as terms.
#include "kernels/pool/pool.h"

#include "kernels/cuda_kernels.h"
#include "kernels/pool_axis_cuda.h"
#include "kernels/rows_cuda.h"

namespace stretto {
namespace {

template <class C>
struct Pooled {
  const void* x;
  void* out;
  DType dtype;
  Window window;
  Steps x_steps, out_steps;
  Positions positions;
  bool count_padding;

  // The term of tap k; false where it is outside of x.
  STRETTO_INLINE bool term(const Position& o, std::int64_t k, C& value) const {
    std::int64_t offset;
    if (!window.tap(o, k, x_steps, offset)) return false;
    value = load_as<C>(x, dtype, x_steps.plane(o) + offset);
    return true;
  }
  STRETTO_INLINE void store_mean(const Position& o, C sum) const {
    const std::int64_t count = window.counted(o, count_padding);
    store_own<C>(out, dtype, out_steps.offset(o), count == 0 ? C(0) : sum / C(count));
  }
};

template <class C>
struct MaxPool {
  Pooled<C> pooled;
  C lowest;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const Position o = pooled.positions.of(index);
    const std::int64_t taps = pooled.window.taps(o);
    C result = lowest;
    for (std::int64_t k = 0; k < taps; ++k) {
      C value;
      if (pooled.term(o, k, value) && (value > result || value != value)) result = value;
    }
    if constexpr (std::is_floating_point_v<C>) result = result + C(0);
    store_own<C>(pooled.out, pooled.dtype, pooled.out_steps.offset(o), result);
  }
};

// Windows of up to 16 taps: a stripe has one term.
template <class C>
struct SmallAverage {
  static constexpr int kStripes = 16;
  Pooled<C> pooled;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const Position o = pooled.positions.of(index);
    const int taps = int(pooled.window.taps(o));
    C s[kStripes];
#pragma unroll
    for (int k = 0; k < kStripes; ++k) {
      C value = C(0);
      if (k < taps) pooled.term(o, k, value);
      s[k] = C(0) + value;
    }
#pragma unroll
    for (int j = 0; j < 8; ++j) s[j] = s[j] + s[j + 8];
#pragma unroll
    for (int j = 0; j < 4; ++j) s[j] = s[j] + s[j + 4];
#pragma unroll
    for (int j = 0; j < 2; ++j) s[j] = s[j] + s[j + 2];
    pooled.store_mean(o, s[0] + s[1]);
  }
};

template <class C>
struct SumOfTaps : Adding<C> {
  Pooled<C> pooled;
  STRETTO_INLINE C take(C so_far, std::int64_t row, int k) const {
    const Position o = pooled.positions.of(row);
    if (k >= pooled.window.taps(o)) return so_far;  // of adaptive windows some are smaller
    C value = C(0);
    pooled.term(o, k, value);
    return so_far + value;
  }
};

template <class C>
struct Mean {
  Pooled<C> pooled;
  const C* sums;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    pooled.store_mean(pooled.positions.of(index), sums[index]);
  }
};

template <class C>
C lowest_of(DType dtype) {
  if constexpr (std::is_floating_point_v<C>) return -FloatFormat<C>::infinity;
  return std::is_signed_v<C> ? C(~std::uint64_t(0) << (8 * itemsize(dtype) - 1)) : C(0);
}

template <class C>
void run(const PoolArgs& args) {
  const Place& place = *args.out.place;
  const Pooled<C> pooled{args.x.data,
                         args.out.data,
                         args.x.dtype,
                         Window(args.axis),
                         Steps(args.x.strides),
                         Steps(args.out.strides),
                         Positions(args.out.shape, args.channels_last),
                         args.count_padding};
  const std::int64_t outputs = args.out.size(), taps = pooled.window.most_taps();
  if (args.kind == PoolKind::max)
    return launch_elements(place, "pool", outputs, MaxPool<C>{pooled, lowest_of<C>(args.x.dtype)});
  if constexpr (std::is_floating_point_v<C>) {
    if (taps <= 16) return launch_elements(place, "pool", outputs, SmallAverage<C>{pooled});
    const C* sums = folded(place, "pool", SumOfTaps<C>{{}, pooled}, outputs, taps, args.channels_last);
    launch_elements(place, "pool", outputs, Mean<C>{pooled, sums});
  }
}

}  // namespace

const char* cuda_pool(const PoolArgs& args) {
  return guarded("pool", [&] {
    if (args.out.size() == 0) return;
    visit_kind(args.x.dtype, [&](auto kind) { run<typename decltype(kind)::type>(args); });
  });
}

}  // namespace stretto
