// Resampling on a device: an element of the result a thread. Gradients are gathered: outputs in C order, and
// of each the corners in the order of the definition.
#include "kernels/upsample/upsample.h"

#include "cuda/elements.h"
#include "kernels/cuda_kernels.h"
#include "simd/scalar.h"

namespace stretto {
namespace {

// Of element `index` of images with such rows and columns.
struct Spot {
  std::int64_t n, row, column, c;
  STRETTO_INLINE Spot(std::int64_t index, std::int64_t rows, std::int64_t columns, std::int64_t inner)
      : n(index / inner / columns / rows),
        row(index / inner / columns % rows),
        column(index / inner % columns),
        c(index % inner) {}
};

template <class T>
struct Resample {
  UpsampleArgs args;
  bool bilinear;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const UpsampleAxis &height = args.height, &width = args.width;
    const auto [n, i, j, c] = Spot(index, height.outputs, width.outputs, args.inner);
    T* out = static_cast<T*>(args.to) + index;
    const T* x = static_cast<const T*>(args.from);
    const auto at = [&](std::int64_t p, std::int64_t q) {
      return x[((n * args.height.size + p) * args.width.size + q) * args.inner + c];
    };
    if constexpr (std::is_floating_point_v<T>) {
      if (bilinear) {
        using V = Scalar<T>;
        const V a{T(height.weight[i])}, b{T(width.weight[j])}, one{T(1)};
        const auto along = [&](std::int64_t p) {
          return fma(b, V{at(p, width.high[j])}, (one - b) * V{at(p, width.low[j])});
        };
        *out = fma(a, along(height.high[i]), (one - a) * along(height.low[i])).v;
        return;
      }
    }
    *out = at(height.low[i], width.low[j]);
  }
};

// The first output whose second neighbour is not before p: the tables do not fall.
STRETTO_INLINE std::int64_t first_output(const UpsampleAxis& axis, const std::int32_t* last, std::int64_t p) {
  std::int64_t low = 0, high = axis.outputs;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (last[middle] < p)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

template <class T>
struct Gather {
  UpsampleArgs args;
  bool bilinear;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const UpsampleAxis &height = args.height, &width = args.width;
    const auto [n, p, q, c] = Spot(index, height.size, width.size, args.inner);
    T* dx = static_cast<T*>(args.to) + index;
    const T* grad = static_cast<const T*>(args.from);
    T sum = T(0);
    const std::int64_t first_i = first_output(height, bilinear ? height.high : height.low, p);
    const std::int64_t first_j = first_output(width, bilinear ? width.high : width.low, q);
    for (std::int64_t i = first_i; i < height.outputs && height.low[i] <= p; ++i)
      for (std::int64_t j = first_j; j < width.outputs && width.low[j] <= q; ++j) {
        const T g = grad[((n * height.outputs + i) * width.outputs + j) * args.inner + c];
        if (!bilinear) {
          sum = sum + g;
          continue;
        }
        const T a = T(height.weight[i]), b = T(width.weight[j]);
        if (height.low[i] == p && width.low[j] == q) sum = sum + g * (T(1) - a) * (T(1) - b);
        if (height.low[i] == p && width.high[j] == q) sum = sum + g * (T(1) - a) * b;
        if (height.high[i] == p && width.low[j] == q) sum = sum + g * a * (T(1) - b);
        if (height.high[i] == p && width.high[j] == q) sum = sum + g * a * b;
      }
    *dx = sum;
  }
};

template <class T>
const T* copied(const Place& place, const T* table, std::int64_t count) {
  return table ? static_cast<const T*>(on_device(place, table, count * std::int64_t(sizeof(T)))) : nullptr;
}

UpsampleAxis copied(const Place& place, const UpsampleAxis& axis) {
  UpsampleAxis result = axis;
  result.low = copied(place, axis.low, axis.outputs);
  result.high = copied(place, axis.high, axis.outputs);
  result.weight = copied(place, axis.weight, axis.outputs);
  return result;
}

template <template <class> class Kernel, class T>
void run(const UpsampleArgs& args, bool bilinear, std::int64_t rows, std::int64_t columns,
         const Place& place) {
  launch_elements(place, "upsample", args.outer * rows * columns * args.inner, Kernel<T>{args, bilinear});
}

}  // namespace

const char* cuda_upsample(const UpsampleArgs& args, Upsampling kind, const Place& place) {
  return guarded("upsample", [&] {
    if (args.height.outputs * args.width.outputs == 0) return;
    UpsampleArgs here = args;
    here.height = copied(place, args.height);
    here.width = copied(place, args.width);
    const bool bilinear = kind == Upsampling::bilinear || kind == Upsampling::bilinear_gradient;
    const std::int64_t rows = args.height.outputs, columns = args.width.outputs;
    if (kind == Upsampling::nearest_gradient || kind == Upsampling::bilinear_gradient) {
      if (args.dtype == DType::f64)
        return run<Gather, double>(here, bilinear, args.height.size, args.width.size, place);
      return run<Gather, float>(here, bilinear, args.height.size, args.width.size, place);
    }
    if (bilinear && args.dtype == DType::f64) return run<Resample, double>(here, true, rows, columns, place);
    if (bilinear) return run<Resample, float>(here, true, rows, columns, place);
    switch (itemsize(args.dtype)) {
      case 1:
        return run<Resample, std::uint8_t>(here, false, rows, columns, place);
      case 2:
        return run<Resample, std::uint16_t>(here, false, rows, columns, place);
      case 4:
        return run<Resample, std::uint32_t>(here, false, rows, columns, place);
      default:
        return run<Resample, std::uint64_t>(here, false, rows, columns, place);
    }
  });
}

}  // namespace stretto
