#include "ops/room.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/place.h"

namespace stretto {

std::shared_ptr<void> room_for(std::int64_t bytes, const Place* place) {
  const std::int64_t size = (std::max<std::int64_t>(1, bytes) + 63) / 64 * 64;
  if (place) {
    const Place where = *place;
    return {where.memory(size), [where](void* memory) { where.release(where.context, memory); }};
  }
  std::shared_ptr<void> room(std::aligned_alloc(64, std::size_t(size)), std::free);
  if (!room) throw std::bad_alloc();
  return room;
}

}  // namespace stretto
