// copy on a device. One element a thread and step, the innermost loop over the result's adjacent elements; a
// transpose goes through tiles in shared memory, so that both sides are read and written in rows.
#include "cuda/launch.h"
#include "cuda/loops.h"
#include "kernels/cuda_kernels.h"
#include "kernels/storage.h"

namespace stretto {
namespace {

constexpr int kPerThread = 4;

// Moves elements of T's size as they are.
template <class T>
struct Move {
  static constexpr int kThreads = 256;
  using Shared = NoShared;
  T* to;
  const T* from;
  Loops<2> loops;

  STRETTO_KERNEL void operator()(const Block& block, Shared&) const {
    const std::uint32_t first =
        std::uint32_t(block.index()) * (kThreads * kPerThread) + unsigned(block.thread());
    T value[kPerThread];
    std::int64_t at[kPerThread][2];
#pragma unroll
    for (int i = 0; i < kPerThread; ++i) {
      const std::uint32_t index = first + unsigned(i) * kThreads;
      if (index >= loops.size) break;
      loops.offsets(index, at[i]);
      value[i] = from[at[i][1]];
    }
#pragma unroll
    for (int i = 0; i < kPerThread; ++i)
      if (first + unsigned(i) * kThreads < loops.size) to[at[i][0]] = value[i];
  }
};

template <class C>
struct Cast {
  static constexpr int kThreads = 256;
  using Shared = NoShared;
  void* to;
  const void* from;
  DType to_dtype, from_dtype;
  Loops<2> loops;

  STRETTO_KERNEL void operator()(const Block& block, Shared&) const {
    const std::uint32_t index = std::uint32_t(block.index()) * kThreads + unsigned(block.thread());
    if (index >= loops.size) return;
    std::int64_t at[2];
    loops.offsets(index, at);
    store_as<C>(to, to_dtype, at[0], load_as<C>(from, from_dtype, at[1]));
  }
};

template <class T>
struct Fill {
  static constexpr int kThreads = 256;
  using Shared = NoShared;
  T* to;
  T value;
  Loops<1> loops;

  STRETTO_KERNEL void operator()(const Block& block, Shared&) const {
    const std::uint32_t index = std::uint32_t(block.index()) * kThreads + unsigned(block.thread());
    if (index >= loops.size) return;
    std::int64_t at[1];
    loops.offsets(index, at);
    to[at[0]] = value;
  }
};

// The two innermost loops of a transpose: rows are adjacent in `from`, columns in `to`; the others by batch.
template <class T>
struct Transpose {
  static constexpr int kThreads = 256, kTile = 32;
  struct Shared {
    T tile[kTile][kTile + 1];
  };
  T* to;
  const T* from;
  std::int64_t rows, columns, from_step,
      to_step;  // from[column * from_step + row], to[row * to_step + column]
  Divider row_tiles, column_tiles;
  Loops<2> batch;

