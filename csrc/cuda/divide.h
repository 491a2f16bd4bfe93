// Division of numbers below 2^31 by one that the host knows: a multiplication and a shift.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto {

class Divider {
 public:
  Divider() = default;
  // Loops of no steps divide nothing: 0 is as good as 1.
  explicit Divider(std::int64_t divisor) : divisor_(divisor > 0 ? std::uint32_t(divisor) : 1) {
    while (shift_ < 31 && (1u << shift_) < divisor_) ++shift_;
    const std::uint64_t rest = (std::uint64_t(1) << shift_) - divisor_;
    multiplier_ = std::uint32_t((rest << 32) / divisor_ + 1);
  }

  STRETTO_INLINE std::uint32_t divisor() const { return divisor_; }
  STRETTO_INLINE std::uint32_t quotient(std::uint32_t n) const {
    return (std::uint32_t(std::uint64_t(n) * multiplier_ >> 32) + n) >> shift_;
  }
  // Replaces n by its quotient and returns the remainder.
  STRETTO_INLINE std::uint32_t split(std::uint32_t& n) const {
    const std::uint32_t q = quotient(n), rest = n - q * divisor_;
    n = q;
    return rest;
  }

 private:
  std::uint32_t divisor_ = 1, multiplier_ = 1, shift_ = 0;
};

}  // namespace stretto
