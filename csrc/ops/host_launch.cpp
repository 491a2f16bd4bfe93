#include "ops/host_launch.h"

#include <sys/mman.h>

#include <mutex>
#include <utility>

#include "ops/host_table.h"

namespace stretto {
namespace {

struct Memory {
  void* begin = nullptr;
  std::size_t bytes = 0;
};
Memory memory;
std::mutex opening;
int opened = 0;  // how often, by all threads
std::vector<HostLaunch> launches;
std::string wrong;

constexpr int kLast = Recording::kPasses - 1;  // the pass whose calls are kept

class HostRecording : public Recording {
 public:
  static HostRecording*& current() {
    static thread_local HostRecording* recording = nullptr;
    return recording;
  }
  void begin(int) override {
    calls_.clear();
    current() = this;
  }
  void end() override { current() = nullptr; }
  const char* replay(void* const* regions, int, const Place& where) override {
    launches.push_back({"replay", where.device, where.stream});
    for (const Call& call : calls_) {
      Launch launch(call.kernel, call.place, &where, regions);
      if (const char* words = call.work(launch)) return words;
    }
    return nullptr;
  }
  void add(const char* kernel, const Place* place, LaunchWork work) {
    calls_.push_back({kernel, place, std::move(work)});
  }

 private:
  struct Call {
    const char* kernel;
    const Place* place;  // never looked into
    LaunchWork work;
  };
  std::vector<Call> calls_;
};

}  // namespace

Launch::Launch(const char* kernel, const Place* named, const Place* where, void* const* regions)
    : place_(named), regions_(regions) {
  open_host_memory();
  if (where) launches.push_back({kernel, where->device, where->stream});
}

Launch::~Launch() { close_host_memory(); }

void* Launch::moved(void* address) const {
  const Mark mark = Mark::in(kLast, reinterpret_cast<std::uint64_t>(address));
  if (!regions_ || mark.region == 0) return address;
  return static_cast<char*>(regions_[mark.region - Recording::kFirstRegion]) + mark.offset;
}

ArrayView Launch::view(ArrayView given) {
  if (given.present() && given.place != place_) is_astray_ = true;
  if (given.packed) is_astray_ = true;
  given.place = nullptr;
  given.data = moved(given.data);
  return given;
}

void Launch::take(Epilogue& epilogue) {
  for (ArrayView* operand : {&epilogue.bias, &epilogue.scale, &epilogue.shift, &epilogue.residual})
    *operand = view(*operand);
}

const char* Launch::run(const std::function<void()>& kernel) {
  if (is_astray_ || !place_) return "host table: operands are not all in one place";
  try {
    kernel();
  } catch (const std::exception& error) {
    wrong = error.what();
    return wrong.c_str();
  }
  return nullptr;
}

const char* launched(const char* kernel, const Place* place, LaunchWork work) {
  if (HostRecording* const recording = HostRecording::current()) {
    recording->add(kernel, place, std::move(work));
    return nullptr;
  }
  Launch launch(kernel, place, place, nullptr);
  return work(launch);
}

Recording* new_host_recording() { return new HostRecording; }

void open_host_memory() {
  const std::lock_guard lock(opening);
  if (opened++ == 0) mprotect(memory.begin, memory.bytes, PROT_READ | PROT_WRITE);
}

void close_host_memory() {
  const std::lock_guard lock(opening);
  if (--opened == 0) mprotect(memory.begin, memory.bytes, PROT_NONE);
}

void open_to_launches(void* begin, std::size_t bytes) { memory = {begin, bytes}; }

std::vector<HostLaunch> take_host_launches() { return std::exchange(launches, {}); }

}  // namespace stretto
