#include "ops/host_table.h"

#include <array>
#include <cstring>

#include "base/machine.h"
#include "base/place.h"
#include "kernels/attention/attention.h"
#include "kernels/conv/conv_transpose.h"
#include "kernels/conv/conv_weight_gradient.h"
#include "kernels/copy/copy.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/matmul/matmul.h"
#include "kernels/normalize/batch_scale.h"
#include "kernels/normalize/normalize.h"
#include "kernels/pool/pool.h"
#include "kernels/pool_gradient/pool_gradient.h"
#include "kernels/reduce/reduce.h"
#include "kernels/take/take.h"
#include "kernels/upsample/upsample.h"
#include "kernels/vecdot/vecdot.h"
#include "ops/host_launch.h"

namespace stretto {
namespace {

// The table's function for a family whose views are the named members.
#define FAMILY(name, Args, output, ...)                                                      \
  const char* run_##name(const Args& given) {                                                \
    return launched(#name, given.output.place, [given](Launch& launch) {                     \
      Args args = given;                                                                     \
      for (ArrayView* view : {&args.output, __VA_ARGS__}) *view = launch.view(*view);        \
      take_others(launch, args);                                                             \
      return launch.run([&] { select_##name(args, this_machine(), nullptr).run(args, 1); }); \
    });                                                                                      \
  }

template <class Args>
void take_others(Launch& launch, Args& args) {
  if constexpr (requires { args.epilogue; }) launch.take(args.epilogue);
  if constexpr (requires { args.gamma; }) {
    launch.take(args.gamma);
    launch.take(args.beta);
  }
}

FAMILY(elementwise, ElementwiseArgs, out, &args.inputs[0], &args.inputs[1], &args.inputs[2])
FAMILY(matmul, MatmulArgs, out, &args.a, &args.b)
FAMILY(conv, ConvArgs, out, &args.x, &args.w)
FAMILY(conv_transpose, ConvTransposeArgs, out, &args.x, &args.w)
FAMILY(conv_weight_gradient, ConvWeightGradientArgs, out, &args.x, &args.grad)
FAMILY(pool, PoolArgs, out, &args.x)
FAMILY(pool_gradient, PoolGradientArgs, dx, &args.grad, &args.x)
FAMILY(reduce, ReduceArgs, out, &args.x)
FAMILY(normalize, NormalizeArgs, out, &args.x)
FAMILY(vecdot, VecdotArgs, out, &args.a, &args.b)
#undef FAMILY

const char* run_copy(const ArrayView& from, const ArrayView& to) {
  return launched("copy", to.place, [from, to](Launch& launch) {
    const ArrayView source = launch.view(from), target = launch.view(to);
    return launch.run([&] { copy(source, target); });
  });
}

const char* run_fill(const void* element, const ArrayView& to) {
  std::array<char, 16> value{};
  std::memcpy(value.data(), element, std::size_t(itemsize(to.dtype)));
  return launched("fill", to.place, [value, to](Launch& launch) mutable {
    ArrayView source = contiguous_view(value.data(), to.dtype, {});
    source.shape = source.strides = to.shape;
    for (int d = 0; d < to.shape.count; ++d) source.strides[d] = 0;
    const ArrayView target = launch.view(to);
    return launch.run([&] { copy(source, target); });
  });
}

const char* run_batch_scale(const ArrayView& gamma, const ArrayView& beta, const ArrayView& mean,
                            const ArrayView& var, double eps, void* scale, void* shift, const Place& place) {
  return launched("batch_scale", &place, [=](Launch& launch) {
    const ArrayView g = launch.view(gamma), b = launch.view(beta), m = launch.view(mean),
                    v = launch.view(var);
    void *s = scale, *t = shift;
    launch.take(s);
    launch.take(t);
    return launch.run([&] { batch_scale(g, b, m, v, eps, s, t); });
  });
}

// The CPU's kernel knows no stacks.
const char* run_attention(const AttentionArgs& given, const Place& place) {
  return launched("attention", &place, [given](Launch& launch) {
    AttentionArgs all = given;
    launch.take(all.scores);
    launch.take(all.mask);
    return launch.run([&] {
      const std::int64_t bytes = all.keys * itemsize(all.dtype);
      for (std::int64_t first = 0; first < all.rows; first += all.stacked) {
        AttentionArgs args = all;
        args.rows = all.stacked;
        args.scores = static_cast<char*>(all.scores) + first * bytes;
        if (all.mask) args.mask = static_cast<const char*>(all.mask) + first * bytes;
        select_attention(args, this_machine(), nullptr).run(args);
      }
    });
  });
}

const char* run_upsample(const UpsampleByRules& given, Upsampling kind, const Place& place) {
  return launched("upsample", &place, [=](Launch& launch) {
    const UpsampleTable rows(given.height), columns(given.width);
    UpsampleArgs args{given.from,  given.to,    given.dtype,   given.outer,
                      given.inner, rows.axis(), columns.axis()};
    launch.take(args.from);
    launch.take(args.to);
    return launch.run([&] {
      switch (kind) {
        case Upsampling::nearest:
          return upsample_nearest(args, 1);
        case Upsampling::bilinear:
          return select_upsample(args, this_machine(), nullptr).run(args, 1);
        case Upsampling::nearest_gradient:
          return upsample_nearest_gradient(args, 1);
        case Upsampling::bilinear_gradient:
          return upsample_bilinear_gradient(args, 1);
      }
    });
  });
}

void take_pointers(Launch& launch, TakeArgs& args) {
  launch.take(args.from);
  launch.take(args.to);
  launch.take(args.indices);
}

// By the rule for indices that nobody has looked at.
const char* run_take(const TakeArgs& given, const Place& place) {
  return launched("take", &place, [given](Launch& launch) {
    TakeArgs args = given;
    take_pointers(launch, args);
    return launch.run([&] {
      const std::int64_t bytes = args.inner * itemsize(args.dtype);
      for (std::int64_t row = 0; row < args.outer * args.count; ++row) {
        std::int64_t index = args.indices[row % args.count];
        if (index < 0) index += args.length;
        char* const to = static_cast<char*>(args.to) + row * bytes;
        const auto* const from = static_cast<const char*>(args.from);
        if (index < 0 || index >= args.length)
          std::memset(to, 0, std::size_t(bytes));
        else
          std::memcpy(to, from + (row / args.count * args.length + index) * bytes, std::size_t(bytes));
      }
    });
  });
}

const char* run_take_gradient(const TakeArgs& given, const Place& place) {
  return launched("take_gradient", &place, [given](Launch& launch) {
    TakeArgs args = given;
    take_pointers(launch, args);
    return launch.run([&] {
      std::vector<std::int64_t> indices(args.indices, args.indices + args.count);
      for (std::int64_t& index : indices) index += index < 0 ? args.length : 0;
      args.indices = indices.data();
      take_gradient(args, 1);
    });
  });
}

constexpr CudaTable kTable = {
    .version = kCudaTableVersion,
    .unavailable = []() -> const char* { return nullptr; },
    .copy = run_copy,
    .elementwise = run_elementwise,
    .matmul = run_matmul,
    .conv = run_conv,
    .conv_transpose = run_conv_transpose,
    .conv_weight_gradient = run_conv_weight_gradient,
    .pool = run_pool,
    .pool_gradient = run_pool_gradient,
    .reduce = run_reduce,
    .normalize = run_normalize,
    .vecdot = run_vecdot,
    .batch_scale = run_batch_scale,
    .attention = run_attention,
    .upsample = run_upsample,
    .take = run_take,
    .take_gradient = run_take_gradient,
    .fill = run_fill,
    .new_recording = new_host_recording,
};

}  // namespace

const CudaTable& host_table(void* begin, std::size_t bytes) {
  open_to_launches(begin, bytes);
  return kTable;
}

}  // namespace stretto
