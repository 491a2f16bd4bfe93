// What simd/amx.h offers, in plain C++: so that kernels for AMX are tested on machines without it.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/tile/flush.h"

namespace stretto::STRETTO_ISA {

struct AmxSession {};

struct EmulatedTile {
  std::uint32_t at[16][16];
};
inline thread_local EmulatedTile emulated_tiles[8];

template <int tile>
void amx_zero() {
  emulated_tiles[tile] = {};
}
template <int tile>
void amx_load(const void* p, std::int64_t step) {
  for (int i = 0; i < 16; ++i)
    std::memcpy(emulated_tiles[tile].at[i], static_cast<const char*>(p) + i * step, 64);
}
template <int tile>
void amx_store(void* p, std::int64_t step) {
  for (int i = 0; i < 16; ++i) std::memcpy(static_cast<char*>(p) + i * step, emulated_tiles[tile].at[i], 64);
}

template <int sum, int a, int b>
void amx_multiply_pairs() {
  const auto half = [](std::uint32_t pair, int odd) {
    return to_float(bfloat16{std::uint16_t(pair >> (16 * odd))});
  };
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j) {
      float chain[2] = {0, 0}, acc;
      for (int q = 0; q < 16; ++q)
        for (int odd = 0; odd < 2; ++odd)
          chain[odd] = flushed_fma(half(emulated_tiles[a].at[i][q], odd),
                                   half(emulated_tiles[b].at[q][j], odd), chain[odd]);
      std::uint32_t& bits = emulated_tiles[sum].at[i][j];
      std::memcpy(&acc, &bits, 4);
      acc = flushed_add(acc, flushed_add(chain[0], chain[1]));
      std::memcpy(&bits, &acc, 4);
    }
}

template <int sum, int a, int b, bool a_is_signed, bool b_is_signed>
void amx_multiply_quads() {
  const auto byte = [](std::uint32_t quad, int i, bool is_signed) {
    const auto x = std::uint8_t(quad >> (8 * i));
    return is_signed ? int(std::int8_t(x)) : int(x);
  };
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j)
      for (int q = 0; q < 16; ++q)
        for (int t = 0; t < 4; ++t)
          emulated_tiles[sum].at[i][j] += std::uint32_t(byte(emulated_tiles[a].at[i][q], t, a_is_signed) *
                                                        byte(emulated_tiles[b].at[q][j], t, b_is_signed));
}

}  // namespace stretto::STRETTO_ISA
