#include "kernels/copy/copy.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/parallel.h"
#include "kernels/copy/transpose_tile.h"
#include "kernels/cuda_table.h"
#include "kernels/load.h"

namespace stretto {
namespace {

constexpr std::int64_t kThreadedBytes = 1 << 20;  // below it one thread is as fast
constexpr std::int64_t kTileBytes = 64 << 10;     // of a row
constexpr std::int64_t kChunkBytes = 256 << 10;   // claimed at once
constexpr std::int64_t kShortRun = 512;           // bytes that lie together: several runs are one tile

// The loops of a copy, outermost first, walked in tiles: the last loop writes the most adjacent elements.
struct Nest {
  int count = 0;
  std::int64_t shape[kMaxDims], from[kMaxDims], to[kMaxDims], tile[kMaxDims];
  int rows = -1;           // a second loop whose tiles hold several of its steps, or -1
  bool is_turned = false;  // that one reads adjacent elements, where it is not the last: a transpose

  std::int64_t tiles(int d) const { return (shape[d] + tile[d] - 1) / tile[d]; }
};

Nest nest_of(const ArrayView& from, const ArrayView& to) {
  Nest nest;
  int order[kMaxDims];
  for (int d = 0; d < to.shape.count; ++d)
    if (to.shape[d] != 1) order[nest.count++] = d;
  std::stable_sort(order, order + nest.count,
                   [&](int a, int b) { return std::abs(to.strides[a]) > std::abs(to.strides[b]); });
  int last = -1;
  for (int i = 0; i < nest.count; ++i) {
    const int d = order[i];
    const std::int64_t n = to.shape[d];
    const bool merges =
        last >= 0 && nest.to[last] == to.strides[d] * n && nest.from[last] == from.strides[d] * n;
    if (!merges) nest.shape[++last] = 1;
    nest.shape[last] *= n;
    nest.from[last] = from.strides[d];
    nest.to[last] = to.strides[d];
  }
  if (last < 0) {
    nest.shape[last = 0] = 1;
    nest.from[0] = nest.to[0] = 1;
  }
  nest.count = last + 1;
  const int size = itemsize(to.dtype);
  for (int d = 0; d < last; ++d) nest.tile[d] = 1;
  nest.tile[last] = kTileBytes / size;
  if (from.dtype != to.dtype || nest.to[last] != 1 || last == 0) return nest;
  if (nest.from[last] == 1 && nest.shape[last] * size <= kShortRun) {
    nest.rows = last - 1;
    nest.tile[last - 1] = kTileBytes / (nest.shape[last] * size);
  } else if (nest.from[last] != 1 && nest.from[last] != 0) {
    for (int d = 0; d < last; ++d)
      if (nest.from[d] == 1) nest.rows = d;
    nest.is_turned = nest.rows >= 0;
  }
  if (nest.is_turned) {
    nest.tile[nest.rows] = 64 / size;
    nest.tile[last] = 64;
  }
  return nest;
}

// Calls body(from offset, to offset, extents of the loop of rows and of the last one) for the tiles [begin,
// end).
template <class Body>
void walk(const Nest& nest, std::int64_t begin, std::int64_t end, Body body) {
  std::int64_t at[kMaxDims], from = 0, to = 0, index = begin;  // `at` counts tiles
  for (int d = nest.count - 1; d >= 0; --d) {
    at[d] = index % nest.tiles(d);
    index /= nest.tiles(d);
    from += at[d] * nest.tile[d] * nest.from[d];
    to += at[d] * nest.tile[d] * nest.to[d];
  }
  const int last = nest.count - 1;
  const auto extent = [&](int d) { return std::min(nest.tile[d], nest.shape[d] - at[d] * nest.tile[d]); };
  for (std::int64_t i = begin; i < end; ++i) {
    body(from, to, nest.rows >= 0 ? extent(nest.rows) : 1, extent(last));
    for (int d = last; d >= 0; --d) {
      const std::int64_t from_step = nest.tile[d] * nest.from[d], to_step = nest.tile[d] * nest.to[d];
      from += from_step;
      to += to_step;
      if (++at[d] < nest.tiles(d)) break;
      from -= at[d] * from_step;
      to -= at[d] * to_step;
      at[d] = 0;
    }
  }
}

// Casts n elements; steps in elements. One function a pair of types: the walk around it is shared.
using CastRow = void (*)(const void* from, std::int64_t from_step, void* to, std::int64_t to_step,
                         std::int64_t n);

template <class T>
__attribute__((noinline)) void fill_row(T* to, T value, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = value;
}

template <class From, class To>
__attribute__((noinline)) void cast_row(const void* from_data, std::int64_t from_step, void* to_data,
                                        std::int64_t to_step, std::int64_t n) {
  const From* __restrict from = static_cast<const From*>(from_data);
  To* __restrict to = static_cast<To*>(to_data);
  if (from_step == 1 && to_step == 1) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = narrow<To>(widen(from[i]));
  } else if (from_step == 0 && to_step == 1) {
    fill_row(to, narrow<To>(widen(*from)), n);
  } else {
    for (std::int64_t i = 0; i < n; ++i) {
      to[i * to_step] = narrow<To>(widen(from[i * from_step]));
      // Of casts no vectors are put together element by element: there are 169 of them.
      if constexpr (!std::is_same_v<From, To>) asm volatile("");
    }
  }
}

CastRow cast_row_of(DType from, DType to) {
  return visit_dtype(from, [to](auto from_type) {
    return visit_dtype(to, [](auto to_type) -> CastRow {
      return cast_row<typename decltype(from_type)::type, typename decltype(to_type)::type>;
    });
  });
}

// Calls body as walk does, for all tiles, on threads when there is enough to do.
template <class Body>
void run(const Nest& nest, std::int64_t bytes, int threads, Body body) {
  std::int64_t tiles = 1;
  for (int d = 0; d < nest.count; ++d) tiles *= nest.tiles(d);
  const std::int64_t chunk = std::max<std::int64_t>(1, tiles * kChunkBytes / std::max(bytes, kChunkBytes));
  parallel_for(tiles, chunk, bytes < kThreadedBytes ? 1 : threads,
               [&](std::int64_t begin, std::int64_t end) { walk(nest, begin, end, body); });
}

// Runs of kBytes, or of `bytes` where that is 0.
template <std::size_t kBytes>
void copy_runs(const char* from, std::int64_t from_step, char* to, std::int64_t to_step, std::int64_t rows,
               std::size_t bytes) {
  for (; rows > 0; --rows, from += from_step, to += to_step) std::memcpy(to, from, kBytes ? kBytes : bytes);
}

void copy_short_runs(const void* from, std::int64_t from_step, void* to, std::int64_t to_step,
                     std::int64_t rows, std::size_t bytes) {
  const auto use = [&](auto copy) {
    copy(static_cast<const char*>(from), from_step, static_cast<char*>(to), to_step, rows, bytes);
  };
  switch (bytes) {
    case 8:
      return use(copy_runs<8>);
    case 12:
      return use(copy_runs<12>);
    case 16:
      return use(copy_runs<16>);
    case 32:
      return use(copy_runs<32>);
    case 64:
      return use(copy_runs<64>);
    default:
      return use(copy_runs<0>);
  }
}

// Moves elements of one size as they are: T is an unsigned integer.
template <class T>
void move(const Nest& nest, const T* from, T* to, std::int64_t bytes, int threads) {
  const int last = nest.count - 1, outer = nest.rows;
  run(nest, bytes, threads, [&](std::int64_t f, std::int64_t t, std::int64_t rows, std::int64_t n) {
    constexpr std::int64_t size = sizeof(T);
    if (nest.is_turned)
      transpose_tile(from + f, nest.from[last], to + t, nest.to[outer], rows, n);
    else if (outer >= 0)
      copy_short_runs(from + f, nest.from[outer] * size, to + t, nest.to[outer] * size, rows,
                      std::size_t(n * size));
    else
      cast_row<T, T>(from + f, nest.from[last], to + t, nest.to[last], n);
  });
}

// On the stream of the device; one element of the host's goes along with the call.
void copy_on_device(const ArrayView& from, const ArrayView& to) {
  if (from.place) return run_on_device("copy", &CudaTable::copy, from, to);
  std::uint64_t element = 0;
  ArrayView one = from;
  one.shape = one.strides = Dims{};
  copy(one, contiguous_view(&element, to.dtype, {}));
  run_on_device("fill", &CudaTable::fill, static_cast<const void*>(&element), to);
}

}  // namespace

