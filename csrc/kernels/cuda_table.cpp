#include "kernels/cuda_table.h"

#include <atomic>

#include "base/error.h"

namespace stretto {
namespace {

std::atomic<const CudaTable*> registered{nullptr};

}  // namespace

const CudaTable* cuda_table() { return registered.load(std::memory_order_acquire); }

void set_cuda_table(const CudaTable* table) { registered.store(table, std::memory_order_release); }

void throw_no_cuda_kernel(const char* op) {
  throw NoKernelError(
      message(op, ": there is no CUDA kernel for these arrays; copy them to the host with ", "cupy.asnumpy"));
}

void throw_device_error(const char* what) { throw DeviceError(what); }

}  // namespace stretto
