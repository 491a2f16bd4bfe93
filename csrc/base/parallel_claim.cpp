// The engine of our own: helpers take a seat in a region that is open and claim chunks beside the caller. The
// caller closes the region when no chunk is left, so a helper that came too late is never waited for.
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "base/block_signals.h"
#include "base/cpu_places.h"
#include "base/crowding.h"
#include "base/parallel_region.h"
#include "base/thread_count.h"
#include "base/thread_name.h"

namespace stretto {
namespace {

constexpr std::chrono::microseconds kSpin{50};
constexpr std::chrono::microseconds kLookAgain{100};
constexpr int kWokenByCaller = 4, kWokenByHelper = 2;  // the rest is woken by those who woke

// A region that is open to helpers, on the caller's stack.
struct Seats {
  Region& region;
  int free;
  int cpu;  // where the caller runs
  std::atomic<int> taken{0};
  MostLost lost{};  // of its CPU by a helper
  Seats* next = nullptr;
};

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield" ::: "memory");
#endif
}

template <class Condition>
bool spin_until(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      if (condition()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

class Pool {
 public:
  void run(Region& region, int threads) {
    const int cores = default_cores();
    const bool has_cores = threads <= cores;
    const auto begin = Crowding::Clock::now();
    if (has_cores && crowding_.lasts_at(begin)) return region.work();
    Seats seats{region, threads - 1, sched_getcpu()};
    open(seats, std::max(threads, cores) - 1, has_cores);
    region.work();
    const auto end = Crowding::Clock::now();
    close(seats);
    if (has_cores) {
      const Crowding::Duration waited = Crowding::Clock::now() - end;
      crowding_.judge(end, end - begin, std::min(waited, seats.lost.get()));
    }
  }

 private:
  void open(Seats& seats, int helpers, bool may_spin) {
    int woken;
    {
      const std::lock_guard lock(mutex_);
      may_spin_.store(may_spin, std::memory_order_relaxed);
      Seats** end = &first_;
      while (*end) end = &(*end)->next;
      *end = &seats;
      last_caller_ = seats.cpu;
      const int open = free_.fetch_add(seats.free) + seats.free;
      grow(std::min(helpers, busy_ + open));
      woken = std::min({sleeping_, seats.free, kWokenByCaller});
    }
    for (int i = 0; i < woken; ++i) work_.notify_one();
  }

  // Under the lock. A machine that gives no more threads has fewer helpers.
  void grow(int helpers) {
    if (helpers <= helpers_) return;
    const BlockSignals blocked;
    try {
      for (; helpers_ < helpers; ++helpers_) {
        const std::string name = "stretto-" + std::to_string(helpers_ + 1);
        std::thread thread(&Pool::help, this);
        name_thread(thread.native_handle(), name);
        thread.detach();
      }
    } catch (...) {
    }
  }

  void close(Seats& seats) {
    {
      const std::lock_guard lock(mutex_);
      Seats** place = &first_;
      while (*place != &seats) place = &(*place)->next;
      *place = seats.next;
      free_ -= seats.free;
    }
    const auto empty = [&] { return seats.taken == 0; };
    if (empty() || (may_spin_.load(std::memory_order_relaxed) && spin_until(empty))) return;
    std::unique_lock lock(mutex_);
    ++waiting_;
    done_.wait(lock, empty);
    --waiting_;
  }

  void help() {
    const FloatState float_state;
    std::unique_lock lock(mutex_);
    for (;;) {
      const int here = sched_getcpu();
      bool beside_caller = false;
      Seats* seats = first_;
      for (; seats; seats = seats->next) {
        if (seats->free == 0) continue;
        if (seats->cpu != here) break;
        beside_caller = true;
      }
      if (!seats) {
        sleep(lock, beside_caller);
        continue;
      }
      const int caller = seats->cpu;
      --seats->free;
      ++seats->taken;
      ++busy_;
      const int woken = std::min({sleeping_, --free_, kWokenByHelper});
      lock.unlock();
      for (int i = 0; i < woken; ++i) work_.notify_one();
      const LostTime lost;
      seats->region.work();
      seats->lost.add(lost.so_far());
      // The caller may return as soon as the last seat is free: nothing of its stack is touched afterwards.
      if (--seats->taken == 0 && waiting_ != 0) {
        lock.lock();
        done_.notify_all();
        lock.unlock();
      }
      --busy_;
      lock.lock();
      if (free_ == 0 && sched_getcpu() != caller) spin(lock);
    }
  }

  // A helper that woke on the CPU of its caller would only be in the way: it leaves at once. Schedulers of
  // virtual machines do that when the other CPUs have been idle for long, and leave it there; so a helper
  // whose region is still open a little later moves itself.
  void sleep(std::unique_lock<std::mutex>& lock, bool beside_caller) {
    ++sleeping_;
    const bool moves =
        beside_caller && work_.wait_for(lock, kLookAgain) == std::cv_status::timeout && free_ > 0;
    if (!beside_caller) work_.wait(lock);
    --sleeping_;
    const bool is_beside = sched_getcpu() == last_caller_;
    if (moves && is_beside) {
      lock.unlock();
      const int here = sched_getcpu();
      leave_cpus(&here, 1);
      lock.lock();
    } else if (free_ == 0 && !is_beside) {
      spin(lock);  // woken too late for a region, it is awake for the next one of a caller that has many
    }
  }

  void spin(std::unique_lock<std::mutex>& lock) {
    if (!may_spin_.load(std::memory_order_relaxed)) return;
    lock.unlock();
    spin_until([&] { return free_ > 0; });
    lock.lock();
  }

  std::mutex mutex_;
  std::condition_variable work_, done_;
  Crowding crowding_;
  Seats* first_ = nullptr;
  int helpers_ = 0, sleeping_ = 0;
  int last_caller_ = -1;         // its CPU
  std::atomic<int> busy_{0};     // helpers in seats
  std::atomic<int> free_{0};     // seats to take, in all regions
  std::atomic<int> waiting_{0};  // callers asleep in close
  std::atomic<bool> may_spin_{false};
};

// Never destroyed: helpers outlive static objects.
std::atomic<Pool*> pool{nullptr};

Pool& the_pool() {
  Pool* current = pool.load(std::memory_order_acquire);
  if (current) return *current;
  Pool* fresh = new Pool;
  if (pool.compare_exchange_strong(current, fresh)) return *fresh;
  delete fresh;
  return *current;
}

}  // namespace

void run_claimed(Region& region, int threads) { the_pool().run(region, threads); }

void forget_pool_after_fork() { pool = nullptr; }

}  // namespace stretto
