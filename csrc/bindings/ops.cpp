// Calls of single ops: an Op object for each record.
#include "ops/ops.h"

#include <pybind11/stl.h>

#include <optional>

#include "base/machine.h"
#include "base/parallel.h"
#include "bindings/arrays.h"
#include "bindings/attributes.h"
#include "bindings/bindings.h"

namespace stretto::bindings {
namespace {

// What a call hands over to when an input is a symbol of a trace: set once by stretto.program.
struct Recorder {
  PyObject* symbol_type = nullptr;
  PyObject* record = nullptr;
};
Recorder recorder;

bool is_symbol(py::handle object) {
  return reinterpret_cast<PyObject*>(Py_TYPE(object.ptr())) == recorder.symbol_type;
}

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

Types types_of(const std::vector<Operand>& operands) {
  Types types;
  types.reserve(operands.size());
  for (const Operand& operand : operands) types.push_back(operand.view.type());
  return types;
}

py::object call_op(const Op& op, const py::tuple& inputs, const py::dict& keywords, const py::object& out,
                   const py::object& threads, const std::optional<std::string>& variant) {
  for (const py::handle input : inputs)
    if (is_symbol(input)) return py::handle(recorder.record)(py::cast(&op), inputs, keywords, out);
  const Attributes attributes = to_attributes(op.name, keywords);
  const std::vector<Operand> operands = to_operands(op, inputs);
  const RunOptions options{to_threads(op.name, threads), variant ? variant->c_str() : nullptr};
  std::vector<ArrayView> views;
  views.reserve(operands.size());
  for (const Operand& operand : operands) views.push_back(operand.view);
  return with_outputs(op, op.infer(types_of(operands), attributes), operands, out,
                      [&](std::span<ArrayView> outputs) {
                        const py::gil_scoped_release release;
                        const CallScope scope;
                        op.run({views, outputs, attributes, options});
                      });
}

ValueType to_type(const py::object& description) {
  if (description.is_none()) return {};
  const auto [dtype, shape] = description.cast<std::pair<std::string, Ints>>();
  ValueType type;
  type.dtype = dtype_named(dtype.c_str());
  if (shape.size() > kMaxDims)
    throw ShapeError(message("too many dimensions: ", shape.size(), "; at most ", kMaxDims));
  for (const std::int64_t size : shape) type.shape.push(size);
  return type;
}

py::tuple from_type(const ValueType& type) {
  return py::make_tuple(name_of(type.dtype), py::tuple(py::cast(Ints(type.shape.begin(), type.shape.end()))));
}

Types to_types(const py::sequence& descriptions) {
  Types types;
  for (const auto& description : descriptions)
    types.push_back(to_type(py::reinterpret_borrow<py::object>(description)));
  return types;
}

py::object prepare(const Op& op, const py::object& weight, const py::dict& keywords) {
  if (!op.pack)
    throw DTypeError(
        message("prepare: ", op.name, " takes no prepared weight; the ops that do have a weight operand"));
  const Operand operand = to_operand("prepare", "w", weight);
  PreparedWeight prepared;
  prepared.elements = read_only_copy(operand.keeper);
  prepared.op = &op;
  prepared.attributes = to_attributes(op.name, keywords);
  const ArrayView view = view_of(prepared.elements);
  {
    const py::gil_scoped_release release;
    const CallScope scope;
    prepared.packed = op.pack(view, prepared.attributes);
  }
  return py::cast(std::move(prepared));
}

}  // namespace

void bind_ops(py::module_& m) {
  py::class_<PreparedWeight>(m, "PreparedWeight",
                             "An immutable weight, prepacked for one op by stretto.prepare.")
      .def_property_readonly("shape", [](const PreparedWeight& w) { return w.elements.attr("shape"); })
      .def_property_readonly("dtype", [](const PreparedWeight& w) { return w.elements.attr("dtype"); })
      .def_property_readonly("ndim", [](const PreparedWeight& w) { return w.elements.attr("ndim"); })
      .def_property_readonly("op", [](const PreparedWeight& w) { return w.op->name; })
      .def_property_readonly("options", [](const PreparedWeight& w) { return from_attributes(w.attributes); })
      .def(
          "__array__",
          [](const PreparedWeight& w, const py::object& dtype, const py::object& copy) {
            return as_array(w.elements, dtype, copy);
          },
          py::arg("dtype") = py::none(), py::arg("copy") = py::none())
      .def("__repr__", [](const PreparedWeight& w) {
        return message("PreparedWeight(op=", w.op->name,
                       ", shape=", py::str(w.elements.attr("shape")).cast<std::string>(),
                       ", dtype=", py::str(w.elements.dtype()).cast<std::string>(), ")");
      });

  py::class_<Op, std::unique_ptr<Op, py::nodelete>>(m, "Op", "One op of the library.")
      .def("__call__", call_op, py::arg("inputs"), py::arg("attributes"), py::arg("out") = py::none(),
           py::arg("threads") = py::none(), py::arg("variant") = py::none())
      .def_readonly("name", &Op::name)
      .def_property_readonly(
          "inputs", [](const Op& op) { return std::vector<std::string>(op.inputs.begin(), op.inputs.end()); })
      .def_property_readonly(
          "variants",
          [](const Op& op) {
            py::list rows;
            if (op.variants)
              for (const VariantName& row : op.variants())
                rows.append(py::make_tuple(row.name, name_of(row.arch), this_machine().has(row.arch)));
            return rows;
          })
      .def("infer",
           [](const Op& op, const py::sequence& inputs, const py::dict& keywords) {
             py::list outputs;
             for (const ValueType& type : op.infer(to_types(inputs), to_attributes(op.name, keywords)))
               outputs.append(from_type(type));
             return outputs;
           })
      .def("cost",
           [](const Op& op, const py::sequence& inputs, const py::dict& keywords) {
             const Attributes attributes = to_attributes(op.name, keywords);
             const Types types = to_types(inputs);
             const Cost cost = op.cost(types, op.infer(types, attributes), attributes);
             return py::make_tuple(cost.flops, cost.bytes);
           })
      .def("batch_axis",
           [](const Op& op, const py::sequence& inputs, const std::vector<int>& axes,
              const py::dict& keywords) {
             return op.batch(to_types(inputs), axes, to_attributes(op.name, keywords));
           })
      .def("__repr__", [](const Op& op) { return message("Op(", op.name, ")"); });

  m.attr("NO_BATCH") = kNoBatch;
  m.attr("MIXES_SAMPLES") = kMixesSamples;
  m.def(
      "op",
      [](const std::string& name) {
        const Op* op = op_named(name);
        if (!op) throw py::key_error(name);
        return op;
      },
      py::return_value_policy::reference);
  m.def("op_names", [] {
    std::vector<std::string> names;
    for (const Op* op : all_ops()) names.push_back(op->name);
    return names;
  });
  m.def("prepare", prepare);
  m.def("set_recorder", [](const py::object& symbol_type, const py::object& record) {
    recorder = {symbol_type.inc_ref().ptr(), record.inc_ref().ptr()};
  });
}

}  // namespace stretto::bindings
