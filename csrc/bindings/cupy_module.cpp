#include "bindings/cupy_module.h"

#include <atomic>

namespace stretto::bindings {
namespace {

std::atomic<const Cupy*> known{nullptr};

}  // namespace

const Cupy* cupy() {
  static PyObject* const name = PyUnicode_InternFromString("cupy");
  PyObject* const module = PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
  if (!module || module == Py_None) return nullptr;
  const Cupy* found = known.load(std::memory_order_acquire);
  if (found && found->module == module) return found;
  const py::handle m(module);
  for (const char* const part : {"ndarray", "cuda", "from_dlpack", "asarray"})
    if (!py::hasattr(m, part)) return nullptr;  // its import is under way
  const py::object cuda = m.attr("cuda");
  found = new Cupy{m.inc_ref().ptr(),
                   m.attr("ndarray"),
                   cuda.attr("get_current_stream"),
                   cuda.attr("runtime").attr("getDevice"),
                   cuda.attr("alloc"),
                   cuda.attr("Device"),
                   m.attr("from_dlpack"),
                   m.attr("asarray")};
  known.store(found, std::memory_order_release);  // the one before stays: another thread may be using it
  return found;
}

py::object attribute(py::handle object, PyObject* name) {
  PyObject* const value = PyObject_GetAttr(object.ptr(), name);
  if (!value) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(value);
}

py::object called(const py::object& function) {
  PyObject* const result = PyObject_CallNoArgs(function.ptr());
  if (!result) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

std::int64_t integer(const py::object& value) {
  const long long number = PyLong_AsLongLong(value.ptr());
  if (number == -1 && PyErr_Occurred()) throw py::error_already_set();
  return number;
}

void* pointer(py::handle holder) {
  static NAME(ptr);
  return reinterpret_cast<void*>(integer(attribute(holder, ptr_name)));
}

}  // namespace stretto::bindings
