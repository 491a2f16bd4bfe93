// Average pooling of small maps for one instruction set: windows of 2 x 2 and 3 x 3, each tap a stripe of its
// own.
#include "kernels/pool/small_maps.h"
#include "kernels/stripes.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX2__)
namespace {

struct Quarter {
  template <class V>
  STRETTO_INLINE static V join(V a, V b) {
    return a + b;
  }
  template <class V>  // a product by the inverse of 4 is the quotient
  STRETTO_INLINE static V finish(V x) {
    return (x + V::zero()) * V::broadcast(typename V::scalar(0.25));
  }
};

template <class T>
class AverageOfTiles {
 public:
  AverageOfTiles(const MapTiles& tiles, const PoolArgs& args)
      : seen_(tiles, args.axis[2].window), window_(int(args.axis[2].window)) {
    for (int kind = 0; kind < tiles.kind_count; ++kind) {
      columns_counted_[kind] = counted(tiles.columns_counted[kind]);
      for (int j = 0; j < window_; ++j) in_map_[kind][j] = LaneSet<T>(tiles.seen[kind][j]);
    }
    for (int i = 0; i < tiles.count_count; ++i) rows_counted_[i] = counted(tiles.rows_counted[i]);
  }

  void run(const PoolArgs& args, std::int64_t begin, std::int64_t end) const {
    if (window_ == 3)
      run_window<3>(args, begin, end);
    else
      run_window<2>(args, begin, end);
  }

 private:
  using V = Vec<T>;

  static V counted(const std::int8_t* counts) {
    T lane[V::lanes];
    for (int i = 0; i < V::lanes; ++i) lane[i] = T(counts[i]);
    return V::load(lane);
  }

  // The stripes stay in registers.
  template <int window>
  void run_window(const PoolArgs& args, std::int64_t begin, std::int64_t end) const {
    const MapTiles& tiles = seen_.tiles;
    const bool has_second = tiles.has_second;
    const std::int64_t step = tiles.step, second = tiles.second;
    pool_tiles<T>(args, tiles, begin, end,
                  [&](const MapTiles::Tile& tile, const T* x, auto&& store_held)
                      __attribute__((always_inline)) {
                        const LaneSet<T>* set = seen_.inside + tile.set;
                        const Permutation<T>* const column = seen_.column[tile.kind];
                        const LaneSet<T>* const in_map = in_map_[tile.kind];
                        const auto load = [&](const T* at, int which) __attribute__((always_inline)) {
                          return tile.is_whole ? V::load(at) : set[which].load(at, V::zero());
                        };
                        V stripe[window * window];
#pragma GCC unroll 3
                        for (int i = 0; i < window; ++i) {
                          const bool is_inside = i >= tile.first && i < tile.first + tile.taps;
                          V a = V::zero(), b = a;
                          if (is_inside) {
                            a = load(x, 0);
                            b = has_second ? load(x + second, 1) : a;
                            x += step;
                            set += 2;
                          }
#pragma GCC unroll 3
                          for (int j = 0; j < window; ++j)
                            stripe[i * window + j] = in_map[j].only(column[j].of(a, b, has_second));
                        }
                        store_held();
                        const V count = rows_counted_[tile.count] * columns_counted_[tile.kind];
                        return (sum(stripe) + V::zero()) / count;
                      });
  }

  // The tree of the sum rule; stripes beyond these are +0.
  template <int count>
  STRETTO_INLINE static V sum(V (&stripe)[count]) {
#pragma GCC unroll 4
    for (int half = kStripes / 2; half > 0; half /= 2)
#pragma GCC unroll 8
      for (int j = 0; j < half; ++j)
        if (j + half < count) stripe[j] = stripe[j] + stripe[j + half];
    return stripe[0];
  }

  const SeenOfTiles<T> seen_;
  const int window_;
  LaneSet<T> in_map_[MapTiles::kKinds][MapTiles::kTaps];
  V rows_counted_[MapTiles::kCounts], columns_counted_[MapTiles::kKinds];
};

template <class T>
bool run(const PoolArgs& args, int threads) {
  const PoolAxis &height = args.axis[1], &width = args.axis[2];
  const bool is_usual = height.window == width.window && (width.window == 2 || width.window == 3);
  if (!is_usual || height.outputs * width.outputs == 1 || args.out.size() < kFewOutputs) return false;
  if (pool_squares<T, Quarter>(args, threads)) return true;
  MapTiles tiles;
  if (!cut_into_tiles(args, Vec<T>::lanes, tiles)) return false;
  each_group(args, tiles, threads, [&](std::int64_t begin, std::int64_t end) {
    AverageOfTiles<T>(tiles, args).run(args, begin, end);
  });
  return true;
}

}  // namespace

bool average_of_small_maps(const PoolArgs& args, int threads) {
  return args.x.dtype == DType::f32 ? run<float>(args, threads) : run<double>(args, threads);
}
#else
bool average_of_small_maps(const PoolArgs&, int) { return false; }
#endif

}  // namespace stretto::STRETTO_ISA
