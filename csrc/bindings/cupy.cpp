#include "bindings/cupy.h"

#include <algorithm>
#include <optional>
#include <string>

#include "bindings/cupy_module.h"
#include "kernels/copy/copy.h"
#include "kernels/cuda_table.h"

namespace stretto::bindings {
namespace {

bool is_cuda_dlpack(py::handle object) {
  if (!py::hasattr(object, "__dlpack_device__")) return false;
  constexpr int kCuda = 2, kManaged = 13;
  try {
    const auto device = object.attr("__dlpack_device__")().cast<py::tuple>();
    const int kind = py::int_(device[0]).cast<int>();
    return kind == kCuda || kind == kManaged;
  } catch (const py::error_already_set&) {
    return false;
  } catch (const py::cast_error&) {
    return false;
  }
}

std::string name_of_type(py::handle object) {
  const py::handle type(reinterpret_cast<PyObject*>(Py_TYPE(object.ptr())));
  const auto text = [&](const char* name) { return py::str(type.attr(name)).cast<std::string>(); };
  const std::string module = text("__module__");
  return (module == "builtins" ? "" : module.substr(0, module.find('.')) + ".") + text("__qualname__");
}

// The kernels' module, loaded at the first array on a device.
void require_table(const char* op, const char* name) {
  if (cuda_table()) return;
  const py::object reason = py::module_::import("stretto.cuda").attr("load")();
  if (!reason.is_none())
    throw NoKernelError(message(op, ": ", name,
                                " is on a GPU, where nothing can run: ", py::str(reason).cast<std::string>(),
                                "; copy the arrays to the host with cupy.asnumpy"));
}

// Nothing when elements lie where no view of their type can say it.
std::optional<ArrayView> view_of_array(const char* op, const char* name, py::handle array, int& device) {
  static NAME(data);
  static NAME(device_id);
  static NAME(shape);
  static NAME(strides);
  static NAME(dtype);
  static NAME(_c_contiguous);
  ArrayView view;
  view.dtype = checked_dtype(op, name, py::reinterpret_borrow<py::dtype>(attribute(array, dtype_name)));
  const py::object memory = attribute(array, data_name);
  view.data = pointer(memory);
  device = int(integer(attribute(memory, device_id_name)));
  const std::int64_t size = itemsize(view.dtype);
  bool is_usable = std::uintptr_t(view.data) % std::uintptr_t(size) == 0;
  const py::tuple shape = attribute(array, shape_name);
  check_dimensions(op, name, py::ssize_t(shape.size()));
  for (const py::handle n : shape) view.shape.push(PyLong_AsLongLong(n.ptr()));
  if (attribute(array, _c_contiguous_name).ptr() == Py_True) {
    view.strides = contiguous_strides(view.shape);
  } else {
    const py::tuple strides = attribute(array, strides_name);
    for (const py::handle step : strides) {
      const std::int64_t bytes = PyLong_AsLongLong(step.ptr());
      is_usable &= bytes % size == 0;
      view.strides.push(bytes / size);
    }
  }
  if (!is_usable) return std::nullopt;
  return view;
}

[[noreturn]] void throw_mixed(const Op& op, const char* first, int device, const char* other,
                              py::handle object) {
  throw DTypeError(message(op.name, ": operands are not in one place: ", first, " is a CuPy array on GPU ",
                           device, ", ", other, " is ", kind_of(object),
                           " in host memory; move it with cupy.asarray, or the other with cupy.asnumpy"));
}

[[noreturn]] void throw_apart(const Op& op, const char* first, int device, const char* other, int others) {
  throw ShapeError(message(op.name, ": arrays are on different GPUs: ", first, " is on GPU ", device, ", ",
                           other, " is on GPU ", others, "; copy one of them: with cupy.cuda.Device(", device,
                           "): cupy.asarray(", other, ")"));
}

// A value of the host's, which travels with the call, becomes an operand.
void put(const DeviceCall& call, const py::array& value, Operands& operands, std::size_t i) {
  const ArrayView host = view_of(value);
  call.refuse_capture();
  const py::object array = call.empty(host.type());
  const ArrayView view = call.view_of(array);
  copy(host, view);
  operands.views[i] = view;
  operands.keepers[i] = array;
}

int current_device(const Cupy& library) { return int(integer(called(library.get_device))); }

}  // namespace

bool is_cupy_array(py::handle object) {
  const Cupy* const library = cupy();
  return library && PyObject_TypeCheck(object.ptr(), reinterpret_cast<PyTypeObject*>(library->ndarray.ptr()));
}

bool is_on_device(py::handle object) {
  return is_cupy_array(object) || is_cuda_dlpack(object) || py::hasattr(object, "__cuda_array_interface__");
}

void refuse_capture(const char* op) {
  static NAME(is_capturing);
  const Cupy* const library = cupy();
  if (!library) return;
  const py::object stream = called(library->get_current_stream);
  if (called(attribute(stream, is_capturing_name)).cast<bool>())
    throw DeviceError(
        message(op, ": the stream is being captured, and this call needs memory of its own, ",
                "which the graph would go on using after the call; make it outside of the capture"));
}

std::string kind_of(py::handle object) {
  if (is_cupy_array(object)) return "a CuPy array";
  if (py::isinstance<py::array>(object)) return "a NumPy array";
  if (py::isinstance<PreparedWeight>(object)) return "a prepared weight";
  return "a " + name_of_type(object);
}

DeviceOperand to_device_operand(const char* op, const char* name, py::handle object) {
  const Cupy* const library = cupy();
  if (!library)
    throw NoKernelError(
        message(op, ": ", name, " is on a GPU (", kind_of(object),
                "), where memory is taken from CuPy, which is not imported; import cupy first, "
                "or copy the array to the host"));
  py::object array = py::reinterpret_borrow<py::object>(object);
  if (!is_cupy_array(object)) {
    const bool has_dlpack = py::hasattr(object, "__dlpack_device__");
    array = (has_dlpack ? library->from_dlpack : library->asarray)(object);
  }
  DeviceOperand result;
  std::optional<ArrayView> view = view_of_array(op, name, array, result.device);
  if (!view) {
    refuse_capture(op);
    array = array.attr("copy")();
    view = view_of_array(op, name, array, result.device);
  }
  result.operand = {*view, std::move(array)};
  return result;
}

DeviceCall::DeviceCall(const char* op, int device) : op_(op) {
  const Cupy& library = *cupy();
  if (current_device(library) != device) {
    guard_ = library.device(device);
    guard_.attr("__enter__")();
  }
  place_ = {device, pointer(called(library.get_current_stream)), allocate, this, release};
}

DeviceCall::~DeviceCall() {
  memory_.clear();
  if (!guard_) return;
  try {
    const py::error_scope pending;
    guard_.attr("__exit__")(py::none(), py::none(), py::none());
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("stretto");
  }
}

ArrayView DeviceCall::view_of(py::handle array) const {
  int device;
  std::optional<ArrayView> view = view_of_array("cupy", "an array", array, device);
  view->place = &place_;
  return *view;
}

ArrayView DeviceCall::view_of_out(const Op& op, py::handle out) const {
  if (!is_cupy_array(out))
    throw DTypeError(
        message(op.name, ": out must be a CuPy array, as the operands are: it is ", kind_of(out)));
  int device;
  std::optional<ArrayView> view = view_of_array(op.name, "out", out, device);
  if (!view)
    throw ShapeError(
        message(op.name, ": out is not aligned: its elements must lie at multiples of their size"));
  if (device != place_.device) throw_apart(op, "an operand", place_.device, "out", device);
  view->place = &place_;
  return *view;
}

py::object DeviceCall::empty(const ValueType& type) const {
  py::tuple shape(type.shape.count);
  for (int d = 0; d < type.shape.count; ++d) shape[std::size_t(d)] = type.shape[d];
  return cupy()->ndarray(shape, to_numpy(type.dtype));
}

void* DeviceCall::allocate(void* self, std::int64_t bytes) {
  DeviceCall& call = *static_cast<DeviceCall*>(self);
  try {
    call.refuse_capture();
    py::object memory = cupy()->alloc(bytes);
    void* const begin = pointer(memory);
    call.memory_.insert_or_assign(begin, std::move(memory));
    return begin;
  } catch (...) {
    call.error_ = std::current_exception();
    throw;
  }
}

void DeviceCall::refuse_capture() const {
  if (is_captured_) bindings::refuse_capture(op_);
  is_captured_ = false;
}

void DeviceCall::rethrow_error() const {
  if (error_) std::rethrow_exception(error_);
}

void DeviceCall::release(void* self, void* memory) { static_cast<DeviceCall*>(self)->memory_.erase(memory); }

std::vector<Operand> to_device_arrays(const char* op, const char* name, const py::sequence& arrays,
                                      int device) {
  require_table(op, name);
  std::vector<Operand> operands;
  operands.reserve(arrays.size());
  for (const py::handle array : arrays) {
    if (!is_cupy_array(array) && (py::isinstance<py::array>(array) || !is_on_device(array)))
      throw DTypeError(message(op, ": ", name, " is ", kind_of(array), " in host memory, not on GPU ", device,
                               "; move it with cupy.asarray"));
    DeviceOperand given = to_device_operand(op, name, array);
    if (given.device != device)
      throw ShapeError(message(op, ": ", name, " is on GPU ", given.device, ", not on GPU ", device));
    operands.push_back(std::move(given.operand));
  }
  return operands;
}

Operands to_device_operands(const Op& op, std::span<PyObject* const> inputs, std::size_t first) {
  const auto name = [&](std::size_t i) { return op.inputs[std::min(i, op.inputs.size() - 1)]; };
  require_table(op.name, name(first));
  Operands operands;
  operands.views.resize(inputs.size());
  operands.keepers.resize(inputs.size());
  DType arrays = DType::none;
  int device = -1;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const py::handle object = inputs[i];
    if (object.is_none() || is_python_scalar(object)) continue;
    Operand operand;
    if (!is_cupy_array(object) && is_numpy_scalar(object)) {
      operand = to_operand(op.name, name(i), object);
    } else if (!py::isinstance<py::array>(object) && is_on_device(object)) {
      DeviceOperand given = to_device_operand(op.name, name(i), object);
      if (device >= 0 && given.device != device) throw_apart(op, name(first), device, name(i), given.device);
      device = given.device;
      operand = std::move(given.operand);
    } else {
      device = to_device_operand(op.name, name(first), inputs[first]).device;
      throw_mixed(op, name(first), device, name(i), object);
    }
    arrays = joined(arrays, operand.view.dtype);
    operands.views[i] = operand.view;
    operands.keepers[i] = std::move(operand.keeper);
  }
  operands.device = std::make_shared<DeviceCall>(op.name, device);
  const DType common = beside_all(inputs, arrays);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const py::object keeper = operands.keepers[i];
    if (is_python_scalar(inputs[i]))
      put(*operands.device, scalar_array(inputs[i], common), operands, i);
    else if (keeper && py::isinstance<py::array>(keeper))
      put(*operands.device, py::reinterpret_borrow<py::array>(keeper), operands, i);
    else if (keeper)
      operands.views[i].place = operands.device->place();
  }
  return operands;
}

}  // namespace stretto::bindings
