// The contract as plain loops.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/load.h"
#include "kernels/offset.h"
#include "kernels/vecdot/vecdot.h"

namespace stretto {
namespace {

template <class C>
C tree(C (&s)[kStripes]) {
  for (int h = kStripes / 2; h > 0; h /= 2)
    for (int j = 0; j < h; ++j) s[j] = s[j] + s[j + h];
  return s[0];
}

template <class C>
C sum(std::vector<C> x) {
  while (x.size() > 1) {
    std::vector<C> totals;
    for (std::size_t start = 0; start < x.size(); start += kStripeSegment) {
      C s[kStripes] = {};
      for (std::size_t k = start; k < std::min(x.size(), start + kStripeSegment); ++k)
        s[(k - start) % kStripes] = s[(k - start) % kStripes] + x[k];
      totals.push_back(tree(s));
    }
    x = totals;
  }
  return x.empty() ? C(0) : x[0];
}

template <class T>
Compute<T> dot(const T* a, std::int64_t a_step, const T* b, std::int64_t b_step, std::int64_t k) {
  using C = Compute<T>;
  if constexpr (std::is_floating_point_v<C>) {
    std::vector<C> totals;
    for (std::int64_t start = 0; start < k; start += kStripeSegment) {
      C s[kStripes] = {};
      for (std::int64_t p = start; p < std::min<std::int64_t>(k, start + kStripeSegment); ++p) {
        C& stripe = s[(p - start) % kStripes];
        stripe = std::fma(widen(a[p * a_step]), widen(b[p * b_step]), stripe);
      }
      totals.push_back(tree(s));
    }
    return sum(totals);
  } else if constexpr (std::is_same_v<C, bool>) {
    bool any = false;
    for (std::int64_t p = 0; p < k; ++p) any |= a[p * a_step] && b[p * b_step];
    return any;
  } else {
    std::uint64_t total = 0;  // wraps, so exact in any order
    for (std::int64_t p = 0; p < k; ++p) total += std::uint64_t(a[p * a_step]) * std::uint64_t(b[p * b_step]);
    return C(total);
  }
}

template <class T, class Out>
void run(const VecdotArgs& args) {
  for (std::int64_t index = 0; index < args.out.size(); ++index) {
    const T* a = args.a.as<T>() + offset_of(index, args.out.shape, args.a.strides);
    const T* b = args.b.as<T>() + offset_of(index, args.out.shape, args.b.strides);
    args.out.as<Out>()[offset_of(index, args.out.shape, args.out.strides)] =
        narrow<Out>(dot(a, args.a.strides.last(0), b, args.b.strides.last(0), args.k()));
  }
}

}  // namespace

void vecdot_reference(const VecdotArgs& args, int) {
  visit_dtype(args.a.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if (args.out.dtype == args.a.dtype)
      run<T, T>(args);
    else
      run<T, Compute<T>>(args);
  });
}

}  // namespace stretto
