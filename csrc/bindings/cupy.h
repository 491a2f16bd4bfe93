// The door between arrays on a GPU and views: CuPy's, and through CuPy whatever else has elements there. CuPy
// is used where the user has imported it, never imported.
#pragma once

#include <exception>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/place.h"
#include "bindings/arrays.h"

namespace stretto::bindings {

// Whether an object that is no NumPy array has its elements on a GPU.
bool is_on_device(py::handle object);

// Throws DeviceError while the user captures the current stream, whose graph would go on using memory that
// went back to CuPy's pool when the call ended.
void refuse_capture(const char* op);

// "a CuPy array", "a list": what an operand is, in messages.
std::string kind_of(py::handle object);

// A call on arrays of one device: the device is current while the call lasts, work goes to the user's current
// stream, and memory comes from CuPy's allocator. Its pools keep what is freed for the stream it was taken
// on, so it is enough that operands and memory live until the work is on the stream. The GIL is held
// throughout.
class DeviceCall {
 public:
  DeviceCall(const char* op, int device);
  ~DeviceCall();
  DeviceCall(const DeviceCall&) = delete;
  DeviceCall& operator=(const DeviceCall&) = delete;

  const Place* place() const { return &place_; }
  py::object empty(const ValueType& type) const;  // a CuPy array
  ArrayView view_of(py::handle array) const;      // of such an array
  // Of the user's `out`. Throws DTypeError or ShapeError for one that a call on this device cannot write to.
  ArrayView view_of_out(const Op& op, py::handle out) const;
  void refuse_capture() const;  // before it takes memory for itself
  // Throws what `allocate` threw, if it did: on its way through C++ it may have become another.
  void rethrow_error() const;

 private:
  static void* allocate(void* self, std::int64_t bytes);
  static void release(void* self, void* memory);

  const char* op_;
  Place place_;
  mutable bool is_captured_ = true;  // until it was asked
  py::object guard_;                 // makes another device current
  std::unordered_map<void*, py::object> memory_;
  std::exception_ptr error_;
};

// A CuPy array, or whatever else is on a device, as a CuPy array; its view has no place yet.
struct DeviceOperand {
  Operand operand;
  int device;
};
DeviceOperand to_device_operand(const char* op, const char* name, py::handle object);

// Arrays that must all be on that device, with views that have no place yet. Throws ShapeError or DTypeError
// for one that is not, and NoKernelError where no CUDA kernel can run.
std::vector<Operand> to_device_arrays(const char* op, const char* name, const py::sequence& arrays,
                                      int device);

// As to_operands, for inputs of which the one at `first` is on a device. Throws DTypeError or ShapeError
// where they are not all on the same one, and NoKernelError where no CUDA kernel can run.
Operands to_device_operands(const Op& op, std::span<PyObject* const> inputs, std::size_t first);

bool is_cupy_array(py::handle object);

}  // namespace stretto::bindings
