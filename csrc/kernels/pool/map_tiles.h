// Small maps cut into tiles: adjacent outputs that one vector holds, and what they see of x.
#pragma once

#include "kernels/pool/pool.h"

namespace stretto {

// Where a row of x is one vector at most, a tile is whole output rows, of several planes if there is room; of
// wider maps it is a part of an output row. In each row of the window a tile sees one vector of x or two, and
// the taps of its outputs in a column of the window are lanes of these, the same in all rows of the window.
struct MapTiles {
  static constexpr int kTaps = 8, kTiles = 256, kSets = 128, kKinds = 4, kCounts = 16, kLanes = 16;

  // `x` is where the first row of the window begins that has a part in the map, seen from the plane; `taps`
  // rows of the window, from the one numbered `first` on, follow each other `step` apart.
  struct Tile {
    std::int64_t x, out;
    int first, taps, set, kind;
    int count;      // which of rows_counted, for an average
    bool is_whole;  // whether all lanes may be loaded
  };

  int n = 0;                          // outputs of a tile
  bool has_second = false;            // whether it sees two vectors
  std::int64_t step = 0, second = 0;  // in x, to the next row of the window and to the second vector
  std::int64_t group = 1;             // planes that share tiles
  std::int64_t runs = 1, run = 0;     // runs of planes that are equally far apart
  std::int64_t x_plane = 0, out_plane = 0;
  int count = 0, set_count = 0, kind_count = 0, count_count = 0;
  Tile tile[kTiles];
  // For each row of the window, a bit of each lane of the first and the second vector: inside the map?
  std::uint16_t inside[kSets];
  // For each column of the window, the lane of each output, and a bit: inside the map?
  std::int8_t lane[kKinds][kTaps][kLanes];
  std::uint16_t seen[kKinds][kTaps];
  // Of each output of an average, the rows and the columns of its window that count.
  std::int8_t rows_counted[kCounts][kLanes], columns_counted[kKinds][kLanes];
};

// The same for windows of 2 x 2 side by side where the rows of all planes are one sequence. Two vectors hold
// `pairs` pairs of rows: lanes `upper` and `lower` are one vector of columns each. Of two vectors of columns,
// lanes `even` and `odd` belong to one output.
struct MapSquares {
  static constexpr int kLanes = 16;
  std::int64_t width = 0, pairs = 0;
  std::int8_t upper[kLanes] = {}, lower[kLanes] = {}, even[kLanes] = {}, odd[kLanes] = {};
};

// Fills `tiles`, for vectors of `lanes` elements; false for windows and maps that it is not for.
bool cut_into_tiles(const PoolArgs& args, int lanes, MapTiles& tiles);
bool cut_into_squares(const PoolArgs& args, int lanes, MapSquares& squares);

}  // namespace stretto
