#include "kernels/pool/map_tiles.h"

#include <cstring>

#include "base/counts.h"

namespace stretto {
namespace {

// The same window everywhere, and some of it inside the map.
bool is_plain(const PoolAxis& axis) {
  const std::int64_t reach = (axis.window - 1) * axis.dilation;
  return !axis.adaptive && axis.window <= MapTiles::kTaps && axis.dilation <= axis.size &&
         axis.before <= reach && (axis.outputs - 1) * axis.stride - axis.before < axis.size;
}

// The position of a tap or, if it is outside the map, of the next tap of the window that is inside.
std::int64_t nearest(const PoolAxis& axis, std::int64_t output, std::int64_t tap) {
  std::int64_t at = axis.begin(output) + tap * axis.dilation;
  while (at < 0) at += axis.dilation;
  while (at >= axis.size) at -= axis.dilation;
  return at;
}

struct Cutter {
  const PoolArgs& args;
  const PoolAxis &height, &width;
  const std::int64_t lanes, x_row, out_row;
  MapTiles& tiles;
  // Of a tile of whole rows: all its rows, and the rows and planes in the first vector.
  std::int64_t rows = 1, first_rows = 1, first_planes = 1;

  // As many rows as two vectors hold and one takes; if those are all rows, as many planes.
  void choose_rows() {
    const std::int64_t room = out_row == width.outputs ? least(lanes / width.outputs, height.outputs) : 1;
    if (x_row == width.size) first_rows = least((lanes / width.size - 1) / height.stride + 1, room);
    rows = least(2 * first_rows, room);
    tiles.has_second = rows > first_rows;
    tiles.second = first_rows * height.stride * x_row;
    const std::int64_t outputs = rows * width.outputs, map = height.size * width.size;
    if (tiles.has_second || rows < height.outputs || tiles.out_plane != outputs) return;
    const std::int64_t seen_rows = (height.outputs - 1) * height.stride + 1;
    if (x_row == width.size && tiles.x_plane == map && seen_rows <= height.size)
      first_planes = (lanes - seen_rows * width.size) / map + 1;
    tiles.group = least(least(2 * first_planes, lanes / outputs), tiles.run);
    while (tiles.run % tiles.group != 0) --tiles.group;
    first_planes = least(first_planes, tiles.group);
    tiles.has_second = tiles.group > first_planes;
    tiles.second = first_planes * tiles.x_plane;
  }

  // The lanes of a vector whose rows, from `top` on, are inside the map.
  unsigned lanes_inside(std::int64_t top, std::int64_t count, std::int64_t planes) const {
    unsigned bits = 0;
    for (std::int64_t p = 0; p < planes; ++p)
      for (std::int64_t r = 0; r < count * height.stride; r += height.stride)
        if (height.has(top + r)) bits |= ((1u << width.size) - 1u) << (p * height.size + r) * width.size;
    return bits;
  }

  // The sets of lanes for the output rows whose window begins at `top`. Rows of the window that have none are
  // left out at both ends.
  void mark(std::int64_t top, MapTiles::Tile& tile) {
    const bool spans_planes = tiles.group > first_planes;
    const std::int64_t second_rows = spans_planes ? rows : rows - first_rows;
    const std::int64_t second_planes = spans_planes ? tiles.group - first_planes : 1;
    const std::int64_t to_second = spans_planes ? 0 : first_rows * height.stride;
    const std::int64_t seen = first_rows * first_planes + second_rows * second_planes;
    int used = 0;
    bool are_all = true;
    for (std::int64_t i = 0; i < height.window; ++i, top += height.dilation) {
      const unsigned first = lanes_inside(top, first_rows, first_planes);
      const unsigned other = lanes_inside(top + to_second, second_rows, second_planes);
      if (used == 0 && (first | other) == 0) {
        tile.x += tiles.step;
        ++tile.first;
        continue;
      }
      std::uint16_t* const set = tiles.inside + tile.set + 2 * used++;
      set[0] = std::uint16_t(first);
      set[1] = std::uint16_t(other);
      are_all = are_all && __builtin_popcount(first) + __builtin_popcount(other) == seen * width.size;
      if ((first | other) == 0) continue;
      tile.taps = used;
      tile.is_whole = are_all;
    }
    tiles.set_count = tile.set + 2 * tile.taps;
  }

  // Whether whole vectors, which hold more than the lanes marked, are still in the plane.
  bool is_room(const MapTiles::Tile& tile) const {
    const std::int64_t last = tile.x + (tile.taps - 1) * tiles.step + (tiles.has_second ? tiles.second : 0);
    return x_row == width.size && tiles.group == 1 && last + lanes <= height.size * width.size;
  }