  STRETTO_KERNEL void operator()(const Block& block, Shared& shared) const {
    std::uint32_t index = std::uint32_t(block.index());
    const std::int64_t column = std::int64_t(column_tiles.split(index)) * kTile;
    const std::int64_t row = std::int64_t(row_tiles.split(index)) * kTile;
    std::int64_t at[2];
    batch.offsets(index, at);
    const int x = block.thread() % kTile, y = block.thread() / kTile;
#pragma unroll
    for (int i = 0; i < kTile; i += kThreads / kTile)
      if (row + x < rows && column + y + i < columns)
        shared.tile[y + i][x] = from[at[1] + (column + y + i) * from_step + row + x];
    block.sync();
#pragma unroll
    for (int i = 0; i < kTile; i += kThreads / kTile)
      if (row + y + i < rows && column + x < columns)
        to[at[0] + (row + y + i) * to_step + column + x] = shared.tile[x][y + i];
  }
};

std::int64_t blocks_of(std::uint32_t size, int per_block) {
  return (std::int64_t(size) + per_block - 1) / per_block;
}

// The loop of the nest that reads adjacent elements where the last one writes them: -1 if there is none.
int turned_loop(const LoopNest<2>& nest) {
  const int last = nest.shape.count - 1;
  if (nest.strides[0][last] != 1 || nest.strides[1][last] == 1 || nest.shape[last] < 8) return -1;
  for (int d = 0; d < last; ++d)
    if (nest.strides[1][d] == 1 && nest.shape[d] >= 8) return d;
  return -1;
}

template <class T>
bool transpose(const ArrayView& from, const ArrayView& to, LoopNest<2> nest) {
  const int turned = turned_loop(nest), last = nest.shape.count - 1;
  if (turned < 0) return false;
  Transpose<T> kernel{to.as<T>(),
                      from.as<T>(),
                      nest.shape[turned],
                      nest.shape[last],
                      nest.strides[1][last],
                      nest.strides[0][turned],
                      {},
                      {},
                      {}};
  const std::int64_t row_tiles = (kernel.rows + 31) / 32, column_tiles = (kernel.columns + 31) / 32;
  kernel.row_tiles = Divider(row_tiles);
  kernel.column_tiles = Divider(column_tiles);
  nest.shape[turned] = nest.shape[last] = 1;
  if (row_tiles * column_tiles * nest.shape.product() >= (std::int64_t(1) << 30)) return false;
  nest.slices([&](const Loops<2>& batch) {
    kernel.batch = batch;
    launch(*to.place, "copy", row_tiles * column_tiles * batch.size, kernel);
  });
  return true;
}

template <class T>
void move(const ArrayView& from, const ArrayView& to, const LoopNest<2>& nest) {
  if (transpose<T>(from, to, nest)) return;
  nest.slices([&](const Loops<2>& loops) {
    const Move<T> kernel{to.as<T>(), from.as<T>(), loops};
    launch(*to.place, "copy", blocks_of(loops.size, kernel.kThreads * kPerThread), kernel);
  });
}

void run(const ArrayView& from, const ArrayView& to) {
  const LoopNest<2> nest(to.shape, {&to.strides, &from.strides});
  if (from.dtype != to.dtype)
    return visit_kind(from.dtype, [&](auto kind) {
      using C = typename decltype(kind)::type;
      nest.slices([&](const Loops<2>& loops) {
        const Cast<C> kernel{to.data, from.data, to.dtype, from.dtype, loops};
        launch(*to.place, "copy", blocks_of(loops.size, kernel.kThreads), kernel);
      });
    });
  switch (itemsize(to.dtype)) {
    case 1:
      return move<std::uint8_t>(from, to, nest);
    case 2:
      return move<std::uint16_t>(from, to, nest);
    case 4:
      return move<std::uint32_t>(from, to, nest);
    default:
      return move<std::uint64_t>(from, to, nest);
  }
}

template <class T>
void fill(const void* element, const ArrayView& to) {
  LoopNest<1>(to.shape, {&to.strides}).slices([&](const Loops<1>& loops) {
    const Fill<T> kernel{to.as<T>(), *static_cast<const T*>(element), loops};
    launch(*to.place, "fill", blocks_of(loops.size, kernel.kThreads), kernel);
  });
}

void fill_with(const void* element, const ArrayView& to) {
  switch (itemsize(to.dtype)) {
    case 1:
      return fill<std::uint8_t>(element, to);
    case 2:
      return fill<std::uint16_t>(element, to);
    case 4:
      return fill<std::uint32_t>(element, to);
    default:
      return fill<std::uint64_t>(element, to);
  }
}

}  // namespace

const char* cuda_fill(const void* element, const ArrayView& to) {
  return guarded("fill", [&] { fill_with(element, to); });
}

const char* cuda_copy(const ArrayView& from, const ArrayView& to) {
  return guarded("copy", [&] { run(from, to); });
}

}  // namespace stretto
