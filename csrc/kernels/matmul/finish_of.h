// The epilogue of one matrix of a product, and where its result goes.
#pragma once

#include "kernels/matmul/matmul.h"
#include "kernels/tile/finish.h"

namespace stretto::STRETTO_ISA {

// at(view): the offset of the matrix in a view.
template <class T, class Operand, class Out, class At>
STRETTO_INLINE Finish<T, Operand, Out> finish_of(const MatmulArgs& args, At&& at) {
  const auto term = [&](const ArrayView& view) -> Term<Operand> {
    if (!view.present()) return {};
    return {view.as<Operand>() + at(view), view.strides.last(1), view.strides.last(0)};
  };
  const Epilogue& e = args.epilogue;
  return {term(e.bias),
          term(e.scale),
          term(e.shift),
          term(e.residual),
          e.activation,
          T(e.parameter),
          args.out.as<Out>() + at(args.out),
          args.out.strides.last(1),
          args.out.strides.last(0)};
}

}  // namespace stretto::STRETTO_ISA
