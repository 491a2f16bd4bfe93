// Plans on a device: arrays of CuPy's in, arrays of CuPy's out.
#include "execute/device_plan.h"

#include "bindings/bindings.h"
#include "bindings/cupy.h"
#include "bindings/score.h"
#include "kernels/copy/copy.h"

namespace stretto::bindings {
namespace {

struct HeldDevicePlan {
  std::shared_ptr<HeldScore> score;
  DevicePlan plan;

  explicit HeldDevicePlan(const std::shared_ptr<HeldScore>& given) : score(given), plan(given->score) {
    if (score->constants->device < 0)
      throw NoKernelError("plan: its constants are in host memory; a DevicePlan works on a GPU");
  }
};

struct DeviceArray {
  py::object array;
  ArrayView view;
};

DeviceArray new_array(const DeviceCall& call, const ValueType& type) {
  py::object array = call.empty(type);
  const ArrayView view = call.view_of(array);
  return {std::move(array), view};
}

// The inputs as the plan takes them: those that must be in C order are.
std::vector<ArrayView> input_views(const HeldScore& score, const DeviceCall& call,
                                   std::vector<Operand>& inputs) {
  std::vector<ArrayView> views;
  for (Operand& input : inputs) {
    input.view.place = call.place();
    views.push_back(input.view);
  }
  for (const int i : score.contiguous) {
    ArrayView& view = views[std::size_t(i)];
    if (is_contiguous(view)) continue;
    DeviceArray copied = new_array(call, view.type());
    copy(view, copied.view);
    view = copied.view;
    inputs[std::size_t(i)].keeper = std::move(copied.array);
  }
  return views;
}

// The GIL is held: memory comes from Python, and nothing is waited for.
py::object run(HeldDevicePlan& self, const py::sequence& arrays) {
  const HeldScore& score = *self.score;
  const int device = score.constants->device;
  std::vector<Operand> inputs = to_device_arrays("plan", "an input", arrays, device);
  const DeviceCall call("plan", device);
  call.refuse_capture();  // a plan has an arena
  const std::vector<ArrayView> from = input_views(score, call, inputs);
  py::tuple results(score.outputs.size());
  std::vector<ArrayView> to;
  for (std::size_t i = 0; i < score.outputs.size(); ++i) {
    DeviceArray result = new_array(call, score.outputs[i]);
    results[i] = std::move(result.array);
    to.push_back(result.view);
  }
  try {
    self.plan.run({from, to}, *call.place());
  } catch (...) {
    call.rethrow_error();
    throw;
  }
  for (const auto& [output, is_of_input, index] : score.echoes)
    copy((is_of_input ? from : to)[std::size_t(index)], to[std::size_t(output)]);
  return score.returns_tuple ? py::object(results) : py::object(results[0]);
}

}  // namespace

void bind_device_plans(py::module_& m) {
  m.def("refuse_capture", refuse_capture, py::arg("op"), "Raise while the current stream is being captured.");
  py::class_<HeldDevicePlan>(m, "DevicePlan", "A plan opened on a GPU.")
      .def(py::init<const std::shared_ptr<HeldScore>&>(), py::arg("score"))
      .def("run", run, py::arg("arrays"))
      .def_property_readonly("device", [](const HeldDevicePlan& p) { return p.score->constants->device; })
      .def_property_readonly("arena_bytes",
                             [](const HeldDevicePlan& p) { return p.score->score->arena_bytes(); });
}

}  // namespace stretto::bindings
