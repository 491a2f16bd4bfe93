// Functions whose calls of arrays alone go straight to their op: Python's binding of a dozen keywords costs
// as much time as a small product.
#include "bindings/call.h"

#include <structmember.h>

#include <cstddef>

#include "ops/ops.h"

namespace stretto::bindings {
namespace {

namespace py = pybind11;

struct PlainCall {
  PyObject_HEAD;
  vectorcallfunc vectorcall;
  PyObject* attributes;  // name, documentation, what is wrapped
  PyObject* weak_references;
  PyObject* function;  // takes every other call
  const Op* op;
  Py_ssize_t inputs;
};

PlainCall& as_plain(PyObject* self) { return *reinterpret_cast<PlainCall*>(self); }

// Of keywords a plain call has `out` and `threads` at most; their names are interned wherever they are
// written in a call.
bool take_keywords(PyObject* names, PyObject* const* values, PyObject*& out, PyObject*& threads) {
  static PyObject* const out_name = PyUnicode_InternFromString("out");
  static PyObject* const threads_name = PyUnicode_InternFromString("threads");
  for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(names, i);
    if (name != out_name && name != threads_name) return false;
    (name == out_name ? out : threads) = values[i];
  }
  return true;
}

PyObject* call(PyObject* self, PyObject* const* arguments, std::size_t flags, PyObject* names) {
  static const Attributes defaults;
  const PlainCall& plain = as_plain(self);
  const std::span inputs(arguments, std::size_t(PyVectorcall_NARGS(flags)));
  PyObject *out = Py_None, *threads = Py_None;
  if (Py_ssize_t(inputs.size()) != plain.inputs || has_symbol(inputs) ||
      !take_keywords(names, arguments + inputs.size(), out, threads))
    return PyObject_Vectorcall(plain.function, arguments, flags, names);
  return returned([&] {
    return call_op(*plain.op, inputs, defaults, py::reinterpret_borrow<py::object>(out),
                   py::reinterpret_borrow<py::object>(threads));
  });
}

PyObject* make(PyTypeObject* type, PyObject* arguments, PyObject*) {
  PyObject *op, *function;
  Py_ssize_t inputs;
  if (!PyArg_ParseTuple(arguments, "OOn", &op, &function, &inputs)) return nullptr;
  return returned([&] {
    const Op& record = py::handle(op).cast<const Op&>();
    auto self = py::reinterpret_steal<py::object>(type->tp_alloc(type, 0));
    if (!self) throw py::error_already_set();
    PlainCall& plain = as_plain(self.ptr());
    plain.vectorcall = call;
    plain.function = Py_NewRef(function);
    plain.op = &record;
    plain.inputs = inputs;
    return self;
  });
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_plain(self).attributes);
  Py_VISIT(as_plain(self).function);
  Py_VISIT(Py_TYPE(self));
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(as_plain(self).attributes);
  Py_CLEAR(as_plain(self).function);
  return 0;
}

void dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  if (as_plain(self).weak_references) PyObject_ClearWeakRefs(self);
  clear(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* repr(PyObject* self) { return PyObject_Repr(as_plain(self).function); }

// Bound as functions are, for which help() takes it then.
PyObject* bind(PyObject* self, PyObject* object, PyObject*) {
  return object && object != Py_None ? PyMethod_New(self, object) : Py_NewRef(self);
}

// Pickled by name, as functions are.
PyObject* reduce(PyObject* self, PyObject*) {
  return PyObject_GetAttrString(as_plain(self).function, "__qualname__");
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PlainCall, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(PlainCall, attributes), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PlainCall, weak_references), READONLY, nullptr},
    {}};
PyGetSetDef getters[] = {{"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
                         {}};
PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {}};

template <class T>
void* slot(T* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

void bind_plain_call(py::module_& m) {
  static PyType_Slot slots[] = {{Py_tp_new, slot(make)},
                                {Py_tp_call, slot(PyVectorcall_Call)},
                                {Py_tp_traverse, slot(traverse)},
                                {Py_tp_clear, slot(clear)},
                                {Py_tp_dealloc, slot(dealloc)},
                                {Py_tp_repr, slot(repr)},
                                {Py_tp_descr_get, slot(bind)},
                                {Py_tp_members, members},
                                {Py_tp_getset, getters},
                                {Py_tp_methods, methods},
                                {0, nullptr}};
  static PyType_Spec spec = {"stretto._core.PlainCall", int(sizeof(PlainCall)), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots};
  m.attr("PlainCall") = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
}

}  // namespace stretto::bindings
