// What ran when: filled by the executor when asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace stretto {

struct Span {
  int worker, stage, step, micro_batch;
  std::int64_t begin, end;  // nanoseconds of the steady clock
};

struct Timeline {
  std::vector<std::vector<Span>> workers;
};

inline std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace stretto
