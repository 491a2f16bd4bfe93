// softmax, log_softmax and the norms on a device: a row's statistics by folds (kernels/rows_cuda.h), then
// every element by itself.
#include "kernels/normalize/normalize.h"

#include "kernels/cuda_kernels.h"
#include "kernels/normalize/batch_scale.h"
#include "kernels/rows_cuda.h"
#include "simd/scalar.h"

namespace stretto {
namespace {

STRETTO_INLINE float root(float x) { return __builtin_sqrtf(x); }
STRETTO_INLINE double root(double x) { return __builtin_sqrt(x); }

template <class C>
struct SumOfExp : Adding<C> {
  Terms<C, 2> x;  // of x and out
  const C* largest;
  STRETTO_INLINE C take(C so_far, std::int64_t row, int k) const {
    return so_far + exp(Scalar<C>{x.at(row, k) - (largest[row] + C(0))}).v;
  }
};

enum class Summed { terms, squares, squares_of_differences };

// Sums over the space of each channel of each row: "row" counts channels of rows.
template <class C>
struct SumOfSpace : Adding<C> {
  Terms<C, 2> x;  // of x and out
  Summed summed;
  const C* sums;  // of rows
  int space, n;
  Divider channels;
  STRETTO_INLINE C take(C so_far, std::int64_t channel_of_row, int i) const {
    std::uint32_t row = std::uint32_t(channel_of_row);
    const std::uint32_t channel = channels.split(row);
    const C value = x.at(row, int(channel) * space + i);
    if (summed == Summed::terms) return so_far + value;
    if (summed == Summed::squares) return so_far + value * value;
    const C d = value - sums[row] / C(n);
    return so_far + d * d;
  }
};

template <class C>
struct SumOfSums : Adding<C> {
  const C* sums;
  int n;
  STRETTO_INLINE C take(C so_far, std::int64_t row, int k) const { return so_far + sums[row * n + k]; }
};

// An element of the result from its row's statistics.
template <class C>
struct Normalized {
  Terms<C, 2> x;  // of x and out
  void* out;
  Normalization kind;
  const C* first;   // softmax: the maximum; layer: the sum
  const C* second;  // softmax: the sum of exp; layer, rms: the sum of squares
  const C* gamma;
  const C* beta;
  C eps, n;
  Divider terms, space, groups;
  std::int64_t channels, start;  // the first row

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    std::uint32_t r = std::uint32_t(index);
    const std::uint32_t k = terms.split(r);
    const std::int64_t row = start + r;
    std::int64_t at[2];
    x.loops.offsets(row, int(k), at);
    C z = load_as<C>(x.data, x.dtype, at[0]);
    if (kind <= Normalization::log_softmax) {
      z = z - (first[row] + C(0));
      z = kind == Normalization::softmax ? exp(Scalar<C>{z}).v / second[row]
                                         : z - log(Scalar<C>{second[row]}).v;
    } else {
      z = scaled(z, row, k);
    }
    store_own<C>(out, x.dtype, at[1], z);
  }

 private:
  STRETTO_KERNEL C scaled(C z, std::int64_t row, std::uint32_t k) const {
    std::uint32_t quotient = std::uint32_t(row);
    const std::int64_t channel = groups.split(quotient) * channels + space.quotient(k);
    if (kind == Normalization::layer) z = z - first[row] / n;
    if (kind != Normalization::affine) z = z * (C(1) / root(second[row] / n + eps));
    if (gamma && beta) return fma(Scalar<C>{z}, Scalar<C>{gamma[channel]}, Scalar<C>{beta[channel]}).v;
    if (gamma) return z * gamma[channel];
    return beta ? z + beta[channel] : z;
  }
};

template <class C>
class Normalizer {
 public:
  explicit Normalizer(const NormalizeArgs& args)
      : args_(args),
        place_(*args.out.place),
        x_{args.x.data, args.x.dtype,
           row_loops<2>(args.x.shape, args.kept, {&args.x.strides, &args.out.strides})},
        rows_(std::int64_t(x_.loops.row.size)),
        n_(std::int64_t(x_.loops.term.size)) {}

