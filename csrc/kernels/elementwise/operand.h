// One operand of an element-wise call: hands out contiguous pieces in the computation type, or one value.
#pragma once

#include <cstring>

#include "base/counts.h"
#include "kernels/blocks.h"
#include "kernels/elementwise/loops.h"

namespace stretto::STRETTO_ISA {
namespace {

inline constexpr std::int64_t kShortRun = 64;  // elements; shorter runs are gathered

// Elements are moved as unsigned integers of their size.
template <class F>
STRETTO_INLINE void with_size(int bytes, F&& f) {
  if (bytes == 1) return f(std::uint8_t());
  if (bytes == 2) return f(std::uint16_t());
  if (bytes == 4) return f(std::uint32_t());
  return f(std::uint64_t());
}

// 16-bit floats to float32 or back.
template <class From, class To>
void convert(const void* from, void* to, std::int64_t n) {
  using V = Vec<float>;
  const From* p = static_cast<const From*>(from);
  To* q = static_cast<To*>(to);
  std::int64_t i = 0;
  for (; i + V::lanes <= n; i += V::lanes) V::load(p + i).store(q + i);
  if (i < n) V::load(p + i, int(n - i)).store(q + i, int(n - i));
}

// A place in a Walk that moves forward.
class Place {
 public:
  Place(const Walk& walk, std::int64_t index) : walk_(walk) {
    for (int d = walk.count - 1; d >= 0; --d) {
      at_[d] = d ? index % walk.size[d] : index;
      if (d) index /= walk.size[d];
      offset += at_[d] * walk.stride[d];
    }
    left = walk.count ? walk.size[walk.count - 1] - at_[walk.count - 1] : 1;
  }

  STRETTO_INLINE void move(std::int64_t n) {  // at most to the end of the run
    if (walk_.count == 0) return;
    const int inner = walk_.count - 1;
    at_[inner] += n;
    offset += n * walk_.stride[inner];
    for (int d = inner; d > 0 && at_[d] == walk_.size[d]; --d) {
      offset += walk_.stride[d - 1] - walk_.size[d] * walk_.stride[d];
      at_[d] = 0;
      ++at_[d - 1];
    }
    left = walk_.size[inner] - at_[inner];
  }

  std::int64_t offset = 0, left;  // of elements; until the run ends

 private:
  const Walk& walk_;
  std::int64_t at_[kMaxDims];
};

class Operand {
 public:
  // Of the elements [begin, end). `may_fix`: the loop takes one value in place of an array.
  Operand(const ArrayView& view, const Walk& walk, bool widens, bool may_fix, std::int64_t begin,
          std::int64_t end)
      : view_(view), walk_(walk), bytes_(itemsize(view.dtype)), widens_(widens), place_(walk, begin) {
    const int inner = walk.count - 1;
    const std::int64_t most = least(kBlock, end - begin);
    copies_ = may_fix ? kFixed : most;
    reach_ = widens ? most : end - begin;
    if (walk.contiguous()) {
      kind_ = Kind::run;
    } else if (walk.count == 2 && walk.stride[0] == 0 && walk.stride[1] == 1 && walk.size[1] <= kBlock) {
      kind_ = Kind::periodic;
      reach_ = most;
      index_ = begin % walk.size[1];
      fill_period(walk.size[1] + most);
    } else if (walk.stride[inner] == 0 && (inner == 0 || walk.size[inner] >= kShortRun)) {
      kind_ = Kind::value;
      if (!may_fix) reach_ = copies_ = least(most, walk.size[inner]);
    } else if (walk.stride[inner] == 1 && walk.size[inner] >= kShortRun) {
      kind_ = Kind::run;
    } else {
      kind_ = Kind::gathered;
      reach_ = most;
      index_ = begin;
    }
    mask_ = kind_ == Kind::value && may_fix ? kSame : kEach;
  }

  // How many elements the next piece may have.
  STRETTO_INLINE std::int64_t reach() const {
    const bool ends = kind_ == Kind::run || kind_ == Kind::value;
    return ends ? least(reach_, place_.left) : reach_;
  }

  STRETTO_INLINE Piece next(std::int64_t n) {
    const void* data = nullptr;
    switch (kind_) {
      case Kind::run:
        data = widened(view_.as<unsigned char>() + place_.offset * bytes_, n);
        place_.move(n);
        break;
      case Kind::value:
        data = copies_at(place_.offset);
        place_.move(n);
        break;
      case Kind::periodic:
        data = widens_ ? wide_ + index_ * 4 : raw_ + index_ * bytes_;
        index_ = (index_ + n) % walk_.size[1];
        break;
      case Kind::gathered:
        with_size(bytes_, [&](auto element) __attribute__((always_inline)) {
          using T = decltype(element);
          gather(walk_, view_.as<T>(), index_, n, reinterpret_cast<T*>(raw_));
        });
        data = widened(raw_, n);
        index_ += n;
        break;
    }
    return {data, mask_};
  }

 private:
  enum class Kind : std::uint8_t { run, value, periodic, gathered };

  const void* widened(const void* raw, std::int64_t n) {
    if (!widens_) return raw;
    if (view_.dtype == DType::f16)
      convert<float16, float>(raw, wide_, n);
    else
      convert<bfloat16, float>(raw, wide_, n);
    return wide_;
  }

  // They stay until another value is wanted.
  const void* copies_at(std::int64_t offset) {
    if (!has_copies_ || copied_ != offset) {
      with_size(bytes_, [&](auto element) __attribute__((always_inline)) {
        using T = decltype(element);
        const T value = view_.as<T>()[offset];
        for (std::int64_t i = 0; i < copies_; ++i) reinterpret_cast<T*>(raw_)[i] = value;
      });
      widened(raw_, copies_);
      copied_ = offset;
      has_copies_ = true;
    }
    return widens_ ? wide_ : raw_;
  }

  // The period again and again, so that a piece may begin anywhere in it.
  void fill_period(std::int64_t n) {
    const std::int64_t period = walk_.size[1] * bytes_, end = n * bytes_;
    std::memcpy(raw_, view_.data, std::size_t(least(period, end)));
    for (std::int64_t done = period; done < end; done *= 2)
      std::memcpy(raw_ + done, raw_, std::size_t(least(done, end - done)));
    widened(raw_, n);
  }

  const ArrayView& view_;
  const Walk& walk_;
  int bytes_;
  bool widens_, has_copies_ = false;
  Kind kind_;
  std::int64_t copies_, reach_, mask_, index_ = 0, copied_ = 0;
  Place place_;
  alignas(64) unsigned char raw_[2 * kBlock * 8];
  alignas(64) unsigned char wide_[2 * kBlock * 4];
};

}  // namespace
}  // namespace stretto::STRETTO_ISA
