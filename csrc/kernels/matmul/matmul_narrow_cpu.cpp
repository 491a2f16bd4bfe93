// matmul of integers of 8 and 16 bits for one instruction set, to int32 or modulo their own size.
#include "kernels/matmul/driver.h"
#include "kernels/matmul/groups.h"

namespace stretto::STRETTO_ISA {
namespace {

template <class A, class B, class Out>
void multiply(const MatmulArgs& args, int threads) {
  Product<std::int32_t, A, Out, Groups<A, B>, B, Out>(args, threads).run();
}

}  // namespace

void matmul_narrow(const MatmulArgs& given, int threads) {
  const MatmulArgs args = simplified(given);  // a and b may change places
  if (args.out.dtype == DType::i32)
    return visit_narrow(args.a.dtype, args.b.dtype, [&](auto a, auto b) {
      multiply<typename decltype(a)::type, typename decltype(b)::type, std::int32_t>(args, threads);
    });
  switch (args.out.dtype) {
    case DType::i8:
      return multiply<std::int8_t, std::int8_t, std::int8_t>(args, threads);
    case DType::u8:
      return multiply<std::uint8_t, std::uint8_t, std::uint8_t>(args, threads);
    default:  // modulo 2^16, whatever the sign
      return multiply<std::int16_t, std::int16_t, std::int16_t>(args, threads);
  }
}

// Panels of b serve with either kind of a.
std::int64_t matmul_narrow_pack(const ArrayView& b, void* to) {
  switch (b.dtype) {
    case DType::i8:
      return pack_matrix<std::int32_t, std::int8_t, Groups<std::int8_t, std::int8_t>>(b, to);
    case DType::u8:
      return pack_matrix<std::int32_t, std::uint8_t, Groups<std::uint8_t, std::uint8_t>>(b, to);
    default:
      return pack_matrix<std::int32_t, std::int16_t, Groups<std::int16_t, std::int16_t>>(b, to);
  }
}

}  // namespace stretto::STRETTO_ISA
