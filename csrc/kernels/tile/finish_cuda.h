// From a sum of products to its result in memory, on a device: the epilogue, and where result (batch, i, j)
// and the operands of its epilogue lie. Of the activations only relu is fused; the others follow in a pass of
// their own, which gives the same bits and keeps their code out of every product.
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>

#include "base/place.h"
#include "cuda/loops.h"
#include "kernels/cuda_kernels.h"
#include "kernels/epilogue.h"
#include "kernels/storage.h"
#include "simd/scalar.h"

namespace stretto {

enum Operand { kOut, kBias, kScale, kShift, kResidual, kOperands };

// The views of a result and its epilogue: absent ones have no data.
struct Results {
  void* data[kOperands];
  DType dtype, out_dtype;
  bool is_relu;

  Results() = default;
  Results(const ArrayView& out, const Epilogue& e, DType operands)
      : data{out.data, e.bias.data, e.scale.data, e.shift.data, e.residual.data},
        dtype(operands),
        out_dtype(out.dtype),
        is_relu(e.activation == Activation::relu) {
    if (!e.bias.present()) data[kBias] = nullptr;
    if (!e.scale.present()) data[kScale] = data[kShift] = nullptr;
    if (!e.residual.present()) data[kResidual] = nullptr;
  }

  template <class C>
  STRETTO_INLINE void store(const std::int64_t (&at)[kOperands], C z) const {
    const auto operand = [&](Operand o) { return C(load_as<C>(data[o], dtype, at[o])); };
    if (data[kBias]) z = z + operand(kBias);
    if constexpr (std::is_floating_point_v<C>) {
      if (data[kScale]) z = fma(Scalar<C>{z}, Scalar<C>{operand(kScale)}, Scalar<C>{operand(kShift)}).v;
    }
    if (data[kResidual]) z = z + operand(kResidual);
    if constexpr (std::is_floating_point_v<C>)
      if (is_relu) z = z < C(0) ? C(0) : z;
    store_own<C>(data[kOut], out_dtype, at[kOut], z);
  }
};

inline std::int64_t size_of_stride(std::int64_t stride) { return stride < 0 ? -stride : stride; }

inline void check_words(const char* wrong) {
  if (wrong) throw std::runtime_error(wrong);
}

// A copy of the elements in the type that kernels compute with, contiguous but for axes that repeat.
inline ArrayView widened(const ArrayView& view, DType dtype, const Place& place) {
  if (view.dtype == dtype || view.size() == 0) return view;
  ArrayView once = view;
  for (int d = 0; d < view.shape.count; ++d)
    if (view.strides[d] == 0) once.shape[d] = 1;
  ArrayView wide = contiguous_view(place.memory(once.size() * itemsize(dtype)), dtype, once.shape, &place);
  check_words(cuda_copy(once, wide));
  for (int d = 0; d < view.shape.count; ++d)
    if (view.strides[d] == 0) wide.strides[d] = 0;
  wide.shape = view.shape;
  return wide;
}

// Calls product(out, epilogue), and what the epilogue's activation needs after it.
template <class F>
void with_activation(const ArrayView& out, const Epilogue& epilogue, F&& product) {
  if (epilogue.activation == Activation::none || epilogue.activation == Activation::relu)
    return product(out, epilogue);
  Epilogue linear = epilogue;
  linear.activation = Activation::none;
  ArrayView z = out;
  if (is_16bit_float(out.dtype))
    z = contiguous_view(out.place->memory(out.size() * 4), DType::f32, out.shape, out.place);
  product(z, linear);
  check_words(cuda_activation(z, epilogue.activation, epilogue.parameter));
  if (z.data != out.data) check_words(cuda_copy(z, out));
}

}  // namespace stretto
