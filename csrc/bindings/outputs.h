// Where a call's results go.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "bindings/arrays.h"

namespace stretto::bindings {

// Runs `compute` on outputs of the given types and returns them: new arrays, or the user's `out`, which may
// be of another dtype (same-kind cast), any layout, and overlap the inputs. `device` is null for a call on
// the host.
py::object with_outputs(const Op& op, const Types& types, std::span<const ArrayView> operands,
                        const py::object& out, const DeviceCall* device,
                        const std::function<void(std::span<ArrayView>)>& compute);

}  // namespace stretto::bindings
