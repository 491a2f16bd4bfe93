// Pooling of small maps, whose rows are too short for loops of their own: several rows, or planes, to a
// vector.
#pragma once

#include "base/parallel.h"
#include "kernels/pool/map_tiles.h"
#include "kernels/pool/pool_rows.h"
#if defined(__AVX2__)
#include "simd/permute.h"
#include "simd/store_first.h"
#endif

namespace stretto::STRETTO_ISA {

// False, and nothing done, where they are not for these arguments.
bool max_of_small_maps(const PoolArgs& args, int threads);
bool average_of_small_maps(const PoolArgs& args, int threads);

#if defined(__AVX2__)
inline constexpr std::int64_t kFewOutputs = 128;  // cost less than the tables
inline constexpr std::int64_t kChunk = 1 << 18;   // elements
inline constexpr std::int64_t kTooFewForThreads = 1 << 16;

// The vectors of x that tiles see.
template <class T>
struct SeenOfTiles {
  using V = Vec<T>;
  const MapTiles& tiles;
  LaneSet<T> inside[MapTiles::kSets];
  Permutation<T> column[MapTiles::kKinds][MapTiles::kTaps];

  SeenOfTiles(const MapTiles& tiles, std::int64_t window) : tiles(tiles) {
    for (int i = 0; i < tiles.set_count; ++i) inside[i] = LaneSet<T>(tiles.inside[i]);
    for (int kind = 0; kind < tiles.kind_count; ++kind)
      for (int j = 0; j < window; ++j) column[kind][j] = Permutation<T>(tiles.lane[kind][j]);
  }
};

// Stores pool(tile, x) for the tiles of the groups [begin, end) of planes. A tile is stored after the next
// one is loaded: a store would delay loads from where the same rows of an array a multiple of 4 KiB away are.
template <class T, class Pool>
STRETTO_INLINE void pool_tiles(const PoolArgs& args, const MapTiles& tiles, std::int64_t begin,
                               std::int64_t end, Pool&& pool) {
  const int n = tiles.n;
  const MapTiles::Tile *const first = tiles.tile, *const last = first + tiles.count;
  std::int64_t plane = begin * tiles.group % tiles.run, sample = begin * tiles.group / tiles.run;
  T nowhere[Vec<T>::lanes];
  T* held_out = nowhere;
  Vec<T> held = Vec<T>::zero();
  for (std::int64_t g = begin; g < end; ++g) {
    const T* const x = args.x.as<T>() + sample * args.x.strides[0] + plane * tiles.x_plane;
    T* const out = args.out.as<T>() + sample * args.out.strides[0] + plane * tiles.out_plane;
    for (const MapTiles::Tile* tile = first; tile != last; ++tile) {
      held =
          pool(*tile, x + tile->x, [&]() __attribute__((always_inline)) { store_first(held, held_out, n); });
      held_out = out + tile->out;
    }
    plane += tiles.group;
    if (plane < tiles.run) continue;
    plane = 0;
    ++sample;
  }
  store_first(held, held_out, n);
}

// Calls f(begin, end) for ranges of groups of planes.
template <class F>
STRETTO_INLINE void each_group(const PoolArgs& args, const MapTiles& tiles, int threads, F&& f) {
  const std::int64_t work = tiles.group * args.axis[1].outputs * args.axis[2].size * args.axis[1].window;
  const std::int64_t groups = tiles.runs * tiles.run / tiles.group;
  parallel_for(groups, 1 + kChunk / work, groups * work < kTooFewForThreads ? 1 : threads, f);
}

// Windows of 2 x 2: two times two vectors are joined to columns, and those to outputs.
template <class T, class Join>
class Squares {
 public:
  explicit Squares(const MapSquares& squares)
      : width_(squares.width),
        pairs_(squares.pairs),
        upper_(squares.upper),
        lower_(squares.lower),
        even_(squares.even),
        odd_(squares.odd) {}

  std::int64_t rows() const { return 2 * pairs_; }  // of outputs, in one step

  // Output rows [begin, end), at least rows() of them; the last ones perhaps twice.
  void run(const T* x, T* out, std::int64_t begin, std::int64_t end) const {
    const std::int64_t block = 2 * pairs_ * width_, rest = block - lanes, row = width_ / 2;
    const int n = int(pairs_ * width_);
    for (std::int64_t h = begin; h < end; h += rows()) {
      if (h > end - rows()) h = end - rows();
      const T* const at = x + h * 2 * width_;
      const V a = columns(at, int(rest)), b = columns(at + block, int(rest));
      store_first(Join::finish(Join::join(even_.of(a, b), odd_.of(a, b))), out + h * row, n);
    }
  }

 private:
  using V = Vec<T>;
  static constexpr int lanes = V::lanes;

  STRETTO_INLINE V columns(const T* x, int rest) const {
    const V a = V::load(x), b = V::load(x + lanes, rest);
    return Join::join(upper_.of(a, b), lower_.of(a, b));
  }

  const std::int64_t width_, pairs_;
  const Permutation<T> upper_, lower_, even_, odd_;
};

template <class T, class Join>
bool pool_squares(const PoolArgs& args, int threads) {
  MapSquares found;
  if (!cut_into_squares(args, Vec<T>::lanes, found)) return false;
  const Squares<T, Join> squares(found);
  const std::int64_t rows = args.x.shape[0] * args.x.shape[1] * args.axis[1].outputs;
  const std::int64_t steps = rows / squares.rows(), work = 2 * squares.rows() * args.axis[2].size;
  if (steps == 0) return false;
  parallel_for(steps, 1 + kChunk / work, steps * work < kTooFewForThreads ? 1 : threads,
               [&](std::int64_t begin, std::int64_t end) {
                 squares.run(args.x.as<T>(), args.out.as<T>(), begin * squares.rows(),
                             end == steps ? rows : end * squares.rows());
               });
  return true;
}
#endif

}  // namespace stretto::STRETTO_ISA
