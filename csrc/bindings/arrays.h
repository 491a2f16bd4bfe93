// The one door between array objects and views.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <span>
#include <vector>

#include "ops/op.h"

namespace stretto::bindings {

namespace py = pybind11;

// A view and the Python object that keeps its elements alive.
struct Operand {
  ArrayView view;
  py::object keeper;
};

// A weight in the layout that an op's kernels want; its elements stay readable as an array.
struct PreparedWeight {
  py::array elements;  // read-only
  std::shared_ptr<const PackedWeight> packed;
  const Op* op;
  Attributes attributes;
};

class DeviceCall;  // bindings/cupy.h

struct Operands {
  std::vector<ArrayView> views;
  std::vector<py::object> keepers;
  std::shared_ptr<DeviceCall> device;  // null: all in host memory
};

// The inputs of a call. None is an absent input; Python scalars take the dtype that NumPy would give them
// beside the arrays; lists are converted; unaligned, byte-swapped and oddly strided arrays are copied. Throws
// DTypeError for what has no view, and where some are on a GPU and others not.
Operands to_operands(const Op& op, std::span<PyObject* const> inputs);

// Of the host's memory. `name` stands for the operand in messages.
Operand to_operand(const char* op, const char* name, py::handle object);

bool is_python_scalar(py::handle object);
DType joined(DType arrays, DType dtype);  // the common dtype of some arrays and one more
DType beside_all(std::span<PyObject* const> inputs, DType arrays);  // that of the Python scalars among inputs
py::array scalar_array(py::handle scalar, DType dtype);
bool is_numpy_scalar(py::handle object);

DType checked_dtype(const char* op, const char* name, const py::dtype& dtype);
void check_dimensions(const char* op, const char* name, py::ssize_t count);

py::dtype to_numpy(DType dtype);
DType to_dtype(const py::dtype& dtype);  // none when stretto has no such dtype

py::array empty_array(const ValueType& type);
bool needs_copy(const py::array& array);    // for kernels: it is unaligned, byte-swapped or oddly strided
ArrayView view_of(const py::array& array);  // of an array that needs no copy
Dims shape_of(const py::array& array);

py::array in_c_order(const py::object& array);   // a copy
bool can_cast(DType from, const py::dtype& to);  // the same kind, as NumPy says
void copy_into(const py::object& destination, const py::object& source);

// A contiguous copy that nobody may write to.
py::array read_only_copy(const py::object& array);

// np.array(array, dtype, copy=copy)
py::object as_array(const py::array& array, const py::object& dtype, const py::object& copy);

}  // namespace stretto::bindings
