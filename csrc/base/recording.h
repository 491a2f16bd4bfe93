// Calls of the CUDA table that are written down once and made again and again, on other memory.
//
// What is called between begin() and end() on a thread is not done. Its memory is known by marks, addresses
// that stand for an offset in a region. Everything is written down twice, with other marks: where an argument
// of a kernel differs, it is an address, and replay() puts the region's there.
#pragma once

#include <cstdint>

namespace stretto {

struct Place;

class Recording {
 public:
  static constexpr int kPasses = 2;
  static constexpr int kFirstRegion = 1, kMostRegions = 200;

  virtual ~Recording() = default;
  virtual void begin(int pass) = 0;
  virtual void end() = 0;

  // Puts all on the stream of `where`, with regions[i], a multiple of 256, in the place of region
  // kFirstRegion + i.
  virtual const char* replay(void* const* regions, int count, const Place& where) = 0;
};

// No address of the host or a device looks like one of these.
struct Mark {
  int region = 0;  // 0: no mark
  std::int64_t offset = 0;

  // An offset of less than 2^42, before or behind the region's begin.
  static void* of(int pass, int region, std::int64_t offset = 0) {
    return reinterpret_cast<void*>(origin(pass, region) + std::uint64_t(offset));
  }
  static Mark in(int pass, std::uint64_t word) {
    if (word >> kTop != origin(pass, 0) >> kTop) return {};
    Mark mark;
    mark.region = int(word >> kWindow & 0xff);
    mark.offset = std::int64_t(word - origin(pass, mark.region));
    const std::int64_t most = std::int64_t(1) << (kWindow - 2);
    return mark.offset <= most && mark.offset >= -most ? mark : Mark{};
  }
  bool operator==(const Mark&) const = default;

 private:
  static constexpr int kTop = 52, kWindow = 44;
  // A word of an argument may begin with other data, its rest being padding in which an old mark has stayed.
  // As all bytes but the lowest differ from pass to pass, that is no mark, or replaced by a word with the
  // same lowest byte.
  static std::uint64_t origin(int pass, int region) {
    return std::uint64_t(0x7ff - pass) << kTop | std::uint64_t(region) << kWindow |
           std::uint64_t(1) << (kWindow - 1) | (pass == 0 ? 0x5a5a5a00 : 0xa5a5a500);
  }
};

}  // namespace stretto
