// A Recording of launches: their kernels' arguments, and where in these there are addresses.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "base/place.h"
#include "base/recording.h"
#include "cuda/launch_size.h"

namespace stretto {

struct RecordedLaunch {
  struct Address {
    std::size_t word;
    Mark mark;
  };
  const char* name;
  const void* function;
  LaunchSize size;
  std::vector<std::uint64_t> arguments;  // the kernel, in words
  std::vector<Address> addresses;
  bool has_changed = false;  // its arguments, since that was last false
};

class RecordedLaunches : public Recording {
 public:
  void begin(int pass) override;
  void end() override;
  const char* replay(void* const* regions, int count, const Place& where) override;

  void add(const char* name, const void* function, const void* kernel, std::size_t bytes,
           const LaunchSize& size);

 protected:
  // All launches, the arguments having their addresses.
  virtual void launch(std::vector<RecordedLaunch>& launches, const Place& where) = 0;

 private:
  std::vector<RecordedLaunch> launches_;
  std::vector<void*> regions_;  // what the arguments have now
  int pass_ = 0;
  std::size_t next_ = 0;  // of the second pass
};

// What the calling thread writes down, or null: it launches.
RecordedLaunches*& current_recording();

RecordedLaunches* new_recorded_launches();  // of a device, or of the host's imitation

}  // namespace stretto
