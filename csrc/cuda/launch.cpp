#include "cuda/launch.h"

#include <string>

#include "cuda/launch_blocks.h"
#include "cuda/on_device.h"

namespace stretto {

void launch_blocks(const Place& place, const char* name, const void* function, const void* kernel,
                   const LaunchSize& size) {
  const OnDevice guard(place.device);
  for (std::int64_t first = 0; first < size.blocks; first += kMostBlocks) {
    void* parameters[] = {const_cast<void*>(kernel), &first};
    const dim3 blocks(unsigned(blocks_from(size.blocks, first))), threads(unsigned(size.threads));
    check(cudaLaunchKernel(function, blocks, threads, parameters, std::size_t(size.shared),
                           static_cast<cudaStream_t>(place.stream)),
          name);
  }
}

void allow_shared(const Place& place, const char* name, const void* function, int bytes) {
  const OnDevice guard(place.device);
  check(cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), name);
}

namespace {

int attribute_of(const Place& place, cudaDeviceAttr attribute) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, attribute, place.device), "cudaDeviceGetAttribute");
  return value;
}

}  // namespace

bool has_warpgroups(const Place& place) {
  return attribute_of(place, cudaDevAttrComputeCapabilityMajor) == 9;
}

int multiprocessors(const Place& place) { return attribute_of(place, cudaDevAttrMultiProcessorCount); }

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
