// How many threads a call gets, why that many, and which engine runs them.
#pragma once

#include <optional>

namespace stretto {

enum class Engine { claim, openmp };
const char* name_of(Engine engine);

// Everything that the count depends on. 0 stands for "not given".
struct ThreadSources {
  int argument = 0;
  int limit = 0;  // of limit_threads
  int stretto_num_threads = 0, omp_num_threads = 0, omp_thread_limit = 0;
  int cores = 1;                // in the affinity mask
  std::optional<double> quota;  // of the control groups, in CPUs
  int worker_threads = 0;       // inside a worker of the executor: what it was given
  bool in_region = false;       // inside a parallel region, ours or OpenMP's
};

struct ThreadCount {
  int count;
  const char* reason;
};

// A pure function: the first source that is given, within the bounds of where the call runs.
ThreadCount count_threads(const ThreadSources& sources);

// What holds for the calling thread now. The environment is read once; a wrong STRETTO_NUM_THREADS throws
// ShapeError.
ThreadSources thread_sources(int argument);

// A positive whole number, the first of a list; 0 for anything else.
int parse_count(const char* text);

// Threads that can run at once here: min(affinity, quota), looked up at most once a second.
int default_cores();
void forget_cores_after_fork();

// The limit of the calling thread; 0: none. Returns the one before.
int set_thread_limit(int limit);

// Of STRETTO_ENGINE, read once, or the default; throws NoKernelError for an unknown one.
Engine chosen_engine();

// The one that a call on this thread uses: a forked child and executor workers have only `claim`.
Engine engine_in_use();

}  // namespace stretto
