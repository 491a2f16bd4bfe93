// A "device" for the CUDA kernels that are compiled for the host.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "base/place.h"
#include "kernels/cuda_table.h"

namespace stretto {

extern const CudaTable kCudaKernels;

}  // namespace stretto

namespace stretto::testing {

// Memory of the host, of its own for every call.
struct Device {
  std::vector<std::unique_ptr<unsigned char[]>> blocks;
  Place place{0, nullptr, allocate, this, release};

  static void* allocate(void* context, std::int64_t bytes) {
    auto& blocks = static_cast<Device*>(context)->blocks;
    blocks.emplace_back(new unsigned char[std::size_t(bytes)]);
    std::memset(blocks.back().get(), 0xff, std::size_t(bytes));
    return blocks.back().get();
  }
  static void release(void*, void*) {}  // what a call asks for lives as long as the call
  ArrayView view(const ArrayView& from) const {
    ArrayView result = from;
    result.place = &place;
    return result;
  }
};

inline void* aligned(const Device& device, std::int64_t bytes) {
  auto* const memory = device.place.memory<char>(bytes + 255);
  return memory + (256 - reinterpret_cast<std::uintptr_t>(memory) % 256) % 256;
}

}  // namespace stretto::testing
