// Plans handed to the executor: tuples in, spans out. Nothing is decided here.
#include <pybind11/stl.h>

#include <cstdint>

#include "bindings/arrays.h"
#include "bindings/attributes.h"
#include "bindings/bindings.h"
#include "execute/executor.h"
#include "execute/rehearsal.h"

namespace stretto::bindings {
namespace {

Dims to_dims(const Ints& sizes) {
  if (sizes.size() > kMaxDims)
    throw ShapeError(message("too many dimensions: ", sizes.size(), "; at most ", kMaxDims));
  Dims dims;
  for (const std::int64_t size : sizes) dims.push(size);
  return dims;
}

const Op& named(const std::string& name) {
  const Op* op = op_named(name);
  if (!op) throw py::key_error(name);
  return *op;
}

// (dtype, shape, strides, storage, index, offset, is_view)
Place to_place(const py::tuple& t) {
  static constexpr const char* kStorages[] = {"arena", "input", "output", "constant"};
  Place value;
  value.type.dtype = dtype_named(t[0].cast<std::string>().c_str());
  value.type.shape = to_dims(t[1].cast<Ints>());
  value.strides = to_dims(t[2].cast<Ints>());
  const auto storage = t[3].cast<std::string>();
  int kind = 0;
  while (kind < 4 && storage != kStorages[kind]) ++kind;
  if (kind == 4) throw py::value_error("unknown storage: " + storage);
  value.storage = Storage(kind);
  value.index = t[4].cast<int>();
  value.offset = t[5].cast<std::int64_t>();
  value.is_view = t[6].cast<bool>();
  return value;
}

// (op, attributes, inputs, outputs, is_view); an absent input is -1.
Step to_step(const py::tuple& t) {
  Step step;
  step.op = &named(t[0].cast<std::string>());
  step.attributes = to_attributes(step.op->name, t[1].cast<py::dict>());
  step.inputs = t[2].cast<std::vector<int>>();
  step.outputs = t[3].cast<std::vector<int>>();
  step.is_view = t[4].cast<bool>();
  return step;
}

// (values, steps, arena bytes)
Program to_program(const py::tuple& t) {
  Program program;
  for (const auto& value : t[0].cast<py::sequence>())
    program.values.push_back(to_place(value.cast<py::tuple>()));
  for (const auto& step : t[1].cast<py::sequence>()) program.steps.push_back(to_step(step.cast<py::tuple>()));
  program.arena_bytes = t[2].cast<std::int64_t>();
  return program;
}

std::vector<Cut> to_cuts(const py::handle& pairs) {
  std::vector<Cut> cuts;
  for (const auto& [axis, factor] : pairs.cast<std::vector<std::pair<int, std::int64_t>>>())
    cuts.push_back({axis, factor});
  return cuts;
}

Plan to_plan(const py::dict& d) {
  Plan plan;
  plan.stages = d["stages"].cast<std::vector<std::vector<int>>>();
  for (const auto& batch : d["micro_batches"].cast<py::sequence>()) {
    const auto t = batch.cast<py::tuple>();
    plan.micro_batches.push_back({t[0].cast<int>(), t[1].cast<std::int64_t>(), t[2].cast<int>()});
  }
  for (const auto& item : d["items"].cast<py::sequence>()) {
    const auto t = item.cast<py::tuple>();
    plan.items.push_back({t[0].cast<int>(), t[1].cast<int>(), t[2].cast<std::vector<int>>()});
  }
  plan.workers = d["workers"].cast<std::vector<std::vector<int>>>();
  plan.inputs = to_cuts(d["inputs"]);
  plan.outputs = to_cuts(d["outputs"]);
  plan.slots = d["slots"].cast<int>();
  plan.threads = d["threads"].cast<int>();
  return plan;
}

// Constants keep the arrays that their views look at.
struct HeldConstants {
  std::vector<Operand> operands;
  std::shared_ptr<Constants> constants;
};

std::vector<ArrayView> views_of(const std::vector<Operand>& operands) {
  std::vector<ArrayView> views;
  for (const Operand& operand : operands) views.push_back(operand.view);
  return views;
}

std::vector<Operand> held(const char* what, const py::sequence& arrays) {
  std::vector<Operand> operands;
  for (const auto& array : arrays) operands.push_back(to_operand("plan", what, array));
  return operands;
}

struct HeldExecutor {
  std::shared_ptr<HeldConstants> constants;
  std::unique_ptr<Executor> executor;
};

py::object run(const HeldExecutor& self, const py::sequence& inputs, const py::sequence& outputs,
               bool with_timeline) {
  const std::vector<Operand> in = held("an input", inputs), out = held("an output", outputs);
  const std::vector<ArrayView> in_views = views_of(in), out_views = views_of(out);
  Timeline timeline;
  {
    const py::gil_scoped_release release;
    self.executor->run(in_views, out_views, with_timeline ? &timeline : nullptr);
  }
  if (!with_timeline) return py::none();
  py::list spans;
  for (const auto& worker : timeline.workers)
    for (const Span& s : worker)
      spans.append(py::make_tuple(s.worker, s.stage, s.step, s.micro_batch, s.begin, s.end));
  return spans;
}

// items: what each waits for; workers: the items of each, in order. Spans are (worker, item, begin, end).
py::list rehearsed(Workshop& workshop, const std::vector<std::vector<int>>& items,
                   const std::vector<std::vector<int>>& workers, const Ints& nanoseconds) {
  Plan plan;
  for (const std::vector<int>& after : items) plan.items.push_back({0, 0, after});
  plan.workers = workers;
  std::vector<RehearsedSpan> spans;
  {
    const py::gil_scoped_release release;
    spans = rehearse(workshop, plan, {nanoseconds.begin(), nanoseconds.end()});
  }
  py::list result;
  for (const RehearsedSpan& s : spans) result.append(py::make_tuple(s.worker, s.item, s.begin, s.end));
  return result;
}

// Where the outputs of a viewing op lie in its first input: (offset in bytes, strides) of each, or None.
py::object viewed(const Op& op, const py::sequence& inputs, const py::dict& keywords, const Ints& strides) {
  if (!op.view) return py::none();
  const Attributes attributes = to_attributes(op.name, keywords);
  std::vector<ArrayView> views;
  Types types;
  for (const auto& description : inputs) {
    ArrayView view;
    if (!description.is_none()) {
      const auto [dtype, shape] = description.cast<std::pair<std::string, Ints>>();
      view = contiguous_view(nullptr, dtype_named(dtype.c_str()), to_dims(shape));
    }
    views.push_back(view);
    types.push_back(view.type());
  }
  // Any address does: nothing is read.
  alignas(64) static char origin[64];
  views.at(0).data = origin;
  views.at(0).strides = to_dims(strides);
  std::vector<ArrayView> outputs;
  for (const ValueType& type : op.infer(types, attributes))
    outputs.push_back(contiguous_view(nullptr, type.dtype, type.shape));
  if (!op.view({views, outputs, attributes, {}})) return py::none();
  py::list places;
  for (const ArrayView& output : outputs)
    places.append(py::make_tuple(static_cast<char*>(output.data) - origin,
                                 py::tuple(py::cast(Ints(output.strides.begin(), output.strides.end())))));
  return places;
}

}  // namespace

void bind_execute(py::module_& m) {
  py::class_<Workshop, std::shared_ptr<Workshop>>(m, "Workshop", "The worker threads of a runner.")
      .def(py::init<int>(), py::arg("workers"), py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("workers", [](const Workshop& w) { return w.crew.workers(); });

  py::class_<HeldConstants, std::shared_ptr<HeldConstants>>(m, "Constants", "The constants of a program.")
      .def(py::init([](const py::sequence& arrays) {
             auto self = std::make_shared<HeldConstants>();
             self->operands = held("a constant", arrays);
             self->constants = std::make_shared<Constants>(views_of(self->operands));
             return self;
           }),
           py::arg("arrays"))
      .def_property_readonly("packings", [](const HeldConstants& c) { return c.constants->packings(); });

  py::class_<HeldExecutor>(m, "Executor", "A plan opened on this machine.")
      .def(py::init([](std::shared_ptr<Workshop> workshop, std::shared_ptr<HeldConstants> constants,
                       const py::sequence& programs, const py::dict& plan) {
             std::vector<Program> parsed;
             for (const auto& program : programs) parsed.push_back(to_program(program.cast<py::tuple>()));
             Plan obeyed = to_plan(plan);
             auto self = std::make_unique<HeldExecutor>();
             self->constants = std::move(constants);
             const py::gil_scoped_release release;
             self->executor = std::make_unique<Executor>(std::move(workshop), self->constants->constants,
                                                         std::move(parsed), std::move(obeyed));
             return self;
           }),
           py::arg("workshop"), py::arg("constants"), py::arg("programs"), py::arg("plan"))
      .def("run", run, py::arg("inputs"), py::arg("outputs"), py::arg("timeline") = false)
      .def_property_readonly("arena_bytes", [](const HeldExecutor& e) { return e.executor->arena_bytes(); });

  m.def("rehearse", rehearsed, py::arg("workshop"), py::arg("items"), py::arg("workers"),
        py::arg("nanoseconds"));
  m.def("viewed", viewed, py::arg("op"), py::arg("inputs"), py::arg("attributes"), py::arg("strides"));
  m.def("empty", [](const std::string& dtype, const Ints& shape) {
    return empty_array({dtype_named(dtype.c_str()), to_dims(shape)});
  });
}

}  // namespace stretto::bindings
