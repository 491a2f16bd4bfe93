// Products in bfloat16 parts, on AMX or its imitation, against plain loops, bit for bit; and their errors.
//   test_amx [calls] [seed]
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "arrays.h"
#include "base/parallel.h"
#include "kernels/matmul/matmul.h"
#include "kernels/offset.h"
#include "parts.h"

namespace stretto::testing {

int amx_convolution(Random& random, int number);

namespace {

float chain(Line a, Line b, std::int64_t k) {
  float total = 0;
  for (std::int64_t start = 0; start < k; start += kSegment) {
    float acc = 0;
    for (std::int64_t p = start; p < std::min<std::int64_t>(k, start + kSegment); ++p)
      acc = std::fma(a[p], b[p], acc);
    total = start == 0 ? acc : total + acc;
  }
  return total;
}

int failures = 0;

struct Errors {
  double square[3] = {};  // of highest, high, medium
};

void check(Random& random, int number, Errors& errors) {
  const bool is_long = chance(random, 0.1);
  const std::int64_t batch = pick(random, 1, 3), m = pick(random, 1, 80), n = pick(random, 1, 150),
                     k = is_long ? pick(random, 4000, 4300) : pick(random, 64, 200);
  const bool shares_b = chance(random, 0.4), is_plain = chance(random, 0.5);
  const auto layout = is_plain ? Array::Layout::contiguous : Array::Layout::random;
  const Dims a_shape = dims({batch, m, k}), b_shape = dims({shares_b ? 1 : batch, k, n}),
             shape = dims({batch, m, n});
  const Values values = one_of(random, {Values::ordinary, Values::whole, Values::special});
  Array a(random, {DType::f32, a_shape}, layout), b(random, {DType::f32, b_shape}, layout),
      out(random, {DType::f32, shape}, layout),
      expected(random, {DType::f32, shape}, Array::Layout::contiguous);
  a.fill(random, chance(random, 0.7) ? Values::ordinary : values);
  b.fill(random, values);
  MatmulArgs args;
  args.a = a.view();
  args.b = b.view();
  if (shares_b) {
    args.b.shape[0] = batch;
    args.b.strides[0] = 0;
  }
  for (const bool high : {true, false}) {
    args.precision = high ? Precision::high : Precision::medium;
    args.out = expected.view();
    for (std::int64_t i = 0; i < shape.product(); ++i) {
      const std::int64_t column = i % n, row = i / n % m, index = i / n / m;
      const Line x{args.a.as<float>() + index * args.a.strides[0] + row * args.a.strides[1],
                   args.a.strides[2]};
      const Line y{args.b.as<float>() + index * args.b.strides[0] + column * args.b.strides[2],
                   args.b.strides[1]};
      const bool whole = all_splittable(x, k) && all_splittable(y, k);
      const float value = !whole ? chain(x, y, k)
                          : high ? dot_of_parts(x, y, k, kHigh)
                                 : dot_of_parts(x, y, k, kMedium);
      expected.view().as<float>()[i] = value;
      if (values != Values::ordinary || !whole) continue;
      double exact = 0;
      for (std::int64_t p = 0; p < k; ++p) exact += double(x[p]) * double(y[p]);
      errors.square[high ? 1 : 2] += (value - exact) * (value - exact);
      if (high) errors.square[0] += (chain(x, y, k) - exact) * (chain(x, y, k) - exact);
    }
    const MatmulVariant& variant =
        select_matmul(args, this_machine(), high ? "matmul_high_avx512amx" : "matmul_medium_avx512amx");
    args.out = out.view();
    std::unique_ptr<unsigned char[]> panels;
    if (shares_b && chance(random, 0.5)) {
      ArrayView one = b.view();
      one.shape.count = one.strides.count = 2;
      for (int d = 0; d < 2; ++d) {
        one.shape[d] = b.view().shape[d + 1];
        one.strides[d] = b.view().strides[d + 1];
      }
      panels.reset(new unsigned char[std::size_t(variant.pack(one, nullptr))]);
      variant.pack(one, panels.get());
      args.panels = panels.get();
    }
    for (const int threads : {1, 3}) {
      out.fill_with_bytes(0xff);
      variant.run(args, threads);
      const std::int64_t wrong = differences(out.view(), expected.view());
      if (!wrong && out.guards_are_intact()) continue;
      std::printf("FAILED call %d, %s, threads %d: (%ld, %ld, %ld) @ (%ld): %ld elements differ\n", number,
                  variant.name, threads, long(batch), long(m), long(k), long(n), long(wrong));
      ++failures;
    }
    args.panels = nullptr;
  }
}

}  // namespace
}  // namespace stretto::testing

int main(int argc, char** argv) {
  using namespace stretto;
  const int calls = argc > 1 ? std::atoi(argv[1]) : 60;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const CallScope scope;
  testing::Errors errors;
  for (int i = 0; i < calls; ++i) {
    testing::Random random(seed * 1000003 + std::uint64_t(i));
    testing::check(random, i, errors);
    testing::failures += testing::amx_convolution(random, i);
  }
  const auto [highest, high, medium] = errors.square;
  std::printf("errors: high %.2f, medium %.1f times highest\n", std::sqrt(high / highest),
              std::sqrt(medium / highest));
  if (high > highest) ++testing::failures;
  std::printf("%s\n", testing::failures ? "FAILED" : "all equal");
  return testing::failures ? 1 : 0;
}
