#include "cuda/launch.h"

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace stretto {
namespace {

void check(cudaError_t status, const char* what) {
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

}  // namespace

void launch_blocks(const Place& place, const char* name, const void* function, const void* kernel,
                   std::int64_t blocks, int threads) {
  constexpr std::int64_t kMostBlocks = 0x7fffffff;
  const OnDevice guard(place.device);
  for (std::int64_t first = 0; first < blocks; first += kMostBlocks) {
    const std::int64_t count = blocks - first < kMostBlocks ? blocks - first : kMostBlocks;
    void* parameters[] = {const_cast<void*>(kernel), &first};
    check(cudaLaunchKernel(function, dim3(unsigned(count)), dim3(unsigned(threads)), parameters, 0,
                           static_cast<cudaStream_t>(place.stream)),
          name);
  }
}

const void* on_device(const Place& place, const void* table, std::int64_t bytes) {
  const OnDevice guard(place.device);
  void* to = place.memory(bytes);
  check(cudaMemcpyAsync(to, table, std::size_t(bytes), cudaMemcpyHostToDevice,
                        static_cast<cudaStream_t>(place.stream)),
        "copying a table to the device");
  return to;
}

constexpr int kLeastCapability = 8;  // of the architectures that the kernels are compiled for

const char* no_device() {
  static thread_local std::string text;
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  for (int device = 0; status == cudaSuccess && device < devices; ++device) {
    int major = 0;
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    if (major >= kLeastCapability) return nullptr;
  }
  cudaGetLastError();
  if (status != cudaSuccess)
    text = cudaGetErrorString(status);
  else
    text = devices == 0 ? "there is no CUDA device" : "the CUDA devices are too old: the kernels need 8.0";
  return text.c_str();
}

}  // namespace stretto
