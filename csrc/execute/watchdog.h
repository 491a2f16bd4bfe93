// Sees when nothing finishes any more, and says on stderr what every worker does.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "execute/plan.h"

namespace stretto {

class Watchdog {
 public:
  explicit Watchdog(int workers) : workers_(workers), posts_(new Post[std::size_t(workers)]) {}

  // How long is too long; 0: the watchdog sleeps, and costs a load for each item.
  void set_seconds(double seconds) { period_ = std::int64_t(seconds * 1e9); }
  bool is_awake() const { return period_.load(std::memory_order_relaxed) != 0; }

  // What the workers tell it. `batch` is the number in a stream, or -1.
  void begins() { finishes(); }
  void runs(int worker, std::int64_t batch, const Item& item) { note(worker, Doing::runs, batch, item); }
  void waits(int worker, std::int64_t batch, const Item& item) { note(worker, Doing::waits, batch, item); }
  void rests(int worker) { posts_[std::size_t(worker)].doing = Doing::rests; }
  void finishes();

  // Called now and then by a worker that waits: speaks once a period.
  void look();

 private:
  enum class Doing : int { rests, runs, waits };
  struct Post {
    std::atomic<Doing> doing{Doing::rests};
    std::atomic<int> stage{0}, micro_batch{0};
    std::atomic<std::int64_t> batch{-1}, since{0};
  };
  void note(int worker, Doing doing, std::int64_t batch, const Item& item);

  const int workers_;
  std::unique_ptr<Post[]> posts_;
  std::atomic<std::int64_t> period_{0}, last_{0}, spoke_{0};  // ns
};

}  // namespace stretto
