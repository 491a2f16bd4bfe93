#include "cuda_moves.h"

#include <cstdio>

#include "arrays.h"
#include "cases.h"
#include "cuda/loops.h"
#include "host_device.h"
#include "kernels/copy/copy.h"
#include "kernels/take/take.h"

namespace stretto::testing {

void run_takes(int calls, std::uint64_t seed, Report report) {
  for (int number = 0; number < calls; ++number) {
    Random random(seed * 1000037 + std::uint64_t(number));
    const std::int64_t outer = pick(random, 1, 4), length = pick(random, 1, 9), count = pick(random, 0, 20);
    const std::int64_t inner = pick(random, 1, 40);
    const DType dtype = one_of(random, {DType::f32, DType::f64});
    const bool gradient = chance(random, 0.5);
    Dims x, picked;
    for (const std::int64_t size : {outer, length, inner}) x.push(size);
    for (const std::int64_t size : {outer, count, inner}) picked.push(size);
    Array from(random, {dtype, gradient ? picked : x}, Array::Layout::contiguous);
    Array to(random, {dtype, gradient ? x : picked}, Array::Layout::contiguous);
    Array expected(random, to.view().type(), Array::Layout::contiguous);
    from.fill(random, Values::special);
    std::vector<std::int64_t> indices, counted;
    for (std::int64_t k = 0; k < count; ++k) {
      counted.push_back(pick(random, 0, length - 1));
      indices.push_back(chance(random, 0.5) ? counted.back() : counted.back() - length);  // from the end
    }
    TakeArgs args{from.view().data, expected.view().data, counted.data(), dtype, outer, length, count, inner};
    (gradient ? take_gradient : take)(args, 1);
    args.to = to.view().data;
    args.indices = indices.data();
    const Device device;
    if (const char* wrong = (gradient ? kCudaKernels.take_gradient : kCudaKernels.take)(args, device.place))
      report("take", number, wrong);
    if (differences(to.view(), expected.view()))
      report("take", number, gradient ? "gradient" : "elements differ");
  }
  std::printf("%-28s %5d calls\n", "take", calls);
}

void run_loops(std::uint64_t seed, Report report) {
  Random random(seed);
  for (int number = 0; number < 20000; ++number) {
    const std::int64_t divisor = chance(random, 0.5) ? pick(random, 1, 100) : pick(random, 1, 0x7fffffff);
    const auto n = std::uint32_t(pick(random, 0, 0x7fffffff));
    if (Divider(divisor).quotient(n) != n / std::uint32_t(divisor))
      report("divide", number, message(n, " by ", divisor));
  }
  for (int number = 0; number < 200; ++number) {
    Dims shape;
    for (const std::int64_t size :
         {pick(random, 1, 5), std::int64_t(1) << pick(random, 0, 33), pick(random, 1, 9)})
      shape.push(size);
    const Dims strides = contiguous_strides(shape);
    std::int64_t next = 0;  // slices come in C order, and of a contiguous view each is a range
    bool in_order = true;
    LoopNest<1>(shape, {&strides}).slices([&](const Loops<1>& loops) {
      std::int64_t first[1], last[1];
      loops.offsets(0, first);
      loops.offsets(loops.size - 1, last);
      in_order = in_order && first[0] == next && last[0] == next + std::int64_t(loops.size) - 1;
      next = last[0] + 1;
    });
    if (!in_order || next != shape.product()) report("slices", number, message(shape));
  }
  std::printf("%-28s %5d calls\n", "loops", 20200);
}

void run_copies(int calls, std::uint64_t seed, Report report) {
  constexpr DType kTypes[] = {DType::boolean, DType::i8,  DType::i16, DType::i32, DType::i64,
                              DType::u8,      DType::u16, DType::u32, DType::u64, DType::f16,
                              DType::bf16,    DType::f32, DType::f64};
  for (int number = 0; number < calls; ++number) {
    Random random(seed * 1000033 + std::uint64_t(number));
    Dims shape;
    for (std::int64_t d = pick(random, 0, 4); d > 0; --d)
      shape.push(pick(random, chance(random, 0.1) ? 0 : 1, 12));
    if (chance(random, 0.3)) shape.push(pick(random, 20, 300));
    const DType to_type = kTypes[pick(random, 0, 12)],
                from_type = chance(random, 0.5) ? to_type : kTypes[pick(random, 0, 12)];
    Array from(random, {from_type, shape},
               chance(random, 0.4) ? Array::Layout::contiguous : Array::Layout::random_with_repeats);
    Array to(random, {to_type, shape},
             chance(random, 0.4) ? Array::Layout::contiguous : Array::Layout::random);
    Array expected(random, {to_type, shape}, Array::Layout::contiguous);
    // What a float outside of an integer's range becomes is nobody's promise.
    const bool cut = is_floating(from_type) && !is_floating(to_type);
    from.fill(random, cut ? Values::whole
                          : one_of(random, {Values::ordinary, Values::whole, Values::wide, Values::special}));
    if (cut && to_type >= DType::u8) continue;
    to.fill_with_bytes(0x3c);
    copy(from.view(), expected.view());
    const Device device;
    const ArrayView result = device.view(to.view());
    if (const char* wrong = kCudaKernels.copy(device.view(from.view()), result))
      report("copy", number, wrong);
    if (differences(result, expected.view()) || !to.guards_are_intact())
      report("copy", number, message(from_type, " to ", to_type, " ", shape));
  }
  std::printf("%-28s %5d calls\n", "copy", calls);
}

}  // namespace stretto::testing
