// Resampling on a device: an element of the result a thread, which applies the rules. Gradients are gathered:
// outputs in C order, and of each the corners in the order of the definition.
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
  UpsampleByRules args;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const UpsampleRule &height = args.height, &width = args.width;
    const auto [n, i, j, c] = Spot(index, height.outputs, width.outputs, args.inner);
    const UpsampleRule::Spot row = height.at(i), column = width.at(j);
    T* out = static_cast<T*>(args.to) + index;
    const T* x = static_cast<const T*>(args.from);
    const auto at = [&](std::int64_t p, std::int64_t q) {
      return x[((n * height.size + p) * width.size + q) * args.inner + c];
    };
    if constexpr (std::is_floating_point_v<T>) {
      if (height.bilinear) {
        using V = Scalar<T>;
        const V a{T(row.weight)}, b{T(column.weight)}, one{T(1)};
        const auto along = [&](std::int64_t p) {
          return fma(b, V{at(p, column.high)}, (one - b) * V{at(p, column.low)});
        };
        *out = fma(a, along(row.high), (one - a) * along(row.low)).v;
        return;
      }
    }
    *out = at(row.low, column.low);
  }
};

// The first output whose last neighbour is not before p: positions do not fall.
STRETTO_INLINE std::int64_t first_output(const UpsampleRule& rule, std::int64_t p) {
  std::int64_t low = 0, high = rule.outputs;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    const UpsampleRule::Spot spot = rule.at(middle);
    if ((rule.bilinear ? spot.high : spot.low) < p)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

template <class T>
struct Gather {
  UpsampleByRules args;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const UpsampleRule &height = args.height, &width = args.width;
    const auto [n, p, q, c] = Spot(index, height.size, width.size, args.inner);
    T* dx = static_cast<T*>(args.to) + index;
    const T* grad = static_cast<const T*>(args.from);
    T sum = T(0);
    const std::int64_t first_i = first_output(height, p), first_j = first_output(width, q);
    for (std::int64_t i = first_i; i < height.outputs; ++i) {
      const UpsampleRule::Spot row = height.at(i);
      if (row.low > p) break;
      for (std::int64_t j = first_j; j < width.outputs; ++j) {
        const UpsampleRule::Spot column = width.at(j);
        if (column.low > q) break;
        const T g = grad[((n * height.outputs + i) * width.outputs + j) * args.inner + c];
        if (!height.bilinear) {
          sum = sum + g;
          continue;
        }
        const T a = T(row.weight), b = T(column.weight);
        if (row.low == p && column.low == q) sum = sum + g * (T(1) - a) * (T(1) - b);
        if (row.low == p && column.high == q) sum = sum + g * (T(1) - a) * b;
        if (row.high == p && column.low == q) sum = sum + g * a * (T(1) - b);
        if (row.high == p && column.high == q) sum = sum + g * a * b;
      }
    }
    *dx = sum;
  }
};

template <template <class> class Kernel, class T>
void run(const UpsampleByRules& args, std::int64_t rows, std::int64_t columns, const Place& place) {
  launch_elements(place, "upsample", args.outer * rows * columns * args.inner, Kernel<T>{args});
}

}  // namespace

const char* cuda_upsample(const UpsampleByRules& args, Upsampling kind, const Place& place) {
  return guarded("upsample", [&] {
    const std::int64_t rows = args.height.outputs, columns = args.width.outputs;
    if (rows * columns == 0) return;
    if (kind == Upsampling::nearest_gradient || kind == Upsampling::bilinear_gradient) {
      if (args.dtype == DType::f64)
        return run<Gather, double>(args, args.height.size, args.width.size, place);
      return run<Gather, float>(args, args.height.size, args.width.size, place);
    }
    if (args.height.bilinear && args.dtype == DType::f64)
      return run<Resample, double>(args, rows, columns, place);
    if (args.height.bilinear) return run<Resample, float>(args, rows, columns, place);
    switch (itemsize(args.dtype)) {
      case 1:
        return run<Resample, std::uint8_t>(args, rows, columns, place);
      case 2:
        return run<Resample, std::uint16_t>(args, rows, columns, place);
      case 4:
        return run<Resample, std::uint32_t>(args, rows, columns, place);
      default:
        return run<Resample, std::uint64_t>(args, rows, columns, place);
    }
  });
}

}  // namespace stretto
