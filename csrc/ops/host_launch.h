// A launch of the host table (ops/host_table.h): the memory is open while it runs, and it may be written down
// instead, to run again on other memory.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/place.h"
#include "base/recording.h"
#include "kernels/epilogue.h"

namespace stretto {

class Launch;
using LaunchWork = std::function<const char*(Launch&)>;  // what went wrong, or null

class Launch {
 public:
  // `regions`: of a recording, or null.
  Launch(const char* kernel, const Place* named, const Place* where, void* const* regions);
  ~Launch();
  Launch(const Launch&) = delete;

  // The view as one of host memory. It must be where the result is.
  ArrayView view(ArrayView given);
  void take(Epilogue& epilogue);
  // An address where there are several in one struct.
  template <class T>
  void take(T*& pointer) const {
    pointer = static_cast<T*>(moved(const_cast<void*>(static_cast<const void*>(pointer))));
  }
  // Runs the kernel; what went wrong, or null.
  const char* run(const std::function<void()>& kernel);

 private:
  void* moved(void* address) const;
  const Place* place_;
  void* const* regions_;
  bool is_astray_ = false;
};

// Runs `work` as a launch, or writes it down where the calling thread records.
const char* launched(const char* kernel, const Place* place, LaunchWork work);

Recording* new_host_recording();
void open_to_launches(void* memory, std::size_t bytes);

}  // namespace stretto
