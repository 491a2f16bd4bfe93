#include "cuda/recorded.h"

#include <algorithm>
#include <stdexcept>

#include "cuda/launch.h"

namespace stretto {

RecordedLaunches*& current_recording() {
  static thread_local RecordedLaunches* current = nullptr;
  return current;
}

void RecordedLaunches::begin(int pass) {
  pass_ = pass;
  next_ = 0;
  current_recording() = this;
}

void RecordedLaunches::end() { current_recording() = nullptr; }

void RecordedLaunches::add(const char* name, const void* function, const void* kernel, std::size_t bytes,
                           const LaunchSize& size) {
  std::vector<std::uint64_t> words((bytes + 7) / 8);
  std::memcpy(words.data(), kernel, bytes);
  if (pass_ == 0) {
    launches_.push_back({name, function, size, std::move(words), {}});
    return;
  }
  const bool is_there = next_ < launches_.size();
  if (!is_there || launches_[next_].function != function || launches_[next_].size.blocks != size.blocks)
    throw std::logic_error("the second writing down differs from the first");
  RecordedLaunch& first = launches_[next_++];
  for (std::size_t i = 0; i < words.size(); ++i) {
    const Mark before = Mark::in(0, first.arguments[i]), now = Mark::in(1, words[i]);
    if (now.region != 0 && before == now) first.addresses.push_back({i, now});
  }
  first.arguments = std::move(words);
}

const char* RecordedLaunches::replay(void* const* regions, int count, const Place& where) {
  return guarded("replay", [&] {
    if (!std::equal(regions_.begin(), regions_.end(), regions, regions + count)) {
      regions_.assign(regions, regions + count);
      for (RecordedLaunch& launch : launches_)
        for (const auto& [word, mark] : launch.addresses) {
          void* const base = regions[mark.region - kFirstRegion];
          const std::uint64_t address = reinterpret_cast<std::uint64_t>(base) + std::uint64_t(mark.offset);
          launch.has_changed |= launch.arguments[word] != address;
          launch.arguments[word] = address;
        }
    }
    launch(launches_, where);
  });
}

}  // namespace stretto
