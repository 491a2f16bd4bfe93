// Keyword arguments between Python and the ops.
#pragma once

#include <pybind11/pybind11.h>

#include "ops/attributes.h"

namespace stretto::bindings {

Attributes to_attributes(const char* op, const pybind11::dict& keywords);
pybind11::dict from_attributes(const Attributes& attributes);

}  // namespace stretto::bindings
