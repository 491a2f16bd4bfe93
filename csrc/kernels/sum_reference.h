// The contract's sum in plain C++.
#pragma once

#include <cstdint>
#include <vector>

namespace stretto {

inline constexpr std::int64_t kSumSegment = 4096;

// Sum of value(0), ..., value(n - 1).
template <class C, class F>
C sum_reference(std::int64_t n, F&& value) {
  std::vector<C> terms;
  for (std::int64_t k = 0; k < n; ++k) terms.push_back(value(k));
  // Each pass replaces the terms by the totals of their segments.
  while (terms.size() > 1) {
    std::vector<C> totals;
    for (std::size_t start = 0; start < terms.size(); start += kSumSegment) {
      C s[16] = {};
      for (std::size_t k = start; k < terms.size() && k < start + kSumSegment; ++k)
        s[k % 16] = C(s[k % 16] + terms[k]);
      for (int h = 8; h >= 1; h /= 2)
        for (int j = 0; j < h; ++j) s[j] = C(s[j] + s[j + h]);
      totals.push_back(s[0]);
    }
    terms = totals;
  }
  return terms.empty() ? C(0) : C(terms[0] + C(0));
}

}  // namespace stretto