  void run() const {
    const C* first = nullptr;
    const C* second = nullptr;
    if (args_.kind <= Normalization::log_softmax) {
      const bool adjacent = are_adjacent(x_.loops);
      first = folded(place_, "normalize", ExtremeTerm<C, 2>{{true}, x_}, rows_, n_, adjacent);
      second = folded(place_, "normalize", SumOfExp<C>{{}, x_, first}, rows_, n_, adjacent);
    } else if (args_.kind == Normalization::layer) {
      const std::int64_t space = args_.space > 1 ? args_.space : n_;  // sums of one term are that term
      first = sum(Summed::terms, nullptr, space);
      second = sum(Summed::squares_of_differences, first, space);
    } else if (args_.kind == Normalization::rms) {
      second = sum(Summed::squares, nullptr, n_);
    }
    finish(first, second);
  }

 private:
  // Over the space of each channel, then over the channels.
  const C* sum(Summed summed, const C* sums, std::int64_t space) const {
    const std::int64_t channels = n_ / space;
    if (rows_ * channels > std::int64_t(1) << 30) throw std::runtime_error("more than 2^30 rows of channels");
    const SumOfSpace<C> fold{{}, x_, summed, sums, int(space), int(n_), Divider(channels)};
    const bool adjacent = channels == 1 && are_adjacent(x_.loops);
    const C* totals = folded(place_, "normalize", fold, rows_ * channels, space, adjacent);
    if (channels == 1) return totals;
    return folded(place_, "normalize", SumOfSums<C>{{}, totals, int(channels)}, rows_, channels, false);
  }

  void finish(const C* first, const C* second) const {
    Normalized<C> kernel{x_,
                         args_.out.data,
                         args_.kind,
                         first,
                         second,
                         static_cast<const C*>(args_.gamma),
                         static_cast<const C*>(args_.beta),
                         C(args_.eps),
                         C(n_),
                         Divider(n_),
                         Divider(args_.space),
                         Divider(args_.groups),
                         args_.channels,
                         0};
    const std::int64_t most = (std::int64_t(1) << 30) / n_;  // rows of a launch
    for (kernel.start = 0; kernel.start < rows_; kernel.start += most)
      launch_elements(place_, "normalize", (rows_ - kernel.start < most ? rows_ - kernel.start : most) * n_,
                      kernel);
  }

  const NormalizeArgs& args_;
  const Place& place_;
  Terms<C, 2> x_;
  std::int64_t rows_, n_;
};

template <class C>
struct BatchScale {
  const C* gamma;
  const C* beta;
  const C* mean;
  const C* var;
  C eps;
  C* scale;
  C* shift;

  STRETTO_KERNEL void operator()(std::int64_t c) const {
    scale[c] = (gamma ? gamma[c] : C(1)) / root(var[c] + eps);
    shift[c] = fma(Scalar<C>{-mean[c]}, Scalar<C>{scale[c]}, Scalar<C>{beta ? beta[c] : C(0)}).v;
  }
};

template <class C>
void batch_scale(const ArrayView& gamma, const ArrayView& beta, const ArrayView& mean, const ArrayView& var,
                 double eps, void* scale, void* shift, const Place& place) {
  const BatchScale<C> kernel{gamma.present() ? gamma.as<C>() : nullptr,
                             beta.present() ? beta.as<C>() : nullptr,
                             mean.as<C>(),
                             var.as<C>(),
                             C(eps),
                             static_cast<C*>(scale),
                             static_cast<C*>(shift)};
  launch_elements(place, "batch_norm", mean.size(), kernel);
}

}  // namespace

const char* cuda_normalize(const NormalizeArgs& args) {
  return guarded("normalize", [&] {
    if (args.out.size() == 0) return;
    if (args.x.dtype == DType::f64)
      Normalizer<double>(args).run();
    else
      Normalizer<float>(args).run();
  });
}

const char* cuda_softmax_rows(const ArrayView& rows) {
  NormalizeArgs args{};
  args.kind = Normalization::softmax;
  args.kept = 1;
  args.x = args.out = rows;  // the thread that writes a term is the last one that reads it
  return cuda_normalize(args);
}

const char* cuda_batch_scale(const ArrayView& gamma, const ArrayView& beta, const ArrayView& mean,
                             const ArrayView& var, double eps, void* scale, void* shift, const Place& place) {
  return guarded("batch_norm", [&] {
    if (mean.dtype == DType::f64)
      batch_scale<double>(gamma, beta, mean, var, eps, scale, shift, place);
    else
      batch_scale<float>(gamma, beta, mean, var, eps, scale, shift, place);
  });
}

}  // namespace stretto
