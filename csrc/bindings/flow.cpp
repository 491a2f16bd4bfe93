// Streams: arrays pushed into a flow, and results popped from it.
#include "execute/flow.h"

#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "bindings/bindings.h"
#include "bindings/score.h"

namespace stretto::bindings {
namespace {

constexpr std::int64_t kLongCopy = 64 << 10;  // bytes, of which the GIL is not kept from others

// Memory for the copy of an input, used again by a later batch.
class Buffer {
 public:
  char* of(std::int64_t bytes) {
    if (bytes > capacity_) {
      data_.reset(static_cast<char*>(std::aligned_alloc(64, std::size_t((bytes + 63) / 64 * 64))));
      capacity_ = data_ ? bytes : 0;
      if (!data_) throw std::bad_alloc();
    }
    return data_.get();
  }

 private:
  std::unique_ptr<char, void (*)(void*)> data_{nullptr, std::free};
  std::int64_t capacity_ = 0;
};

class HeldFlow {
 public:
  explicit HeldFlow(const FlowOptions& options) : slots_(std::size_t(options.in_flight)), flow_(options) {}

  // Says whether another one is wanted.
  bool push(std::shared_ptr<HeldScore> score, const py::tuple& arrays, bool copy, bool with_timeline) {
    Slot& slot = slots_[std::size_t(flow_.pushed()) % slots_.size()];
    slot.batch = to_batch(*score, arrays);
    slot.score = std::move(score);
    if (copy) keep_copies(slot, arrays);
    flow_.push(slot.score->score, slot.batch.input_views(), slot.batch.output_views(), with_timeline);
    return flow_.wants_batch(false);
  }

  py::object next() {
    if (flow_.is_empty()) throw py::stop_iteration();
    try {
      const py::gil_scoped_release release;
      flow_.wait();
    } catch (...) {
      if (flow_.head_has_finished()) pop();
      throw;
    }
    Slot& slot = pop();
    const std::shared_ptr<HeldScore> score = std::move(slot.score);
    const HeldBatch batch = std::move(slot.batch);
    return to_results(*score, batch);
  }

  py::list spans() {
    py::list spans;
    for (const Span& span : spans_) spans.append(to_tuple(span));
    spans_.clear();
    return spans;
  }

  void stop() {
    {
      const py::gil_scoped_release release;
      flow_.stop();
    }
    popped_ = 0;
    spans_.clear();
    for (Slot& slot : slots_) {
      slot.batch = {};
      slot.score = nullptr;
    }
  }

  Flow& flow() { return flow_; }

 private:
  struct Slot {
    HeldBatch batch;
    std::shared_ptr<HeldScore> score;
    std::vector<Buffer> buffers;  // by input
  };

  // The user may write into his arrays as soon as push returns.
  static void keep_copies(Slot& slot, const py::tuple& arrays) {
    slot.buffers.resize(slot.batch.inputs.size());
    for (std::size_t i = 0; i < slot.batch.inputs.size(); ++i) {
      Operand& operand = slot.batch.inputs[i];
      if (!operand.keeper.is(arrays[i])) continue;  // a copy already
      const auto& echoes = slot.score->echoes;
      const bool is_echoed = std::any_of(echoes.begin(), echoes.end(), [&](const HeldScore::Echo& echo) {
        return echo.is_of_input && echo.index == int(i);
      });
      if (is_echoed || !is_contiguous(operand.view)) {
        const py::array copy = in_c_order(operand.keeper);
        operand = {view_of(copy), copy};
        continue;
      }
      ArrayView& view = operand.view;
      const std::int64_t bytes = view.size() * itemsize(view.dtype);
      char* const data = slot.buffers[i].of(bytes);
      if (bytes > kLongCopy) {
        const py::gil_scoped_release release;
        std::memcpy(data, view.data, std::size_t(bytes));
      } else {
        std::memcpy(data, view.data, std::size_t(bytes));
      }
      view = contiguous_view(data, view.dtype, view.shape);
    }
  }

  Slot& pop() {
    const Timeline timeline = flow_.pop();
    for (const auto& worker : timeline.workers)
      for (Span span : worker) {
        span.micro_batch = int(popped_);
        spans_.push_back(span);
      }
    return slots_[std::size_t(popped_++) % slots_.size()];
  }

  std::vector<Slot> slots_;
  std::int64_t popped_ = 0;
  std::vector<Span> spans_;
  Flow flow_;  // the last: it stops before what its batches look at is gone
};

}  // namespace

void bind_flows(py::module_& m) {
  py::class_<HeldFlow>(m, "Flow", "Batches that follow one another through workers.")
      .def(py::init([](int workers, int in_flight, bool in_order, bool caller_works, bool is_independent) {
             return std::make_unique<HeldFlow>(
                 FlowOptions{workers, in_flight, in_order, caller_works, is_independent});
           }),
           py::kw_only(), py::arg("workers"), py::arg("in_flight"), py::arg("in_order"),
           py::arg("caller_works"), py::arg("is_independent"))
      .def(
          "wants_batch", [](HeldFlow& f, bool is_first) { return f.flow().wants_batch(is_first); },
          py::arg("is_first"))
      .def("push", &HeldFlow::push, py::arg("score"), py::arg("arrays"), py::arg("copy"), py::arg("timeline"))
      .def("next", &HeldFlow::next)
      .def("spans", &HeldFlow::spans)
      .def("stop", &HeldFlow::stop)
      .def(
          "cancel", [](HeldFlow& f) { f.flow().cancel(); }, py::call_guard<py::gil_scoped_release>())
      .def(
          "skip", [](HeldFlow& f, std::int64_t number) { f.flow().skip(number); }, py::arg("number"))
      .def(
          "watch", [](HeldFlow& f, double seconds) { f.flow().watchdog.set_seconds(seconds); },
          py::arg("seconds"))
      .def_property_readonly("is_empty", [](HeldFlow& f) { return f.flow().is_empty(); })
      .def_property_readonly("head_has_finished", [](HeldFlow& f) { return f.flow().head_has_finished(); })
      .def_property_readonly("pushed", [](HeldFlow& f) { return f.flow().pushed(); });
}

}  // namespace stretto::bindings
