#include "bindings/score.h"

#include <pybind11/stl.h>

#include <cstdint>

#include "bindings/attributes.h"
#include "bindings/cupy.h"

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
PlacedValue to_place(const py::tuple& t) {
  static constexpr const char* kStorages[] = {"arena", "input", "output", "constant"};
  PlacedValue value;
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
  step.inputs.resize(inputs_of_call(*step.op, step.inputs.size()), -1);
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
  for (const auto& stage : d["stages"].cast<py::sequence>()) {
    const auto t = stage.cast<py::tuple>();
    plan.stages.push_back({t[0].cast<std::vector<int>>(), t[1].cast<int>(), t[2].cast<int>()});
  }
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

std::vector<Operand> held(const char* what, const py::sequence& arrays) {
  std::vector<Operand> operands;
  operands.reserve(arrays.size());
  for (const auto& array : arrays) operands.push_back(to_operand("plan", what, array));
  return operands;
}

std::shared_ptr<HeldScore> to_score(std::shared_ptr<HeldConstants> constants, const py::sequence& programs,
                                    const py::dict& plan) {
  auto score = std::make_shared<Score>();  // the constants' place decides who can play it
  score->constants = constants->constants;
  for (const auto& program : programs) score->programs.push_back(to_program(program.cast<py::tuple>()));
  score->plan = to_plan(plan);
  auto held = std::make_shared<HeldScore>();
  held->constants = std::move(constants);
  held->score = std::move(score);
  for (const auto& [dtype, shape] : plan["results"].cast<std::vector<std::pair<std::string, Ints>>>())
    held->outputs.push_back({dtype_named(dtype.c_str()), to_dims(shape)});
  held->contiguous = plan["contiguous"].cast<std::vector<int>>();
  for (const auto& echo : plan["echoes"].cast<py::sequence>()) {
    const auto t = echo.cast<py::tuple>();
    held->echoes.push_back({t[0].cast<int>(), t[1].cast<bool>(), t[2].cast<int>()});
  }
  held->returns_tuple = plan["returns_tuple"].cast<bool>();
  return held;
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
  views.resize(inputs_of_call(op, views.size()));
  types.resize(views.size());
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

// What a program takes, to recognize the usual call at a glance: (dtype, [(factor, offset) of each axis: a
// size of factor * N + offset], the batch axis or NO_BATCH) of each input.
class Intake {
 public:
  Intake(const py::sequence& inputs, std::int64_t otherwise) : otherwise_(otherwise) {
    for (const auto& input : inputs) {
      const auto t = input.cast<py::tuple>();
      inputs_.push_back({dtype_named(t[0].cast<std::string>().c_str()),
                         t[1].cast<std::vector<std::pair<std::int64_t, std::int64_t>>>(), t[2].cast<int>()});
    }
  }

  // The number of samples; -1 when anything is unusual, wrong or not.
  std::int64_t samples(const py::tuple& arrays) const {
    if (arrays.size() != inputs_.size()) return -1;
    std::int64_t samples = -1;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Input& input = inputs_[i];
      const py::handle object = arrays[i];
      if (!py::isinstance<py::array>(object)) return -1;
      const auto array = py::reinterpret_borrow<py::array>(object);
      if (array.ndim() != py::ssize_t(input.sizes.size()) || to_dtype(array.dtype()) != input.dtype)
        return -1;
      if (array.dtype().byteorder() == '>' || array.dtype().byteorder() == '<') return -1;
      if (samples < 0 && input.batch >= 0) samples = array.shape(input.batch);
    }
    if (samples < 0) samples = otherwise_;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const auto array = py::reinterpret_borrow<py::array>(arrays[i]);
      const auto& sizes = inputs_[i].sizes;
      for (std::size_t d = 0; d < sizes.size(); ++d)
        if (array.shape(py::ssize_t(d)) != sizes[d].first * samples + sizes[d].second) return -1;
    }
    return samples;
  }

  // Of CuPy arrays: (the number of samples, the GPU); None when anything is unusual.
  py::object on_gpu(const py::tuple& arrays) const {
    if (arrays.size() != inputs_.size()) return py::none();
    std::vector<DeviceOperand> given;
    std::int64_t samples = -1;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (!is_cupy_array(arrays[i])) return py::none();
      given.push_back(to_device_operand("plan", "an input", arrays[i]));
      const ArrayView& view = given[i].operand.view;
      if (view.dtype != inputs_[i].dtype || view.shape.count != int(inputs_[i].sizes.size()))
        return py::none();
      if (given[i].device != given[0].device) return py::none();
      if (samples < 0 && inputs_[i].batch >= 0) samples = view.shape[inputs_[i].batch];
    }
    if (samples < 0) samples = otherwise_;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      for (int d = 0; d < given[i].operand.view.shape.count; ++d) {
        const auto& [factor, offset] = inputs_[i].sizes[std::size_t(d)];
        if (given[i].operand.view.shape[d] != factor * samples + offset) return py::none();
      }
    return py::make_tuple(samples, given[0].device);
  }

 private:
  struct Input {
    DType dtype;
    std::vector<std::pair<std::int64_t, std::int64_t>> sizes;
    int batch;
  };
  std::vector<Input> inputs_;
  std::int64_t otherwise_;
};

}  // namespace

