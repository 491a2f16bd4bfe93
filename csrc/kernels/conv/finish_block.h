// The epilogue and the store of a block of a convolution's result.
#pragma once

#include "kernels/conv/correlation.h"
#include "kernels/tile/finish.h"

namespace stretto::STRETTO_ISA {

// A view's element of the block's first output, with the given axes as rows and columns.
template <class From>
STRETTO_INLINE Term<From> term_of(const ArrayView& view, std::int64_t offset, int row_axis, int column_axis) {
  if (!view.present()) return {};
  return {view.as<From>() + offset, view.strides[row_axis], view.strides[column_axis]};
}

STRETTO_INLINE Correlation without_epilogue(Correlation c) {
  static constexpr Epilogue none{};
  c.epilogue = &none;
  return c;
}

// The epilogue of c's outputs from (n, o, od, oh, ow) on, and their store, with the given axes as rows and
// columns.
template <class T, class From, class Out>
STRETTO_INLINE Finish<T, From, Out> finish_from(const Correlation& c, std::int64_t n, std::int64_t o,
                                                std::int64_t od, std::int64_t oh, std::int64_t ow,
                                                int row_axis, int column_axis) {
  const Epilogue& e = *c.epilogue;
  const auto offset = [&](const ArrayView& view) {
    const std::int64_t* const step = view.strides.at;
    return step[0] * n + step[1] * o + step[2] * od + step[3] * oh + step[4] * ow;
  };
  const auto term = [&](const ArrayView& view) {
    return term_of<From>(view, offset(view), row_axis, column_axis);
  };
  return {term(e.bias),
          term(e.scale),
          term(e.shift),
          term(e.residual),
          e.activation,
          T(e.parameter),
          c.out.as<Out>() + offset(c.out),
          c.out.strides[row_axis],
          c.out.strides[column_axis]};
}

// The steps between the sums of a block; that of channels or of columns is 1.
struct BlockLayout {
  std::int64_t channel, row, column;
};

// `sums` lie as `layout` says, or are null when they stand in the result already. The block holds `channels`
// from `channel` of the group on, `rows` x `columns` from (od, oh, ow) on.
template <class From, class T, class Out>
[[gnu::noinline]] void finish_block(const Correlation& c, const T* sums, const BlockLayout& layout,
                                    std::int64_t n, std::int64_t group, std::int64_t od, std::int64_t oh,
                                    std::int64_t ow, std::int64_t channel, std::int64_t channels,
                                    std::int64_t rows, std::int64_t columns) {
  const Epilogue& e = *c.epilogue;
  if (!sums && e.is_empty()) return;
  const std::int64_t o = group * c.outputs + channel;
  // Rows that lie one behind the other, everywhere, are one.
  const auto lies_flat = [&](const ArrayView& view) {
    return !view.present() || view.strides.at[3] == columns * view.strides.at[4];
  };
  if (rows > 1 && lies_flat(c.out) && lies_flat(e.bias) && lies_flat(e.scale) && lies_flat(e.shift) &&
      lies_flat(e.residual) && (!sums || layout.row == columns * layout.column)) {
    columns *= rows;
    rows = 1;
  }
  // Vectors go along the axis that is contiguous in the sums, and in the result.
  const bool along_channels = sums ? layout.column != 1 : c.out.strides[1] == 1 && c.out.strides[4] != 1;
  const int row_axis = along_channels ? 4 : 1, column_axis = along_channels ? 1 : 4;
  for (std::int64_t r = 0; r < rows; ++r) {
    const Finish<T, From, Out> finish =
        finish_from<T, From, Out>(c, n, o, od, oh + r, ow, row_axis, column_axis);
    const T* from = sums ? sums + r * layout.row : reinterpret_cast<const T*>(finish.out);
    const std::int64_t from_row = !sums ? finish.out_row : along_channels ? layout.column : layout.channel;
    if (along_channels)
      finish.run(from, from_row, 0, int(columns), 0, channels);
    else
      finish.run(from, from_row, 0, int(channels), 0, columns);
  }
}

}  // namespace stretto::STRETTO_ISA
