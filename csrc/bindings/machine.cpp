// What the machine has and what was built, for `stretto info`.
#include "base/machine.h"

#include <pybind11/stl.h>

#include "base/parallel.h"
#include "bindings/bindings.h"

namespace stretto::bindings {

namespace py = pybind11;

namespace {

std::vector<std::string> names_of(std::uint32_t archs) {
  std::vector<std::string> names = {name_of(Arch::reference)};
  for (const Arch arch : {Arch::avx2, Arch::avx512, Arch::neon})
    if (archs & std::uint32_t(arch)) names.emplace_back(name_of(arch));
  return names;
}

}  // namespace

void bind_machine(py::module_& m) {
  m.attr("__version__") = STRETTO_VERSION;
  m.def("machine", [] {
    const Machine& machine = detected_machine();
    py::dict d;
    d["compiler"] = "gcc-compatible " __VERSION__;
    d["isa_built"] = names_of(built_archs());
    d["isa_found"] = names_of(machine.archs);
    d["isa_chosen"] = names_of(this_machine().archs).back();
    d["l1d_bytes"] = machine.l1d_bytes;
    d["l2_bytes"] = machine.l2_bytes;
    d["l3_bytes"] = machine.l3_bytes;
    d["cores"] = machine.cores;
    return d;
  });
  m.def("resolve_threads", resolve_threads, py::arg("requested") = 0);
}

}  // namespace stretto::bindings
