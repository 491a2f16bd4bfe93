#include "bindings/arrays.h"

#include <optional>

#include "bindings/cupy.h"

namespace stretto::bindings {
namespace {

py::module_ numpy() { return py::module_::import("numpy"); }

// ml_dtypes is optional: without it no bfloat16 array can exist.
py::dtype bfloat16_dtype() { return py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16")); }

DType beside(py::handle scalar, DType arrays) {
  if (PyBool_Check(scalar.ptr())) return arrays == DType::none ? DType::boolean : arrays;
  if (PyLong_CheckExact(scalar.ptr()))
    return arrays == DType::none || arrays == DType::boolean ? DType::i64 : arrays;
  return is_floating(arrays) ? arrays : DType::f64;
}

// Nothing for an object whose elements are on a device.
std::optional<Operand> host_operand(const char* op, const char* name, py::handle object) {
  const bool is_array = py::isinstance<py::array>(object);
  if (!is_array && py::isinstance<PreparedWeight>(object)) {
    const auto& weight = object.cast<const PreparedWeight&>();
    Operand operand{view_of(weight.elements), py::reinterpret_borrow<py::object>(object)};
    operand.view.packed = weight.packed.get();
    return operand;
  }
  if (!is_array && is_on_device(object)) return std::nullopt;
  py::array array =
      is_array ? py::reinterpret_borrow<py::array>(object) : py::array(numpy().attr("asarray")(object));
  checked_dtype(op, name, array.dtype());
  check_dimensions(op, name, array.ndim());
  if (needs_copy(array)) array = py::array(array.attr("astype")(array.dtype().attr("newbyteorder")("=")));
  return Operand{view_of(array), array};
}

}  // namespace

DType joined(DType arrays, DType dtype) {
  const DType common = arrays == DType::none ? dtype : promote(arrays, dtype);
  return common == DType::none ? arrays : common;
}

bool is_python_scalar(py::handle object) {
  return PyBool_Check(object.ptr()) || PyLong_CheckExact(object.ptr()) || PyFloat_CheckExact(object.ptr());
}

bool is_numpy_scalar(py::handle object) { return py::isinstance(object, numpy().attr("generic")); }

DType beside_all(std::span<PyObject* const> inputs, DType arrays) {
  for (PyObject* const object : inputs)
    if (is_python_scalar(object)) arrays = beside(object, arrays);
  return arrays;
}

py::array scalar_array(py::handle scalar, DType dtype) {
  return py::array(numpy().attr("asarray")(scalar, to_numpy(dtype)));
}

DType checked_dtype(const char* op, const char* name, const py::dtype& dtype) {
  const DType known = to_dtype(dtype);
  if (known == DType::none)
    throw DTypeError(message(op, ": no kernel for dtype ", py::str(dtype).cast<std::string>(),
                             ": it is the dtype of ", name,
                             "; available: bool, integers, float16, bfloat16, float32, float64"));
  return known;
}

void check_dimensions(const char* op, const char* name, py::ssize_t count) {
  if (count > kMaxDims)
    throw ShapeError(message(op, ": too many dimensions: ", name, " has ", count, "; at most ", kMaxDims));
}

bool needs_copy(const py::array& array) {
  if (!(array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_)) return true;
  const char order = array.dtype().byteorder();
  if (order == '>' || order == '<') return true;  // '=' is native; NumPy says '=' for the native one
  for (py::ssize_t d = 0; d < array.ndim(); ++d)
    if (array.strides(d) % array.itemsize() != 0) return true;
  return false;
}

Dims shape_of(const py::array& array) {
  Dims shape;
  for (py::ssize_t d = 0; d < array.ndim() && d < kMaxDims; ++d) shape.push(array.shape(d));
  return shape;
}

// By type number: NumPy parses a name at each call.
py::dtype to_numpy(DType dtype) {
  constexpr int kHalf = 23;  // NPY_HALF; C++ has no such type
  switch (dtype) {
    case DType::f16:
      return py::dtype(kHalf);
    case DType::f32:
      return py::dtype::of<float>();
    case DType::f64:
      return py::dtype::of<double>();
    case DType::bf16:
      return bfloat16_dtype();
    default:
      return py::dtype(std::string(name_of(dtype)));
  }
}

DType to_dtype(const py::dtype& dtype) {
  switch (dtype.kind()) {
    case 'b':
      return DType::boolean;
    case 'i':
      return dtype.itemsize() == 1   ? DType::i8
             : dtype.itemsize() == 2 ? DType::i16
             : dtype.itemsize() == 4 ? DType::i32
                                     : DType::i64;
    case 'u':
      return dtype.itemsize() == 1   ? DType::u8
             : dtype.itemsize() == 2 ? DType::u16
             : dtype.itemsize() == 4 ? DType::u32
                                     : DType::u64;
    case 'f':
      return dtype.itemsize() == 2   ? DType::f16
             : dtype.itemsize() == 4 ? DType::f32
             : dtype.itemsize() == 8 ? DType::f64
                                     : DType::none;
    case 'V':
      return py::str(dtype).equal(py::str("bfloat16")) ? DType::bf16 : DType::none;
    default:
      return DType::none;
  }
}

ArrayView view_of(const py::array& array) {
  ArrayView view;
  view.data = const_cast<void*>(array.data());
  view.dtype = to_dtype(array.dtype());
  view.shape = shape_of(array);
  for (py::ssize_t d = 0; d < array.ndim(); ++d) view.strides.push(array.strides(d) / array.itemsize());
  return view;
}

Operand to_operand(const char* op, const char* name, py::handle object) {
  std::optional<Operand> operand = host_operand(op, name, object);
  if (!operand)
    throw NoKernelError(message(op, ": ", name, " is ", kind_of(object), " on a GPU, where ", op,
                                " does nothing; copy it to the host with cupy.asnumpy"));
  return std::move(*operand);
}

Operands to_operands(const Op& op, std::span<PyObject* const> inputs) {
  Operands operands;
  operands.views.reserve(inputs.size());
  operands.keepers.reserve(inputs.size());
  DType arrays = DType::none;
  bool has_scalars = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const py::handle object = inputs[i];
    const bool is_scalar = is_python_scalar(object);
    has_scalars |= is_scalar;
    if (is_scalar || object.is_none()) {
      operands.views.emplace_back();
      operands.keepers.emplace_back();
      continue;
    }
    std::optional<Operand> operand =
        host_operand(op.name, op.inputs[std::min(i, op.inputs.size() - 1)], object);
    if (!operand) return to_device_operands(op, inputs, i);
    arrays = joined(arrays, operand->view.dtype);
    operands.views.push_back(operand->view);
    operands.keepers.push_back(std::move(operand->keeper));
  }
  if (!has_scalars) return operands;
  const DType common = beside_all(inputs, arrays);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_python_scalar(inputs[i])) continue;
    const py::array array = scalar_array(inputs[i], common);
    operands.views[i] = view_of(array);
    operands.keepers[i] = array;
  }
  return operands;
}

py::array empty_array(const ValueType& type) {
  const auto& api = py::detail::npy_api::get();
  const Py_intptr_t* const shape = type.shape.begin();
  PyObject* const array = api.PyArray_NewFromDescr_(api.PyArray_Type_, to_numpy(type.dtype).release().ptr(),
                                                    type.shape.count, shape, nullptr, nullptr, 0, nullptr);
  if (!array) throw py::error_already_set();
  return py::reinterpret_steal<py::array>(array);
}

py::array in_c_order(const py::object& array) {
  return py::array(numpy().attr("array")(array, py::arg("copy") = true, py::arg("order") = "C"));
}

bool can_cast(DType from, const py::dtype& to) {
  return numpy().attr("can_cast")(to_numpy(from), to, "same_kind").cast<bool>();
}

void copy_into(const py::object& destination, const py::object& source) {
  numpy().attr("copyto")(destination, source);
}

py::array read_only_copy(const py::object& array) {
  py::array copy = in_c_order(array);
  copy.attr("setflags")(py::arg("write") = false);
  return copy;
}

py::object as_array(const py::array& array, const py::object& dtype, const py::object& copy) {
  return numpy().attr("array")(array, dtype, py::arg("copy") = copy);
}

}  // namespace stretto::bindings
