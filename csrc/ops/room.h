// Memory for the temporary arrays of a call, where its arrays are.
#pragma once

#include <cstdint>
#include <memory>

#include "base/array_view.h"

namespace stretto {

// 64-byte aligned; on a device it is given back in the order of its stream, so that work under way may still
// use it. Throws std::bad_alloc, or what the device's allocator throws.
std::shared_ptr<void> room_for(std::int64_t bytes, const Place* place);

}  // namespace stretto
