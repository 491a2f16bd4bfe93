#include "tensor_cores.h"

#include <cfloat>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "arrays.h"
#include "base/error.h"
#include "cuda/kernel.h"
#include "kernels/cuda_table.h"
#include "kernels/load.h"
#include "kernels/matmul/matmul.h"

namespace stretto::testing {
namespace {

// Of three calls in a row the instructions of 8.0, or of 9.0 with copies late or at once.
const char* const kWanted[] = {"mma", "1", "1"};

double element(const ArrayView& view, std::int64_t matrix, std::int64_t i, std::int64_t j) {
  const bool batched = view.shape.count == 3;
  const std::int64_t at =
      (batched ? matrix * view.strides[0] : 0) + i * view.strides.last(1) + j * view.strides.last(0);
  if (view.dtype == DType::f16) return to_float(view.as<float16>()[at]);
  if (view.dtype == DType::bf16) return to_float(view.as<bfloat16>()[at]);
  return view.as<float>()[at];
}

// A matrix for each of a batch; half of them as 16-byte copies take them, with rows or columns that lie
// together.
struct Factor {
  Array array;
  ArrayView view;

  static Array made(Random& random, DType dtype, std::int64_t batch, std::int64_t rows,
                    std::int64_t columns) {
    Dims shape;
    for (const std::int64_t size : {batch, rows, columns}) shape.push(size);
    Array array(random, {dtype, shape},
                chance(random, 0.6) ? Array::Layout::contiguous : Array::Layout::random_with_repeats);
    array.fill(random, Values::ordinary);
    return array;
  }
  Factor(Random& random, DType dtype, std::int64_t batch, std::int64_t rows, std::int64_t columns,
         bool turned)
      : array(turned ? made(random, dtype, batch, columns, rows) : made(random, dtype, batch, rows, columns)),
        view(array.view()) {
    if (!turned) return;
    std::swap(view.shape[1], view.shape[2]);
    std::swap(view.strides[1], view.strides[2]);
  }
  // Some elements that TF32 does not hold.
  void sprinkle(Random& random) {
    for (int i = 0; i < 3; ++i) {
      std::int64_t at = 0;
      for (int d = 0; d < view.shape.count; ++d)
        at += std::int64_t(pick(random, 0, view.shape[d] - 1)) * view.strides[d];
      view.as<float>()[at] = one_of(random, {INFINITY, -INFINITY, float(NAN), 3.4e38f, -3.4e38f, 1e-30f});
    }
  }
};

struct Product {
  DType dtype;
  Precision precision;
  std::int64_t batch, m, k, n;
  Factor a, b;
  Array bias;
  bool is_relu;

  Product(Random& random, DType type, Precision wanted, std::int64_t batches, std::int64_t rows,
          std::int64_t terms, std::int64_t columns)
      : dtype(type),
        precision(wanted),
        batch(batches),
        m(rows),
        k(terms),
        n(columns),
        a(random, type, batches, rows, terms, chance(random, 0.4)),
        b(random, type, batches, terms, columns, chance(random, 0.5)),
        bias(random, {type, {1, {columns}}}, Array::Layout::contiguous),
        is_relu(chance(random, 0.5)) {
    bias.fill(random, Values::ordinary);
    if (dtype != DType::f32 || precision != Precision::high || !chance(random, 0.4)) return;
    a.sprinkle(random);
    b.sprinkle(random);
  }

  MatmulArgs args(const ArrayView& out, const Place& place) const {
    MatmulArgs args;
    args.a = a.view;
    args.b = b.view;
    args.out = out;
    args.precision = precision;
    args.epilogue.bias = bias.view();
    args.epilogue.bias.shape = out.shape;
    args.epilogue.bias.strides = {3, {0, 0, 1}};
    if (is_relu) args.epilogue.activation = Activation::relu;
    for (ArrayView* view : {&args.a, &args.b, &args.out, &args.epilogue.bias}) view->place = &place;
    return args;
  }

