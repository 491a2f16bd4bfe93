#include "base/dtype.h"

#include <algorithm>

namespace stretto {
namespace {

constexpr const char* kNames[] = {"none",   "bool",   "int8",   "int16",   "int32",    "int64",   "uint8",
                                  "uint16", "uint32", "uint64", "float16", "bfloat16", "float32", "float64"};

bool is_signed(DType t) { return t >= DType::i8 && t <= DType::i64; }

DType signed_of_size(int bytes) {
  return bytes <= 1 ? DType::i8 : bytes == 2 ? DType::i16 : bytes == 4 ? DType::i32 : DType::i64;
}

// The smallest float that NumPy pairs with an integer of that size.
DType float_holding(int bytes) { return bytes == 1 ? DType::f16 : bytes == 2 ? DType::f32 : DType::f64; }

}  // namespace

const char* name_of(DType t) { return kNames[int(t)]; }

DType dtype_named(const char* name) {
  for (int i = 1; i <= int(DType::f64); ++i)
    if (std::strcmp(kNames[i], name) == 0) return DType(i);
  return DType::none;
}

DType promote(DType a, DType b) {
  if (a == b || b == DType::boolean) return a;
  if (a == DType::boolean) return b;
  if (a > b) std::swap(a, b);  // now integers come before floats
  if (is_floating(a)) {
    if (a == DType::f16 && b == DType::bf16) return DType::none;
    return b;
  }
  if (b == DType::bf16) return DType::bf16;
  if (is_floating(b)) return std::max(b, float_holding(itemsize(a)));
  if (is_signed(a) == is_signed(b)) return itemsize(a) > itemsize(b) ? a : b;
  // signed a, unsigned b
  if (itemsize(a) > itemsize(b)) return a;
  return b == DType::u64 ? DType::f64 : signed_of_size(2 * itemsize(b));
}

}  // namespace stretto
