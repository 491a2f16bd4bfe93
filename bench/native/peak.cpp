// Prints what one core reaches, as JSON.
#include "peak.h"

#include <cstdio>

int main() {
  std::printf("{");
  for (const auto& [arch, rate] : stretto::bench::fma_peaks())
    std::printf("\"%s_gflops\": %.1f, ", stretto::name_of(arch), rate);
  std::printf("\"stream_gbs\": %.1f}\n", stretto::bench::stream_rate());
}
