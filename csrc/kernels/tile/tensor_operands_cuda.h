// Arrays as the factors of tensor cores take them, and which products they take. None has run on a device
// yet: only STRETTO_CUDA_TENSOR_CORES=1, or =mma for those of 8.0 on every device, has them.
#pragma once

#include <cstdlib>
#include <cstring>

#include "cuda/launch.h"
#include "kernels/cuda_kernels.h"
#include "kernels/precision.h"
#include "kernels/tile/finish_cuda.h"
#include "kernels/tile/tensor_factor_cuda.h"

namespace stretto {

// The value of STRETTO_CUDA_TENSOR_CORES, or null for none.
inline const char* wanted_tensor_cores() {
  const char* const wanted = std::getenv("STRETTO_CUDA_TENSOR_CORES");
  return wanted && *wanted && *wanted != '0' ? wanted : nullptr;
}

// A sum of `terms` products. Of a few terms, the parts that "high" cuts float32 factors in are less exact
// than the contract's chain.
inline bool takes_tensor_cores(DType dtype, Precision precision, std::int64_t terms) {
  if (terms == 0 || !wanted_tensor_cores()) return false;
  if (dtype == DType::f32)
    return precision == Precision::medium || (precision == Precision::high && terms >= 32);
  return is_16bit_float(dtype);
}

inline TensorKind tensor_kind(DType dtype, Precision precision) {
  if (dtype == DType::f16) return TensorKind::f16;
  if (dtype == DType::bf16) return TensorKind::bf16;
  return precision == Precision::high ? TensorKind::split_tf32 : TensorKind::tf32;
}

// Three products of parts need their factors in registers.
inline bool takes_warpgroups(const Place& place, TensorKind kind) {
  const char* const wanted = wanted_tensor_cores();
  return kind != TensorKind::split_tf32 && wanted && std::strcmp(wanted, "mma") != 0 && has_warpgroups(place);
}

inline bool is_aligned(std::int64_t elements, DType dtype) {
  return elements * itemsize(dtype) % kPieceBytes == 0;
}

// Whether elements along an axis lie together and everything else is at multiples of 16 bytes.
inline bool has_pieces(const ArrayView& view, int along) {
  if (reinterpret_cast<std::uintptr_t>(view.data) % kPieceBytes != 0) return false;
  for (int d = 0; d < view.shape.count; ++d) {
    if (view.shape[d] == 1) continue;
    if (d == along ? view.strides[d] != 1 : !is_aligned(view.strides[d], view.dtype)) return false;
  }
  return true;
}

// The size that an axis of pieces takes in memory.
inline std::int64_t whole_pieces(std::int64_t size, DType dtype) {
  const std::int64_t piece = kPieceBytes / itemsize(dtype);
  return (size + piece - 1) / piece * piece;
}

// A copy with pieces along its last axis. The rest of a last piece is +0 if that is wanted, else anything.
inline ArrayView copy_in_pieces(const ArrayView& view, const Place& place, bool is_filled = false) {
  Dims room = view.shape;
  const int last = room.count - 1;
  room[last] = whole_pieces(room[last], view.dtype);
  ArrayView copy =
      contiguous_view(place.memory(room.product() * itemsize(view.dtype)), view.dtype, room, &place);
  const std::int64_t zero = 0;
  if (is_filled && room[last] != view.shape[last]) check_words(cuda_fill(&zero, copy));
  copy.shape = view.shape;
  check_words(cuda_copy(view, copy));
  return copy;
}

// The same, but what repeats is not copied again and again.
inline ArrayView copy_once_in_pieces(const ArrayView& view, const Place& place) {
  ArrayView once = view;
  const int last = view.shape.count - 1;
  for (int d = 0; d < last; ++d)
    if (view.strides[d] == 0) once.shape[d] = 1;
  ArrayView copy = copy_in_pieces(once, place);
  for (int d = 0; d < last; ++d)
    if (view.strides[d] == 0) copy.strides[d] = 0;
  copy.shape = view.shape;
  return copy;
}

}  // namespace stretto
