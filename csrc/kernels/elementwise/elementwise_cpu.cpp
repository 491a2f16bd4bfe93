// Element-wise functions for one instruction set: blocks of elements are brought to contiguous memory of the
// computation type, where a loop chosen once per call computes them.
#include "base/parallel.h"
#include "kernels/blocks.h"
#include "kernels/elementwise/functions.h"
#include "kernels/elementwise/loops.h"
#include "simd/simd.h"

namespace stretto::STRETTO_ISA {
namespace {

struct Plan {
  const ElementwiseArgs* args;
  Loop loop;
  bool widens;  // 16-bit floats are computed as float32
};

struct Buffers {
  alignas(64) unsigned char raw[kBlock * 8];
  alignas(64) unsigned char wide[kBlock * 8];
  bool filled = false;  // with a repeated value, for the whole range
};

template <class Half>
void widen_block(const void* from, void* to, std::int64_t n) {
  using V = Vec<float>;
  const Half* p = static_cast<const Half*>(from);
  float* q = static_cast<float*>(to);
  std::int64_t i = 0;
  for (; i + V::lanes <= n; i += V::lanes) V::load(p + i).store(q + i);
  if (i < n) V::load(p + i, int(n - i)).store(q + i, int(n - i));
}

template <class Half>
void narrow_block(const void* from, void* to, std::int64_t n) {
  using V = Vec<float>;
  const float* p = static_cast<const float*>(from);
  Half* q = static_cast<Half*>(to);
  std::int64_t i = 0;
  for (; i + V::lanes <= n; i += V::lanes) V::load(p + i).store(q + i);
  if (i < n) V::load(p + i, int(n - i)).store(q + i, int(n - i));
}

// Elements are moved as unsigned integers of their size.
template <class F>
STRETTO_INLINE void with_size(int bytes, F&& f) {
  if (bytes == 1) return f(std::uint8_t());
  if (bytes == 2) return f(std::uint16_t());
  if (bytes == 4) return f(std::uint32_t());
  return f(std::uint64_t());
}

// The block of an input as the loop wants it.
const void* read_block(const ArrayView& view, const Walk& walk, bool widens, std::int64_t begin,
                       std::int64_t n, Buffers& buffers) {
  if (buffers.filled) return widens ? buffers.wide : buffers.raw;
  const void* raw = buffers.raw;
  const int bytes = itemsize(view.dtype);
  if (walk.contiguous()) {
    raw = view.as<unsigned char>() + begin * bytes;
  } else {
    const bool repeats = walk.repeats();
    with_size(bytes, [&](auto element) __attribute__((always_inline)) {
      using T = decltype(element);
      T* to = reinterpret_cast<T*>(buffers.raw);
      if (!repeats) return gather(walk, view.as<T>(), begin, n, to);
      for (std::int64_t i = 0; i < kBlock; ++i) to[i] = *view.as<T>();
    });
    buffers.filled = repeats;
    if (repeats) n = kBlock;
  }
  if (!widens) return raw;
  if (view.dtype == DType::f16)
    widen_block<float16>(raw, buffers.wide, n);
  else
    widen_block<bfloat16>(raw, buffers.wide, n);
  return buffers.wide;
}

void run_range(const Plan& plan, const Walk* walks, const Walk& out_walk, std::int64_t begin,
               std::int64_t end) {
  const ElementwiseArgs& args = *plan.args;
  Buffers buffers[4];
  const int out_bytes = itemsize(args.out.dtype);
  for (std::int64_t at = begin; at < end; at += kBlock) {
    const std::int64_t n = end - at < kBlock ? end - at : kBlock;
    const void* in[3] = {};
    for (int i = 0; i < args.count; ++i) {
      const bool widens = plan.widens && args.inputs[i].dtype != DType::boolean;
      in[i] = read_block(args.inputs[i], walks[i], widens, at, n, buffers[i]);
    }
    const bool direct = out_walk.contiguous();
    void* raw = direct ? args.out.as<unsigned char>() + at * out_bytes : buffers[3].raw;
    plan.loop(in, plan.widens ? buffers[3].wide : raw, n, args.parameter);
    if (plan.widens) {
      if (args.out.dtype == DType::f16)
        narrow_block<float16>(buffers[3].wide, raw, n);
      else
        narrow_block<bfloat16>(buffers[3].wide, raw, n);
    }
    if (!direct)
      with_size(out_bytes, [&](auto element) __attribute__((always_inline)) {
        using T = decltype(element);
        scatter(out_walk, args.out.as<T>(), at, n, static_cast<const T*>(raw));
      });
  }
}

// In units of half a nanosecond an element, roughly.
std::int64_t cost_of(const ElementwiseArgs& args) {
  if (args.function == Elementwise::pow) return 16;
  const bool is_light = args.function > Elementwise::activation_gradient ||
                        args.activation <= Activation::leaky_relu || args.activation >= Activation::abs;
  return is_light ? 1 : 3;
}

}  // namespace

void elementwise(const ElementwiseArgs& args, int threads) {
  const std::int64_t size = args.out.size();
  if (size == 0) return;
  // What only moves elements needs no arithmetic on 16-bit floats.
  const bool widens = is_16bit_float(args.out.dtype) && args.function != Elementwise::where;
  const Plan plan{&args, find_loop(args), widens};
  const Dims& shape = args.out.shape;
  const Walk out_walk(shape, args.out.strides);
  const Walk walks[3] = {
      Walk(shape, args.inputs[0].strides),
      args.count > 1 ? Walk(shape, args.inputs[1].strides) : out_walk,
      args.count > 2 ? Walk(shape, args.inputs[2].strides) : out_walk,
  };
  // About 30 us of work are worth a second thread, and a chunk stays far below 5 ms.
  const std::int64_t cost = cost_of(args);
  const std::int64_t useful = size * cost / (64 << 10) + 1;
  if (useful < threads) threads = int(useful);
  const std::int64_t chunk = ((64 << 10) / cost + kBlock - 1) / kBlock * kBlock;
  if (threads <= 1 && size <= chunk) return run_range(plan, walks, out_walk, 0, size);
  parallel_for(size, chunk, threads,
               [&](std::int64_t begin, std::int64_t end) { run_range(plan, walks, out_walk, begin, end); });
}

}  // namespace stretto::STRETTO_ISA
