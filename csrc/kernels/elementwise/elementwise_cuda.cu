// Element-wise functions on a device: a thread takes a few elements, the function is chosen at run time, and
// dtypes of one kind share a kernel.
#include "cuda/launch.h"
#include "cuda/loops.h"
#include "kernels/cuda_kernels.h"
#include "kernels/elementwise/functions.h"
#include "kernels/storage.h"
#include "simd/scalar.h"

namespace stretto {
namespace {

// Functions that share a kernel: what one needs in registers does not slow down the others.
enum class Group { arithmetic, power, activation, gradient };

Group group_of(Elementwise f) {
  if (f == Elementwise::activation) return Group::activation;
  if (f == Elementwise::activation_gradient) return Group::gradient;
  return f == Elementwise::pow ? Group::power : Group::arithmetic;
}

template <Elementwise f, class C>
STRETTO_INLINE C applied(C a, C b, C c) {
  if constexpr (std::is_integral_v<C>)
    return apply_to_integer<f, Activation::none>(a, b, c);
  else
    return apply<f, Activation::none>(Scalar<C>{a}, Scalar<C>{b}, Scalar<C>{c}, Scalar<C>{a}).v;
}

template <Group group, class C>
STRETTO_INLINE C result_of(Elementwise function, Activation activation, C parameter, C a, C b, C c) {
  if constexpr (group == Group::power) {
    return applied<Elementwise::pow>(a, b, c);
  } else if constexpr (group == Group::gradient) {
    return activation_gradient(activation, Scalar<C>{a}, Scalar<C>{b}, Scalar<C>{parameter}).v;
  } else if constexpr (group == Group::activation && std::is_integral_v<C>) {
    if (activation == Activation::relu)
      return apply_to_integer<Elementwise::activation, Activation::relu>(a, b, c);
    if (activation == Activation::abs)
      return apply_to_integer<Elementwise::activation, Activation::abs>(a, b, c);
    return apply_to_integer<Elementwise::activation, Activation::neg>(a, b, c);
  } else if constexpr (group == Group::activation) {
    return activate(activation, Scalar<C>{a}, Scalar<C>{parameter}).v;
  }
  switch (function) {
    case Elementwise::add:
      return applied<Elementwise::add>(a, b, c);
    case Elementwise::sub:
      return applied<Elementwise::sub>(a, b, c);
    case Elementwise::mul:
      return applied<Elementwise::mul>(a, b, c);
    case Elementwise::div:
      return applied<Elementwise::div>(a, b, c);
    case Elementwise::maximum:
      return applied<Elementwise::maximum>(a, b, c);
    case Elementwise::minimum:
      return applied<Elementwise::minimum>(a, b, c);
    case Elementwise::clip:
      return applied<Elementwise::clip>(a, b, c);
    default:  // where: a is 1 or 0
      return a != C(0) ? b : c;
  }
}

template <Group group, class C>
struct Apply {
  static constexpr int kThreads = 256, kPerThread = group == Group::arithmetic ? 4 : 1;
  using Shared = NoShared;
  void* out;
  const void* inputs[3];
  DType dtype, first_dtype;
  Elementwise function;
  Activation activation;
  C parameter;
  int count;
  Loops<4> loops;

  STRETTO_KERNEL void operator()(const Block& block, Shared&) const {
    const std::uint32_t first =
        std::uint32_t(block.index()) * (kThreads * kPerThread) + unsigned(block.thread());
    C x[kPerThread][3];
    std::int64_t to[kPerThread];
#pragma unroll
    for (int i = 0; i < kPerThread; ++i) {
      const std::uint32_t index = first + unsigned(i) * kThreads;
      if (index >= loops.size) break;
      std::int64_t at[4];
      loops.offsets(index, at);
      to[i] = at[0];
      x[i][0] = first_dtype == dtype ? load_as<C>(inputs[0], dtype, at[1])
                                     : C(static_cast<const std::uint8_t*>(inputs[0])[at[1]]);
      x[i][1] = count > 1 ? load_as<C>(inputs[1], dtype, at[2]) : x[i][0];
      x[i][2] = count > 2 ? load_as<C>(inputs[2], dtype, at[3]) : x[i][0];
    }
#pragma unroll
    for (int i = 0; i < kPerThread; ++i) {
      if (first + unsigned(i) * kThreads >= loops.size) break;
      store_own<C>(out, dtype, to[i],
                   result_of<group, C>(function, activation, parameter, x[i][0], x[i][1], x[i][2]));
    }
  }
};

template <Group group, class C>
void run(const ElementwiseArgs& args) {
  const auto strides = [&](int i) { return i < args.count ? &args.inputs[i].strides : nullptr; };
  const LoopNest<4> nest(args.out.shape, {&args.out.strides, strides(0), strides(1), strides(2)});
  nest.slices([&](const Loops<4>& loops) {
    using Kernel = Apply<group, C>;
    const Kernel kernel{args.out.data,
                        {args.inputs[0].data, args.inputs[1].data, args.inputs[2].data},
                        args.out.dtype,
                        args.inputs[0].dtype,
                        args.function,
                        args.activation,
                        C(args.parameter),
                        args.count,
                        loops};
    constexpr int per_block = Kernel::kThreads * Kernel::kPerThread;
    launch(*args.out.place, "elementwise", (std::int64_t(loops.size) + per_block - 1) / per_block, kernel);
  });
}

void run(const ElementwiseArgs& args) {
  visit_kind(args.out.dtype, [&](auto kind) {
    using C = typename decltype(kind)::type;
    switch (group_of(args.function)) {
      case Group::arithmetic:
        return run<Group::arithmetic, C>(args);
      case Group::power:
        return run<Group::power, C>(args);
      case Group::activation:
        return run<Group::activation, C>(args);
      case Group::gradient:
        if constexpr (!std::is_integral_v<C>) run<Group::gradient, C>(args);
    }
  });
}

}  // namespace

const char* cuda_elementwise(const ElementwiseArgs& args) {
  return guarded("elementwise", [&] { run(args); });
}

const char* cuda_activation(const ArrayView& view, Activation activation, double parameter) {
  ElementwiseArgs args;
  args.function = Elementwise::activation;
  args.activation = activation;
  args.parameter = parameter;
  args.count = 1;
  args.inputs[0] = args.out = view;  // the thread that writes an element is the one that has read it
  return cuda_elementwise(args);
}

}  // namespace stretto
