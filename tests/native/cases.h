// Random calls of each op. A generator may draw what is not legal: the op's own check sorts it out.
#pragma once

#include "arrays.h"
#include "ops/op.h"

namespace stretto::testing {

struct Case {
  Types inputs;  // absent optional ones have dtype none
  Attributes attributes;
  int weight = -1;  // the input that `pack` takes
};

Case draw_case(const Op& op, Random& random);

}  // namespace stretto::testing