std::vector<ArrayView> HeldBatch::input_views() const {
  std::vector<ArrayView> views;
  views.reserve(inputs.size());
  for (const Operand& operand : inputs) views.push_back(operand.view);
  return views;
}

std::vector<ArrayView> HeldBatch::output_views() const {
  std::vector<ArrayView> views;
  views.reserve(outputs.size());
  for (const py::array& array : outputs) views.push_back(view_of(array));
  return views;
}

HeldBatch to_batch(const HeldScore& score, const py::sequence& arrays) {
  HeldBatch batch{held("an input", arrays), {}};
  for (const int i : score.contiguous) {
    Operand& operand = batch.inputs[std::size_t(i)];
    if (!is_contiguous(operand.view)) {
      const py::array copy = in_c_order(operand.keeper);
      operand = {view_of(copy), copy};
    }
  }
  batch.outputs.reserve(score.outputs.size());
  for (const ValueType& type : score.outputs) batch.outputs.push_back(empty_array(type));
  return batch;
}

py::object to_results(const HeldScore& score, const HeldBatch& batch) {
  for (const auto& [output, is_of_input, index] : score.echoes)
    copy_into(batch.outputs[std::size_t(output)],
              is_of_input ? batch.inputs[std::size_t(index)].keeper : batch.outputs[std::size_t(index)]);
  if (!score.returns_tuple) return batch.outputs[0];
  py::tuple results(batch.outputs.size());
  for (std::size_t i = 0; i < batch.outputs.size(); ++i) results[i] = batch.outputs[i];
  return results;
}

py::object to_tuple(const Span& s) {
  return py::make_tuple(s.worker, s.stage, s.step, s.micro_batch, s.begin, s.end);
}

void bind_scores(py::module_& m) {
  py::class_<HeldConstants, std::shared_ptr<HeldConstants>>(m, "Constants", "The constants of a program.")
      .def(py::init([](const py::sequence& arrays, int device) {
             auto self = std::make_shared<HeldConstants>();
             self->device = device;
             self->operands = device < 0 ? held("a constant", arrays)
                                         : to_device_arrays("plan", "a constant", arrays, device);
             std::vector<ArrayView> views;
             for (const Operand& operand : self->operands) views.push_back(operand.view);
             self->constants = std::make_shared<Constants>(std::move(views));
             return self;
           }),
           py::arg("arrays"), py::arg("device") = -1)
      .def_property_readonly("packings", [](const HeldConstants& c) { return c.constants->packings(); });

  py::class_<HeldScore, std::shared_ptr<HeldScore>>(m, "Score",
                                                    "A plan for one batch size, with its programs.")
      .def(py::init(&to_score), py::arg("constants"), py::arg("programs"), py::arg("plan"))
      .def_property_readonly("arena_bytes", [](const HeldScore& s) { return s.score->arena_bytes(); });

  py::class_<Intake>(m, "Intake", "What a program takes, to recognize the usual call at a glance.")
      .def(py::init<const py::sequence&, std::int64_t>(), py::arg("inputs"), py::arg("otherwise"))
      .def("samples", &Intake::samples, py::arg("arrays"))
      .def("on_gpu", &Intake::on_gpu, py::arg("arrays"));

  m.def("viewed", viewed, py::arg("op"), py::arg("inputs"), py::arg("attributes"), py::arg("strides"));
  m.def("empty", [](const std::string& dtype, const Ints& shape) {
    return empty_array({dtype_named(dtype.c_str()), to_dims(shape)});
  });
}

}  // namespace stretto::bindings
