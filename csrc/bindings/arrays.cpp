#include "bindings/arrays.h"

#include <functional>

namespace stretto::bindings {
namespace {

py::module_ numpy() { return py::module_::import("numpy"); }

// ml_dtypes is optional: without it no bfloat16 array can exist.
py::dtype bfloat16_dtype() { return py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16")); }

bool is_python_scalar(py::handle object) {
  return PyBool_Check(object.ptr()) || PyLong_CheckExact(object.ptr()) || PyFloat_CheckExact(object.ptr());
}

bool needs_copy(const py::array& array) {
  if (!(array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_)) return true;
  const char order = array.dtype().byteorder();
  if (order == '>' || order == '<') return true;  // '=' is native; NumPy says '=' for the native one
  for (py::ssize_t d = 0; d < array.ndim(); ++d)
    if (array.strides(d) % array.itemsize() != 0) return true;
  return false;
}

DType beside(py::handle scalar, DType arrays) {
  if (PyBool_Check(scalar.ptr())) return arrays == DType::none ? DType::boolean : arrays;
  if (PyLong_CheckExact(scalar.ptr()))
    return arrays == DType::none || arrays == DType::boolean ? DType::i64 : arrays;
  return is_floating(arrays) ? arrays : DType::f64;
}

bool may_overlap(const py::array& a, const py::array& b) {
  return numpy().attr("may_share_memory")(a, b).cast<bool>();
}

void check_out(const Op& op, const ValueType& type, const py::object& out) {
  if (!py::isinstance<py::array>(out))
    throw DTypeError(message(op.name, ": out must be a NumPy array: it is ",
                             py::str(py::type::of(out).attr("__name__")).cast<std::string>()));
  const auto array = py::reinterpret_borrow<py::array>(out);
  if (!array.writeable()) throw ShapeError(message(op.name, ": output array is read-only"));
  if (!numpy().attr("can_cast")(to_numpy(type.dtype), array.dtype(), "same_kind").cast<bool>())
    throw DTypeError(message(op.name, ": cannot cast the result to out: the result is ", type.dtype,
                             ", out is ", py::str(array.dtype()).cast<std::string>(),
                             "; the casting rule is same_kind"));
}

bool has_shape(const py::array& array, const Dims& shape) {
  if (array.ndim() != shape.count) return false;
  for (int d = 0; d < shape.count; ++d)
    if (array.shape(d) != shape[d]) return false;
  return true;
}

// As NumPy does, a result without dimensions is a scalar.
py::object to_result(const py::array& array) {
  return array.ndim() == 0 ? py::object(array[py::tuple()]) : py::object(array);
}

Dims shape_of(const py::array& array) {
  Dims shape;
  for (py::ssize_t d = 0; d < array.ndim() && d < kMaxDims; ++d) shape.push(array.shape(d));
  return shape;
}

}  // namespace

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
  const bool is_array = py::isinstance<py::array>(object);
  if (!is_array && py::isinstance<PreparedWeight>(object)) {
    const auto& weight = object.cast<const PreparedWeight&>();
    Operand operand{view_of(weight.elements), py::reinterpret_borrow<py::object>(object)};
    operand.view.packed = weight.packed.get();
    return operand;
  }
  if (!is_array && py::hasattr(object, "__cuda_array_interface__"))
    throw NoKernelError(
        message(op, ": ", name, " is on a GPU: this build has no CUDA kernels; move it with cupy.asnumpy"));
  py::array array =
      is_array ? py::reinterpret_borrow<py::array>(object) : py::array(numpy().attr("asarray")(object));
  if (to_dtype(array.dtype()) == DType::none)
    throw DTypeError(message(op, ": no kernel for dtype ", py::str(array.dtype()).cast<std::string>(),
                             ": it is the dtype of ", name,
                             "; available: bool, integers, float16, bfloat16, float32, float64"));
  if (array.ndim() > kMaxDims)
    throw ShapeError(
        message(op, ": too many dimensions: ", name, " has ", array.ndim(), "; at most ", kMaxDims));
  if (needs_copy(array)) array = py::array(array.attr("astype")(array.dtype().attr("newbyteorder")("=")));
  return {view_of(array), array};
}

std::vector<Operand> to_operands(const Op& op, const py::tuple& inputs) {
  std::vector<Operand> operands(inputs.size());
  DType arrays = DType::none;
  bool has_scalars = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const py::handle object = inputs[i];
    if (object.is_none()) continue;
    if (is_python_scalar(object)) {
      has_scalars = true;
      continue;
    }
    operands[i] = to_operand(op.name, op.inputs[std::min(i, op.inputs.size() - 1)], object);
    const DType dtype = operands[i].view.dtype;
    if (arrays == DType::none)
      arrays = dtype;
    else if (const DType common = promote(arrays, dtype); common != DType::none)
      arrays = common;
  }
  if (!has_scalars) return operands;
  DType common = arrays;
  for (const py::handle object : inputs)
    if (!object.is_none() && is_python_scalar(object)) common = beside(object, common);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const py::handle object = inputs[i];
    if (object.is_none() || !is_python_scalar(object)) continue;
    const py::array array(numpy().attr("asarray")(object, to_numpy(common)));
    operands[i] = {view_of(array), array};
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

void copy_into(const py::array& destination, const py::object& source) {
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

py::object with_outputs(const Op& op, const Types& inferred, const std::vector<Operand>& operands,
                        const py::object& out, const std::function<void(std::span<ArrayView>)>& compute) {
  if (out.is_none() && inferred.size() == 1) {
    const py::array array = empty_array(inferred[0]);
    ArrayView view = view_of(array);
    compute({&view, 1});
    return to_result(array);
  }
  Types types = inferred;
  py::tuple given(types.size());
  if (!out.is_none()) {
    if (py::isinstance<py::tuple>(out))
      given = py::reinterpret_borrow<py::tuple>(out);
    else
      given[0] = out;
    if (given.size() != types.size())
      throw ShapeError(
          message(op.name, ": out has ", given.size(), " arrays; the op has ", types.size(), " outputs"));
  }
  std::vector<py::array> arrays;
  std::vector<ArrayView> views;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const py::object wanted = out.is_none() ? py::none() : py::reinterpret_borrow<py::object>(given[i]);
    bool direct = false;
    if (!wanted.is_none()) {
      check_out(op, types[i], wanted);
      const auto array = py::reinterpret_borrow<py::array>(wanted);
      if (!has_shape(array, types[i].shape)) {
        Dims room = shape_of(array);
        bool fits = room.count >= types[i].shape.count;
        for (int d = 0; fits && d < types[i].shape.count; ++d) fits = room.last(d) == types[i].shape.last(d);
        if (!fits)
          throw ShapeError(message(op.name, ": out has the wrong shape: out is ", room, "; the result is ",
                                   types[i].shape));
      }
      // A wider out of a 16-bit result skips the rounding to 16 bits.
      if (op.widens && is_16bit_float(types[i].dtype) && to_dtype(array.dtype()) == DType::f32)
        types[i].dtype = DType::f32;
      direct =
          has_shape(array, types[i].shape) && to_dtype(array.dtype()) == types[i].dtype && !needs_copy(array);
      for (const Operand& operand : operands) {
        if (!direct || !operand.view.present()) continue;
        const py::object& keeper = operand.keeper;
        direct = !may_overlap(array, py::isinstance<py::array>(keeper)
                                         ? py::reinterpret_borrow<py::array>(keeper)
                                         : keeper.cast<const PreparedWeight&>().elements);
      }
      if (direct) arrays.push_back(array);
    }
    if (!direct) arrays.push_back(empty_array(types[i]));
    views.push_back(view_of(arrays.back()));
  }
  compute(views);
  py::tuple results(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    py::object wanted = out.is_none() ? py::none() : py::reinterpret_borrow<py::object>(given[i]);
    if (wanted.is_none()) {
      results[i] = to_result(arrays[i]);
      continue;
    }
    if (!wanted.is(arrays[i])) numpy().attr("copyto")(wanted, arrays[i], "same_kind");
    results[i] = wanted;
  }
  return results.size() == 1 ? py::object(results[0]) : py::object(results);
}

}  // namespace stretto::bindings
