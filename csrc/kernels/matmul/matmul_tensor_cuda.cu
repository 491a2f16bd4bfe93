// matmul on the tensor cores of a device. It has not run on one yet: only STRETTO_CUDA_TENSOR_CORES=1 takes
// it.
#include <cstdlib>

#include "kernels/cuda_kernels.h"
#include "kernels/matmul/matrices_cuda.h"
#include "kernels/tile/tensor_cuda.h"

namespace stretto {
namespace {

bool are_tensor_cores_wanted() {
  const char* const text = std::getenv("STRETTO_CUDA_TENSOR_CORES");
  return text && *text && *text != '0';
}

// The axes swapped, so that k is the last one.
ArrayView transposed(const ArrayView& view) {
  ArrayView result = view;
  const int last = view.shape.count - 1;
  result.shape[last] = view.shape[last - 1];
  result.shape[last - 1] = view.shape[last];
  result.strides[last] = view.strides[last - 1];
  result.strides[last - 1] = view.strides[last];
  return result;
}

bool is_aligned(std::int64_t elements, DType dtype) { return elements * itemsize(dtype) % 16 == 0; }

// Whether copies of 16 bytes can take lines of k apart, or, of 16-bit floats, k of lines.
bool is_usable(const ArrayView& lines, bool along_k) {
  if (!along_k && lines.dtype == DType::f32) return false;
  if (reinterpret_cast<std::uintptr_t>(lines.data) % 16 != 0) return false;
  const int inner = lines.shape.count - (along_k ? 1 : 2);
  for (int d = 0; d < lines.shape.count; ++d) {
    if (lines.shape[d] == 1) continue;
    if (d == inner ? lines.strides[d] != 1 : !is_aligned(lines.strides[d], lines.dtype)) return false;
  }
  return true;
}

// A copy whose lines of k begin at multiples of 16 bytes; what repeats is not copied again and again.
ArrayView aligned_copy(const ArrayView& lines, const Place& place) {
  ArrayView once = lines;
  const int last = lines.shape.count - 1;
  for (int d = 0; d < last; ++d)
    if (lines.strides[d] == 0) once.shape[d] = 1;
  Dims room = once.shape;
  const std::int64_t piece = 16 / itemsize(lines.dtype);
  room[last] = (room[last] + piece - 1) / piece * piece;
  ArrayView copy =
      contiguous_view(place.memory(room.product() * itemsize(lines.dtype)), lines.dtype, room, &place);
  copy.shape = once.shape;
  check_words(cuda_copy(once, copy));
  for (int d = 0; d < last; ++d)
    if (lines.strides[d] == 0) copy.strides[d] = 0;
  copy.shape = lines.shape;
  return copy;
}

struct Factor {
  ArrayView lines;
  bool along_k = true;

  Factor(const ArrayView& view, const Place& place) : lines(view) {
    if (is_usable(view, true)) return;
    along_k = !is_usable(view, false);
    if (along_k) lines = aligned_copy(view, place);
  }
  // An axis of one element has no neighbours; its stride may be anything.
  TensorFactor of_kernel() const {
    const auto bytes = [&](int from_last) {
      return lines.shape.last(from_last) == 1 ? 0 : lines.strides.last(from_last) * itemsize(lines.dtype);
    };
    return {lines.as<const char>(), bytes(1), bytes(0), along_k};
  }
};

int counted(std::int64_t size) {
  if (size >= std::int64_t(1) << 28) throw std::runtime_error("an axis has 2^28 or more elements");
  return int(size);
}

}  // namespace

bool takes_tensor_cores(const MatmulArgs& args) {
  const bool is_tf32 = args.a.dtype == DType::f32 && args.precision == Precision::medium;
  return (is_16bit_float(args.a.dtype) || is_tf32) && args.k() > 0 && are_tensor_cores_wanted();
}

void tensor_matmul(const MatmulArgs& args, const ArrayView& out, const Epilogue& epilogue) {
  const Place& place = *out.place;
  const Factor a(args.a, place), b(transposed(args.b), place);
  const TensorKind kind = args.a.dtype == DType::f16    ? TensorKind::f16
                          : args.a.dtype == DType::bf16 ? TensorKind::bf16
                                                        : TensorKind::tf32;
  const int m = counted(args.m()), n = counted(args.n()), k = counted(args.k());
  MatmulArgs here = args;
  here.a = a.lines;
  here.b = transposed(b.lines);
  each_slice(here, out, epilogue, args.a.dtype, std::int64_t(1) << 30, [&](const MatrixResults& finish) {
    const auto run = [&](auto tiles) {
      tiles(place, "matmul", a.of_kernel(), b.of_kernel(), kind, m, n, k, finish, finish.batch.size);
    };
    if (m > 64 && n > 64)
      run(run_tensor_tiles<128, 128, MatrixResults>);
    else
      run(run_tensor_tiles<64, 64, MatrixResults>);
  });
}

}  // namespace stretto
