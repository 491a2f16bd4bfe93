// Convolutions on a device as sums of products (kernels/tile/product_cuda.h):
//
//   sum over k of  a[row, k] * x[column + term k],  x being +0 where the position of column and term is
//   outside
//
// A term k counts four axes, the first one channels or samples and three in space; so does a column. Offsets
// in the operands and positions in x are linear in these counts: that covers the convolution (terms are
// channels and taps, columns samples and outputs), each phase of the transposed one, and the weight gradient
// (terms are samples and outputs, columns channels and taps).
#pragma once

#include "kernels/conv/conv.h"
#include "kernels/tile/product_cuda.h"

namespace stretto {

struct FourAxes {
  std::int64_t size[4] = {1, 1, 1, 1};
  std::int64_t x[4] = {};  // steps in x, in elements
  std::int64_t a[4] = {};  // and, of a term, in a
  int position[4] = {};    // steps of the position in x; [0] is unused

  std::int64_t count() const { return size[0] * size[1] * size[2] * size[3]; }
};

class FourCounts {
 public:
  FourCounts() = default;
  explicit FourCounts(const FourAxes& axes) {
    for (int d = 0; d < 4; ++d) divide_[d] = Divider(axes.size[d]);
  }
  STRETTO_INLINE void of(int index, int (&count)[4]) const {
    std::uint32_t rest = std::uint32_t(index);
    for (int d = 3; d > 0; --d) count[d] = int(divide_[d].split(rest));
    count[0] = int(rest);
  }

 private:
  Divider divide_[4];
};

struct alignas(16) Term {
  int x, position[3];
};

// Writes the tables of terms.
struct FillTerms {
  FourAxes axes;
  FourCounts counts;
  Term* x;
  int* a;

  STRETTO_KERNEL void operator()(std::int64_t k) const {
    int at[4];
    counts.of(int(k), at);
    Term term{int(at[0] * axes.x[0]), {0, 0, 0}};
    std::int64_t in_a = at[0] * axes.a[0];
    for (int d = 1; d < 4; ++d) {
      term.x += int(at[d] * axes.x[d]);
      in_a += at[d] * axes.a[d];
      term.position[d - 1] = at[d] * axes.position[d];
    }
    x[k] = term;
    a[k] = int(in_a);
  }
};

// Where group g of part p has its factors, in elements, and where results go: row i, column j as four counts.
struct PatchResults {
  Results results;
  std::int64_t a_part, a_group, x_part, x_group;
  std::int64_t first[kOperands], part[kOperands], group[kOperands], row[kOperands], column[4][kOperands];
  FourCounts counts;
  Divider groups;
  bool out_along_m;

  struct Start {
    std::int64_t a, b;
  };
  STRETTO_INLINE Start start(std::uint32_t batch) const {
    const std::uint32_t g = groups.split(batch);
    return {batch * a_part + g * a_group, batch * x_part + g * x_group};
  }

  template <class C>
  STRETTO_INLINE void store(std::uint32_t batch, int i, int j, C z) const {
    const std::uint32_t g = groups.split(batch);
    int count[4];
    counts.of(j, count);
    std::int64_t at[kOperands];
    for (int o = 0; o < kOperands; ++o) {
      at[o] = first[o] + batch * part[o] + g * group[o] + i * row[o];
      for (int d = 0; d < 4; ++d) at[o] += count[d] * column[d][o];
    }
    results.store(at, z);
  }
};

template <class C>
struct Patches {
  const C* a_data;
  const C* x_data;  // where position 0 of the first column's first term is
  std::int64_t a_row;
  int m, n, k, segment;
  bool a_along_k, b_along_k;  // the latter never: neighbouring threads take neighbouring columns
  const int* a_terms;
  const Term* x_terms;
  int size[3], first[3];  // of x in space; position of the first column's first term
  FourAxes columns;
  FourCounts counts;
  PatchResults finish;

  struct Start {
    const C* a;
    const C* x;
  };
  struct Row {
    const C* first;
    std::int64_t step;
    int k_step;
  };
  struct Column {
    const C* first;
    int position[3], k_step;
  };

