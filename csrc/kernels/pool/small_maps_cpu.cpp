// Max pooling of small maps for one instruction set: several rows, or several planes, to a vector.
#include "kernels/pool/small_maps.h"

#include "base/parallel.h"
#include "kernels/pool/map_tiles.h"
#include "kernels/pool/pool_rows.h"
#include "simd/permute.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX2__)
namespace {

constexpr std::int64_t kFewOutputs = 128;  // cost less than the tables
constexpr std::int64_t kThreadedElements = 1 << 16;
constexpr std::int64_t kChunk = 1 << 18;  // elements

// Largest elements of tiles. A tile is stored after the next one is loaded: a store would delay loads from
// where the same rows of an array a multiple of 4 KiB away are.
template <class T>
class MaxOfTiles {
 public:
  MaxOfTiles(const MapTiles& tiles, std::int64_t window) : tiles_(tiles), window_(int(window)) {
    for (int i = 0; i < tiles.set_count; ++i) inside_[i] = LaneSet<T>(tiles.inside[i]);
    for (int kind = 0; kind < tiles.kind_count; ++kind)
      for (int j = 0; j < window; ++j) column_[kind][j] = Permutation<T>(tiles.lane[kind][j]);
  }

  // The groups [begin, end) of planes.
  void run(const PoolArgs& args, std::int64_t begin, std::int64_t end) const {
    const int n = tiles_.n, window = window_;
    const bool has_second = tiles_.has_second;
    const std::int64_t step = tiles_.step, second = tiles_.second;
    const MapTiles::Tile *const first = tiles_.tile, *const last = first + tiles_.count;
    std::int64_t plane = begin * tiles_.group % tiles_.run, sample = begin * tiles_.group / tiles_.run;
    T nowhere[V::lanes];
    T* held_out = nowhere;
    V held = V::zero();
    for (std::int64_t g = begin; g < end; ++g) {
      const T* const x = args.x.as<T>() + sample * args.x.strides[0] + plane * tiles_.x_plane;
      T* const out = args.out.as<T>() + sample * args.out.strides[0] + plane * tiles_.out_plane;
      for (const MapTiles::Tile* tile = first; tile != last; ++tile) {
        const LaneSet<T>* const set = inside_ + tile->set;
        const V a = over_rows(*tile, x + tile->x, step, set);
        const V b = has_second ? over_rows(*tile, x + tile->x + second, step, set + 1) : a;
        store(held, held_out, n);
        held = over_columns(a, b, has_second, column_[tile->kind], window);
        held_out = out + tile->out;
      }
      plane += tiles_.group;
      if (plane < tiles_.run) continue;
      plane = 0;
      ++sample;
    }
    store(held, held_out, n);
  }

 private:
  using V = Vec<T>;

  STRETTO_INLINE static void store(V x, T* out, int n) {
    if (n == V::lanes)
      x.store(out);
    else
      x.store(out, n);
  }

  // The largest of each lane of the window's rows.
  STRETTO_INLINE static V over_rows(const MapTiles::Tile& tile, const T* x, std::int64_t step,
                                    const LaneSet<T>* set) {
    const int taps = tile.taps;
    if (tile.is_whole)
      return over_taps(taps, [&](int i) __attribute__((always_inline)) { return V::load(x + i * step); });
    const V outside = V::broadcast(T(-__builtin_inf()));
    V best = set->load(x, outside);
    for (int i = 1; i < taps; ++i) best = largest(best, (set += 2)->load(x += step, outside));
    return best;
  }

  STRETTO_INLINE static V over_columns(V a, V b, bool has_second, const Permutation<T>* column, int window) {
    const V best = over_taps(window, [&](int j) __attribute__((always_inline)) {
      return has_second ? column[j].of(a, b) : column[j].of(a);
    });
    return best + V::zero();
  }

  // Windows are mostly of three taps at most: no loop for those.
  template <class F>
  STRETTO_INLINE static V over_taps(int taps, F&& tap) {
    V best = tap(0);
    if (taps > 1) best = largest(best, tap(1));
    if (taps > 2) best = largest(best, tap(2));
    for (int i = 3; i < taps; ++i) best = largest(best, tap(i));
    return best;
  }

  const MapTiles& tiles_;
  const int window_;
  LaneSet<T> inside_[MapTiles::kSets];
  Permutation<T> column_[MapTiles::kKinds][MapTiles::kTaps];
};

template <class T>
bool max_of_tiles(const PoolArgs& args, int threads) {
  MapTiles tiles;
  if (!cut_into_tiles(args, Vec<T>::lanes, tiles)) return false;
  const std::int64_t work = tiles.group * args.axis[1].outputs * args.axis[2].size * args.axis[1].window;
  const std::int64_t groups = tiles.runs * tiles.run / tiles.group;
  parallel_for(groups, 1 + kChunk / work, groups * work < kThreadedElements ? 1 : threads,
               [&](std::int64_t begin, std::int64_t end) {
                 MaxOfTiles<T>(tiles, args.axis[2].window).run(args, begin, end);
               });
  return true;
}

// Windows of 2 x 2: of each of two times two vectors the larger rows, of those the larger columns.
template <class T>
class MaxOfSquares {
 public:
  explicit MaxOfSquares(const MapSquares& squares)
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
      const V a = over_pairs(at, int(rest)), b = over_pairs(at + block, int(rest));
      const V best = largest(even_.of(a, b), odd_.of(a, b)) + V::zero();
      if (n == lanes)
        best.store(out + h * row);
      else
        best.store(out + h * row, n);
    }
  }

 private:
  using V = Vec<T>;
  static constexpr int lanes = V::lanes;

  STRETTO_INLINE V over_pairs(const T* x, int rest) const {
    const V a = V::load(x), b = V::load(x + lanes, rest);
    return largest(upper_.of(a, b), lower_.of(a, b));
  }

  const std::int64_t width_, pairs_;
  const Permutation<T> upper_, lower_, even_, odd_;
};

template <class T>
bool max_of_squares(const PoolArgs& args, int threads) {
  MapSquares squares;
  if (!cut_into_squares(args, Vec<T>::lanes, squares)) return false;
  const MaxOfSquares<T> max(squares);
  const std::int64_t rows = args.x.shape[0] * args.x.shape[1] * args.axis[1].outputs;
  const std::int64_t steps = rows / max.rows(), work = 2 * max.rows() * args.axis[2].size;
  if (steps == 0) return false;
  parallel_for(steps, 1 + kChunk / work, steps * work < kThreadedElements ? 1 : threads,
               [&](std::int64_t begin, std::int64_t end) {
                 max.run(args.x.as<T>(), args.out.as<T>(), begin * max.rows(),
                         end == steps ? rows : end * max.rows());
               });
  return true;
}

template <class T>
bool run(const PoolArgs& args, int threads) {
  if (args.out.size() < kFewOutputs) return false;
  return max_of_squares<T>(args, threads) || max_of_tiles<T>(args, threads);
}

}  // namespace

bool max_of_small_maps(const PoolArgs& args, int threads) {
  return args.x.dtype == DType::f32 ? run<float>(args, threads) : run<double>(args, threads);
}
#else
bool max_of_small_maps(const PoolArgs&, int) { return false; }
#endif

}  // namespace stretto::STRETTO_ISA
