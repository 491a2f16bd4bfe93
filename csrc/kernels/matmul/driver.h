// How a whole product is cut into regions, and the regions given to threads. Nothing here changes a bit.
#pragma once

#include "kernels/matmul/dots.h"
#include "kernels/matmul/finish_of.h"
#include "kernels/matmul/outer.h"
#include "kernels/matmul/simplify.h"
#include "kernels/matmul/skinny.h"
#include "kernels/matmul/stack.h"
#include "kernels/matmul/stream.h"
#include "kernels/offset.h"

namespace stretto::STRETTO_ISA {

// Panels of the whole of b, one after the other, each with all terms: the layout of prepared weights.
template <class T, class From, class Sums>
STRETTO_INLINE std::int64_t pack_matrix(const ArrayView& b, void* to) {
  const std::int64_t k = b.shape.last(1), n = b.shape.last(0);
  if (to) Sums::pack(b.as<From>(), b.strides.last(1), b.strides.last(0), k, n, static_cast<T*>(to));
  return divide_up(n, kPanel<T>) * panel_size<T, Sums>(k) * std::int64_t(sizeof(T));
}

inline constexpr std::int64_t kRowsOfReading = 4;  // from the third cache, measured on Zen 4

// Of a row-major grid (batch, column groups, row groups).
struct Cut {
  std::int64_t batch, row_groups, column_groups, panels;
  std::int64_t tasks() const { return batch * row_groups * column_groups; }
};

// Operands of elements From and Right, sums in T; the epilogue's operands are of the type Operand.
template <class T, class From, class Out, class Sums = Chains<T>, class Right = From, class Operand = From>
class Product {
 public:
  // `args` as `simplified` returns them, which may be a transposed product.
  Product(const MatmulArgs& args, int threads) : args_(args), m_(args_.m()), n_(args_.n()), k_(args_.k()) {
    batch_shape_ = args_.out.shape;
    batch_shape_.count -= 2;
    batch_ = batch_shape_.product();
    // To read a large b takes as long as the arithmetic of some rows.
    const bool is_read_for_long = k_ * n_ * std::int64_t(sizeof(From)) > kSkinnyBytes;
    const std::int64_t rows = is_read_for_long ? greatest(m_, kRowsOfReading) : m_;
    const double flops = 2.0 * double(rows) * double(n_) * double(steps() + 1) * double(batch_);
    threads_ = int(least(threads, std::int64_t(1 + flops / kFlopsPerThread)));
    b_is_usable_ = kAsItLies && (args_.b.strides.last(0) == 1 || n_ == 1);
  }

  void run() const {
    if (m_ == 0 || n_ == 0 || batch_ == 0) return;
    if constexpr (kAsItLies) {
      if (is_skinny()) return run_columns(n_, [&](auto... at) { skinny_region<T, Out>(int(m_), at...); });
      constexpr std::int64_t most = kStreamBytes / std::int64_t(sizeof(T));
      if (is_stream()) {
        const bool from_memory = kHasMasks || b_is_larger<T>(args_, kStreamMemory);
        return run_columns(most, [&](auto... at) { stream_region<T, Out>(int(m_), from_memory, at...); });
      }
      if constexpr (is_same<T, Out> && (is_same<T, float> || is_same<T, double>))
        if (is_outer()) return run_outer();
      if constexpr (is_same<T, Out>)
        if (Stack<T>(args_, threads_).run()) return;
      if constexpr (is_same<T, float> || is_same<T, double>)
        if (is_dots()) {
          const bool fetches = b_is_larger<T>(args_, k_ > kDotShort ? kDotMemory : kDotMemory / 2);
          return run_columns(most, [&](auto... at) { dots_region<T, Out>(int(m_), fetches, at...); });
        }
    }
    const Cut cut = cut_for_threads();
    if constexpr (Sums::segment == kSegment)
      if (suits_segments(cut)) return run_segments();
    const bool packs = !args_.panels && (!b_is_usable_ || packing_pays<T>(args_));
    // Row groups read all of b anew: for one thread only while that stays in the L2 cache.
    const bool stays = k_ * n_ * std::int64_t(sizeof(T)) <= 2 * kBlockBytes;
    const bool shares = cut.row_groups > 1 && (threads_ > 1 || (m_ >= kManyRows && stays));
    if (packs && shares)
      run_packed(cut);
    else if (packs && threads_ == 1)
      run_regions({cut.batch, 1, cut.column_groups, cut.panels}, packs);
    else
      run_regions(cut, packs);
  }

