// Plans obeyed: calls, streams and rehearsals. Nothing is decided here.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <cstdint>

#include "bindings/attributes.h"
#include "bindings/bindings.h"
#include "bindings/score.h"
#include "execute/executor.h"
#include "execute/rehearsal.h"

namespace stretto::bindings {
namespace {

struct HeldExecutor {
  std::shared_ptr<HeldScore> score;
  std::unique_ptr<Executor> executor;
};

py::object run(const HeldExecutor& self, const py::sequence& arrays) {
  const HeldBatch batch = to_batch(*self.score, arrays);
  const std::vector<ArrayView> inputs = batch.input_views(), outputs = batch.output_views();
  {
    const py::gil_scoped_release release;
    self.executor->run({inputs, outputs});
  }
  return to_results(*self.score, batch);
}

py::list timeline(const HeldExecutor& self, const py::sequence& arrays) {
  const HeldBatch batch = to_batch(*self.score, arrays);
  const std::vector<ArrayView> inputs = batch.input_views(), outputs = batch.output_views();
  Timeline timeline;
  {
    const py::gil_scoped_release release;
    self.executor->run({inputs, outputs, &timeline});
  }
  py::list spans;
  for (const auto& worker : timeline.workers)
    for (const Span& span : worker) spans.append(to_tuple(span));
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

}  // namespace

void bind_execute(py::module_& m) {
  bind_scores(m);

  py::class_<Workshop, std::shared_ptr<Workshop>>(m, "Workshop", "The worker threads of a runner.")
      .def(py::init<int>(), py::arg("workers"), py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("workers", [](const Workshop& w) { return w.crew.workers(); })
      .def("cancel", &Workshop::cancel, py::call_guard<py::gil_scoped_release>())
      .def("watch", [](Workshop& w, double seconds) { w.watchdog.set_seconds(seconds); }, py::arg("seconds"));

  py::class_<HeldExecutor>(m, "Executor", "A plan opened on this machine.")
      .def(py::init([](std::shared_ptr<Workshop> workshop, std::shared_ptr<HeldScore> score) {
             auto self = std::make_unique<HeldExecutor>();
             self->score = std::move(score);
             if (self->score->constants->device >= 0)
               throw NoKernelError("plan: its constants are on a GPU; an Executor works in host memory");
             const py::gil_scoped_release release;
             self->executor = std::make_unique<Executor>(std::move(workshop), self->score->score);
             return self;
           }),
           py::arg("workshop"), py::arg("score"))
      .def("run", run, py::arg("arrays"))
      .def("timeline", timeline, py::arg("arrays"))
      .def_property_readonly("arena_bytes",
                             [](const HeldExecutor& e) { return e.score->score->arena_bytes(); });

  m.def("rehearse", rehearsed, py::arg("workshop"), py::arg("items"), py::arg("workers"),
        py::arg("nanoseconds"));
  bind_flows(m);
  bind_device_plans(m);
}

}  // namespace stretto::bindings
