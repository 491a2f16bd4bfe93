// Memory of a packed weight.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace stretto {

using PackedMemory = std::unique_ptr<void, void (*)(void*)>;

// 64-byte aligned. Throws std::bad_alloc.
inline PackedMemory packed_memory(std::int64_t bytes) {
  PackedMemory memory(std::aligned_alloc(64, std::size_t((bytes + 63) / 64 * 64)), std::free);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace stretto