 private:
  using RegionOf = Region<T, From, Out, Sums, Right, Operand>;
  static constexpr bool kAsItLies = is_same<T, From> && Sums::terms == 1;  // tiles may read operands
  static constexpr std::int64_t kMostSplit = 128 << 10;  // elements of a result summed from parallel segments

  // Of a tile's fma, in the time that a sum takes.
  std::int64_t steps() const { return divide_up(k_, Sums::pace); }

  bool is_stream() const {
    if (k_ == 0 || !b_is_usable_ || n_ <= 2 * kPanel<T>) return false;
    const std::int64_t bytes = k_ * n_ * std::int64_t(sizeof(T));
    // Smaller matrices are fetched while the one before is multiplied.
    if (is_far<T>(args_)) return m_ <= (bytes > kAheadBytes ? kStreamRows : kStreamRows / 2);
    return m_ <= kSkinnyRows || (m_ <= kStreamFewRows && bytes > kStreamedBytes);
  }

  bool is_skinny() const {
    if (k_ == 0 || !b_is_usable_ || m_ > kSkinnyRows || n_ <= kPanel<T>) return false;
    if (k_ * n_ * std::int64_t(sizeof(T)) > kSkinnyBytes || is_far<T>(args_)) return false;
    return m_ > kLongRows || n_ <= 2 * kPanel<T> || !is_read_along<T>(args_.b.strides.last(1), k_, n_);
  }

  // Few rows, and terms of a column that lie together.
  bool is_dots() const {
    return m_ <= kDotRows && !args_.panels && args_.b.strides.last(1) == 1 && !b_is_usable_ &&
           n_ >= Vec<T>::lanes && k_ >= 2 * Vec<T>::lanes;
  }

  // Few terms and long rows of a result that lie well.
  bool is_outer() const {
    return k_ > 0 && k_ <= kOuterTerms && !args_.panels && n_ >= kOuterColumns && m_ >= kOuterRows &&
           k_ * n_ * std::int64_t(sizeof(T)) <= kOuterBytes && args_.out.strides.last(0) == 1;
  }

