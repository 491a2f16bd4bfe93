// How near to the exact result float32 sums of products have to come.
#pragma once

#include <cstdint>

namespace stretto {

enum class Precision : std::uint8_t {
  highest,  // the contract's chain
  high,     // an error no larger than the chain's
  medium,   // about 1e-5
};

}  // namespace stretto