  bool cut_rows() {
    choose_rows();
    if ((height.outputs + rows - 1) / rows > MapTiles::kTiles) return false;
    tiles.n = int(tiles.group * rows * width.outputs);
    tiles.kind_count = 1;
    for (std::int64_t j = 0; j < width.window; ++j) find_lanes(j, tiles.lane[0][j]);
    mark_columns(0, 0);
    const std::int64_t reach = (height.window - 1) * height.dilation;
    const MapTiles::Tile* inner = nullptr;
    for (std::int64_t h = 0; h < height.outputs; h += rows) {
      const std::int64_t first = least(h, height.outputs - rows), top = height.begin(first);
      if (tiles.set_count + 2 * height.window > MapTiles::kSets) return false;
      MapTiles::Tile* const tile = &tiles.tile[tiles.count++];
      *tile = {top * x_row, first * out_row, 0, 0, tiles.set_count, 0, 0, false};
      if (!count_rows(first, *tile)) return false;
      if (top < 0 || height.begin(first + rows - 1) + reach >= height.size) {
        mark(top, *tile);
      } else if (inner) {
        tile->taps = inner->taps;
        tile->set = inner->set;
        tile->is_whole = true;
      } else {
        mark(top, *tile);
        inner = tile;
      }
      tile->is_whole = tile->is_whole && is_room(*tile);
    }
    return true;
  }

  // Where the outputs of a tile of whole rows have their taps of the j-th column of the window.
  void find_lanes(std::int64_t j, std::int8_t* lane) const {
    std::memset(lane, 0, MapTiles::kLanes);
    for (std::int64_t p = 0; p < tiles.group; ++p)
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t w = 0; w < width.outputs; ++w) {
          const bool is_second = p >= first_planes || r >= first_rows;
          const std::int64_t plane = p >= first_planes ? p - first_planes : p;
          const std::int64_t row = (r >= first_rows ? r - first_rows : r) * height.stride;
          const std::int64_t at = (plane * height.size + row) * width.size + nearest(width, w, j);
          *lane++ = std::int8_t(is_second ? lanes + at : at);
        }
  }

  // Both vectors lie in the row of x, at its ends if need be, and perhaps one over the other. Of long rows
  // with stride 1 the largest are found as fast by loads at every column.
  bool cut_columns() {
    const std::int64_t reach = (width.window - 1) * width.dilation;
    if (width.size < lanes || reach >= lanes) return false;
    if (args.kind == PoolKind::max && width.stride == 1 && width.size >= 4 * lanes) return false;
    const std::int64_t columns =
        least(least((2 * lanes - 1 - reach) / width.stride + 1, lanes), width.outputs);
    if ((width.outputs + columns - 1) / columns * height.outputs > MapTiles::kTiles) return false;
    tiles.n = int(columns);
    tiles.has_second = width.size > lanes;
    tiles.second = least(lanes, width.size - lanes);
    const std::int64_t last_x = width.size - lanes - tiles.second;
    int inner = -1;
    for (std::int64_t w = 0; w < width.outputs; w += columns) {
      const std::int64_t first = least(w, width.outputs - columns), begin = width.begin(first);
      const std::int64_t x = begin < 0 ? 0 : least(begin, last_x);
      const bool is_inner = x == begin && begin + (columns - 1) * width.stride + reach < width.size;
      const int kind = is_inner && inner >= 0 ? inner : tiles.kind_count;
      if (kind == MapTiles::kKinds) return false;
      if (!add_column(x, first, kind)) return false;
      if (is_inner) inner = kind;
      if (kind < tiles.kind_count) continue;
      ++tiles.kind_count;
      mark_columns(kind, first);
      for (std::int64_t j = 0; j < width.window; ++j) {
        std::int8_t* const lane = tiles.lane[kind][j];
        std::memset(lane, 0, MapTiles::kLanes);
        for (std::int64_t c = 0; c < columns; ++c) {
          const std::int64_t at = nearest(width, first + c, j) - x;
          lane[c] = std::int8_t(at < lanes ? at : lanes + at - tiles.second);
        }
      }
    }
    return true;
  }

  // The tiles below each other that begin at column x, and at output w.
  bool add_column(std::int64_t x, std::int64_t w, int kind) {
    for (std::int64_t h = 0; h < height.outputs; ++h) {
      const std::int64_t top = height.begin(h);
      int first = 0, end = int(height.window);
      while (top + first * height.dilation < 0) ++first;
      while (top + (end - 1) * height.dilation >= height.size) --end;
      MapTiles::Tile* const tile = &tiles.tile[tiles.count++];
      *tile = {
          (top + first * height.dilation) * x_row + x, h * out_row + w, first, end - first, 0, kind, 0, true};
      if (!count_rows(h, *tile)) return false;
    }
    return true;
  }

