// Puts kernels on a stream.
#pragma once

#include <cstdint>
#include <exception>
#include <type_traits>

#include "base/place.h"
#include "cuda/kernel.h"
#include "cuda/launch_size.h"

namespace stretto {

// Keeps "op: what" for the calling thread until its next error.
const char* kept_words(const char* op, const char* what);

// What went wrong, as an entry of the CUDA table returns it: null, or words.
template <class F>
const char* guarded(const char* op, F&& work) {
  try {
    work();
    return nullptr;
  } catch (const std::exception& error) {
    return kept_words(op, error.what());
  }
}

// Why there is no device to launch on, or null.
const char* no_device();

// Whether the place's device has the products of warpgroups (cuda/warpgroup.h).
bool has_warpgroups(const Place& place);
int multiprocessors(const Place& place);

}  // namespace stretto

#ifdef __CUDACC__
#include "cuda/device_launch.h"
#else
#include "cuda/emulated_launch.h"
#endif
