// The middle of attention on a device: scores scaled and masked in place, then a softmax of the rows.
#include "kernels/attention/attention.h"

#include "cuda/elements.h"
#include "kernels/cuda_kernels.h"
#include "kernels/storage.h"
#include "kernels/transcendental.h"

namespace stretto {
namespace {

template <class C>
struct Mask {
  AttentionArgs args;
  C scale;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const std::int64_t row = index / args.keys, key = index % args.keys;
    store_own<C>(args.scores, args.dtype, index, load_as<C>(args.scores, args.dtype, index) * scale);
    if (args.mask) {
      const C z = load_as<C>(args.scores, args.dtype, index) + load_as<C>(args.mask, args.dtype, index);
      store_own<C>(args.scores, args.dtype, index, z);
    }
    if (args.causal && key > args.first_query + row % args.stacked)
      store_own<C>(args.scores, args.dtype, index, -FloatFormat<C>::infinity);
  }
};

template <class C>
void mask(const AttentionArgs& args, const Place& place) {
  C scale = C(args.scale);
  if (args.dtype == DType::f16) scale = C(to_float(to_float16(float(scale))));
  if (args.dtype == DType::bf16) scale = C(to_float(to_bfloat16(float(scale))));
  launch_elements(place, "attention", args.rows * args.keys, Mask<C>{args, scale});
}

}  // namespace

const char* cuda_attention(const AttentionArgs& args, const Place& place) {
  if (args.rows * args.keys == 0) return nullptr;
  const char* wrong = guarded("attention", [&] {
    if (args.dtype == DType::f64)
      mask<double>(args, place);
    else
      mask<float>(args, place);
  });
  if (wrong) return wrong;
  Dims shape;
  shape.push(args.rows);
  shape.push(args.keys);
  return cuda_softmax_rows(contiguous_view(args.scores, args.dtype, shape, &place));
}

}  // namespace stretto
