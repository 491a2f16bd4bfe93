// Products of bfloat16 on AMX whose sums need no more than a segment of terms: b is packed near the core, and
// sums are finished as soon as their tile is formed.
#pragma once

#include "kernels/matmul/amx_rows.h"
#include "kernels/matmul/chunks.h"
#include "kernels/matmul/finish_of.h"

namespace stretto::STRETTO_ISA {

template <class Out>
class AmxProduct {
 public:
  AmxProduct(const MatmulArgs& args, int threads) : args_(args), m_(args.m()), n_(args.n()), k_(args.k()) {
    is_stack_ = args.out.shape.count == 3;
    count_ = is_stack_ ? args.out.shape[0] : 1;
    threads_ = int(least(threads, std::int64_t(1 + flops() * double(count_) / kFlopsPerThread)));
  }

  // False when the product is of another kind.
  bool run() const {
    if (args_.out.shape.count > 3 || !suits()) return false;
    if (count_ >= threads_ && flops() <= kFlopsPerChunk && panels() * panel_bytes() <= group_bytes())
      run_matrices();
    else
      for (std::int64_t i = 0; i < count_; ++i) run_matrix(i);
    return true;
  }

 private:
  std::int64_t steps() const { return divide_up(k_, kAmxDepth); }
  std::int64_t panels() const { return divide_up(n_, kAmxTile); }
  std::int64_t panel_bytes() const { return steps() * kAmxPanelPart; }
  // Of a tile's fma, in the time that a product takes, as `Product` counts them.
  double flops() const { return 2.0 * double(m_) * double(n_) * double(divide_up(k_, AmxPairs::pace) + 1); }
  // Of b, which stay in the second cache while rows of a pass by; in less of it where few rows do.
  std::int64_t group_bytes() const { return m_ <= 128 ? 256 << 10 : 1 << 20; }

  // Of many terms, panels of few columns would fill the second cache.
  bool suits() const {
    const bool is_deep = k_ > kSegment || (k_ > kManyTerms && panels() * panel_bytes() > 2 * group_bytes());
    return m_ > 0 && n_ > 0 && k_ > 0 && !is_deep && (args_.a.strides.last(0) == 1 || k_ == 1);
  }

  STRETTO_INLINE std::int64_t offset(const ArrayView& view, std::int64_t i) const {
    return is_stack_ ? i * view.strides[0] : 0;
  }
  template <class T>
  STRETTO_INLINE T* matrix(const ArrayView& view, std::int64_t i) const {
    return view.as<T>() + offset(view, i);
  }

  // Each thread packs b of the matrices that it multiplies.
  void run_matrices() const {
    parallel_for(count_, chunk_of(flops(), count_), threads_, [&](std::int64_t begin, std::int64_t end) {
      const Scratch packed(args_.panels ? 0 : panels() * panel_bytes());
      Rows rows(*this);
      for (std::int64_t i = begin; i < end; ++i) {
        if (!args_.panels) pack(i, 0, panels(), packed.as<char>());
        rows.multiply(i, 0, m_, 0, n_,
                      args_.panels ? static_cast<const char*>(args_.panels) : packed.as<char>());
      }
    });
  }

  // Groups of panels are packed by all threads, then all rows pass by.
  void run_matrix(std::int64_t i) const {
    const std::int64_t most = greatest(1, group_bytes() / panel_bytes()), groups = divide_up(panels(), most),
                       row_blocks = divide_up(m_, kAmxTile);
    const Scratch memory(args_.panels ? 0 : divide_up(panels(), groups) * panel_bytes());
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int64_t first = part(panels(), groups, g), last = part(panels(), groups, g + 1);
      const char* packed = static_cast<const char*>(args_.panels) + first * panel_bytes();
      if (!args_.panels) {
        packed = memory.as<char>();
        parallel_for(last - first, greatest(1, (1 << 20) / panel_bytes()), threads_,
                     [&](std::int64_t begin, std::int64_t end) {
                       pack(i, first + begin, first + end, memory.as<char>() + begin * panel_bytes());
                     });
      }
      const double block_flops = flops() / double(row_blocks * groups);
      parallel_for(row_blocks, chunk_of(block_flops, row_blocks), threads_,
                   [&](std::int64_t begin, std::int64_t end) {
                     Rows(*this).multiply(i, begin * kAmxTile, least(m_, end * kAmxTile), first * kAmxTile,
                                          least(n_, last * kAmxTile), packed);
                   });
    }
  }

  // Panels [first, last) of matrix i.
  void pack(std::int64_t i, std::int64_t first, std::int64_t last, char* packed) const {
    const std::int64_t row = args_.b.strides.last(1), col = args_.b.strides.last(0), j = first * kAmxTile,
                       columns = least(n_, last * kAmxTile) - j;
    const bfloat16* const b = matrix<bfloat16>(args_.b, i) + j * col;
    if (col != 1 && n_ > 1) return AmxPairs::pack(b, row, col, k_, columns, reinterpret_cast<float*>(packed));
    // Whole rows of b, not columns of panels.
    for (std::int64_t s = 0; s < steps(); ++s, packed += kAmxPanelPart)
      for (std::int64_t at = 0; at < columns; at += kAmxTile)
        pack_step(b + s * kAmxDepth * row + at, row, k_ - s * kAmxDepth, columns - at,
                  packed + at / kAmxTile * panel_bytes());
  }

  // What a thread multiplies with the registers of AMX.
  class Rows {
   public:
    explicit Rows(const AmxProduct& all)
        : all_(all), copied_(least(all.steps(), kMostSteps) * kAmxPanelPart), sums_(2 * kAmxSums) {
      waiting_ = {sums_.as<float>(), sums_.as<float>() + kAmxTile * kAmxTile};
    }
    ~Rows() { put(); }

