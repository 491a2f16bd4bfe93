// Elements by index, and the scatter-add that is its gradient, on a device.
#include "kernels/take/take.h"

#include "cuda/elements.h"
#include "kernels/cuda_kernels.h"

namespace stretto {
namespace {

// Nobody has looked at the indices: a negative one counts from the end, others may be out of range.
STRETTO_INLINE std::int64_t index_of(const TakeArgs& args, std::int64_t k) {
  const std::int64_t index = args.indices[k];
  return index < 0 ? index + args.length : index;
}

template <class T>
struct Take {
  TakeArgs args;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const std::int64_t row = index / args.inner, i = index % args.inner;
    const std::int64_t chosen = index_of(args, row % args.count),
                       from = row / args.count * args.length + chosen;
    const bool is_there = chosen >= 0 && chosen < args.length;
    static_cast<T*>(args.to)[index] =
        is_there ? static_cast<const T*>(args.from)[from * args.inner + i] : T(0);
  }
};

// An element of dx a thread: it looks through all indices, in their order.
template <class T>
struct TakeGradient {
  TakeArgs args;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const std::int64_t row = index / args.inner, i = index % args.inner;
    const std::int64_t outer = row / args.length, own = row % args.length;
    const T* grad = static_cast<const T*>(args.from) + outer * args.count * args.inner + i;
    T sum = T(0);
    for (std::int64_t k = 0; k < args.count; ++k)
      if (index_of(args, k) == own) sum = sum + grad[k * args.inner];
    static_cast<T*>(args.to)[index] = sum;
  }
};

template <template <class> class Kernel, class T>
void run(const TakeArgs& args, std::int64_t rows, const Place& place) {
  launch_elements(place, "take", args.outer * rows * args.inner, Kernel<T>{args});
}

}  // namespace

const char* cuda_take(const TakeArgs& args, const Place& place) {
  return guarded("take", [&] {
    switch (itemsize(args.dtype)) {
      case 1:
        return run<Take, std::uint8_t>(args, args.count, place);
      case 2:
        return run<Take, std::uint16_t>(args, args.count, place);
      case 4:
        return run<Take, std::uint32_t>(args, args.count, place);
      default:
        return run<Take, std::uint64_t>(args, args.count, place);
    }
  });
}

const char* cuda_take_gradient(const TakeArgs& args, const Place& place) {
  return guarded("take_gradient", [&] {
    if (args.dtype == DType::f64)
      run<TakeGradient, double>(args, args.length, place);
    else
      run<TakeGradient, float>(args, args.length, place);
  });
}

}  // namespace stretto
