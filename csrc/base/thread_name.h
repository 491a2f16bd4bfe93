#pragma once

#include <pthread.h>

#include <string>
#include <thread>

namespace stretto {

// What debuggers and profilers show. Given by who starts the thread, so that it has the name from the first.
inline void name_thread(std::thread& thread, const std::string& name) {
  constexpr std::size_t kLongest = 15;  // Linux keeps no more
  pthread_setname_np(thread.native_handle(), name.substr(0, kLongest).c_str());
}

}  // namespace stretto
