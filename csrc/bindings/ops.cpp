// Calls of single ops: an Op object for each record.
#include "ops/ops.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/machine.h"
#include "base/parallel.h"
#include "bindings/arrays.h"
#include "bindings/attributes.h"
#include "bindings/bindings.h"
#include "bindings/call.h"

namespace stretto::bindings {
namespace {

// The slot of the type itself: a method bound by pybind11 costs a small product's time again. What it does
// not recognise goes to that method, which says what is wrong.
ternaryfunc bound_call = nullptr;

py::object record_or_call(const Op& op, const py::tuple& inputs, const py::dict& keywords,
                          const py::object& out, const py::object& threads, const char* variant) {
  const std::span<PyObject* const> given = items_of(inputs);
  if (has_symbol(given)) return record_call(op, inputs, keywords, out);
  const std::size_t count = inputs_of_call(op, given.size());
  if (count == given.size())
    return call_op(op, given, to_attributes(op.name, keywords), out, threads, variant);
  std::vector<PyObject*> all(given.begin(), given.end());
  all.resize(count, Py_None);
  return call_op(op, all, to_attributes(op.name, keywords), out, threads, variant);
}

PyObject* call_slot(PyObject* self, PyObject* arguments, PyObject* keywords) {
  const Py_ssize_t count = PyTuple_GET_SIZE(arguments);
  const auto at = [&](Py_ssize_t i) { return i < count ? PyTuple_GET_ITEM(arguments, i) : Py_None; };
  if (keywords || count < 2 || count > 4 || !PyTuple_CheckExact(at(0)) || !PyDict_CheckExact(at(1)))
    return bound_call(self, arguments, keywords);
  return returned([&] {
    const auto borrowed = [&](Py_ssize_t i) { return py::reinterpret_borrow<py::object>(at(i)); };
    auto* const instance = reinterpret_cast<py::detail::instance*>(self);
    const Op& op = *static_cast<const Op*>(instance->get_value_and_holder().value_ptr());
    return record_or_call(op, py::tuple(borrowed(0)), py::dict(borrowed(1)), borrowed(2), borrowed(3),
                          nullptr);
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

Types to_types(const Op& op, const py::sequence& descriptions) {
  Types types;
  for (const auto& description : descriptions)
    types.push_back(to_type(py::reinterpret_borrow<py::object>(description)));
  types.resize(inputs_of_call(op, types.size()));
  return types;
}

std::string select_on(const Op& op, const py::sequence& inputs, const py::dict& keywords,
                      const std::vector<std::string>& archs) {
  if (!op.select) throw NoKernelError(message(op.name, ": it has no variants that depend on the machine"));
  Machine machine;
  for (const std::string& name : archs)
    for (const Arch arch : kArchs)
      if (name == name_of(arch)) machine.archs |= std::uint32_t(arch);
  const Attributes attributes = to_attributes(op.name, keywords);
  const Types types = to_types(op, inputs);
  op.infer(types, attributes);
  return op.select(types, attributes, machine);
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
                             R"(An immutable weight, prepacked for one op by :func:`stretto.prepare`.

Examples
--------
>>> import numpy as np
>>> import stretto as st
>>> st.prepare(np.ones((8, 3, 3, 3), "f4"), op="conv2d")
PreparedWeight(op=conv2d, shape=(8, 3, 3, 3), dtype=float32)
)")
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

  py::class_<Op, std::unique_ptr<Op, py::nodelete>> op_class(m, "Op", "One op of the library.");
  op_class
      .def(
          "__call__",
          [](const Op& op, const py::tuple& inputs, const py::dict& keywords, const py::object& out,
             const py::object& threads, const std::optional<std::string>& variant) {
            return record_or_call(op, inputs, keywords, out, threads, variant ? variant->c_str() : nullptr);
          },
          py::arg("inputs"), py::arg("attributes"), py::arg("out") = py::none(),
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
      .def("select", select_on,
           "The variant that inputs of these types take on a machine with these instruction sets.")
      .def("infer",
           [](const Op& op, const py::sequence& inputs, const py::dict& keywords) {
             py::list outputs;
             for (const ValueType& type : op.infer(to_types(op, inputs), to_attributes(op.name, keywords)))
               outputs.append(from_type(type));
             return outputs;
           })
      .def("cost",
           [](const Op& op, const py::sequence& inputs, const py::dict& keywords) {
             const Attributes attributes = to_attributes(op.name, keywords);
             const Types types = to_types(op, inputs);
             const Cost cost = op.cost(types, op.infer(types, attributes), attributes);
             return py::make_tuple(cost.flops, cost.bytes);
           })
      .def("batch_axis",
           [](const Op& op, const py::sequence& inputs, const std::vector<int>& axes,
              const py::dict& keywords) {
             return op.batch(to_types(op, inputs), axes, to_attributes(op.name, keywords));
           })
      .def("channel_axes",
           [](const Op& op, const py::sequence& inputs, const py::dict& keywords) -> py::object {
             if (!op.channels) return py::none();
             const Attributes attributes = to_attributes(op.name, keywords);
             const Types types = to_types(op, inputs);
             const std::vector<int> axes = op.channels(types, op.infer(types, attributes), attributes);
             return axes.empty() ? py::object(py::none()) : py::object(py::cast(axes));
           })
      .def("__repr__", [](const Op& op) { return message("Op(", op.name, ")"); });
  auto* const type = reinterpret_cast<PyTypeObject*>(op_class.ptr());
  bound_call = std::exchange(type->tp_call, call_slot);

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
  m.def("set_recorder", set_recorder);
  bind_plain_call(m);
}

}  // namespace stretto::bindings
