#include "bindings/call.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/parallel.h"
#include "bindings/arrays.h"
#include "bindings/cupy.h"
#include "bindings/outputs.h"
#include "ops/ops.h"

namespace stretto::bindings {
namespace {

// What a call hands over to when an input is a symbol of a trace: set once by stretto.program.
struct Recorder {
  PyObject* symbol_type = nullptr;
  PyObject* record = nullptr;
};
Recorder recorder;

int to_threads(const char* op, const py::object& threads) {
  if (threads.is_none()) return resolve_threads(0);
  if (!PyLong_Check(threads.ptr()) || PyBool_Check(threads.ptr()))
    throw DTypeError(message(op, ": threads is of the wrong kind: it must be a positive integer"));
  const long count = PyLong_AsLong(threads.ptr());
  if (count < 1 || count > 4096) {
    PyErr_Clear();
    throw ShapeError(message(op, ": threads is out of range: ", py::str(threads).cast<std::string>(),
                             "; it must be 1 to 4096"));
  }
  return resolve_threads(int(count));
}

Types types_of(std::span<const ArrayView> views) {
  Types types;
  types.reserve(views.size());
  for (const ArrayView& view : views) types.push_back(view.type());
  return types;
}

// Work of less time than another thread would need to take the GIL.
bool is_tiny(std::span<const ArrayView> views) {
  std::int64_t elements = 0;
  for (const ArrayView& view : views)
    if (view.present()) elements += view.size();
  return elements <= 1024;
}

}  // namespace

std::span<PyObject* const> items_of(const py::tuple& tuple) {
  return {PySequence_Fast_ITEMS(tuple.ptr()), tuple.size()};
}

bool has_symbol(std::span<PyObject* const> inputs) {
  return std::any_of(inputs.begin(), inputs.end(), [](PyObject* input) {
    return reinterpret_cast<PyObject*>(Py_TYPE(input)) == recorder.symbol_type;
  });
}

py::object record_call(const Op& op, const py::tuple& inputs, const py::dict& attributes,
                       const py::object& out) {
  return py::handle(recorder.record)(py::cast(&op), inputs, attributes, out);
}

void set_recorder(const py::object& symbol_type, const py::object& record) {
  recorder = {symbol_type.inc_ref().ptr(), record.inc_ref().ptr()};
}

py::object call_op(const Op& op, std::span<PyObject* const> inputs, const Attributes& attributes,
                   const py::object& out, const py::object& threads, const char* variant) {
  const Operands operands = to_operands(op, inputs);
  const RunOptions options{to_threads(op.name, threads), variant};
  const DeviceCall* const device = operands.device.get();
  return with_outputs(op, op.infer(types_of(operands.views), attributes), operands.views, out, device,
                      [&](std::span<ArrayView> outputs) {
                        std::optional<py::gil_scoped_release> release;
                        // On a device there is nothing to wait for, and its memory is Python's.
                        if (!device && (!is_tiny(operands.views) || !is_tiny(outputs))) release.emplace();
                        const CallScope scope;
                        try {
                          op.run({operands.views, outputs, attributes, options});
                        } catch (...) {
                          if (device) device->rethrow_error();
                          throw;
                        }
                      });
}

}  // namespace stretto::bindings
