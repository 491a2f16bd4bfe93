// Bilinear resampling as plain loops: oracle of every other variant, and last row of the table.
#include <cmath>

#include "kernels/upsample/upsample.h"

namespace stretto {
namespace {

template <class T>
void run(const UpsampleArgs& args) {
  const UpsampleAxis &height = args.height, &width = args.width;
  const T* x = static_cast<const T*>(args.from);
  T* out = static_cast<T*>(args.to);
  for (std::int64_t n = 0; n < args.outer; ++n)
    for (std::int64_t i = 0; i < height.outputs; ++i)
      for (std::int64_t j = 0; j < width.outputs; ++j)
        for (std::int64_t c = 0; c < args.inner; ++c) {
          const T a = T(height.weight[i]), b = T(width.weight[j]);
          const auto at = [&](std::int64_t p, std::int64_t q) {
            return x[((n * height.size + p) * width.size + q) * args.inner + c];
          };
          const auto along = [&](std::int64_t p) {
            return std::fma(b, at(p, width.high[j]), (T(1) - b) * at(p, width.low[j]));
          };
          *out++ = std::fma(a, along(height.high[i]), (T(1) - a) * along(height.low[i]));
        }
}

}  // namespace

void upsample_bilinear_reference(const UpsampleArgs& args, int) {
  if (args.dtype == DType::f32)
    run<float>(args);
  else
    run<double>(args);
}

}  // namespace stretto
