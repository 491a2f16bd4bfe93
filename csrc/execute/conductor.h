// Keeps a plan's order on its workers, whatever an item does: a kernel, or a sleep in a rehearsal.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>

#include "base/parallel.h"
#include "base/worker.h"
#include "execute/plan.h"

namespace stretto {

class Conductor {
 public:
  using Perform = std::function<void(int worker, int item)>;

  explicit Conductor(const Plan& plan);

  // Performs every item once, on a crew of at least as many workers as the plan has. Throws what the first
  // failing item threw, or Interrupted when `stop` was set before the last item had finished.
  void run(Crew& crew, StopFlag& stop, const Perform& perform);

 private:
  struct Pass;
  void run_serial(const StopFlag& stop, const Perform& perform) const;
  void work(Pass& pass, int worker);
  void wait_for(const Pass& pass, int item, int worker);
  void wait_for_others(const Pass& pass);

  const Plan& plan_;
  std::unique_ptr<std::atomic<bool>[]> finished_;  // by item
  Signal progress_;
};

}  // namespace stretto
