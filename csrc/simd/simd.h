// Vectors of the instruction set that this file is compiled for, in namespace STRETTO_ISA.
//
// Vec<T> for T = float, double:
//   lanes, load(p), load(p, n) (first n lanes, the rest 0), broadcast(x), store(p), store(p, n), + - * /,
//   fma(a, b, c) = a * b + c rounded once, sqrt, less(a, b) -> mask, select(mask, a, b) = mask ? a : b.
// Every operation rounds as IEEE says; none is an estimate.
#pragma once

#ifndef STRETTO_ISA
#error "simd.h belongs into *_cpu.cpp files, which are compiled once per instruction set"
#endif

#if defined(__AVX512F__)
#include "simd/avx512.h"
#elif defined(__AVX2__)
#include "simd/avx2.h"
#elif defined(__aarch64__)
#include "simd/neon.h"
#endif
