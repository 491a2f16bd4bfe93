#include "ops/host_table.h"

#include <sys/mman.h>

#include <cstring>
#include <string>
#include <utility>

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

namespace stretto {
namespace {

struct Memory {
  void* begin = nullptr;
  std::size_t bytes = 0;
};
Memory memory;
std::vector<HostLaunch> launches;
std::string wrong;

// A launch: the memory is open while it runs.
class Launch {
 public:
  Launch(const char* kernel, const Place* place) : place_(place) {
    mprotect(memory.begin, memory.bytes, PROT_READ | PROT_WRITE);
    if (place) launches.push_back({kernel, place->device, place->stream});
  }
  ~Launch() { mprotect(memory.begin, memory.bytes, PROT_NONE); }

  // The view as one of host memory. It must be where the result is.
  ArrayView view(ArrayView given) {
    if (given.present() && given.place != place_) is_astray_ = true;
    if (given.packed) is_astray_ = true;
    given.place = nullptr;
    return given;
  }
  void take(Epilogue& epilogue) {
    for (ArrayView* operand : {&epilogue.bias, &epilogue.scale, &epilogue.shift, &epilogue.residual})
      *operand = view(*operand);
  }
  // Runs the kernel; what went wrong, or null.
  template <class F>
  const char* run(F&& kernel) {
    if (is_astray_ || !place_) return "host table: operands are not all in one place";
    try {
      kernel();
    } catch (const std::exception& error) {
      wrong = error.what();
      return wrong.c_str();
    }
    return nullptr;
  }

 private:
  const Place* place_;
  bool is_astray_ = false;
};

// The table's function for a family whose views are the named members.
#define FAMILY(name, Args, output, ...)                                                    \
  const char* run_##name(const Args& given) {                                              \
    Launch launch(#name, given.output.place);                                              \
    Args args = given;                                                                     \
    for (ArrayView* view : {&args.output, __VA_ARGS__}) *view = launch.view(*view);        \
    take_epilogue(launch, args);                                                           \
    return launch.run([&] { select_##name(args, this_machine(), nullptr).run(args, 1); }); \
  }

template <class Args>
void take_epilogue(Launch& launch, Args& args) {
  if constexpr (requires { args.epilogue; }) launch.take(args.epilogue);
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
  Launch launch("copy", to.place);
  const ArrayView source = launch.view(from), target = launch.view(to);
  return launch.run([&] { copy(source, target); });
}

const char* run_fill(const void* element, const ArrayView& to) {
  Launch launch("fill", to.place);
  ArrayView source = contiguous_view(const_cast<void*>(element), to.dtype, {}), target = launch.view(to);
  source.shape = source.strides = to.shape;
  for (int d = 0; d < to.shape.count; ++d) source.strides[d] = 0;
  return launch.run([&] { copy(source, target); });
}

const char* run_batch_scale(const ArrayView& gamma, const ArrayView& beta, const ArrayView& mean,
                            const ArrayView& var, double eps, void* scale, void* shift, const Place& place) {
  Launch launch("batch_scale", &place);
  const ArrayView g = launch.view(gamma), b = launch.view(beta), m = launch.view(mean), v = launch.view(var);
  return launch.run([&] { batch_scale(g, b, m, v, eps, scale, shift); });
}

// The CPU's kernel knows no stacks.
const char* run_attention(const AttentionArgs& given, const Place& place) {
  Launch launch("attention", &place);
  return launch.run([&] {
    const std::int64_t bytes = given.keys * itemsize(given.dtype);
    for (std::int64_t first = 0; first < given.rows; first += given.stacked) {
      AttentionArgs args = given;
      args.rows = given.stacked;
      args.scores = static_cast<char*>(given.scores) + first * bytes;
      if (given.mask) args.mask = static_cast<const char*>(given.mask) + first * bytes;
      select_attention(args, this_machine(), nullptr).run(args);
    }
  });
}

const char* run_upsample(const UpsampleArgs& args, Upsampling kind, const Place& place) {
  Launch launch("upsample", &place);
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
}

// By the rule for indices that nobody has looked at.
const char* run_take(const TakeArgs& given, const Place& place) {
  Launch launch("take", &place);
  return launch.run([&] {
    const std::int64_t bytes = given.inner * itemsize(given.dtype);
    for (std::int64_t row = 0; row < given.outer * given.count; ++row) {
      std::int64_t index = given.indices[row % given.count];
      if (index < 0) index += given.length;
      char* const to = static_cast<char*>(given.to) + row * bytes;
      if (index < 0 || index >= given.length)
        std::memset(to, 0, std::size_t(bytes));
      else
        std::memcpy(to,
                    static_cast<const char*>(given.from) + (row / given.count * given.length + index) * bytes,
                    std::size_t(bytes));
    }
  });
}

const char* run_take_gradient(const TakeArgs& given, const Place& place) {
  Launch launch("take_gradient", &place);
  return launch.run([&] {
    std::vector<std::int64_t> indices(given.indices, given.indices + given.count);
    for (std::int64_t& index : indices) index += index < 0 ? given.length : 0;
    TakeArgs args = given;
    args.indices = indices.data();
    take_gradient(args, 1);
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
};

}  // namespace

const CudaTable& host_table(void* begin, std::size_t bytes) {
  memory = {begin, bytes};
  return kTable;
}

std::vector<HostLaunch> take_host_launches() { return std::exchange(launches, {}); }

}  // namespace stretto
