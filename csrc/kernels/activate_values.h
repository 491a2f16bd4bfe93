// values[i] = activation(values[i]), several vectors abreast: for epilogues, whose own loops would wait for
// one vector after the other.
#pragma once

#include "kernels/activation.h"

namespace stretto {

void activate_values(Activation activation, double parameter, float* values, std::int64_t n);
void activate_values(Activation activation, double parameter, double* values, std::int64_t n);

}  // namespace stretto
