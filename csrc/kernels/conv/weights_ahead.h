// Weights that come from beyond the second cache are fetched while the tiles of the stretch before are
// formed: where few tiles share a stretch, the wait for its weights is a good part of its time.
#pragma once

#include "base/counts.h"
#include "kernels/conv/channels_tile.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr std::int64_t kFetchingTiles = 64, kFarWeightBytes = 256 << 10;
#else
inline constexpr std::int64_t kFetchingTiles = 0, kFarWeightBytes = 0;
#endif

// `count` elements of each vector of outputs, from `next` on, in as many pieces as there are tiles.
template <class T>
struct WeightsAhead {
  static constexpr std::int64_t kLine = 64 / std::int64_t(sizeof(T));
  const T* next;
  std::int64_t panel_pitch, piece;
  int vectors;

  STRETTO_INLINE WeightsAhead(const T* next, std::int64_t count, std::int64_t panel_pitch, int vectors,
                              std::int64_t tiles, std::int64_t all_weights)
      : next(next), panel_pitch(panel_pitch), piece(0), vectors(vectors) {
    if (tiles <= kFetchingTiles && all_weights * std::int64_t(sizeof(T)) > kFarWeightBytes)
      piece = divide_up(count, kLine * tiles) * kLine;
  }
  STRETTO_INLINE void fetch([[maybe_unused]] std::int64_t tile) const {
    if constexpr (kFetchingTiles > 0)
      for (int v = 0; v < vectors; ++v)
        for (std::int64_t i = tile * piece; i < (tile + 1) * piece; i += kLine)
          __builtin_prefetch(next + v * panel_pitch + i);
  }
};

}  // namespace stretto::STRETTO_ISA
