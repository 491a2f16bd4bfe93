// The phases of a transposed convolution woven into its result, with the epilogue.
#pragma once

#include "kernels/conv/finish_block.h"
#include "kernels/conv/phases.h"
#include "kernels/conv/shares.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kWovenBytes = 16 << 10;  // at a time, in the first cache

// What has been summed: phase rows [first_row, first_row + rows) of samples [first, first + samples).
struct Band {
  std::int64_t first, samples, first_row, rows;
};

// The sums of a band: phase by phase, each in C order.
template <class T>
class BandSums {
 public:
  BandSums(const ConvTransposeArgs& args, const Phases& phases, const Band& band, T* sums)
      : phases_(phases),
        band_(band),
        outputs_(args.out.shape.at[1]),
        begins_(phases.count() * std::int64_t(sizeof(T*))) {
    for (std::int64_t i = 0; i < phases.count(); ++i) {
      begins_.as<T*>()[i] = sums;
      sums += size(phases[i]);
    }
  }

  std::int64_t rows(const Phase& phase) const {
    return least(band_.rows, greatest(0, phase.size[1] - band_.first_row));
  }
  std::int64_t size(const Phase& phase) const {
    return band_.samples * outputs_ * phase.size[0] * rows(phase) * phase.size[2];
  }
  T* of(const Phase& phase) const { return begins_.as<T*>()[&phase - &phases_[0]]; }
  ArrayView view(const Phase& phase, DType dtype) const {
    Dims shape;
    for (const std::int64_t size : {band_.samples, outputs_, phase.size[0], rows(phase), phase.size[2]})
      shape.push(size);
    return contiguous_view(of(phase), dtype, shape);
  }

 private:
  const Phases& phases_;
  const Band& band_;
  const std::int64_t outputs_;
  const Scratch begins_;
};

// row[j + i * step] = from[i]
template <class T>
STRETTO_INLINE void spread(const T* from, std::int64_t count, std::int64_t step, T* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i * step] = from[i];
}

// Two phases at once, in vectors.
template <class T>
STRETTO_INLINE void weave_pair(const T* even, const T* odd, std::int64_t columns, T* to) {
  for (std::int64_t i = 0; i < columns / 2; ++i) {
    to[2 * i] = even[i];
    to[2 * i + 1] = odd[i];
  }
  if (columns % 2) to[columns - 1] = even[columns / 2];
}

template <class From, class T, class Out>
void weave(const ConvTransposeArgs& args, const Phases& phases, const Band& band, T* sums, int threads) {
  const BandSums<T> all(args, phases, band, sums);
  const std::int64_t outputs = args.out.shape.at[1], depth = args.out.shape.at[2],
                     columns = args.out.shape.at[4];
  const std::int64_t stride = args.stride[1], first = band.first_row * stride;
  const std::int64_t rows = least(args.out.shape.at[3] - first, band.rows * stride);
  const std::int64_t block = least(rows, greatest(1, kWovenBytes / (columns * std::int64_t(sizeof(T)))));
  const std::int64_t blocks = divide_up(rows, block), tasks = band.samples * outputs * depth * blocks;
  Correlation whole;
  whole.out = args.out;
  whole.epilogue = &args.epilogue;
  whole.outputs = outputs;
  share_tasks(
      tasks, double(tasks * block * columns), 2e4, threads, [&](std::int64_t begin, std::int64_t end) {
        const Scratch woven(block * columns * std::int64_t(sizeof(T)));
        for (std::int64_t task = begin; task < end; ++task) {
          const std::int64_t row = task % blocks * block, d = task / blocks % depth,
                             o = task / (blocks * depth) % outputs, n = task / (blocks * depth * outputs);
          const std::int64_t count = least(block, rows - row);
          for (std::int64_t y = 0; y < count; ++y) {
            const std::int64_t h = first + row + y;
            const auto line = [&](std::int64_t w) {
              const Phase& phase = phases.holding(d, h, w);
              const std::int64_t plane = (n * outputs + o) * phase.size[0] + d / args.stride[0];
              return all.of(phase) + (plane * all.rows(phase) + h / stride - band.first_row) * phase.size[2];
            };
            T* const to = woven.as<T>() + y * columns;
            if (args.stride[2] == 2 && columns > 1)
              weave_pair(line(0), line(1), columns, to);
            else
              for (std::int64_t w = 0; w < phases.count(2); ++w)
                spread(line(w), phases.holding(d, h, w).size[2], args.stride[2], to + w);
          }
          finish_block<From, T, Out>(whole, woven.as<T>(), {block * columns, columns, 1}, band.first + n, 0,
                                     d, first + row, 0, o, 1, count, columns);
        }
      });
}

}  // namespace stretto::STRETTO_ISA
