// Obeys a Plan: one call runs it from the first step to the last.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/worker.h"
#include "execute/conductor.h"
#include "execute/constants.h"
#include "execute/plan.h"
#include "execute/stage.h"
#include "execute/timeline.h"

namespace stretto {

// What all executors of a runner share: the threads, and the right to use them.
struct Workshop {
  explicit Workshop(int workers) : crew(workers) {}
  Crew crew;
  mutable std::atomic<bool> taken = false;
  Signal free;
};

// The right to use a workshop, from its begin to its end; who waits for it still looks at signals.
class Turn {
 public:
  explicit Turn(Workshop& workshop);
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Workshop& workshop_;
};

class Executor {
 public:
  // Allocates every arena and packs every weight. Throws std::bad_alloc.
  Executor(std::shared_ptr<Workshop> workshop, std::shared_ptr<Constants> constants,
           std::vector<Program> programs, Plan plan);
  ~Executor();

  // Inputs and outputs are whole batches. Throws what a step threw, with its place added to the text.
  void run(std::span<const ArrayView> inputs, std::span<const ArrayView> outputs, Timeline* timeline);

  std::int64_t arena_bytes() const { return arena_bytes_; }

 private:
  void run_item(std::span<const ArrayView> inputs, std::span<const ArrayView> outputs, Timeline* timeline,
                int worker, int item);

  std::shared_ptr<Workshop> workshop_;
  std::shared_ptr<Constants> constants_;
  std::vector<Program> programs_;
  Plan plan_;
  std::int64_t arena_bytes_ = 0;
  std::unique_ptr<char, void (*)(void*)> arenas_;
  std::vector<std::vector<std::unique_ptr<BoundStage>>> bound_;  // [program * slots + slot][stage]
  Conductor conductor_;
};

}  // namespace stretto
