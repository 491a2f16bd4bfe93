#include "base/cpu_places.h"

#include <sched.h>

#include <vector>

namespace stretto {

void leave_cpus(const int* cpus, int count) {
  cpu_set_t allowed, others;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  others = allowed;
  for (int i = 0; i < count; ++i)
    if (cpus[i] >= 0 && cpus[i] < CPU_SETSIZE) CPU_CLR(std::size_t(cpus[i]), &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);
}

CpuPlaces::CpuPlaces(int workers) : workers_(workers), cpus_(new std::atomic<int>[std::size_t(workers)]) {
  for (int worker = 0; worker < workers; ++worker) cpus_[std::size_t(worker)] = -1;
}

void CpuPlaces::note(int worker) {
  cpus_[std::size_t(worker)].store(sched_getcpu(), std::memory_order_relaxed);
}

void CpuPlaces::forget(int worker) { cpus_[std::size_t(worker)].store(-1, std::memory_order_relaxed); }

void CpuPlaces::settle(int worker) {
  const int here = sched_getcpu();
  bool is_taken = false;
  for (int other = 0; other < worker && !is_taken; ++other)
    is_taken = cpus_[std::size_t(other)].load(std::memory_order_relaxed) == here;
  if (is_taken) {
    std::vector<int> taken;
    for (int other = 0; other < workers_; ++other)
      if (other != worker) taken.push_back(cpus_[std::size_t(other)].load(std::memory_order_relaxed));
    leave_cpus(taken.data(), int(taken.size()));
  }
  note(worker);
}

}  // namespace stretto