  // Calls f(lane, row, column) for the outputs of a tile, in rows and columns from its first on.
  template <class F>
  void each_output(F&& f) const {
    const std::int64_t columns = tiles.n / (tiles.group * rows);
    int lane = 0;
    for (std::int64_t p = 0; p < tiles.group; ++p)
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c) f(lane++, r, c);
  }

  void mark_columns(int kind, std::int64_t first) {
    if (args.kind == PoolKind::max) return;
    for (std::int64_t j = 0; j < width.window; ++j) {
      unsigned bits = 0;
      each_output([&](int lane, std::int64_t, std::int64_t c) {
        if (width.has(width.begin(first + c) + j * width.dilation)) bits |= 1u << lane;
      });
      tiles.seen[kind][j] = std::uint16_t(bits);
    }
    std::memset(tiles.columns_counted[kind], 1, MapTiles::kLanes);
    each_output([&](int lane, std::int64_t, std::int64_t c) {
      tiles.columns_counted[kind][lane] = std::int8_t(width.counted(first + c, args.count_padding));
    });
  }

  bool count_rows(std::int64_t first, MapTiles::Tile& tile) {
    if (args.kind == PoolKind::max) return true;
    if (tiles.count_count == MapTiles::kCounts) return false;
    std::int8_t* const counted = tiles.rows_counted[tiles.count_count];
    std::memset(counted, 1, MapTiles::kLanes);
    each_output([&](int lane, std::int64_t r, std::int64_t) {
      counted[lane] = std::int8_t(height.counted(first + r, args.count_padding));
    });
    while (std::memcmp(tiles.rows_counted[tile.count], counted, MapTiles::kLanes) != 0) ++tile.count;
    if (tile.count == tiles.count_count) ++tiles.count_count;
    return true;
  }
};

// Every output sees two positions of its own, and none is left over.
bool is_halved(const PoolAxis& axis) {
  return !axis.adaptive && axis.window == 2 && axis.stride == 2 && axis.dilation == 1 && axis.before == 0 &&
         2 * axis.outputs == axis.size;
}

bool find_planes(const PoolArgs& args, MapTiles& tiles) {
  const Dims &shape = args.x.shape, &x = args.x.strides, &out = args.out.strides;
  const int axis = shape[1] == 1 ? 0 : 1;
  tiles.x_plane = x[axis];
  tiles.out_plane = out[axis];
  tiles.run = shape[0] * shape[1];
  if (axis == 1 && shape[0] > 1 && (x[0] != shape[1] * x[1] || out[0] != shape[1] * out[1])) {
    tiles.runs = shape[0];
    tiles.run = shape[1];
  }
  return tiles.runs * tiles.run > 0;
}

}  // namespace

bool cut_into_tiles(const PoolArgs& args, int lanes, MapTiles& tiles) {
  const PoolAxis &depth = args.axis[0], &height = args.axis[1], &width = args.axis[2];
  if (args.channels_last || depth.size * depth.outputs * depth.window != 1 || depth.before != 0 ||
      !is_plain(height) || !is_plain(width) || !find_planes(args, tiles))
    return false;
  const std::int64_t x_row = height.size == 1 ? width.size : args.x.strides[3];
  const std::int64_t out_row = height.outputs == 1 ? width.outputs : args.out.strides[3];
  tiles.step = height.dilation * x_row;
  Cutter cutter{args, height, width, lanes, x_row, out_row, tiles};
  return width.size <= lanes && width.outputs <= lanes ? cutter.cut_rows() : cutter.cut_columns();
}

bool cut_into_squares(const PoolArgs& args, int lanes, MapSquares& squares) {
  const PoolAxis &depth = args.axis[0], &height = args.axis[1], &width = args.axis[2];
  const std::int64_t *const x = args.x.strides.at, *const out = args.out.strides.at;
  const std::int64_t channels = args.x.shape[1];
  const bool are_squares = !args.channels_last && depth.size * depth.outputs * depth.window == 1 &&
                           depth.before == 0 && is_halved(height) && is_halved(width);
  const bool adjoin = x[3] == width.size && x[1] == height.size * x[3] && x[0] == channels * x[1] &&
                      out[3] == width.outputs && out[1] == height.outputs * out[3] &&
                      out[0] == channels * out[1];
  if (!are_squares || !adjoin || width.size > lanes) return false;
  squares.width = width.size;
  squares.pairs = lanes / width.size;
  const std::int64_t columns = squares.pairs * squares.width;
  for (std::int64_t k = 0; k < columns; ++k) {
    const std::int64_t upper = k / width.size * 2 * width.size + k % width.size;
    const std::int64_t even = 2 * k < columns ? 2 * k : lanes + 2 * k - columns;
    squares.upper[k] = std::int8_t(upper);
    squares.lower[k] = std::int8_t(upper + width.size);
    squares.even[k] = std::int8_t(even);
    squares.odd[k] = std::int8_t(even + 1);
  }
  return true;
}

}  // namespace stretto
