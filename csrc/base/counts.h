// Arithmetic of counts and sizes. Inlined everywhere: a copy in a function of its own could be compiled for
// an instruction set that the machine lacks.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto {

STRETTO_INLINE std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
STRETTO_INLINE std::int64_t greatest(std::int64_t a, std::int64_t b) { return a > b ? a : b; }
STRETTO_INLINE std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace stretto
