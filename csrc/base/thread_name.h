#pragma once

#include <pthread.h>

#include <string_view>

namespace stretto {

// What debuggers and profilers show. Given by who starts the thread, so that it has the name from the first.
inline void name_thread(pthread_t thread, std::string_view name) noexcept {
  char kept[16] = {};  // Linux keeps no more
  name.copy(kept, sizeof kept - 1);
  pthread_setname_np(thread, kept);
}

}  // namespace stretto
