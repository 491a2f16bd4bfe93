// Batches that follow one another through workers, with no barrier between them, and leave in order.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "execute/open_plan.h"

namespace stretto {

struct FlowOptions {
  int workers = 1;
  int in_flight = 1;      // batches that were pushed and not yet popped, at most
  bool in_order = false;  // worker w does its list of every batch in turn; otherwise a batch is one worker's
  bool caller_works = true;     // who waits for a batch is worker 0; otherwise all workers are threads
  bool is_independent = false;  // a batch that fails leaves the later ones alone
};

class Flow {
 public:
  explicit Flow(const FlowOptions& options);
  ~Flow();
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  // One thread pushes, one waits and pops; they may be two.
  bool has_room() const { return pushed_.load() - head_.load() < options_.in_flight; }
  bool is_empty() const { return pushed_.load() == head_.load(); }
  bool head_has_finished() const;
  // Whether to push another batch before waiting: the first one if there is room, a further one while nothing
  // is ready.
  bool wants_batch(bool is_first) const { return has_room() && (is_first || !head_has_finished()); }
  std::int64_t pushed() const { return pushed_.load(); }

  // Needs room. The elements must stay where they are until the batch is popped, or the flow stopped. Throws
  // std::bad_alloc.
  void push(std::shared_ptr<const Score> score, std::vector<ArrayView> inputs, std::vector<ArrayView> outputs,
            bool with_timeline);

  // Returns when the oldest batch has finished; throws what its stages threw, Interrupted or Cancelled. Needs
  // one.
  void wait();

  // Forgets the oldest batch, which has finished, and gives its spans.
  Timeline pop();

  // From any thread: ends all that is in flight, so that wait() throws Cancelled.
  void cancel();

  // From any thread: nobody wants this batch any more.
  void skip(std::int64_t number);

  // Ends all that is in flight, and waits until every worker has left. The flow can be used again.
  void stop();

  // The number of arenas in use at once for a batch size, at most.
  int arenas() const { return options_.in_order ? options_.in_flight : options_.workers; }

  Watchdog watchdog;

 private:
  struct Pool;
  struct Token;
  Token& at(std::int64_t number) const;
  void refuse_after_fork() const;
  std::shared_ptr<Pool> pool_of(std::shared_ptr<const Score> score);
  OpenPlan& open_plan(Token& token, int worker);
  void begin();
  void help(int worker);
  bool has_work(int worker) const;
  bool take(int worker);
  void work_on(Token& token, int worker);
  bool is_off(const Token& token) const;
  void fail(Token& token);
  void wake();
  int first_helper() const { return options_.caller_works ? 1 : 0; }

  const FlowOptions options_;
  Crew crew_;
  const unsigned forks_;
  std::unique_ptr<Token[]> ring_;
  std::vector<std::shared_ptr<Pool>> pools_;  // the last used first

  alignas(64) std::atomic<std::int64_t> pushed_{0};   // batches so far
  alignas(64) std::atomic<std::int64_t> claimed_{0};  // of them, taken by a worker
  alignas(64) std::atomic<std::int64_t> head_{0};     // of them, popped
  std::vector<std::int64_t> next_;                    // in order: each worker's next batch
  std::atomic<std::int64_t> failed_;                  // the first batch that did
  std::atomic<bool> closing_{false}, cancelled_{false};
  StopFlag stop_;
  bool has_begun_ = false;
  std::mutex changing_;  // has_begun_, and the stop flags of several batches at once
  Signal arrived_, finished_;
};

}  // namespace stretto
