// Max pooling of small maps for one instruction set.
#include "kernels/pool/small_maps.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX2__)
namespace {

struct Larger {
  template <class V>
  STRETTO_INLINE static V join(V a, V b) {
    return largest(a, b);
  }
  template <class V>
  STRETTO_INLINE static V finish(V x) {
    return x + V::zero();
  }
};

template <class T>
class MaxOfTiles {
 public:
  MaxOfTiles(const MapTiles& tiles, std::int64_t window) : seen_(tiles, window), window_(int(window)) {}

  void run(const PoolArgs& args, std::int64_t begin, std::int64_t end) const {
    const MapTiles& tiles = seen_.tiles;
    const int window = window_;
    const bool has_second = tiles.has_second;
    const std::int64_t step = tiles.step, second = tiles.second;
    pool_tiles<T>(args, tiles, begin, end,
                  [&](const MapTiles::Tile& tile, const T* x, auto&& store_held)
                      __attribute__((always_inline)) {
                        const LaneSet<T>* const set = seen_.inside + tile.set;
                        const V a = over_rows(tile, x, step, set);
                        const V b = has_second ? over_rows(tile, x + second, step, set + 1) : a;
                        store_held();
                        return over_columns(a, b, has_second, seen_.column[tile.kind], window);
                      });
  }

 private:
  using V = Vec<T>;

  // The largest of each lane of the window's rows.
  STRETTO_INLINE static V over_rows(const MapTiles::Tile& tile, const T* x, std::int64_t step,
                                    const LaneSet<T>* set) {
    const int taps = tile.taps;
    if (tile.is_whole)
      return over_taps(taps, [&](int i) __attribute__((always_inline)) { return V::load(x + i * step); });
    const V outside = V::broadcast(T(-__builtin_inf()));
    return over_taps(
        taps, [&](int i) __attribute__((always_inline)) { return set[2 * i].load(x + i * step, outside); });
  }

  STRETTO_INLINE static V over_columns(V a, V b, bool has_second, const Permutation<T>* column, int window) {
    const V best = over_taps(
        window, [&](int j) __attribute__((always_inline)) { return column[j].of(a, b, has_second); });
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

  const SeenOfTiles<T> seen_;
  const int window_;
};

template <class T>
bool run(const PoolArgs& args, int threads) {
  if (args.out.size() < kFewOutputs) return false;
  if (pool_squares<T, Larger>(args, threads)) return true;
  MapTiles tiles;
  if (!cut_into_tiles(args, Vec<T>::lanes, tiles)) return false;
  each_group(args, tiles, threads, [&](std::int64_t begin, std::int64_t end) {
    MaxOfTiles<T>(tiles, args.axis[2].window).run(args, begin, end);
  });
  return true;
}

}  // namespace

bool max_of_small_maps(const PoolArgs& args, int threads) {
  return args.x.dtype == DType::f32 ? run<float>(args, threads) : run<double>(args, threads);
}
#else
bool max_of_small_maps(const PoolArgs&, int) { return false; }
#endif

}  // namespace stretto::STRETTO_ISA
