// Arrays of random layout between guard bytes, filled with ordinary and with awkward values.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "base/array_view.h"

namespace stretto::testing {

using Random = std::mt19937_64;

inline std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {  // both included
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}
inline bool chance(Random& random, double p) { return std::bernoulli_distribution(p)(random); }
template <class T>
T one_of(Random& random, std::initializer_list<T> items) {
  return items.begin()[pick(random, 0, std::int64_t(items.size()) - 1)];
}

inline Dims dims(std::initializer_list<std::int64_t> sizes) {
  Dims shape;
  for (const std::int64_t size : sizes) shape.push(size);
  return shape;
}

enum class Values { ordinary, whole, wide, special };

// Under a sanitizer the block is exact and the sanitizer guards it; else it lies between bytes 0xff (NaN),
// which show in results when read and are checked when they may have been written.
class Array {
 public:
  enum class Layout { contiguous, random, random_with_repeats };

  Array(Random& random, const ValueType& type, Layout layout);
  Array(Array&& other) noexcept;
  Array(const Array&) = delete;
  ~Array();

  void fill(Random& random, Values values);
  void fill_with_bytes(unsigned char byte);  // the elements' block, the guards not
  bool guards_are_intact() const;
  const ArrayView& view() const { return view_; }

 private:
  unsigned char* block_ = nullptr;
  std::int64_t bytes_ = 0;  // between the guards
  ArrayView view_;
};

// The number of elements that differ; NaN equals NaN.
std::int64_t differences(const ArrayView& a, const ArrayView& b);

}  // namespace stretto::testing
