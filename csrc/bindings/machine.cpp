// What the machine has, what was built and how calls get their threads, for `stretto info` and limit_threads.
#include "base/machine.h"

#include <pybind11/stl.h>

#include "base/cpu_quota.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/parallel_region.h"
#include "base/thread_count.h"
#include "bindings/bindings.h"
#include "kernels/peak/peak.h"

namespace stretto::bindings {

namespace py = pybind11;

namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "gcc " __VERSION__;
#endif

std::vector<std::string> names_of(std::uint32_t archs) {
  std::vector<std::string> names = {name_of(Arch::reference)};
  for (const Arch arch : kArchs)
    if (archs & std::uint32_t(arch)) names.emplace_back(name_of(arch));
  return names;
}

py::dict machine() {
  const Machine& machine = detected_machine();
  py::dict d;
  d["compiler"] = kCompiler;
  d["isa_built"] = names_of(built_archs());
  d["isa_found"] = names_of(machine.archs);
  d["isa_chosen"] = names_of(this_machine().archs).back();
  d["l1d_bytes"] = machine.l1d_bytes;
  d["l2_bytes"] = machine.l2_bytes;
  d["l3_bytes"] = machine.l3_bytes;
  d["cores"] = affinity_cores();
  return d;
}

py::dict threads(int argument) {
  const ThreadSources sources = thread_sources(argument);
  const ThreadCount count = count_threads(sources);
  py::dict d;
  d["count"] = count.count;
  d["reason"] = count.reason;
  d["affinity"] = sources.cores;
  d["quota"] = sources.quota;
  d["engine"] = name_of(engine_in_use());
  d["openmp_date"] = openmp_date();
  return d;
}

// Operations a second of f32 and f64 on one core, for each instruction set in use.
std::map<std::string, std::map<std::string, double>> fma_peaks(double seconds) {
  const py::gil_scoped_release release;
  std::map<std::string, std::map<std::string, double>> peaks;
  for (const Arch arch : {Arch::avx2, Arch::avx512, Arch::neon})
    if (this_machine().has(arch))
      for (const DType dtype : {DType::f32, DType::f64})
        peaks[name_of(arch)][name_of(dtype)] = fma_peak(dtype, arch, seconds);
  return peaks;
}

double stream_rate(const std::string& kind, std::int64_t bytes, double seconds) {
  const std::map<std::string, Stream> kinds = {
      {"read", Stream::read}, {"write", Stream::write}, {"copy", Stream::copy}};
  const auto found = kinds.find(kind);
  if (found == kinds.end())
    throw std::invalid_argument("stream_peak: unknown kind: " + kind + "; it must be read, write or copy");
  const py::gil_scoped_release release;
  return stream_peak(found->second, bytes, seconds, this_machine());
}

// On the main thread: runs the handlers of pending signals; what one of them raises ends the call.
void look_at_signals() {
  const py::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw Interrupted();
}

}  // namespace

void bind_machine(py::module_& m) {
  m.attr("__version__") = STRETTO_VERSION;
  m.def("machine", machine);
  m.def("fma_peaks", fma_peaks, py::arg("seconds"));
  m.def("stream_peak", stream_rate, py::arg("kind"), py::arg("bytes"), py::arg("seconds"));
  m.def("threads", threads, py::arg("argument") = 0);
  m.def("resolve_threads", resolve_threads, py::arg("requested") = 0);
  m.def("set_thread_limit", set_thread_limit);
  m.def("parse_count", [](const std::string& text) { return parse_count(text.c_str()); });
  m.def("cpu_quota", [](const std::map<std::string, std::string>& files) {
    return cpu_quota([&](const std::string& path) -> std::optional<std::string> {
      const auto found = files.find(path);
      return found == files.end() ? std::nullopt : std::optional(found->second);
    });
  });
  m.def(
      "count_threads",
      [](int argument, int limit, int stretto_num_threads, int omp_num_threads, int omp_thread_limit,
         int cores, std::optional<double> quota, int worker_threads, bool in_region) {
        const ThreadCount count = count_threads({argument, limit, stretto_num_threads, omp_num_threads,
                                                 omp_thread_limit, cores, quota, worker_threads, in_region});
        return py::make_tuple(count.count, count.reason);
      },
      py::kw_only(), py::arg("argument") = 0, py::arg("limit") = 0, py::arg("stretto_num_threads") = 0,
      py::arg("omp_num_threads") = 0, py::arg("omp_thread_limit") = 0, py::arg("cores") = 1,
      py::arg("quota") = py::none(), py::arg("worker_threads") = 0, py::arg("in_region") = false);
  set_interrupt_hook(look_at_signals);
}

}  // namespace stretto::bindings