  // The number of results further from the exact ones than the roundings on the way allow: of the factors to
  // TF32, by cutting off, or two parts of it, of every addition, perhaps by cutting off, and of the result.
  std::int64_t wrong(const ArrayView& out) const {
    const double unit = dtype != DType::f32 ? 0
                                            : std::ldexp(1, precision == Precision::high ? -22
                                                            : has_cut_factors()          ? -10
                                                                                         : -11);
    const double last = std::ldexp(1, -23);
    const double cut = out.dtype == DType::f16    ? std::ldexp(1, -11)
                       : out.dtype == DType::bf16 ? std::ldexp(1, -8)
                                                  : last;
    std::int64_t count = 0;
    for (std::int64_t matrix = 0; matrix < batch; ++matrix)
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) {
          double sum = 0, size = 0;
          float chain = 0;
          for (std::int64_t p = 0; p < k; ++p) {
            const double x = element(a.view, matrix, i, p), y = element(b.view, matrix, p, j);
            sum += x * y;
            size += std::fabs(x * y);
            chain = std::fma(float(x), float(y), chain);
          }
          const double c = element(contiguous_view(bias.view().data, dtype, {2, {1, n}}), 0, 0, j);
          const auto finished = [&](double z) { return is_relu && z < 0 ? 0 : z; };
          const double exact = finished(sum + c), result = element(out, matrix, i, j);
          if (!std::isfinite(chain)) {
            const double wanted = finished(chain);
            count += std::isnan(wanted) ? !std::isnan(result) : result != wanted;
            continue;
          }
          if (size > FLT_MAX) continue;  // another order may meet infinity
          const double error = std::fabs(result - exact);
          const double bound = (2.01 * unit + double(k + 2) * last) * size +
                               1.01 * cut * (std::fabs(exact) + size * 2.1 * unit) + last * std::fabs(c) +
                               1e-7;
          if (!(error <= bound)) ++count;
        }
    return count;
  }
};

}  // namespace

void choose_tensor_cores(int number) {
  setenv("STRETTO_CUDA_TENSOR_CORES", kWanted[number % 3], 1);
  Block::copies_at_once = number % 6 >= 3 || number % 3 == 2;
}

bool has_cut_factors() { return std::strcmp(std::getenv("STRETTO_CUDA_TENSOR_CORES"), "mma") != 0; }

int run_tensor_cores(const CudaTable& table, const Place& place, int calls, std::uint64_t seed) {
  int failures = 0;
  const auto fail = [&](int number, const std::string& what) {
    if (++failures < 20) std::printf("FAILED tensor cores, call %d: %s\n", number, what.c_str());
  };
  for (int number = 0; number < calls; ++number) {
    Random random(seed * 1000003 + std::uint64_t(number));
    choose_tensor_cores(number);
    const DType dtype = one_of(random, {DType::f16, DType::bf16, DType::f32});
    const std::int64_t step = chance(random, 0.5) ? 8 : 1;
    const bool is_large = number / 3 % 3 == 0;
    const Precision precision = one_of(random, {Precision::medium, Precision::high});
    const Product product(random, dtype, precision, pick(random, 1, 2),
                          step * pick(random, 1, (is_large ? 150 : 60) / step),
                          step * pick(random, 1, (chance(random, 0.2) ? 900 : 140) / step),
                          step * pick(random, 1, (is_large ? 150 : 70) / step));
    const DType result = chance(random, 0.7) ? dtype : DType::f32;
    const Dims shape{3, {product.batch, product.m, product.n}};
    Array out(random, {result, shape},
              chance(random, 0.6) ? Array::Layout::contiguous : Array::Layout::random);
    out.fill_with_bytes(0x3c);
    const std::string text =
        message(dtype, shape, " k ", product.k, precision == Precision::high ? " high" : "");
    if (const char* words = table.matmul(product.args(out.view(), place))) {
      fail(number, words);
      continue;
    }
    if (const std::int64_t wrong = product.wrong(out.view()))
      fail(number, message(text, ": ", wrong, " wrong"));
    if (!out.guards_are_intact()) fail(number, text + ": wrote outside");

    // The bits of a row do not depend on the others, whatever the tile.
    Array part(random, {result, shape}, Array::Layout::contiguous);
    const MatmulArgs whole = product.args(part.view(), place);
    for (std::int64_t first = 0; first < product.m; first += 40) {
      MatmulArgs rows = whole;
      for (ArrayView* view : {&rows.a, &rows.out, &rows.epilogue.bias}) {
        view->data = static_cast<char*>(view->data) + first * view->strides[1] * itemsize(view->dtype);
        view->shape[1] = std::min<std::int64_t>(40, product.m - first);
      }
      if (const char* words = table.matmul(rows)) fail(number, words);
    }
    if (differences(part.view(), out.view())) fail(number, text + ": bits depend on the rows beside");
  }
  unsetenv("STRETTO_CUDA_TENSOR_CORES");
  std::printf("%-28s %5d calls\n", "tensor cores", calls);
  return failures;
}

}  // namespace stretto::testing
