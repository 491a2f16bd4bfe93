// The parts of the extension module.
#pragma once

#include <pybind11/pybind11.h>

namespace stretto::bindings {

void bind_machine(pybind11::module_& m);
void bind_ops(pybind11::module_& m);
void bind_execute(pybind11::module_& m);
void bind_flows(pybind11::module_& m);
void bind_device_plans(pybind11::module_& m);
void bind_capi(pybind11::module_& m);
void bind_devices(pybind11::module_& m);

}  // namespace stretto::bindings
