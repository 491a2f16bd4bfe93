// The element types of arrays, and the one switch from a runtime dtype to a C++ type.
#pragma once

#include <cstdint>
#include <cstring>

// Functions that kernels share, on the host and on a device, and the tables of constants they read.
#ifdef __CUDACC__
#define STRETTO_INLINE __host__ __device__ __forceinline__
#define STRETTO_CONSTANT __device__ constexpr
#else
#define STRETTO_INLINE [[gnu::always_inline]] inline
#define STRETTO_CONSTANT constexpr
#endif

namespace stretto {

enum class DType : std::uint8_t { none, boolean, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64 };

// 16-bit floats as bit patterns; converted by simd/ and by the scalar functions below.
struct float16 {
  std::uint16_t bits;
};
struct bfloat16 {
  std::uint16_t bits;
};

STRETTO_INLINE constexpr int itemsize(DType t) {
  switch (t) {
    case DType::none:
      return 0;
    case DType::boolean:
    case DType::i8:
    case DType::u8:
      return 1;
    case DType::i16:
    case DType::u16:
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::i32:
    case DType::u32:
    case DType::f32:
      return 4;
    case DType::i64:
    case DType::u64:
    case DType::f64:
      return 8;
  }
  return 0;
}

STRETTO_INLINE constexpr bool is_floating(DType t) { return t >= DType::f16; }
STRETTO_INLINE constexpr bool is_16bit_float(DType t) { return t == DType::f16 || t == DType::bf16; }
STRETTO_INLINE constexpr bool is_integer(DType t) { return t >= DType::i8 && t <= DType::u64; }

STRETTO_INLINE constexpr bool is_narrow_integer(DType t) { return is_integer(t) && itemsize(t) <= 2; }

// Whether integers of these dtypes have a product of their own in int32.
STRETTO_INLINE constexpr bool has_int32_product(DType a, DType b) {
  const auto is_byte = [](DType t) { return t == DType::i8 || t == DType::u8; };
  return (is_byte(a) && is_byte(b)) || (a == DType::i16 && b == DType::i16);
}

// NumPy's name of the dtype, as it stands in messages and in Programs.
const char* name_of(DType t);
DType dtype_named(const char* name);  // none when there is no such dtype

// np.result_type of two array dtypes; none when NumPy has no common type (float16 with bfloat16).
DType promote(DType a, DType b);

template <class T>
struct Type {
  using type = T;
};

// Calls f(Type<T>{}) with the C++ type of `t`; f must accept every type.
template <class F>
STRETTO_INLINE decltype(auto) visit_dtype(DType t, F&& f) {
  switch (t) {
    case DType::boolean:
      return f(Type<bool>{});
    case DType::i8:
      return f(Type<std::int8_t>{});
    case DType::i16:
      return f(Type<std::int16_t>{});
    case DType::i32:
      return f(Type<std::int32_t>{});
    case DType::i64:
      return f(Type<std::int64_t>{});
    case DType::u8:
      return f(Type<std::uint8_t>{});
    case DType::u16:
      return f(Type<std::uint16_t>{});
    case DType::u32:
      return f(Type<std::uint32_t>{});
    case DType::u64:
      return f(Type<std::uint64_t>{});
    case DType::f16:
      return f(Type<float16>{});
    case DType::bf16:
      return f(Type<bfloat16>{});
    case DType::f32:
      return f(Type<float>{});
    case DType::none:
    case DType::f64:
      break;
  }
  return f(Type<double>{});
}

// Calls f(Type<A>{}, Type<B>{}) for dtypes that have an int32 product.
template <class F>
STRETTO_INLINE void visit_narrow(DType a, DType b, F&& f) {
  if (a == DType::i16) return f(Type<std::int16_t>{}, Type<std::int16_t>{});
  const auto with = [&](auto left) {
    if (b == DType::i8) return f(left, Type<std::int8_t>{});
    f(left, Type<std::uint8_t>{});
  };
  if (a == DType::i8) return with(Type<std::int8_t>{});
  with(Type<std::uint8_t>{});
}

STRETTO_INLINE float to_float(bfloat16 x) {
  const std::uint32_t u = std::uint32_t(x.bits) << 16;
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}

STRETTO_INLINE bfloat16 to_bfloat16(float f) {  // round to nearest even; NaN stays NaN
  std::uint32_t u;
  std::memcpy(&u, &f, 4);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {std::uint16_t((u >> 16) | 0x40u)};
  return {std::uint16_t((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
}

STRETTO_INLINE float to_float(float16 x) {
  const std::uint32_t sign = std::uint32_t(x.bits & 0x8000u) << 16;
  const std::uint32_t exponent = (x.bits >> 10) & 31u, mantissa = x.bits & 1023u;
  std::uint32_t u;
  if (exponent == 31u) {
    u = sign | 0x7f800000u | (mantissa << 13);
  } else if (exponent != 0u) {
    u = sign | ((exponent + 112u) << 23) | (mantissa << 13);
  } else {  // zero or subnormal: mantissa * 2^-24 is exact in float32
    const float value = float(int(mantissa)) * 0x1p-24f;
    std::memcpy(&u, &value, 4);
    u |= sign;
  }
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}

STRETTO_INLINE float16 to_float16(float f) {  // round to nearest even; NaN stays NaN
  std::uint32_t u;
  std::memcpy(&u, &f, 4);
  const std::uint16_t sign = std::uint16_t((u >> 16) & 0x8000u);
  u &= 0x7fffffffu;
  if (u > 0x7f800000u) return {std::uint16_t(sign | 0x7e00u)};
  if (u >= 0x477ff000u) return {std::uint16_t(sign | 0x7c00u)};  // rounds to 2^16 or more
  if (u < 0x38800000u) {  // below 2^-14: adding 0.5 leaves the result in the low bits, rounded once
    float magnitude;
    std::memcpy(&magnitude, &u, 4);
    magnitude += 0.5f;
    std::uint32_t bits;
    std::memcpy(&bits, &magnitude, 4);
    return {std::uint16_t(sign | (bits - 0x3f000000u))};
  }
  u += 0xfffu + ((u >> 13) & 1u);
  return {std::uint16_t(sign | ((u >> 13) - 0x1c000u))};
}

}  // namespace stretto
