// Vectors of the instruction set that this file is compiled for, in namespace STRETTO_ISA.
//
// Vec<T> for T = float, double:
//   lanes, load(p), load(p, n) (first n lanes, the rest 0), broadcast(x), store(p), store(p, n), + - * /,
//   fma(a, b, c) = a * b + c rounded once, sqrt, round_nearest (ties to even),
//   max(a, b) = a > b ? a : b and min(a, b) = a < b ? a : b (so b when one is NaN),
//   less, less_equal, equal, is_nan -> mask, select(mask, a, b) = mask ? a : b,
//   Vec::either, both, none on masks and Vec::bitmask(mask) with lane i in bit i,
//   bits(a) and from_bits(a): the same register as Vec<uint32_t> or Vec<uint64_t>.
// Vec<float> also loads and stores float16 and bfloat16 (one rounding, to nearest even); lower(a), upper(a)
// are its halves as Vec<double>, joined(low, high) the way back. Vec<uint32_t>, Vec<uint64_t>: broadcast, + -
// & | ^ modulo 2^bits, shift_left<n>, shift_right<n> (logical). Every operation rounds as IEEE says; none is
// an estimate. scalar.h is the same interface with one lane.
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
