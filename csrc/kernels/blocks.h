// Walks arrays of one shape in C order, a block of elements at a time, handing out contiguous memory: the
// array's own where it is contiguous, else a buffer that rows are gathered into or scattered from.
#pragma once

#include <cstring>

#include "base/array_view.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kBlock = 1024;  // elements

// A shape with one array's strides, as few axes as hold them; sizes of 1 gone.
struct Walk {
  int count = 0;
  std::int64_t size[kMaxDims] = {}, stride[kMaxDims] = {};

  STRETTO_INLINE Walk(const Dims& shape, const Dims& strides) {
    for (int d = 0; d < shape.count; ++d) {
      if (shape[d] == 1) continue;
      if (count && stride[count - 1] == shape[d] * strides[d]) {
        size[count - 1] *= shape[d];
        stride[count - 1] = strides[d];
      } else {
        size[count] = shape[d];
        stride[count++] = strides[d];
      }
    }
  }
  STRETTO_INLINE bool contiguous() const { return count == 0 || (count == 1 && stride[0] == 1); }
  STRETTO_INLINE bool repeats() const { return count == 1 && stride[0] == 0; }

  STRETTO_INLINE std::int64_t offset(std::int64_t index) const {
    std::int64_t result = 0;
    for (int d = count - 1; d > 0; --d) {
      result += index % size[d] * stride[d];
      index /= size[d];
    }
    return count ? result + index * stride[0] : 0;
  }

  // Calls row(offset, stride, done, n) for the runs of constant stride that make up [begin, begin + n).
  template <class F>
  STRETTO_INLINE void rows(std::int64_t begin, std::int64_t n, F&& row) const {
    if (count == 0) return row(std::int64_t(0), std::int64_t(0), std::int64_t(0), n);
    std::int64_t at[kMaxDims], offset = 0, rest = begin;
    for (int d = count - 1; d >= 0; --d) {
      at[d] = d ? rest % size[d] : rest;
      if (d) rest /= size[d];
      offset += at[d] * stride[d];
    }
    const int inner = count - 1;
    for (std::int64_t done = 0; done < n;) {
      std::int64_t take = size[inner] - at[inner];
      if (take > n - done) take = n - done;
      row(offset, stride[inner], done, take);
      done += take;
      at[inner] += take;
      offset += take * stride[inner];
      for (int d = inner; d > 0 && at[d] == size[d]; --d) {
        offset += stride[d - 1] - size[d] * stride[d];
        at[d] = 0;
        ++at[d - 1];
      }
    }
  }
};

// Calls f(first, count) for the vectors of `width` lanes.
template <class V, class F>
STRETTO_INLINE void by_vectors(std::int64_t width, F&& f) {
  std::int64_t w = 0;
  for (; w + V::lanes <= width; w += V::lanes) f(w, V::lanes);
  if (w < width) f(w, int(width - w));
}

// Short runs, 32 bytes at a time; the last of them may be moved once more.
template <class T>
STRETTO_INLINE void copy_run(const T* from, T* to, std::int64_t n) {
  constexpr std::int64_t many = 32 / sizeof(T);
  if (n < many) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i];
    return;
  }
  for (std::int64_t i = 0; i + many <= n; i += many) std::memcpy(to + i, from + i, 32);
  std::memcpy(to + n - many, from + n - many, 32);
}
template <class T>
STRETTO_INLINE void fill_run(T value, T* to, std::int64_t n) {
  constexpr std::int64_t many = 32 / sizeof(T);
  T copies[many];
  for (T& copy : copies) copy = value;
  if (n < many) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = value;
    return;
  }
  for (std::int64_t i = 0; i + many <= n; i += many) std::memcpy(to + i, copies, 32);
  std::memcpy(to + n - many, copies, 32);
}

template <class T>
[[gnu::noinline]] void gather(const Walk& walk, const T* from, std::int64_t begin, std::int64_t n, T* to) {
  walk.rows(begin, n,
            [&](std::int64_t offset, std::int64_t stride, std::int64_t done, std::int64_t count)
                __attribute__((always_inline)) {
                  const T* p = from + offset;
                  T* q = to + done;
                  if (stride == 1)
                    copy_run(p, q, count);
                  else if (stride == 0)
                    fill_run(*p, q, count);
                  else
                    for (std::int64_t i = 0; i < count; ++i) q[i] = p[i * stride];
                });
}

template <class T>
[[gnu::noinline]] void scatter(const Walk& walk, T* to, std::int64_t begin, std::int64_t n, const T* from) {
  walk.rows(begin, n,
            [&](std::int64_t offset, std::int64_t stride, std::int64_t done, std::int64_t count)
                __attribute__((always_inline)) {
                  T* p = to + offset;
                  const T* q = from + done;
                  if (stride == 1)
                    copy_run(q, p, count);
                  else
                    for (std::int64_t i = 0; i < count; ++i) p[i * stride] = q[i];
                });
}

}  // namespace stretto::STRETTO_ISA
