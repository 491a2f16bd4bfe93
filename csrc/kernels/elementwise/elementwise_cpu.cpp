// Element-wise functions for one instruction set: blocks of elements are brought to contiguous memory of the
// computation type, where a loop chosen once per call computes them.
#include "base/parallel.h"
#include "kernels/blocks.h"
#include "kernels/elementwise/operand.h"
#include "simd/simd.h"

namespace stretto::STRETTO_ISA {
namespace {

struct Plan {
  const ElementwiseArgs* args;
  Loop loop;
  bool widens;  // 16-bit floats are computed as float32
  const Walk *walks, *out_walk;
};

Operand operand_of(const Plan& plan, int i, std::int64_t begin, std::int64_t end) {
  const ElementwiseArgs& args = *plan.args;
  const bool may_fix = args.count > 1 && args.function != Elementwise::where && is_floating(args.out.dtype);
  return Operand(args.inputs[i], plan.walks[i], plan.widens, may_fix, begin, end);
}

// Where out is not contiguous, or of 16 bits, results take a detour by a block.
struct Results {
  alignas(64) unsigned char raw[kBlock * 8];
  alignas(64) unsigned char wide[kBlock * 4];

  void write(const Plan& plan, std::int64_t at, std::int64_t n) {
    const ArrayView& out = plan.args->out;
    const int bytes = itemsize(out.dtype);
    const bool direct = plan.out_walk->contiguous();
    void* to = direct ? out.as<unsigned char>() + at * bytes : raw;
    if (plan.widens && out.dtype == DType::f16) convert<float, float16>(wide, to, n);
    if (plan.widens && out.dtype == DType::bf16) convert<float, bfloat16>(wide, to, n);
    if (direct) return;
    with_size(bytes, [&](auto element) __attribute__((always_inline)) {
      using T = decltype(element);
      scatter(*plan.out_walk, out.as<T>(), at, n, reinterpret_cast<const T*>(raw));
    });
  }
};

// How many elements of a long range come first, so that no store after them lies across two lines.
std::int64_t to_whole_lines(const ArrayView& out, std::int64_t begin, std::int64_t end) {
  const std::int64_t bytes = itemsize(out.dtype);
  const std::int64_t past = (std::int64_t(reinterpret_cast<std::uintptr_t>(out.data)) + begin * bytes) % 64;
  return past == 0 || end - begin < kBlock ? end : (64 - past + bytes - 1) / bytes;
}

template <int... inputs>
void run_range(const Plan& plan, std::int64_t begin, std::int64_t end) {
  Operand operands[] = {operand_of(plan, inputs, begin, end)...};
  Results results;
  const bool direct = plan.out_walk->contiguous() && !plan.widens;
  const ArrayView& out = plan.args->out;
  std::int64_t most = direct ? to_whole_lines(out, begin, end) : kBlock;
  for (std::int64_t at = begin, n; at < end; at += n, most = direct ? end : kBlock) {
    n = least(end - at, most);
    for (const Operand& operand : operands) n = least(n, operand.reach());
    const Piece pieces[] = {operands[inputs].next(n)...};
    void* to = direct        ? out.as<unsigned char>() + at * itemsize(out.dtype)
               : plan.widens ? results.wide
                             : results.raw;
    plan.loop(pieces, to, n, plan.args->parameter);
    if (!direct) results.write(plan, at, n);
  }
}

// Where the last-level cache does not hold all that is read and written, what it holds of the results is gone
// before anyone reads it.
bool exceeds_caches(const ElementwiseArgs& args, const Walk* walks, const Walk& out_walk) {
  int arrays = 1;
  for (int i = 0; i < args.count; ++i) arrays += walks[i].contiguous();
  const std::int64_t cache = this_machine().l3_bytes;
  return cache > 0 && out_walk.contiguous() && arrays * args.out.size() * itemsize(args.out.dtype) > cache;
}

// In units of half a nanosecond an element, roughly.
std::int64_t cost_of(const ElementwiseArgs& args) {
  if (args.function == Elementwise::pow) return 16;
  return is_light(args.function, args.activation) ? 1 : 3;
}

template <class T>
void activate_values_of(Activation activation, double parameter, T* values, std::int64_t n) {
  const Piece in{values, kEach};
  activation_loop<T>(Elementwise::activation, activation, false)(&in, values, n, parameter);
}

}  // namespace

void activate_values(Activation activation, double parameter, float* values, std::int64_t n) {
  activate_values_of(activation, parameter, values, n);
}
void activate_values(Activation activation, double parameter, double* values, std::int64_t n) {
  activate_values_of(activation, parameter, values, n);
}

void elementwise(const ElementwiseArgs& args, int threads) {
  const std::int64_t size = args.out.size();
  if (size == 0) return;
  // What only moves elements needs no arithmetic on 16-bit floats.
  const bool widens = is_16bit_float(args.out.dtype) && args.function != Elementwise::where;
  const Dims& shape = args.out.shape;
  const Walk out_walk(shape, args.out.strides);
  const Walk walks[3] = {
      Walk(shape, args.inputs[0].strides),
      args.count > 1 ? Walk(shape, args.inputs[1].strides) : out_walk,
      args.count > 2 ? Walk(shape, args.inputs[2].strides) : out_walk,
  };
  const bool past_caches = !widens && exceeds_caches(args, walks, out_walk);
  const Plan plan{&args, find_loop(args, past_caches), widens, walks, &out_walk};
  const auto run = args.count == 1 ? run_range<0> : args.count == 2 ? run_range<0, 1> : run_range<0, 1, 2>;
  // About 30 us of work are worth a second thread, and a chunk stays far below 5 ms.
  const std::int64_t cost = cost_of(args);
  const std::int64_t useful = size * cost / (64 << 10) + 1;
  if (useful < threads) threads = int(useful);
  const std::int64_t chunk = ((64 << 10) / cost + kBlock - 1) / kBlock * kBlock;
  if (threads <= 1 && size <= chunk) return run(plan, 0, size);
  parallel_for(size, chunk, threads, [&](std::int64_t begin, std::int64_t end) { run(plan, begin, end); });
}

}  // namespace stretto::STRETTO_ISA
