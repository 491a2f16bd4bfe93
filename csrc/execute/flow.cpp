#include "execute/flow.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <stdexcept>

#include "base/error.h"
#include "base/forks.h"
#include "base/parallel.h"

namespace stretto {
namespace {

constexpr std::size_t kKept = 8;  // batch sizes whose memory stays open
constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

}  // namespace

// The memory of one batch size: an open plan for each batch in flight, or for each worker that takes batches.
struct Flow::Pool {
  std::shared_ptr<const Score> score;
  std::vector<std::unique_ptr<OpenPlan>> open;
};

struct alignas(64) Flow::Token {
  std::int64_t number = 0;
  std::shared_ptr<Pool> pool;
  std::vector<ArrayView> inputs, outputs;
  Timeline timeline;
  bool with_timeline = false;
  StopFlag stop;
  std::exception_ptr error;     // the first; guarded by `changing_`
  std::atomic<int> working{0};  // workers that have not left it
  std::atomic<bool> finished{false};
};

Flow::Flow(const FlowOptions& options)
    : watchdog(options.workers),
      options_(options),
      crew_(options.workers + (options.caller_works ? 0 : 1), options.workers),
      forks_(forks_seen()),
      ring_(new Token[std::size_t(options.in_flight)]),
      next_(std::size_t(options.workers), 0),
      failed_(kNone) {}

Flow::~Flow() { stop(); }

Flow::Token& Flow::at(std::int64_t number) const { return ring_[std::size_t(number % options_.in_flight)]; }

bool Flow::head_has_finished() const { return !is_empty() && at(head_.load()).finished.load(); }

void Flow::refuse_after_fork() const {
  if (forks_ != forks_seen())
    throw std::runtime_error(
        "stream: it was opened before a fork, and its workers stayed behind; open another");
}

std::shared_ptr<Flow::Pool> Flow::pool_of(std::shared_ptr<const Score> score) {
  const auto found =
      std::find_if(pools_.begin(), pools_.end(), [&](const auto& pool) { return pool->score == score; });
  if (found != pools_.end()) {
    std::rotate(pools_.begin(), found, found + 1);
  } else {
    auto pool = std::make_shared<Pool>();
    pool->score = std::move(score);
    pool->open.resize(std::size_t(arenas()));
    pools_.insert(pools_.begin(), std::move(pool));
    if (pools_.size() > kKept) pools_.pop_back();
  }
  return pools_.front();
}

// Whoever uses an open plan opens it: arenas lie near their worker.
OpenPlan& Flow::open_plan(Token& token, int worker) {
  auto& open = token.pool->open[std::size_t(options_.in_order ? token.number % options_.in_flight : worker)];
  if (!open) open = std::make_unique<OpenPlan>(token.pool->score);
  return *open;
}

void Flow::begin() {
  const std::lock_guard lock(changing_);
  has_begun_ = true;
  crew_.begin(
      crew_.workers(),
      [](void* context, int thread) {
        Flow& flow = *static_cast<Flow*>(context);
        flow.help(thread - 1 + flow.first_helper());
      },
      this);
}

void Flow::push(std::shared_ptr<const Score> score, std::vector<ArrayView> inputs,
                std::vector<ArrayView> outputs, bool with_timeline) {
  refuse_after_fork();
  const std::int64_t number = pushed_.load();
  Token& token = at(number);
  token.number = number;
  token.pool = pool_of(std::move(score));
  token.inputs = std::move(inputs);
  token.outputs = std::move(outputs);
  token.with_timeline = with_timeline;
  token.timeline.workers.assign(with_timeline ? std::size_t(options_.workers) : 0, {});
  token.stop.set = false;
  token.stop.outer = &stop_;
  token.error = nullptr;
  token.working = options_.in_order ? options_.workers : 1;
  token.finished = false;
  if (options_.in_order) open_plan(token, 0).conductor().begin();
  if (is_empty()) watchdog.begins();
  if (options_.caller_works && options_.workers > 1) crew_.settle(0);
  if (!has_begun_) begin();
  pushed_.store(number + 1);
  // A lone batch is the caller's own work.
  const bool for_helpers = options_.in_order || !options_.caller_works || number + 1 - claimed_.load() > 1;
  if (for_helpers) arrived_.notify();
}

bool Flow::has_work(int worker) const {
  return (options_.in_order ? next_[std::size_t(worker)] : claimed_.load()) < pushed_.load();
}

void Flow::help(int worker) {
  while (true) {
    std::function<void()> every;
    if (watchdog.is_awake())
      every = [this] {
        if (!is_empty()) watchdog.look();
      };
    arrived_.wait([&] { return closing_.load() || has_work(worker); }, crew_.may_poll(), every);
    if (closing_) return;
    crew_.settle(worker + 1 - first_helper());
    take(worker);
  }
}

// The worker's part of its next batch; false when there is none.
bool Flow::take(int worker) {
  if (options_.in_order) {
    if (!has_work(worker)) return false;
    work_on(at(next_[std::size_t(worker)]++), worker);
    return true;
  }
  std::int64_t number = claimed_.load();
  do {
    if (number >= pushed_.load()) return false;
  } while (!claimed_.compare_exchange_weak(number, number + 1));
  work_on(at(number), worker);
  return true;
}

bool Flow::is_off(const Token& token) const {
  return token.number > failed_.load() || token.stop.requested();
}

void Flow::work_on(Token& token, int worker) {
  std::exception_ptr signal;
  try {
    const std::size_t lists = token.pool->score->plan.workers.size();
    if (!is_off(token) && (!options_.in_order || std::size_t(worker) < lists)) {
      OpenPlan& plan = open_plan(token, worker);
      const int lane = options_.in_order ? 0 : worker;
      const Batch batch{token.inputs, token.outputs, token.with_timeline ? &token.timeline : nullptr,
                        token.number, lane};
      const auto perform = [&](int part, int item) { plan.perform(batch, part, item); };
      const Setting setting{token.stop, watchdog, crew_, 1 - first_helper(), token.number, lane};
      plan.conductor().work(worker - lane, setting, std::ref(perform));
    }
  } catch (const Interrupted&) {
    // Nobody stopped this batch: it is a signal of the caller's.
    if (!token.stop.requested()) signal = std::current_exception();
    fail(token);
  } catch (...) {
    fail(token);
  }
  if (token.working.fetch_sub(1) == 1) {
    watchdog.finishes();
    token.finished.store(true);
    finished_.notify();
  }
  if (signal) std::rethrow_exception(signal);
}

// Later batches end, too; earlier ones go on.
void Flow::fail(Token& token) {
  const std::lock_guard lock(changing_);
  if (!token.error) token.error = std::current_exception();
  token.stop.set.store(true);
  const bool is_first = token.number < failed_.load();
  if (!options_.is_independent && is_first) failed_ = token.number;
  const std::int64_t end = options_.is_independent ? token.number + 1 : pushed_.load();
  for (std::int64_t number = token.number; number < end; ++number) {
    Token& other = at(number);
    other.stop.set.store(true);
    if (options_.in_order) open_plan(other, 0).conductor().wake();
  }
}

void Flow::wait() {
  refuse_after_fork();
  const CallScope scope;
  Token& head = at(head_.load());
  const std::function<void()> every = [this] {
    poll_interrupt();
    watchdog.look();
  };
  while (!head.finished.load()) {
    if (options_.caller_works && take(0)) continue;
    finished_.wait([&] { return head.finished.load() || cancelled_.load(); }, crew_.may_poll(), every);
    if (cancelled_) throw Cancelled();
  }
  if (cancelled_ && head.stop.requested()) throw Cancelled();
  if (head.error) std::rethrow_exception(head.error);
}

Timeline Flow::pop() {
  const std::lock_guard lock(changing_);
  Token& head = at(head_.load());
  Timeline timeline = std::move(head.timeline);
  head.pool.reset();
  head.error = nullptr;
  ++head_;
  // The caller leaves: what he would have taken next is free for the others.
  if (!options_.in_order && claimed_.load() < pushed_.load()) arrived_.notify();
  return timeline;
}

void Flow::wake() {
  arrived_.notify_late();
  finished_.notify_late();
  for (std::int64_t number = head_.load(); options_.in_order && number < pushed_.load(); ++number)
    open_plan(at(number), 0).conductor().wake();
}

void Flow::cancel() {
  if (forks_ != forks_seen()) return;
  const std::lock_guard lock(changing_);
  if (!has_begun_ || is_empty()) return;
  cancelled_ = true;
  stop_.set.store(true);
  wake();
}

void Flow::skip(std::int64_t number) {
  if (forks_ != forks_seen()) return;
  const std::lock_guard lock(changing_);
  if (number < head_.load() || number >= pushed_.load()) return;
  at(number).stop.set.store(true);
  if (options_.in_order) open_plan(at(number), 0).conductor().wake();
}

void Flow::stop() {
  if (forks_ != forks_seen()) return;
  {
    const std::lock_guard lock(changing_);
    if (!has_begun_) return;
    stop_.set.store(true);
    closing_ = true;
    wake();
  }
  crew_.end();
  const std::lock_guard lock(changing_);
  for (int i = 0; i < options_.in_flight; ++i) {
    ring_[std::size_t(i)].pool.reset();
    ring_[std::size_t(i)].error = nullptr;
  }
  pushed_ = claimed_ = head_ = 0;
  std::fill(next_.begin(), next_.end(), 0);
  failed_ = kNone;
  closing_ = cancelled_ = has_begun_ = false;
  stop_.set = false;
}

}  // namespace stretto
