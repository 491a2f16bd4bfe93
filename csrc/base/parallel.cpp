#include "base/parallel.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/machine.h"

namespace stretto {

int resolve_threads(int requested) { return requested > 0 ? requested : this_machine().cores; }

void parallel_ranges(std::int64_t count, std::int64_t chunk, int threads, RangeBody body, void* context) {
  (void)threads;
  for (std::int64_t begin = 0; begin < count; begin += chunk)
    body(context, begin, std::min(count, begin + chunk));
}

Scratch::Scratch(std::int64_t bytes) : data_(nullptr), bytes_(bytes) {
  data_ = std::aligned_alloc(64, std::size_t((std::max<std::int64_t>(bytes, 1) + 63) / 64 * 64));
  if (!data_) throw std::bad_alloc();
}
Scratch::~Scratch() { std::free(data_); }

}  // namespace stretto
