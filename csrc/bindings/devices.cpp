// The table of CUDA functions: where `stretto.cuda` hands it over, and the one for tests.
#include <cstdint>

#include "base/error.h"
#include "bindings/bindings.h"
#include "bindings/cupy.h"
#include "kernels/cuda_table.h"
#include "ops/host_table.h"

namespace stretto::bindings {
namespace {

// The capsule of `_cuda`; None takes the table away.
void set_table(const py::object& capsule) {
  if (capsule.is_none()) return set_cuda_table(nullptr);
  const auto* const table =
      static_cast<const CudaTable*>(PyCapsule_GetPointer(capsule.ptr(), kCudaTableCapsule));
  if (!table) throw py::error_already_set();
  if (table->version != kCudaTableVersion)
    throw NoKernelError(message("cuda: _cuda has kernels of version ", table->version, ", _core wants ",
                                kCudaTableVersion, "; install both from one wheel"));
  set_cuda_table(table);
}

py::object unavailable() {
  const CudaTable* const table = cuda_table();
  const char* const reason = table ? table->unavailable() : "no kernels are loaded";
  return reason ? py::object(py::str(reason)) : py::object(py::none());
}

py::list host_launches() {
  py::list result;
  for (const HostLaunch& launch : take_host_launches())
    result.append(py::make_tuple(launch.kernel, launch.device, std::intptr_t(launch.stream)));
  return result;
}

}  // namespace

void bind_devices(py::module_& m) {
  m.def("is_on_device", is_on_device, py::arg("array"));
  m.def(
      "as_cupy",
      [](const char* op, const char* name, py::handle array) {
        DeviceOperand operand = to_device_operand(op, name, array);
        return py::make_tuple(std::move(operand.operand.keeper), operand.device);
      },
      py::arg("op"), py::arg("name"), py::arg("array"),
      "An array on a GPU as CuPy's, and the number of its GPU.");
  m.def("set_cuda_table", set_table, py::arg("capsule"));
  m.def("cuda_unavailable", unavailable, "Why no CUDA kernel can run, or None.");
  m.def(
      "use_host_table",
      [](std::uintptr_t memory, std::size_t bytes) {
        set_cuda_table(&host_table(reinterpret_cast<void*>(memory), bytes));
      },
      py::arg("memory"), py::arg("bytes"),
      "For tests: the CPU's kernels on memory that is closed to others.");
  m.def(
      "open_host_memory", [](bool is_open) { is_open ? open_host_memory() : close_host_memory(); },
      py::arg("is_open"));
  m.def("host_launches", host_launches,
        "(kernel, device, stream) of what that table did since the last time.");
}

}  // namespace stretto::bindings
