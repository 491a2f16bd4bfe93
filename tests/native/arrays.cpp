#include "arrays.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <new>
#include <utility>

namespace stretto::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::int64_t kGuard = 0;
#else
constexpr std::int64_t kGuard = 192;
#endif

template <class F>
void for_each_element(const ArrayView& view, F f) {
  const std::int64_t count = view.size(), size = itemsize(view.dtype);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i, offset = 0;
    for (int d = view.shape.count - 1; d >= 0; --d) {
      offset += rest % view.shape[d] * view.strides[d];
      rest /= view.shape[d];
    }
    f(i, view.as<unsigned char>() + offset * size);
  }
}

float value(Random& random, Values values) {
  const float x = std::normal_distribution<float>()(random);
  switch (values) {
    case Values::ordinary:
      return x;
    case Values::whole:
      return float(pick(random, -8, 8));
    case Values::wide:
      return std::ldexp(x, int(pick(random, -60, 60)));
    case Values::special:
      break;
  }
  if (chance(random, 0.9)) return x;
  return one_of(random,
                {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 0x1p-149f, -0x1p-127f, 0x1.fffffep127f, 1.0f});
}

void store(unsigned char* at, DType dtype, Random& random, Values values) {
  const float x = value(random, values);
  switch (dtype) {
    case DType::f64: {
      const double wide = values == Values::whole ? double(x) : double(x) * 1.0000000123456789;
      std::memcpy(at, &wide, 8);
      break;
    }
    case DType::f32:
      std::memcpy(at, &x, 4);
      break;
    case DType::f16: {
      const float16 narrow = to_float16(x);
      std::memcpy(at, &narrow, 2);
      break;
    }
    case DType::bf16: {
      const bfloat16 narrow = to_bfloat16(x);
      std::memcpy(at, &narrow, 2);
      break;
    }
    case DType::boolean:
      *at = chance(random, 0.5);
      break;
    default: {
      const std::uint64_t bits = values == Values::whole ? std::uint64_t(pick(random, -8, 8)) : random();
      std::memcpy(at, &bits, std::size_t(itemsize(dtype)));
    }
  }
}

bool is_nan(const unsigned char* at, DType dtype) {
  if (dtype == DType::f64) {
    double x;
    std::memcpy(&x, at, 8);
    return std::isnan(x);
  }
  if (dtype == DType::f32) {
    float x;
    std::memcpy(&x, at, 4);
    return std::isnan(x);
  }
  std::uint16_t bits;
  std::memcpy(&bits, at, 2);
  if (dtype == DType::f16) return (bits & 0x7fff) > 0x7c00;
  if (dtype == DType::bf16) return (bits & 0x7fff) > 0x7f80;
  return false;
}

// Strides of a random order of the axes, with gaps here and there.
Dims random_strides(Random& random, const Dims& shape) {
  std::vector<int> order(std::size_t(shape.count));
  for (int d = 0; d < shape.count; ++d) order[std::size_t(d)] = shape.count - 1 - d;
  if (chance(random, 0.5)) std::shuffle(order.begin(), order.end(), random);
  Dims strides;
  strides.count = shape.count;
  std::int64_t step = chance(random, 0.2) ? 2 : 1;
  for (const int d : order) {
    strides[d] = step;
    step = step * shape[d] + (chance(random, 0.15) ? pick(random, 1, 3) : 0);
  }
  return strides;
}

}  // namespace

Array::Array(Random& random, const ValueType& type, Layout layout) {
  view_.dtype = type.dtype;
  view_.shape = type.shape;
  view_.strides =
      layout == Layout::contiguous ? contiguous_strides(type.shape) : random_strides(random, type.shape);
  std::int64_t first = 0, last = 0;  // offsets of the outermost elements
  for (int d = 0; d < type.shape.count; ++d) {
    if (layout == Layout::random_with_repeats) {
      if (chance(random, 0.05)) view_.strides[d] = 0;
      if (chance(random, 0.1)) view_.strides[d] *= -1;
    }
    const std::int64_t reach = (std::max<std::int64_t>(type.shape[d], 1) - 1) * view_.strides[d];
    (reach < 0 ? first : last) += reach;
  }
  const std::int64_t elements = type.shape.product() == 0 ? 0 : last - first + 1;
  bytes_ = elements * itemsize(type.dtype);
  // An element's alignment, no more.
  const std::int64_t shift = layout == Layout::contiguous ? 0 : pick(random, 0, 3) * itemsize(type.dtype);
  bytes_ += shift;
  block_ =
      static_cast<unsigned char*>(std::malloc(std::size_t(std::max<std::int64_t>(bytes_ + 2 * kGuard, 1))));
  if (!block_) throw std::bad_alloc();
  std::memset(block_, 0xff, std::size_t(bytes_ + 2 * kGuard));
  view_.data = block_ + kGuard + shift - first * itemsize(type.dtype);
}

Array::Array(Array&& other) noexcept
    : block_(std::exchange(other.block_, nullptr)), bytes_(other.bytes_), view_(other.view_) {}

Array::~Array() { std::free(block_); }

void Array::fill(Random& random, Values values) {
  for_each_element(view_, [&](std::int64_t, unsigned char* at) { store(at, view_.dtype, random, values); });
}

void Array::fill_with_bytes(unsigned char byte) { std::memset(block_ + kGuard, byte, std::size_t(bytes_)); }

bool Array::guards_are_intact() const {
  const auto intact = [](const unsigned char* from) {
    return std::all_of(from, from + kGuard, [](unsigned char byte) { return byte == 0xff; });
  };
  return intact(block_) && intact(block_ + kGuard + bytes_);
}

std::int64_t differences(const ArrayView& a, const ArrayView& b) {
  const std::size_t size = std::size_t(itemsize(a.dtype));
  std::vector<unsigned char> elements(std::size_t(b.size()) * size);
  for_each_element(b, [&](std::int64_t i, const unsigned char* at) {
    std::memcpy(elements.data() + std::size_t(i) * size, at, size);
  });
  std::int64_t count = 0;
  for_each_element(a, [&](std::int64_t i, const unsigned char* at) {
    const unsigned char* other = elements.data() + std::size_t(i) * size;
    if (std::memcmp(at, other, size) == 0) return;
    count += !(is_floating(a.dtype) && is_nan(at, a.dtype) && is_nan(other, a.dtype));
  });
  return count;
}

}  // namespace stretto::testing
