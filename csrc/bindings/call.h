// Calls of single ops.
#pragma once

#include <pybind11/pybind11.h>

#include <span>

#include "ops/op.h"

namespace stretto::bindings {

// Runs an op on Python objects; `threads` is None or a positive integer, `variant` may force a row of the
// op's table.
pybind11::object call_op(const Op& op, std::span<PyObject* const> inputs, const Attributes& attributes,
                         const pybind11::object& out, const pybind11::object& threads,
                         const char* variant = nullptr);

// Inputs that are symbols of a trace: such a call is recorded, not run.
bool has_symbol(std::span<PyObject* const> inputs);
pybind11::object record_call(const Op& op, const pybind11::tuple& inputs, const pybind11::dict& attributes,
                             const pybind11::object& out);
void set_recorder(const pybind11::object& symbol_type, const pybind11::object& record);

std::span<PyObject* const> items_of(const pybind11::tuple& tuple);

// The result of `call` as a new reference, or nullptr with the Python error that its exception stands for.
template <class F>
PyObject* returned(F&& call) {
  try {
    return call().release().ptr();
  } catch (...) {
    pybind11::detail::try_translate_exceptions();
    return nullptr;
  }
}

// Adds the type PlainCall.
void bind_plain_call(pybind11::module_& m);

}  // namespace stretto::bindings
