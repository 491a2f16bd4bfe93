// CuPy, if the program has imported it, and what is asked of it by name.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

namespace stretto::bindings {

namespace py = pybind11;

// What is asked of CuPy, looked up once for each module of that name that there has been.
struct Cupy {
  PyObject* module;
  py::object ndarray, get_current_stream, get_device, alloc, device, from_dlpack, asarray;
};

// Null when nobody has imported CuPy.
const Cupy* cupy();

#define NAME(identifier) PyObject* const identifier##_name = PyUnicode_InternFromString(#identifier)

py::object attribute(py::handle object, PyObject* name);
py::object called(const py::object& function);
std::int64_t integer(const py::object& value);

// Where an array or piece of CuPy's memory begins.
void* pointer(py::handle holder);

}  // namespace stretto::bindings
