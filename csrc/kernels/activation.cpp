#include "kernels/activation.h"

#include <cstring>

namespace stretto {
namespace {

struct Row {
  const char* name;
  Activation activation;
  double parameter;
};

constexpr Row kRows[] = {
    {"none", Activation::none, 0},
    {"relu", Activation::relu, 0},
    {"relu6", Activation::relu6, 0},
    {"leaky_relu", Activation::leaky_relu, 0.01},
    {"elu", Activation::elu, 1},
    {"sigmoid", Activation::sigmoid, 0},
    {"hard_sigmoid", Activation::hard_sigmoid, 0},
    {"hard_swish", Activation::hard_swish, 0},
    {"tanh", Activation::tanh, 0},
    {"gelu", Activation::gelu, 0},
    {"gelu_tanh", Activation::gelu_tanh, 0},
    {"silu", Activation::silu, 0},
    {"softplus", Activation::softplus, 0},
    {"exp", Activation::exp, 0},
    {"log", Activation::log, 0},
    {"sqrt", Activation::sqrt, 0},
    {"erf", Activation::erf, 0},
    {"abs", Activation::abs, 0},
    {"neg", Activation::neg, 0},
};

}  // namespace

const char* name_of(Activation activation) {
  for (const Row& row : kRows)
    if (row.activation == activation) return row.name;
  return "";
}

bool activation_named(const char* name, Activation& activation, double& parameter) {
  for (const Row& row : kRows) {
    if (std::strcmp(row.name, name) != 0) continue;
    activation = row.activation;
    parameter = row.parameter;
    return true;
  }
  return false;
}

}  // namespace stretto