  // Groups of rows of every matrix, each of them worth a copy of b.
  void run_outer() const {
    const std::int64_t enough = kOuterGroupBytes / (n_ * std::int64_t(sizeof(T)));
    const std::int64_t parts = divide_up(m_, greatest(enough, 16 * k_));
    const double flops = 2.0 * double(m_) * double(n_) * double(k_) / double(parts);
    // What the result takes of memory's time is that of some terms.
    parallel_for(batch_ * parts, chunk_of(4 * flops, batch_ * parts), threads_,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i)
                     outer_region<T>(region_of(i / parts), part(m_, parts, i % parts),
                                     part(m_, parts, i % parts + 1), n_);
                 });
  }

  // f(region of a matrix, first column, last column) for all of them, at most so many at a time: b is read
  // once.
  template <class F>
  void run_columns(std::int64_t most, F&& f) const {
    std::int64_t parts = divide_up(n_, most);
    if (batch_ * parts < threads_) parts = least(divide_up(threads_, batch_), divide_up(n_, kPanel<T>));
    const std::int64_t width = divide_up(divide_up(n_, parts), kPanel<T>) * kPanel<T>;
    parts = divide_up(n_, width);
    parallel_for(batch_ * parts, chunk_of(double(m_) * double(width) * double(k_) * 4, batch_ * parts),
                 threads_, [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) {
                     const auto region = region_of(i / parts);
                     const std::int64_t j0 = i % parts * width;
                     f(region, j0, least(n_, j0 + width));
                   }
                 });
  }

  RegionOf region_of(std::int64_t index) const {
    const auto at = [&](const ArrayView& view) { return offset_of(index, batch_shape_, view.strides); };
    RegionOf region;
    region.a = args_.a.as<From>() + at(args_.a);
    region.a_row = args_.a.strides.last(1);
    region.a_col = args_.a.strides.last(0);
    region.b = args_.b.as<Right>() + at(args_.b);
    region.b_row = args_.b.strides.last(1);
    region.b_col = args_.b.strides.last(0);
    region.k = k_;
    region.panels = {nullptr, 0, 0};
    region.finish = finish_of<T, Operand, Out>(args_, at);
    return region;
  }

  Cut cut_for_threads() const {
    const std::int64_t panel = kPanel<T>, panels = divide_up(n_, panel);
    const std::int64_t deep = greatest(1, least(slots_of<Sums>(k_), Sums::block_slots));
    std::int64_t most_panels = greatest(1, Sums::pass_bytes / (deep * panel * std::int64_t(sizeof(T))));
    std::int64_t groups = divide_up(panels, most_panels);
    const std::int64_t tall = Sums::rows(divide_up(n_, Vec<T>::lanes));
    const double row_flops = 2.0 * double(steps() + 1) * double(least(n_, divide_up(panels, groups) * panel));
    // Each group reads b anew: of few tiles only for the sake of other threads.
    const std::int64_t least_tiles = threads_ == 1 ? 16 : 4;
    const std::int64_t most_rows = greatest(least_tiles * tall, std::int64_t(kFlopsPerChunk / row_flops));
    std::int64_t row_groups = divide_up(m_, most_rows);
    if (threads_ > 1 && batch_ * row_groups * groups < 2 * threads_) {
      row_groups = greatest(row_groups, least(divide_up(2 * threads_, batch_ * groups), divide_up(m_, tall)));
      if (batch_ * row_groups * groups < threads_)
        groups = greatest(groups, least(divide_up(threads_, batch_ * row_groups), panels));
    }
    return {batch_, row_groups, groups, panels};
  }

  // Row groups are whole tiles high, but for the last one.
  std::int64_t first_row(const Cut& cut, std::int64_t row_group) const {
    const std::int64_t tall = Sums::rows(divide_up(n_, Vec<T>::lanes)), tiles = divide_up(m_, tall);
    if (tiles < 4 * cut.row_groups) return part(m_, cut.row_groups, row_group);
    return least(m_, part(tiles, cut.row_groups, row_group) * tall);
  }

  void run_task(const RegionOf& region, const Cut& cut, std::int64_t row_group,
                std::int64_t column_group) const {
    region.run(first_row(cut, row_group), first_row(cut, row_group + 1),
               part(cut.panels, cut.column_groups, column_group) * kPanel<T>,
               least(n_, part(cut.panels, cut.column_groups, column_group + 1) * kPanel<T>), 0, k_, nullptr,
               0);
  }

  // Many terms and few outputs, or rows: each segment reads its terms of b once, for all rows.
  bool suits_segments(const Cut& cut) const {
    if (k_ <= 2 * kSegment || m_ * n_ > kMostSplit) return false;
    const bool has_few_rows = m_ < 8 * cut.row_groups * Sums::rows(kVectors);
    return cut.tasks() < threads_ || (threads_ > 1 && batch_ == 1 && cut.row_groups > 1 && has_few_rows &&
                                      k_ >= 2 * kSegment * threads_);
  }

  double task_flops(const Cut& cut) const {
    return 2.0 * double(batch_) * double(m_) * double(n_) * double(steps() + 1) / double(cut.tasks());
  }

  // b that needs no packing: prepared, or as it lies.
  Panels<T> panels_of(const RegionOf& region) const {
    if (args_.panels) return {static_cast<const T*>(args_.panels), panel_size<T, Sums>(k_), kPanel<T>};
    if constexpr (kAsItLies) return {region.b, kPanel<T>, region.b_row};
    return {};
  }

  // b as it lies, or packed by each region for itself.
  void run_regions(const Cut& cut, bool packs) const {
    parallel_for(
        cut.tasks(), chunk_of(task_flops(cut), cut.tasks()), threads_,
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) {
            RegionOf region = region_of(i / (cut.row_groups * cut.column_groups));
            if (!packs) region.panels = panels_of(region);
            if (cut.tasks() == batch_ && i + 1 < end) {
              region.next[0] = ahead_of<From>(args_.a, offset_of(i + 1, batch_shape_, args_.a.strides));
              region.next[1] = ahead_of<Right>(args_.b, offset_of(i + 1, batch_shape_, args_.b.strides));
            }
            const std::int64_t in_matrix = i % (cut.row_groups * cut.column_groups);
            run_task(region, cut, in_matrix % cut.row_groups, in_matrix / cut.row_groups);
          }
        });
  }

  // b is packed once, then all row groups read it.
  void run_packed(const Cut& cut) const {
    const std::int64_t panel = panel_size<T, Sums>(k_);
    const std::int64_t most = greatest(1, kPackedBytes / greatest(1, panel * std::int64_t(sizeof(T))));
    const std::int64_t rounds = divide_up(cut.panels, most);
    const Scratch packed(divide_up(cut.panels, rounds) * panel * std::int64_t(sizeof(T)));
    const std::int64_t group_panels = divide_up(cut.panels, cut.column_groups);
    for (std::int64_t index = 0; index < batch_; ++index) {
      const RegionOf whole = region_of(index);
      for (std::int64_t round = 0; round < rounds; ++round) {
        const std::int64_t first = part(cut.panels, rounds, round),
                           last = part(cut.panels, rounds, round + 1);
        parallel_for(last - first, greatest(1, (1 << 20) / greatest(1, panel)), threads_,
                     [&](std::int64_t begin, std::int64_t end) {
                       const std::int64_t j0 = (first + begin) * kPanel<T>,
                                          j1 = least(n_, (first + end) * kPanel<T>);
                       Sums::pack(whole.b + j0 * whole.b_col, whole.b_row, whole.b_col, k_, j1 - j0,
                                  packed.as<T>() + begin * panel);
                     });
        const std::int64_t groups = divide_up(last - first, group_panels);
        parallel_for(groups * cut.row_groups, 1, threads_, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) {
            RegionOf region = whole;
            region.panels = {packed.as<T>() - first * panel, panel, kPanel<T>};
            const std::int64_t g = i / cut.row_groups, r = i % cut.row_groups;
            region.run(first_row(cut, r), first_row(cut, r + 1),
                       (first + part(last - first, groups, g)) * kPanel<T>,
                       least(n_, (first + part(last - first, groups, g + 1)) * kPanel<T>), 0, k_, nullptr, 0);
          }
        });
      }
    }
  }

  // Few outputs and many terms: the segments of the sums are the parallel work.
  void run_segments() const {
    const std::int64_t segments = divide_up(k_, kSegment), size = m_ * n_;
    const Scratch all(segments * size * std::int64_t(sizeof(T)));
    for (std::int64_t index = 0; index < batch_; ++index) {
      const RegionOf whole = region_of(index);
      parallel_for(segments, 1, threads_, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t s = begin; s < end; ++s) {
          RegionOf region = whole;
          if (args_.panels || (b_is_usable_ && !packing_pays<T>(args_))) region.panels = panels_of(region);
          region.run(0, m_, 0, n_, s * kSegment, least(k_, (s + 1) * kSegment), all.as<T>() + s * size, n_);
        }
      });
      T* const total = all.as<T>();
      for (std::int64_t s = 1; s < segments; ++s)
        for (std::int64_t i = 0; i < size; ++i) total[i] += total[s * size + i];
      whole.finish.run(total, n_, 0, int(m_), 0, n_);
    }
  }

  static constexpr std::int64_t kPackedBytes = 32 << 20;

  MatmulArgs args_;
  std::int64_t m_, n_, k_, batch_;
  Dims batch_shape_;
  int threads_;
  bool b_is_usable_;
};

}  // namespace stretto::STRETTO_ISA
