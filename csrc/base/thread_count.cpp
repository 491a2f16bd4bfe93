#include "base/thread_count.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/cpu_quota.h"
#include "base/error.h"
#include "base/machine.h"
#include "base/parallel_region.h"

namespace stretto {
namespace {

constexpr int kMostThreads = 4096;

std::atomic<int> cores_now{0};
std::atomic<std::int64_t> cores_until{0};  // s

std::int64_t seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return t.tv_sec;
}

int stretto_num_threads() {
  const char* text = std::getenv("STRETTO_NUM_THREADS");
  if (!text || !*text) return 0;
  const int count = parse_count(text);
  if (count == 0)
    throw ShapeError(message("STRETTO_NUM_THREADS: not a number of threads: \"", text, "\"; it must be 1 to ",
                             kMostThreads));
  return count;
}

ThreadSources from_environment() {
  ThreadSources sources;
  sources.stretto_num_threads = stretto_num_threads();
  sources.omp_num_threads = parse_count(std::getenv("OMP_NUM_THREADS"));
  sources.omp_thread_limit = parse_count(std::getenv("OMP_THREAD_LIMIT"));
  return sources;
}

ThreadSources of_calling_thread(int argument) {
  static const ThreadSources environment = from_environment();
  const ThreadState& thread = thread_state();
  ThreadSources sources = environment;
  sources.argument = argument;
  sources.limit = thread.limit;
  sources.worker_threads = thread.worker_threads;
  sources.in_region = thread.in_region || in_openmp_region();
  return sources;
}

const std::optional<double>& quota_of_process() {
  static const std::optional<double> quota = cpu_quota();
  return quota;
}

int cores_within(int affinity, const std::optional<double>& quota) {
  return quota ? std::clamp(int(std::min(std::ceil(*quota), 1e6)), 1, affinity) : affinity;
}

Engine engine_of_environment() {
  const char* wanted = std::getenv("STRETTO_ENGINE");
  if (!wanted || !*wanted || std::strcmp(wanted, "claim") == 0) return Engine::claim;
  if (std::strcmp(wanted, "openmp") != 0)
    throw NoKernelError(
        message("STRETTO_ENGINE: unknown engine: ", wanted, "; the known ones are claim and openmp"));
  if (!has_openmp()) throw NoKernelError("STRETTO_ENGINE: openmp is not built in; claim is");
  return Engine::openmp;
}

}  // namespace

const char* name_of(Engine engine) { return engine == Engine::claim ? "claim" : "openmp"; }

int parse_count(const char* text) {
  if (!text) return 0;
  char* end = nullptr;
  const long count = std::strtol(text, &end, 10);
  while (*end == ' ') ++end;
  const bool whole = end != text && (*end == '\0' || *end == ',');
  return whole && count > 0 ? int(std::min<long>(count, kMostThreads)) : 0;
}

ThreadCount count_threads(const ThreadSources& s) {
  if (s.in_region) return {1, "inside a parallel region"};
  const int cores = cores_within(s.cores, s.quota);
  ThreadCount chosen = s.argument > 0              ? ThreadCount{s.argument, "the call's argument"}
                       : s.worker_threads > 0      ? ThreadCount{s.worker_threads, "inside a worker"}
                       : s.limit > 0               ? ThreadCount{s.limit, "limit_threads"}
                       : s.stretto_num_threads > 0 ? ThreadCount{s.stretto_num_threads, "STRETTO_NUM_THREADS"}
                       : s.omp_num_threads > 0     ? ThreadCount{s.omp_num_threads, "OMP_NUM_THREADS"}
                       : cores < s.cores ? ThreadCount{cores, "the CPU quota of the control group"}
                                         : ThreadCount{cores, "the CPUs in the process's affinity mask"};
  if (s.worker_threads > 0 && chosen.count > s.worker_threads) chosen = {s.worker_threads, "inside a worker"};
  if (s.omp_thread_limit > 0 && chosen.count > s.omp_thread_limit)
    chosen = {s.omp_thread_limit, "OMP_THREAD_LIMIT"};
  return chosen;
}

ThreadSources thread_sources(int argument) {
  ThreadSources sources = of_calling_thread(argument);
  sources.cores = affinity_cores();
  sources.quota = quota_of_process();
  return sources;
}

int resolve_threads(int requested) {
  ThreadSources sources = of_calling_thread(requested);
  sources.cores = default_cores();  // within the quota already
  return count_threads(sources).count;
}

int default_cores() {
  const std::int64_t time = seconds();
  if (time >= cores_until.load(std::memory_order_relaxed)) {
    cores_now = cores_within(affinity_cores(), quota_of_process());
    cores_until = time + 1;
  }
  return cores_now;
}

void forget_cores_after_fork() { cores_until = 0; }

int set_thread_limit(int limit) {
  const int before = thread_state().limit;
  thread_state().limit = limit;
  return before;
}

Engine chosen_engine() {
  static const Engine engine = engine_of_environment();
  return engine;
}

}  // namespace stretto
