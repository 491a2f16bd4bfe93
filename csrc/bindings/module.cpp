// The extension module: a list of its parts, and how errors become Python's.
#include <pybind11/pybind11.h>

#include "base/error.h"
#include "bindings/bindings.h"

namespace py = pybind11;

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  m.doc() = "The compiled part of stretto.";
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const stretto::DTypeError& error) {
      PyErr_SetString(PyExc_TypeError, error.what());
    } catch (const stretto::NoKernelError& error) {
      PyErr_SetString(PyExc_NotImplementedError, error.what());
    } catch (const stretto::Cancelled&) {
      const py::object kind = py::module_::import("concurrent.futures").attr("CancelledError");
      if (!PyErr_Occurred()) PyErr_SetString(kind.ptr(), "the run was cancelled");
    } catch (const stretto::Interrupted&) {
      if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
  });
  stretto::bindings::bind_machine(m);
  stretto::bindings::bind_ops(m);
  stretto::bindings::bind_execute(m);
  stretto::bindings::bind_capi(m);
  stretto::bindings::bind_devices(m);
}