    // Rows [y0, y1) and columns [j0, j1) of matrix i.
    STRETTO_INLINE void multiply(std::int64_t i, std::int64_t y0, std::int64_t y1, std::int64_t j0,
                                 std::int64_t j1, const char* packed) {
      const bool is_plain = all_.args_.epilogue.is_empty() && all_.args_.out.strides.last(0) == 1;
      const std::int64_t out_row = all_.args_.out.strides.last(1);
      Out* const out = all_.template matrix<Out>(all_.args_.out, i);
      if (!is_plain) {
        put();
        finish_ = finish_of<float, bfloat16, Out>(
            all_.args_, [&](const ArrayView& view) { return all_.offset(view, i); });
      }
      const std::int64_t blocks = all_.term_blocks(), panels = divide_up(j1 - j0, kAmxTile);
      const Scratch between(blocks > 1 ? panels * kAmxSums : 0);
      for (std::int64_t y = y0; y < y1; y += kAmxTile)
        for (std::int64_t block = 0; block < blocks; ++block) {
          const std::int64_t s0 = part(all_.steps(), blocks, block),
                             s1 = part(all_.steps(), blocks, block + 1);
          const AmxRowBlock rows = all_.rows_from(i, y, s0, s1, panels, copied_.as<char>());
          const char* panel = packed + s0 * kAmxPanelPart;
          float* sums = between.as<float>();
          for (std::int64_t j = j0; j < j1; j += kAmxTile) {
            const int columns = int(least(kAmxTile, j1 - j));
            const bool tall = rows.rows > kAmxRows, wide = columns > kAmxRows, ends = block + 1 == blocks;
            (tall ? (wide ? sum_block<true, true, Out> : sum_block<true, false, Out>)
                  : (wide ? sum_block<false, true, Out> : sum_block<false, false, Out>))(
                rows, panel, {block > 0 ? sums : nullptr, ends ? nullptr : sums}, waiting_);
            if (ends)
              waiting_ = {waiting_.room,
                          waiting_.sums,
                          out + rows.row * out_row + j,
                          out_row,
                          rows.row,
                          j,
                          is_plain ? nullptr : &finish_,
                          rows.done,
                          rows.rows,
                          rows.lower,
                          columns};
            panel += all_.panel_bytes();
            sums += kAmxTile * kAmxTile;
          }
        }
    }

   private:
    STRETTO_INLINE void put() {
      if (waiting_.rows > 0) waiting_.put();
      waiting_.rows = 0;
    }

    const AmxProduct& all_;
    const Scratch copied_, sums_;
    [[maybe_unused]] AmxSession session_;
    Finish<float, bfloat16, Out> finish_;
    WaitingSums<Out> waiting_;
  };

  // The block of rows from y on of matrix i, its steps [s0, s1). They are copied if they do not fill a
  // register, and where several panels would read two lines of the cache for each row, or lines of few sets.
  STRETTO_INLINE AmxRowBlock rows_from(std::int64_t i, std::int64_t y, std::int64_t s0, std::int64_t s1,
                                       std::int64_t panels, char* room) const {
    const std::int64_t a_row = args_.a.strides.last(1), p0 = s0 * kAmxDepth,
                       terms = least(k_, s1 * kAmxDepth) - p0;
    std::int64_t count = least(kAmxTile, m_ - y);
    const bfloat16* const a = matrix<bfloat16>(args_.a, i) + p0;
    const bool lies_in_lines = (reinterpret_cast<std::uintptr_t>(a) | std::uintptr_t(a_row * 2)) % 64 == 0,
               meets_in_sets = a_row * 2 % 1024 == 0;
    if (m_ < kAmxRows || (panels >= kCopyingPanels && (!lies_in_lines || meets_in_sets))) {
      AmxPairs::copy(a + y * a_row, a_row, 1, int(count), terms, reinterpret_cast<float*>(room));
      return {room, kAmxBytes, kAmxRegister, kAmxPanelPart, s1 - s0, nullptr, y, 0, int(count), kAmxRows};
    }
    const std::int64_t done = greatest(0, kAmxRows - count);
    y -= done;
    count += done;
    const std::int64_t lower = greatest(0, count - kAmxRows), whole = terms / kAmxDepth,
                       left = terms % kAmxDepth;
    const bfloat16* const from = a + y * a_row;
    for (int part = 0; left > 0 && part < (lower > 0 ? 2 : 1); ++part)
      for (int r = 0; r < kAmxRows; ++r)
        copy_first(from + (part * lower + r) * a_row + whole * kAmxDepth, left,
                   room + part * kAmxRegister + r * kAmxBytes);
    return {reinterpret_cast<const char*>(from), a_row * 2, lower * a_row * 2, kAmxBytes,  whole,
            left > 0 ? room : nullptr,           y,         int(done),         int(count), int(lower)};
  }

  // A block of rows stays in the first cache while panels pass by from the second one.
  std::int64_t term_blocks() const { return steps() <= kMostSteps ? 1 : divide_up(steps(), kBlockSteps); }

  static constexpr std::int64_t kManyTerms = 2048, kCopyingPanels = 3, kMostSteps = 24, kBlockSteps = 16,
                                kAmxSums = kAmxTile * kAmxTile * 4;

  const MatmulArgs& args_;
  int threads_;
  std::int64_t m_, n_, k_, count_;
  bool is_stack_;
};

}  // namespace stretto::STRETTO_ISA
