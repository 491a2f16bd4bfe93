// Where workers run. Schedulers, of virtual machines above all, like to wake a thread on the CPU of who woke
// it and to leave it there, beside an idle CPU; so a worker that finds another one before it moves itself.
#pragma once

#include <atomic>
#include <memory>

namespace stretto {

// Moves the calling thread to a CPU that it may use outside of these; stays where there is none.
void leave_cpus(const int* cpus, int count);

class CpuPlaces {
 public:
  explicit CpuPlaces(int workers);

  void note(int worker);    // it runs here
  void settle(int worker);  // it runs here, or moves if a worker of a lower number does
  void forget(int worker);  // it no longer runs

 private:
  const int workers_;
  std::unique_ptr<std::atomic<int>[]> cpus_;
};

}  // namespace stretto
