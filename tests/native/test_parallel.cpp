// The two engines: every index once, exceptions, nesting, stops, many callers at once, forks, scratch memory;
// and when callers work alone.
//   test_parallel [rounds] [no-fork]
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "base/crowding.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/thread_count.h"

namespace stretto {
namespace {

void check(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "FAILED %s\n", what);
  std::abort();
}

struct Thrown {
  std::int64_t index;
};

void one_region(unsigned r) {
  const int count = 1 + int(r >> 20) % 300, chunk = 1 + int(r >> 10) % 7, threads = 1 + int(r >> 5) % 5;
  const bool throws = r % 64 == 0, nests = r % 16 == 3;
  std::vector<std::atomic<int>> hits(static_cast<std::size_t>(count));
  try {
    parallel_for(count, chunk, threads, [&](std::int64_t begin, std::int64_t end) {
      const Scratch outer(1 + r % 70000);
      std::memset(outer.as<char>(), int(begin), std::size_t(1 + r % 70000));
      for (std::int64_t i = begin; i < end; ++i) {
        ++hits[std::size_t(i)];
        if (throws && i == count / 2) throw Thrown{i};
      }
      if (!nests) return;
      std::atomic<int> inner{0};
      parallel_for(5, 1, 4, [&](std::int64_t b, std::int64_t e) { inner += int(e - b); });
      check(inner == 5, "a nested region runs all of its chunks");
      if (threads > 1 && count > chunk) check(resolve_threads(0) == 1, "one thread inside a region");
    });
    check(!throws, "an exception reaches the caller");
    for (const auto& hit : hits) check(hit == 1, "every index once");
  } catch (const Thrown& thrown) {
    check(throws && thrown.index == count / 2, "the exception is the one that was thrown");
  }
}

void stress(unsigned seed, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    seed = seed * 1664525u + 1013904223u;
    one_region(seed);
  }
}

void callers_at_once(int rounds) {
  std::vector<std::thread> callers;
  for (unsigned i = 0; i < 6; ++i) callers.emplace_back(stress, i + 1, rounds);
  for (std::thread& caller : callers) caller.join();
}

void forked_children() {
  std::atomic<bool> done{false};
  std::thread other([&] {
    for (unsigned seed = 77; !done; ++seed) stress(seed, 10);
  });
  for (unsigned i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      stress(i + 9, 100);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    check(status == 0, "a forked child can use threads");
  }
  done = true;
  other.join();
}

void stops() {
  StopFlag stop;
  const WorkerScope worker(3, &stop);
  check(resolve_threads(0) == 3 && resolve_threads(9) == 3, "a worker has the threads that it was given");
  std::atomic<int> chunks{0};
  bool interrupted = false;
  try {
    parallel_for(1000000, 1, 3, [&](std::int64_t, std::int64_t) {
      if (++chunks >= 100) stop.set = true;  // whoever comes later, as the first may be preempted here
    });
  } catch (const Interrupted&) {
    interrupted = true;
  }
  check(interrupted && chunks < 1000, "a stop flag ends a region");
}

void scratch() {
  {
    const Scratch grown(8 << 20);
  }  // all that a thread keeps
  const void* first;
  {
    const Scratch a(1000), b(1), c(0), d(100 << 20);
    for (const Scratch* s : {&a, &b, &c, &d})
      check(reinterpret_cast<std::uintptr_t>(s->as<char>()) % 64 == 0, "scratch memory is aligned");
    first = a.as<char>();
    d.as<char>()[(100 << 20) - 1] = 1;
  }
#if !defined(__SANITIZE_ADDRESS__)
  const Scratch again(1000);
  check(again.as<char>() == first, "scratch memory is kept");
#else
  check(first != nullptr, "scratch memory exists");
#endif
  for (const std::int64_t bytes : {std::int64_t(-1), std::int64_t(1) << 60}) {
    bool thrown = false;
    try {
      const Scratch too_much(bytes);
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
    check(thrown, "memory that is not there is bad_alloc");
  }
}

void crowding() {
  using std::chrono::microseconds, std::chrono::milliseconds;
  const Crowding::Clock::time_point start{};
  const auto at = [&](auto time) { return start + time; };
  Crowding crowding;
  crowding.judge(at(milliseconds(10)), microseconds(100), microseconds(140));
  check(!crowding.lasts_at(at(milliseconds(10))), "who waits about as long as it worked is not crowded");
  crowding.judge(at(milliseconds(10)), microseconds(100), milliseconds(4));
  check(crowding.lasts_at(at(microseconds(10'900))), "a long wait is followed by work alone");
  check(!crowding.lasts_at(at(milliseconds(11))), "for a millisecond at first");
  crowding.judge(at(milliseconds(12)), microseconds(100), milliseconds(4));
  check(crowding.lasts_at(at(microseconds(13'900))), "and then for two");
  crowding.judge(at(milliseconds(100)), microseconds(100), microseconds(10));
  crowding.judge(at(milliseconds(101)), microseconds(100), milliseconds(4));
  check(!crowding.lasts_at(at(milliseconds(103))), "a quiet time halves the next one");
  for (int i = 0; i < 20; ++i) crowding.judge(at(milliseconds(200)), microseconds(100), milliseconds(4));
  check(!crowding.lasts_at(at(milliseconds(712))), "half a second is the most");
}

}  // namespace
}  // namespace stretto

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 2000;
  stretto::scratch();
  stretto::stops();
  stretto::crowding();
  stretto::callers_at_once(rounds);
  if (argc <= 2) stretto::forked_children();
  std::printf("engine %s: all right\n", stretto::name_of(stretto::engine_in_use()));
}