  STRETTO_INLINE Start start(std::uint32_t part) const {
    const auto at = finish.start(part);
    return {a_data + at.a, x_data + at.b};
  }
  STRETTO_INLINE Row row(const Start& from, int i, int i_step, int k_step) const {
    return {from.a + i * a_row, i_step * a_row, k_step};
  }
  STRETTO_INLINE Column column(const Start& from, int j, int, int k_step) const {
    int count[4];
    counts.of(j, count);
    Column result{from.x + count[0] * columns.x[0], {}, k_step};
    for (int d = 0; d < 3; ++d) {
      result.first += count[d + 1] * columns.x[d + 1];
      result.position[d] = first[d] + count[d + 1] * columns.position[d + 1];
    }
    return result;
  }
  STRETTO_INLINE C a(const Row& row, int n, int p) const {
    return row.first[n * row.step + a_terms[p + n * row.k_step]];
  }
  STRETTO_INLINE C b(const Column& column, int n, int p) const {
    const Term term = x_terms[p + n * column.k_step];
    bool inside = true;
    for (int d = 0; d < 3; ++d)
      inside = inside && std::uint32_t(column.position[d] + term.position[d]) < std::uint32_t(size[d]);
    return inside ? column.first[term.x] : C(0);
  }
};

// Steps of a view's axes that rows, columns and groups of a result have, in the result and its operands.
struct ResultSteps {
  const ArrayView* view[kOperands];

  ResultSteps(const ArrayView& out, const Epilogue& e)
      : view{&out, &e.bias, &e.scale, &e.shift, &e.residual} {}
  ResultSteps(const ArrayView& out, const Epilogue&& e) = delete;  // which would not live on
  std::int64_t step(int operand, int axis) const {
    return view[operand]->present() ? view[operand]->strides[axis] : 0;
  }
  void fill(std::int64_t (&steps)[kOperands], int axis, std::int64_t times = 1) const {
    for (int o = 0; o < kOperands; ++o) steps[o] = step(o, axis) * times;
  }
};

// The results of a convolution, channels being rows: every `stride`-th one from `phase` on.
inline PatchResults results_of_channels(const ArrayView& out, const Epilogue& e, DType operands,
                                        std::int64_t group_outputs, const std::int64_t (&stride)[3],
                                        const std::int64_t (&phase)[3]) {
  PatchResults finish{};
  finish.results = Results(out, e, operands);
  const ResultSteps steps(out, e);
  steps.fill(finish.row, 1);
  steps.fill(finish.group, 1, group_outputs);
  steps.fill(finish.column[0], 0);
  for (int d = 0; d < 3; ++d) {
    steps.fill(finish.column[1 + d], 2 + d, stride[d]);
    for (int o = 0; o < kOperands; ++o) finish.first[o] += steps.step(o, 2 + d) * phase[d];
  }
  finish.out_along_m = size_of_stride(out.strides[1]) < size_of_stride(out.strides[4]);
  return finish;
}

inline std::int64_t reach_of(const std::int64_t (&steps)[4], const std::int64_t (&size)[4]) {
  std::int64_t reach = 0;
  for (int d = 0; d < 4; ++d) reach += (size[d] - 1) * size_of_stride(steps[d]);
  return reach;
}

// Fills the source's tables of terms and runs the product. Its batches are the groups of every part.
template <class C>
void run_patches(const Place& place, const char* name, Patches<C> source, const FourAxes& terms,
                 std::int64_t groups, std::int64_t parts = 1) {
  source.m = counted("the channels of a group", source.m);
  source.n = counted(name, source.columns.count());
  source.k = counted("a sum", terms.count());
  source.counts = FourCounts(source.columns);
  source.finish.counts = source.counts;
  source.finish.groups = Divider(groups);
  counted("a sum's operand", reach_of(terms.x, terms.size));
  counted("a sum's operand", reach_of(terms.a, terms.size));
  if (source.k > 0) {
    Term* x = place.memory<Term>(source.k * std::int64_t(sizeof(Term)));
    int* a = place.memory<int>(source.k * std::int64_t(sizeof(int)));
    launch_elements(place, name, source.k, FillTerms{terms, FourCounts(terms), x, a});
    source.x_terms = x;
    source.a_terms = a;
  }
  run_product<C>(place, name, source, parts * groups);
}

}  // namespace stretto
