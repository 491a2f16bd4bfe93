// An output as a kernel wants it: the array itself, or contiguous room of another dtype that is copied to it.
#pragma once

#include "base/parallel.h"
#include "kernels/copy/copy.h"
#include "ops/op.h"
#include "ops/room.h"

namespace stretto {

class Staged {
 public:
  // `direct` says whether the kernel can write to the array's strides.
  Staged(const ArrayView& out, DType dtype, bool direct)
      : out_(out),
        direct_(direct && out.dtype == dtype),
        room_(direct_ || out.place ? 0 : out.size() * itemsize(dtype)),
        device_room_(direct_ || !out.place ? nullptr : room_for(out.size() * itemsize(dtype), out.place)),
        view_(direct_ ? out
                      : contiguous_view(out.place ? device_room_.get() : room_.as<void>(), dtype, out.shape,
                                        out.place)) {}

  const ArrayView& view() const { return view_; }
  void finish(int threads) const {
    if (!direct_) copy(view_, out_, threads);
  }

 private:
  ArrayView out_;
  bool direct_;
  Scratch room_;
  std::shared_ptr<void> device_room_;
  ArrayView view_;
};

}  // namespace stretto
