// matmul on AMX: bfloat16 by the contract's pairs, bytes exactly, and float32 in bfloat16 parts where less
// than the highest precision is asked for.
#include "kernels/matmul/amx.h"
#include "kernels/matmul/amx_product.h"
#include "kernels/matmul/driver.h"
#include "kernels/matmul/unsplittable.h"

namespace stretto::STRETTO_ISA {
namespace {

template <int parts>
void multiply_parts(const MatmulArgs& args, int threads) {
  Product<float, float, float, AmxSplit<parts>>(args, threads).run();
}

template <class Out>
void multiply_pairs(const MatmulArgs& args, int threads) {
  if (!AmxProduct<Out>(args, threads).run()) Product<float, bfloat16, Out, AmxPairs>(args, threads).run();
}

template <class A, class B>
void multiply_bytes(const MatmulArgs& args, int threads) {
  Product<std::int32_t, A, std::int32_t, AmxQuads<A, B>, B, std::int32_t>(args, threads).run();
}

}  // namespace

void matmul_pairs(const MatmulArgs& given, int threads) {
  const MatmulArgs args = simplified(given);
  if (args.out.dtype == DType::f32)
    multiply_pairs<float>(args, threads);
  else
    multiply_pairs<bfloat16>(args, threads);
}

std::int64_t matmul_pairs_pack(const ArrayView& b, void* to) {
  return pack_matrix<float, bfloat16, AmxPairs>(b, to);
}

void matmul_bytes(const MatmulArgs& given, int threads) {
  const MatmulArgs args = simplified(given);
  visit_narrow(args.a.dtype, args.b.dtype, [&](auto a, auto b) {
    using A = typename decltype(a)::type;
    if constexpr (sizeof(A) == 1) multiply_bytes<A, typename decltype(b)::type>(args, threads);
  });
}

std::int64_t matmul_bytes_pack(const ArrayView& b, void* to) {
  return b.dtype == DType::i8
             ? pack_matrix<std::int32_t, std::int8_t, AmxQuads<std::int8_t, std::int8_t>>(b, to)
             : pack_matrix<std::int32_t, std::uint8_t, AmxQuads<std::uint8_t, std::uint8_t>>(b, to);
}

// a and b do not change places: the order of the products of parts would.
void matmul_high(const MatmulArgs& given, int threads) {
  multiply_parts<3>(simplified(given, 0), threads);
  multiply_unsplittable(given, threads);
}
std::int64_t matmul_high_pack(const ArrayView& b, void* to) {
  return pack_matrix<float, float, AmxSplit<3>>(b, to);
}
void matmul_medium(const MatmulArgs& given, int threads) {
  multiply_parts<2>(simplified(given, 0), threads);
  multiply_unsplittable(given, threads);
}
std::int64_t matmul_medium_pack(const ArrayView& b, void* to) {
  return pack_matrix<float, float, AmxSplit<2>>(b, to);
}

}  // namespace stretto::STRETTO_ISA
