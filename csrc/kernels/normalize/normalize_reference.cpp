// One row after the other in plain loops: oracle of every other variant, and last row of the table.
#include <vector>

#include "kernels/load.h"
#include "kernels/normalize/normalize.h"
#include "kernels/offset.h"
#include "kernels/sum_reference.h"
#include "kernels/transcendental.h"
#include "simd/scalar.h"

namespace stretto {
namespace {

template <class C>
std::vector<C> softmax_of(const std::vector<C>& x, bool is_log) {
  const auto n = std::int64_t(x.size());
  C m = x[0];
  for (const C value : x)
    if (m == m && (value > m || value != value)) m = value;
  m = m + C(0);
  std::vector<C> y;
  for (const C value : x) y.push_back(exp(Scalar<C>{value - m}).v);
  const C sum = sum_reference<C>(n, [&](std::int64_t k) { return y[std::size_t(k)]; });
  const C log_of_sum = log(Scalar<C>{sum}).v;
  for (std::size_t k = 0; k < y.size(); ++k) y[k] = is_log ? (x[k] - m) - log_of_sum : y[k] / sum;
  return y;
}

template <class C>
std::vector<C> normalized(const NormalizeArgs& args, std::int64_t row, const std::vector<C>& x) {
  const auto n = std::int64_t(x.size());
  const std::int64_t first = row % args.groups * args.channels;
  C mean = C(0), scale = C(1);
  if (args.kind == Normalization::layer) {
    const auto over_channels = [&](auto&& value) {
      return sum_reference<C>(n / args.space, [&](std::int64_t c) {
        return sum_reference<C>(args.space,
                                [&](std::int64_t i) { return value(x[std::size_t(c * args.space + i)]); });
      });
    };
    mean = over_channels([](C v) { return v; }) / C(n);
    const C squares = over_channels([&](C v) { return C((v - mean) * (v - mean)); });
    scale = C(1) / std::sqrt(squares / C(n) + C(args.eps));
  } else if (args.kind == Normalization::rms) {
    const C squares =
        sum_reference<C>(n, [&](std::int64_t k) { return C(x[std::size_t(k)] * x[std::size_t(k)]); });
    scale = C(1) / std::sqrt(squares / C(n) + C(args.eps));
  }
  std::vector<C> y;
  for (std::int64_t k = 0; k < n; ++k) {
    const std::int64_t channel = first + k / args.space;
    C z = x[std::size_t(k)];
    if (args.kind == Normalization::layer) z = z - mean;
    if (args.kind != Normalization::affine) z = z * scale;
    const C* gamma = static_cast<const C*>(args.gamma);
    const C* beta = static_cast<const C*>(args.beta);
    if (gamma && beta)
      z = std::fma(z, gamma[channel], beta[channel]);
    else if (gamma)
      z = z * gamma[channel];
    else if (beta)
      z = z + beta[channel];
    y.push_back(z);
  }
  return y;
}

template <class T>
void run(const NormalizeArgs& args) {
  using C = Compute<T>;
  Dims kept = args.x.shape, terms, x_strides, out_strides;
  kept.count = args.kept;
  for (int d = args.kept; d < args.x.shape.count; ++d) {
    terms.push(args.x.shape[d]);
    x_strides.push(args.x.strides[d]);
    out_strides.push(args.out.strides[d]);
  }
  for (std::int64_t row = 0; row < kept.product(); ++row) {
    const T* from = args.x.as<T>() + offset_of(row, kept, args.x.strides);
    T* to = args.out.as<T>() + offset_of(row, kept, args.out.strides);
    std::vector<C> x;
    for (std::int64_t k = 0; k < terms.product(); ++k)
      x.push_back(widen(from[offset_of(k, terms, x_strides)]));
    const std::vector<C> y = args.kind <= Normalization::log_softmax
                                 ? softmax_of(x, args.kind == Normalization::log_softmax)
                                 : normalized(args, row, x);
    for (std::int64_t k = 0; k < terms.product(); ++k)
      to[offset_of(k, terms, out_strides)] = narrow<T>(y[std::size_t(k)]);
  }
}

}  // namespace

void normalize_reference(const NormalizeArgs& args, int) {
  visit_dtype(args.x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (std::is_floating_point_v<Compute<T>>) run<T>(args);
  });
}

}  // namespace stretto