void copy(const ArrayView& from, const ArrayView& to, int threads) {
  const std::int64_t size = to.size(), bytes = size * itemsize(to.dtype);
  if (size == 0) return;
  if (to.place) return copy_on_device(from, to);
  if (from.dtype == to.dtype && bytes < kThreadedBytes && is_contiguous(from) && is_contiguous(to)) {
    std::memcpy(to.data, from.data, std::size_t(bytes));
    return;
  }
  const Nest nest = nest_of(from, to);
  if (from.dtype == to.dtype) {  // bits only
    switch (itemsize(to.dtype)) {
      case 1:
        return move(nest, from.as<std::uint8_t>(), to.as<std::uint8_t>(), bytes, threads);
      case 2:
        return move(nest, from.as<std::uint16_t>(), to.as<std::uint16_t>(), bytes, threads);
      case 4:
        return move(nest, from.as<std::uint32_t>(), to.as<std::uint32_t>(), bytes, threads);
      default:
        return move(nest, from.as<std::uint64_t>(), to.as<std::uint64_t>(), bytes, threads);
    }
  }
  const CastRow cast = cast_row_of(from.dtype, to.dtype);
  const int last = nest.count - 1;
  run(nest, bytes, threads, [&](std::int64_t f, std::int64_t t, std::int64_t, std::int64_t n) {
    cast(from.as<char>() + f * itemsize(from.dtype), nest.from[last], to.as<char>() + t * itemsize(to.dtype),
         nest.to[last], n);
  });
}

}  // namespace stretto
