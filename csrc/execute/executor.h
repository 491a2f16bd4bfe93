// Obeys a Plan: one call runs it from the first step to the last.
#pragma once

#include <memory>

#include "execute/open_plan.h"
#include "execute/workshop.h"

namespace stretto {

class Executor {
 public:
  // Throws ShapeError when the plan has more workers than the workshop.
  Executor(std::shared_ptr<Workshop> workshop, std::shared_ptr<const Score> score);

  // Throws what a step threw, with its place added to the text, Interrupted, or Cancelled.
  // While other processes crowd the workers out of their CPUs the caller does all items itself, but for a
  // timeline.
  void run(const Batch& batch);

 private:
  std::shared_ptr<Workshop> workshop_;
  OpenPlan open_;
};

}  // namespace stretto
