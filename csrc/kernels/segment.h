// The length of the contract's chains.
#pragma once

namespace stretto {

inline constexpr int kSegment = 4096;  // terms of a dot product between restarts of the chain

}  // namespace stretto
