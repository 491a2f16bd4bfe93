// Errors of the CUDA runtime, and the device of the calling thread.
#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

namespace stretto {

inline void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // the next call starts clean
  throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
}

// The calling thread's device, for the length of a call.
class OnDevice {
 public:
  explicit OnDevice(int device) : device_(device) {
    check(cudaGetDevice(&before_), "cudaGetDevice");
    if (before_ != device) check(cudaSetDevice(device), "cudaSetDevice");
  }
  ~OnDevice() {
    if (before_ != device_) cudaSetDevice(before_);
  }
  OnDevice(const OnDevice&) = delete;

 private:
  int device_, before_ = 0;
};

}  // namespace stretto
