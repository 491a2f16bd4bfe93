#include "kernels/copy/copy.h"

#include <cstring>

#include "kernels/load.h"
#include "kernels/offset.h"

namespace stretto {
namespace {

template <class From, class To>
void copy_row(const From* from, std::int64_t from_step, To* to, std::int64_t to_step, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i * to_step] = narrow<To>(widen(from[i * from_step]));
}

}  // namespace

void copy(const ArrayView& from, const ArrayView& to) {
  const std::int64_t size = to.size();
  if (size == 0) return;
  if (from.dtype == to.dtype && is_contiguous(from) && is_contiguous(to)) {
    std::memcpy(to.data, from.data, std::size_t(size * itemsize(to.dtype)));
    return;
  }
  Dims rows = to.shape;
  const std::int64_t n = rows.count ? rows.last(0) : 1;
  const std::int64_t from_step = rows.count ? from.strides.last(0) : 0;
  const std::int64_t to_step = rows.count ? to.strides.last(0) : 0;
  if (rows.count) --rows.count;
  visit_dtype(from.dtype, [&](auto from_type) {
    visit_dtype(to.dtype, [&](auto to_type) {
      using From = typename decltype(from_type)::type;
      using To = typename decltype(to_type)::type;
      for (std::int64_t row = 0; row < size / n; ++row)
        copy_row(from.as<From>() + offset_of(row, rows, from.strides), from_step,
                 to.as<To>() + offset_of(row, rows, to.strides), to_step, n);
    });
  });
}

}  // namespace stretto
