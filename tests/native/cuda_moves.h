// CUDA kernels that only move elements, against the host's, and the loops that all of them have.
#pragma once

#include <cstdint>
#include <string>

namespace stretto::testing {

using Report = void (*)(const char* op, int call, const std::string& what);

void run_takes(int calls, std::uint64_t seed, Report report);

// Shapes past 2^31 elements are cut into slices that 31 bits can count; nothing is left out or taken twice.
void run_loops(std::uint64_t seed, Report report);

void run_copies(int calls, std::uint64_t seed, Report report);

}  // namespace stretto::testing
