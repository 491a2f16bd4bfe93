// Elements whose dtype is known at run time, in one of four types that hold every value of their kind:
// float (also of 16-bit floats), double, std::int64_t and std::uint64_t (also of bool). Arithmetic modulo
// 2^64 cut to the dtype is arithmetic modulo its 2^bits.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/load.h"

namespace stretto {

enum class Kind : std::uint8_t { single, wide, signed_integer, unsigned_integer };

STRETTO_INLINE constexpr Kind kind_of(DType t) {
  if (t == DType::f64) return Kind::wide;
  if (is_floating(t)) return Kind::single;
  return t >= DType::i8 && t <= DType::i64 ? Kind::signed_integer : Kind::unsigned_integer;
}

// Calls f(Type<C>{}) with the type that holds elements of dtype t.
template <class F>
decltype(auto) visit_kind(DType t, F&& f) {
  switch (kind_of(t)) {
    case Kind::single:
      return f(Type<float>{});
    case Kind::signed_integer:
      return f(Type<std::int64_t>{});
    case Kind::unsigned_integer:
      return f(Type<std::uint64_t>{});
    case Kind::wide:
      break;
  }
  return f(Type<double>{});
}

template <class C>
STRETTO_INLINE C load_as(const void* data, DType t, std::int64_t i) {
  if constexpr (std::is_same_v<C, float>) {
    if (t == DType::f16) return to_float(static_cast<const float16*>(data)[i]);
    if (t == DType::bf16) return to_float(static_cast<const bfloat16*>(data)[i]);
    return static_cast<const float*>(data)[i];
  } else if constexpr (std::is_same_v<C, double>) {
    return static_cast<const double*>(data)[i];
  } else {
    switch (t) {
      case DType::i8:
        return C(static_cast<const std::int8_t*>(data)[i]);
      case DType::i16:
        return C(static_cast<const std::int16_t*>(data)[i]);
      case DType::i32:
        return C(static_cast<const std::int32_t*>(data)[i]);
      case DType::u16:
        return C(static_cast<const std::uint16_t*>(data)[i]);
      case DType::u32:
        return C(static_cast<const std::uint32_t*>(data)[i]);
      case DType::i64:
      case DType::u64:
        return static_cast<const C*>(data)[i];
      default:  // bool is one byte, 0 or 1
        return C(static_cast<const std::uint8_t*>(data)[i]);
    }
  }
}

// Casts as the kernels of the host do: to any dtype, by the type that holds its values.
template <class C>
STRETTO_INLINE void store_as(void* data, DType t, std::int64_t i, C value) {
  switch (t) {
    case DType::boolean:
      static_cast<bool*>(data)[i] = value != C(0);
      return;
    case DType::i8:
      static_cast<std::int8_t*>(data)[i] = std::int8_t(std::int64_t(value));
      return;
    case DType::i16:
      static_cast<std::int16_t*>(data)[i] = std::int16_t(std::int64_t(value));
      return;
    case DType::i32:
      static_cast<std::int32_t*>(data)[i] = std::int32_t(std::int64_t(value));
      return;
    case DType::i64:
      static_cast<std::int64_t*>(data)[i] = std::int64_t(value);
      return;
    case DType::u8:
      static_cast<std::uint8_t*>(data)[i] = std::uint8_t(std::int64_t(value));
      return;
    case DType::u16:
      static_cast<std::uint16_t*>(data)[i] = std::uint16_t(std::int64_t(value));
      return;
    case DType::u32:
      static_cast<std::uint32_t*>(data)[i] = std::uint32_t(std::int64_t(value));
      return;
    case DType::u64:
      static_cast<std::uint64_t*>(data)[i] = std::uint64_t(value);
      return;
    case DType::f16:
      static_cast<float16*>(data)[i] = to_float16(float(value));
      return;
    case DType::bf16:
      static_cast<bfloat16*>(data)[i] = to_bfloat16(float(value));
      return;
    case DType::f32:
      static_cast<float*>(data)[i] = float(value);
      return;
    default:
      static_cast<double*>(data)[i] = double(value);
  }
}

// The same for a dtype of C's own kind: what kernels write, which never cast.
template <class C>
STRETTO_INLINE void store_own(void* data, DType t, std::int64_t i, C value) {
  if constexpr (std::is_same_v<C, float>) {
    if (t == DType::f16)
      static_cast<float16*>(data)[i] = to_float16(value);
    else if (t == DType::bf16)
      static_cast<bfloat16*>(data)[i] = to_bfloat16(value);
    else
      static_cast<float*>(data)[i] = value;
  } else if constexpr (std::is_same_v<C, double>) {
    static_cast<double*>(data)[i] = value;
  } else {
    switch (itemsize(t)) {
      case 1:
        if (t == DType::boolean)
          static_cast<bool*>(data)[i] = value != C(0);
        else
          static_cast<std::uint8_t*>(data)[i] = std::uint8_t(value);
        return;
      case 2:
        static_cast<std::uint16_t*>(data)[i] = std::uint16_t(value);
        return;
      case 4:
        static_cast<std::uint32_t*>(data)[i] = std::uint32_t(value);
        return;
      default:
        static_cast<std::uint64_t*>(data)[i] = std::uint64_t(value);
    }
  }
}

}  // namespace stretto
