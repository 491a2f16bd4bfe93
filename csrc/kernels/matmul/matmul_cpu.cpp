// matmul for one instruction set.
#include "kernels/matmul/matmul.h"
#include "simd/simd.h"

namespace stretto::STRETTO_ISA {}
