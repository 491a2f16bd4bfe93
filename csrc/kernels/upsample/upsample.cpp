#include "kernels/upsample/upsample.h"

#include <cstring>

#include "base/parallel.h"
#include "base/select.h"
#include "base/variant_names.h"

namespace stretto {

#define DECLARE(isa)                                \
  namespace isa {                                   \
  void upsample_bilinear(const UpsampleArgs&, int); \
  }
DECLARE(avx512)
DECLARE(avx2)
DECLARE(neon)
#undef DECLARE
void upsample_bilinear_reference(const UpsampleArgs& args, int threads);

namespace {

constexpr std::int64_t kThreadedElements = 1 << 16;

bool always(const UpsampleArgs&) { return true; }

constexpr UpsampleVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
#include "kernels/upsample/variants.inc"
#undef VARIANT
};

template <class T>
void repeat(const UpsampleArgs& args, int threads) {
  const UpsampleAxis &height = args.height, &width = args.width;
  const std::int64_t row = width.outputs * args.inner;
  const int used = args.outer * height.outputs * row < kThreadedElements ? 1 : threads;
  parallel_for(args.outer * height.outputs, 1 + (1 << 16) / (row + 1), used,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t item = begin; item < end; ++item) {
                   const std::int64_t plane = item / height.outputs, i = item % height.outputs;
                   T* __restrict to = static_cast<T*>(args.to) + item * row;
                   if (item > begin && i > 0 && height.low[i] == height.low[i - 1]) {
                     std::memcpy(to, to - row, std::size_t(row) * sizeof(T));
                     continue;
                   }
                   const T* __restrict from = static_cast<const T*>(args.from) +
                                              (plane * height.size + height.low[i]) * width.size * args.inner;
                   if (args.inner == 1) {
                     for (std::int64_t j = 0; j < width.outputs; ++j) to[j] = from[width.low[j]];
                     continue;
                   }
                   for (std::int64_t j = 0; j < width.outputs; ++j)
                     for (std::int64_t c = 0; c < args.inner; ++c)
                       to[j * args.inner + c] = from[width.low[j] * args.inner + c];
                 }
               });
}

// Planes, and blocks of the inner channels, are independent; within one the outputs go in C order.
template <class T, bool bilinear>
void scatter(const UpsampleArgs& args, int threads) {
  const UpsampleAxis &height = args.height, &width = args.width;
  constexpr std::int64_t block = 64;
  const std::int64_t blocks = (args.inner + block - 1) / block, pixels = height.size * width.size;
  const int used = args.outer * pixels * args.inner < kThreadedElements ? 1 : threads;
  parallel_for(args.outer * blocks, 1, used, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t first = item % blocks * block;
      const std::int64_t n = args.inner - first < block ? args.inner - first : block;
      T* const plane = static_cast<T*>(args.to) + item / blocks * pixels * args.inner + first;
      const T* grad = static_cast<const T*>(args.from) +
                      item / blocks * height.outputs * width.outputs * args.inner + first;
      const auto at = [&](std::int64_t p, std::int64_t q) {
        return plane + (p * width.size + q) * args.inner;
      };
      for (std::int64_t p = 0; p < pixels; ++p)
        for (std::int64_t c = 0; c < n; ++c) plane[p * args.inner + c] = T(0);
      for (std::int64_t i = 0; i < height.outputs; ++i) {
        for (std::int64_t j = 0; j < width.outputs; ++j, grad += args.inner) {
          if constexpr (bilinear) {
            const T a = T(height.weight[i]), b = T(width.weight[j]);
            const auto add = [&](std::int64_t p, std::int64_t q, T row_weight, T column_weight) {
              T* dx = at(p, q);
              for (std::int64_t c = 0; c < n; ++c) dx[c] = dx[c] + grad[c] * row_weight * column_weight;
            };
            add(height.low[i], width.low[j], T(1) - a, T(1) - b);
            add(height.low[i], width.high[j], T(1) - a, b);
            add(height.high[i], width.low[j], a, T(1) - b);
            add(height.high[i], width.high[j], a, b);
          } else {
            T* dx = at(height.low[i], width.low[j]);
            for (std::int64_t c = 0; c < n; ++c) dx[c] = dx[c] + grad[c];
          }
        }
      }
    }
  });
}

}  // namespace

const UpsampleVariant& select_upsample(const UpsampleArgs& args, const Machine& machine, const char* forced) {
  return select(kTable, args, machine, forced);
}

UpsampleTable::UpsampleTable(const UpsampleRule& rule) : size_(rule.size) {
  for (std::int64_t o = 0; o < rule.outputs; ++o) {
    const UpsampleRule::Spot spot = rule.at(o);
    low_.push_back(spot.low);
    high_.push_back(spot.high);
    weight_.push_back(spot.weight);
  }
}

std::vector<VariantName> upsample_variants() { return variant_names(kTable); }

void upsample_nearest(const UpsampleArgs& args, int threads) {
  switch (itemsize(args.dtype)) {
    case 1:
      return repeat<std::uint8_t>(args, threads);
    case 2:
      return repeat<std::uint16_t>(args, threads);
    case 4:
      return repeat<std::uint32_t>(args, threads);
    default:
      return repeat<std::uint64_t>(args, threads);
  }
}

void upsample_nearest_gradient(const UpsampleArgs& args, int threads) {
  if (args.dtype == DType::f32)
    scatter<float, false>(args, threads);
  else
    scatter<double, false>(args, threads);
}

void upsample_bilinear_gradient(const UpsampleArgs& args, int threads) {
  if (args.dtype == DType::f32)
    scatter<float, true>(args, threads);
  else
    scatter<double, true>(args, threads);
}

}  // namespace stretto
