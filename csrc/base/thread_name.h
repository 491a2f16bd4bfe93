#pragma once

#include <pthread.h>

#include <string>

namespace stretto {

// What debuggers and profilers show. Given by who starts the thread, so that it has the name from the first.
inline void name_thread(pthread_t thread, const std::string& name) {
  constexpr std::size_t kLongest = 15;  // Linux keeps no more
  pthread_setname_np(thread, name.substr(0, kLongest).c_str());
}

}  // namespace stretto
