#include "base/forks.h"

#include <pthread.h>

#include <atomic>

namespace stretto {
namespace {

std::atomic<unsigned> forks{0};
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, [] { ++forks; });

}  // namespace

unsigned forks_seen() { return forks.load(std::memory_order_relaxed); }

}  // namespace stretto
