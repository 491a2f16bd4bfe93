// ArrayView: where an array's elements are. It owns nothing and is plain data.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto {

inline constexpr int kMaxDims = 12;

// A shape, or strides in elements.
struct Dims {
  int count = 0;
  std::int64_t at[kMaxDims] = {};

  STRETTO_INLINE std::int64_t& operator[](int i) { return at[i]; }
  STRETTO_INLINE std::int64_t operator[](int i) const { return at[i]; }
  STRETTO_INLINE std::int64_t last(int i) const { return at[count - 1 - i]; }  // last(0) is the innermost
  STRETTO_INLINE void push(std::int64_t value) { at[count++] = value; }
  STRETTO_INLINE const std::int64_t* begin() const { return at; }
  STRETTO_INLINE const std::int64_t* end() const { return at + count; }
  STRETTO_INLINE bool operator==(const Dims& other) const {
    if (count != other.count) return false;
    for (int i = 0; i < count; ++i)
      if (at[i] != other.at[i]) return false;
    return true;
  }
  STRETTO_INLINE std::int64_t product() const {
    std::int64_t n = 1;
    for (int i = 0; i < count; ++i) n *= at[i];
    return n;
  }
};

// Dtype and shape of a value: all that shape inference knows of it.
struct ValueType {
  DType dtype = DType::none;
  Dims shape;
  STRETTO_INLINE bool present() const { return dtype != DType::none; }
};

struct PackedWeight;  // ops/op.h: a prepacked copy of the elements
struct Place;         // base/place.h: a device's memory, its stream and its allocator

struct ArrayView {
  void* data = nullptr;
  DType dtype = DType::none;  // none: the optional operand is absent
  Dims shape;
  Dims strides;                          // in elements; 0 repeats
  const PackedWeight* packed = nullptr;  // set for weights made by prepare; `data` holds the same values
  const Place* place = nullptr;          // null: in host memory

  STRETTO_INLINE bool present() const { return dtype != DType::none; }
  STRETTO_INLINE std::int64_t size() const { return shape.product(); }
  STRETTO_INLINE ValueType type() const { return {dtype, shape}; }
  template <class T>
  STRETTO_INLINE T* as() const {
    return static_cast<T*>(data);
  }
};

// C-order strides of a shape.
STRETTO_INLINE Dims contiguous_strides(const Dims& shape) {
  Dims strides;
  strides.count = shape.count;
  std::int64_t step = 1;
  for (int i = shape.count - 1; i >= 0; --i) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

STRETTO_INLINE bool is_contiguous(const ArrayView& view) {
  std::int64_t step = 1;
  for (int i = view.shape.count - 1; i >= 0; --i) {
    if (view.shape[i] != 1 && view.strides[i] != step) return false;
    step *= view.shape[i];
  }
  return true;
}

STRETTO_INLINE ArrayView contiguous_view(void* data, DType dtype, const Dims& shape,
                                         const Place* place = nullptr) {
  ArrayView view;
  view.data = data;
  view.dtype = dtype;
  view.shape = shape;
  view.strides = contiguous_strides(shape);
  view.place = place;
  return view;
}

}  // namespace stretto
