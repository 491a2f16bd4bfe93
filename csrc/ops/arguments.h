// Checks and conversions that several ops share.
#pragma once

#include <array>
#include <memory>

#include "kernels/epilogue.h"
#include "kernels/precision.h"
#include "ops/op.h"

namespace stretto {

// np.result_type of the inputs (absent ones aside), or the attribute dtype. Throws DTypeError when there is
// none.
DType computation_type(const char* op, const Types& inputs, const Attributes& attributes);

// What the two factors of a product are computed from: the computation type, or integers as they are where
// these have a product of their own in it.
std::array<DType, 2> factor_types(DType computation, DType a, DType b);

// What sums and functions of arrays of this dtype are computed in: their results are rounded once.
DType computed_in(DType dtype);

// Throws DTypeError when an input is no float.
void check_floats(const char* op, const Types& inputs);

// Throws ShapeError when a parameter that is present has not the wanted shape.
void check_parameter(const char* op, const char* name, const ValueType& parameter, const Dims& wanted);

// Throws ShapeError when a result of this shape could not be addressed.
void check_size(const char* op, const Dims& shape);

// NumPy's broadcasting of two shapes. Throws ShapeError naming both.
Dims broadcast(const char* op, const Dims& a, const Dims& b);

// The view repeated to `shape`, which its own shape must broadcast to.
ArrayView broadcast_to(const ArrayView& view, const Dims& shape);

// A view with the given dtype: the argument itself, or a converted copy held by this object.
class Converted {
 public:
  Converted(const ArrayView& view, DType dtype);
  static Converted contiguous(const ArrayView& view, DType dtype);
  const ArrayView& view() const { return view_; }

 private:
  Converted() = default;
  void copy_from(const ArrayView& view, DType dtype);
  ArrayView view_;
  std::shared_ptr<void> storage_;
};

// Checks the operands of an epilogue (bias, scale, shift, residual, in this order in `operands`) and the
// attribute `activation` against the result's type.
void check_epilogue(const char* op, std::span<const ValueType> operands, const ValueType& result,
                    const Attributes& attributes);

// The attribute `activation`, a name or a pair (name, parameter).
void parse_activation(const char* op, const Attributes& attributes, Activation& activation,
                      double& parameter);

// The attribute `precision`.
Precision parse_precision(const char* op, const Attributes& attributes);

// An epilogue over converted operands that are broadcast to the result's shape.
class EpilogueOperands {
 public:
  EpilogueOperands(const char* op, std::span<const ArrayView> operands, const Dims& result, DType dtype,
                   const Attributes& attributes);
  const Epilogue& epilogue() const { return epilogue_; }

 private:
  std::vector<Converted> held_;
  Epilogue epilogue_;
};

}  // namespace stretto
