// One region of one matrix of the result: all its sums, blocked for the caches, and its epilogue.
#pragma once

#include "base/parallel.h"
#include "kernels/matmul/copying.h"
#include "kernels/tile/finish.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kMostTogether = 32;  // of row blocks

// b in memory (panel_step = panel width, row = its stride) or in panels (panel_step = their size).
template <class T>
struct Panels {
  const T* data;  // term 0 of column 0
  std::int64_t panel_step, row;
};

// Memory that will be read soon, fetched by the tiles before: their own loads keep too few lines in flight to
// hide a cache miss. Rows of `width` bytes that lie `step` bytes apart.
struct Ahead {
  const char* at = nullptr;
  std::int64_t width = 0, rows = 0, step = 0;
  std::int64_t column = 0;  // of the row that comes next

  STRETTO_INLINE std::int64_t size() const { return rows * width - column; }

  // Has the tile fetch so many bytes, or a line for each of its terms.
  template <class T>
  STRETTO_INLINE void fetch_with(Tile<T>& tile, std::int64_t bytes) {
    bytes = least(bytes, 64 * tile.k);
    while (bytes > 0 && rows > 0 && tile.fetches < kMostFetches) {
      const std::int64_t piece = least(bytes, width - column);
      tile.fetch[tile.fetches++] = {at + column, piece, 0};
      bytes -= piece;
      column += piece;
      if (column < width) continue;
      column = 0;
      at += step;
      --rows;
    }
  }
};

// Shares the terms of a tile among what it fetches, pieces of `step` bytes.
template <class T>
STRETTO_INLINE void spread_fetches(Tile<T>& tile) {
  if (tile.k < tile.fetches) tile.fetches = 0;
  for (int f = 0; f < tile.fetches; ++f) {
    tile.fetch[f].terms = part(tile.k, tile.fetches, f + 1) - part(tile.k, tile.fetches, f);
    tile.fetch[f].step = divide_up(tile.fetch[f].step, tile.fetch[f].terms);
  }
}

// One matrix of `view`, if it lies in one piece and is not too large to fetch ahead.
template <class From>
STRETTO_INLINE Ahead ahead_of(const ArrayView& view, std::int64_t offset) {
  const std::int64_t rows = view.shape.last(1), columns = view.shape.last(0);
  const std::int64_t bytes = rows * columns * std::int64_t(sizeof(From));
  if (view.strides.last(0) != 1 || view.strides.last(1) != columns || bytes > kAheadBytes) return {};
  return {reinterpret_cast<const char*>(view.as<From>() + offset), bytes, 1};
}

template <class T, class From, class Out, class Sums, class Right = From, class Operand = From>
struct Region {
  static constexpr std::int64_t granule = Sums::granule, item = sizeof(T);
  const From* a;  // row 0 of the matrix, term 0
  std::int64_t a_row, a_col;
  const Right* b;  // term 0, column 0
  std::int64_t b_row, b_col;
  Panels<T> panels;  // of b, when they exist; data is null when this region packs b itself
  Ahead next[2];     // what the caller computes on afterwards
  std::int64_t k;
  Finish<T, Operand, Out> finish;

  // Rows r0..r1, columns j0..j1 (j0 at the start of a panel), terms k0..k1 (whole segments).
  // With `sums` the sums are left there, of row stride sums_row, without epilogue.
  void run(std::int64_t r0, std::int64_t r1, std::int64_t j0, std::int64_t j1, std::int64_t k0,
           std::int64_t k1, T* sums, std::int64_t sums_row) const {
    const std::int64_t columns = j1 - j0, rows = r1 - r0;
    const int most = Sums::rows(divide_up(columns, Vec<T>::lanes));
    const std::int64_t row_blocks = divide_up(rows, most);
    constexpr std::int64_t segment = Sums::segment,
                           block_terms = Sums::block_slots * Sums::terms / Sums::slots;
    const std::int64_t segments = greatest(1, divide_up(k1 - k0, segment));
    const std::int64_t per_segment = greatest(1, divide_up(least(k1 - k0, segment), block_terms));
    // Of a block: a short last segment may be cut less finely than whole ones are.
    const std::int64_t most_terms = whole(least(least(k1 - k0, segment), block_terms) + granule);
    const bool keeps_sums = sums != nullptr;
    bool is_direct = keeps_sums;
    if constexpr (is_same<T, Out>) {
      if (!sums && (finish.out_col == 1 || columns == 1)) {
        is_direct = true;
        sums = finish.out + r0 * finish.out_row + j0 * finish.out_col;
        sums_row = finish.out_row;
      }
    }
    bool finishes = !keeps_sums && (!is_direct || !finish.is_empty());
    [[maybe_unused]] Ending<T> ending;
    if constexpr (is_same<Sums, Chains<T>> && is_same<T, Operand> && is_same<T, Out> && kHasEndings<T>)
      if (finishes && is_direct && finish.suits_tiles()) {
        ending = finish.for_tiles();
        finishes = false;
      }
    const bool has_ending = ending.exists();
    const std::int64_t own_panels = divide_up(columns, kPanel<T>);
    const std::int64_t copied_size = most * (slots_of<Sums>(most_terms) + 64);
    // Row blocks that pass by a panel: as many as stay in the L2 cache; or one, which stays in L1 while
    // panels of all terms pass by it, so that a large result is written row by row.
    const bool goes_along_rows = kPanelStays<T> && (!panels.data || panels.row == kPanel<T>) &&
                                 k1 - k0 <= kBlockTerms && rows * columns * item > kBlockBytes;
    const std::int64_t most_together = least(kMostTogether, Sums::rows_bytes / (copied_size * item));
    const std::int64_t together = own_panels > 2 && !goes_along_rows ? greatest(1, most_together) : 1;
    constexpr bool as_it_lies = is_same<T, From> && Sums::terms == 1;
    const bool b_lies = b_col == 1 && (!panels.data || panels.row == b_row);  // not in panels
    const bool copies_a =
        !as_it_lies || copying_pays<T>(a_row, a_col, k1 - k0, columns) || (together > 1 && own_panels >= 24);
    const Scratch left(copies_a ? least(together, row_blocks) * copied_size * item : 0);
    const Scratch right(panels.data ? 0 : own_panels * panel_size<T, Sums>(most_terms) * item);
    // Long activations want many elements at once.
    const std::int64_t finish_columns = (finish.is_light() ? 1 : 8) * kPanel<T>;
    // Sums that are final at once are kept until they are finished, others until all terms are in.
    const bool is_brief = !is_direct && segments * per_segment == 1;
    const std::int64_t own_row = is_brief             ? finish_columns
                                 : columns % 128 == 0 ? columns + 16  // not all in one set of the L1 cache
                                                      : columns;
    const Scratch sum_block(
        is_direct ? 0 : (is_brief ? least(together, row_blocks) * most : rows) * own_row * item);
    const Scratch partial_block(per_segment > 1 && segments > 1 ? rows * own_row * item : 0);
    if (!is_direct) {
      sums = sum_block.as<T>();
      sums_row = own_row;
    }

    // The first blocks are a row higher than the others, if these are not all alike.
    const auto end_of_height = [&](std::int64_t i, std::int64_t end) {
      return i < rows % row_blocks ? least(end, rows % row_blocks) : end;
    };
    Ahead ahead[2] = {next[0], next[1]};
    const std::int64_t tile_count = segments * per_segment * row_blocks * own_panels;
    const std::int64_t shares[2] = {divide_up(ahead[0].size(), tile_count),
                                    divide_up(ahead[1].size(), tile_count)};
    for (std::int64_t s = 0; s < segments; ++s) {
      const std::int64_t s0 = k0 + s * segment, s1 = least(k1, s0 + segment);
      const std::int64_t blocks = greatest(1, divide_up(s1 - s0, block_terms));
      // Until a segment ends its sums wait in the result, or beside it while that holds earlier segments.
      T* const waiting = s > 0 ? partial_block.as<T>() : sums;
      const std::int64_t waiting_row = s > 0 ? own_row : sums_row;
      for (std::int64_t block = 0; block < blocks; ++block) {
        if (s > 0 || block > 0) poll_interrupt();  // a region of many terms may take seconds
        [[maybe_unused]] const typename Sums::Session
            session;  // not across a signal's handler, which may have one
        const std::int64_t granules = divide_up(s1 - s0, granule);
        const std::int64_t p0 = s0 + part(granules, blocks, block) * granule;
        const std::int64_t terms = least(s1, s0 + part(granules, blocks, block + 1) * granule) - p0;
        const bool ends_segment = block == blocks - 1;
        Panels<T> from = panels;
        if (panels.data)
          from.data += j0 / kPanel<T> * panels.panel_step;
        else
          from = pack(p0, terms, j0, j1, right.as<T>());
        const std::int64_t first_row = Sums::corrections + (panels.data ? slots_of<Sums>(p0) : 0);
        // Panels of all terms are corrected once.
        const bool corrects = Sums::corrects && (ends_segment || !panels.data);
        T* const to = ends_segment ? sums : waiting;
        Tile<T> t;
        t.k = slots_of<Sums>(whole(terms));
        t.b_row = from.row;
        t.c_row = ends_segment ? sums_row : waiting_row;
        t.start_row = waiting_row;
        t.total_row = Sums::corrects ? 0 : sums_row;
        Ahead b_ahead;  // of the next block of terms
        if (block + 1 < blocks && b_lies) {
          const std::int64_t p1 = p0 + terms, p2 = s0 + part(granules, blocks, block + 2) * granule;
          b_ahead = {reinterpret_cast<const char*>(b + p1 * b_row + j0),
                     columns * std::int64_t(sizeof(Right)), least(s1, p2) - p1,
                     b_row * std::int64_t(sizeof(Right))};
        }
        const std::int64_t b_share = divide_up(b_ahead.size(), row_blocks * own_panels);
        for (std::int64_t i0 = 0; i0 < row_blocks; i0 += together) {
          const std::int64_t i1 = least(row_blocks, i0 + together), y0 = part(rows, row_blocks, i0),
                             y1 = part(rows, row_blocks, i1);
          Rows<T> left_rows[kMostTogether];
          for (std::int64_t i = i0; i < i1; ++i) {
            const std::int64_t y = part(rows, row_blocks, i);
            const From* const at = a + (r0 + y) * a_row + p0 * a_col;
            if (copies_a)
              left_rows[i - i0] = Sums::copy(at, a_row, a_col, int(part(rows, row_blocks, i + 1) - y), terms,
                                             left.as<T>() + (i - i0) * copied_size);
            else if constexpr (as_it_lies)
              left_rows[i - i0] = {at, a_row, a_col};
          }
          Ahead rows_ahead;  // of a, to be copied for the blocks after these
          if (copies_a && a_col == 1 && i1 < row_blocks) {
            const std::int64_t y2 = part(rows, row_blocks, least(row_blocks, i1 + together));
            rows_ahead = {reinterpret_cast<const char*>(a + (r0 + y1) * a_row + p0),
                          terms * std::int64_t(sizeof(From)), y2 - y1, a_row * std::int64_t(sizeof(From))};
          }
          const std::int64_t rows_share = divide_up(rows_ahead.size(), (i1 - i0) * own_panels);
          const bool fetches = rows_share + b_share + shares[0] + shares[1] > 0;
          std::int64_t finished = 0;
          for (std::int64_t j = 0, width; j < columns; j += width) {
            // Tiles that fetch, or whose kind knows no others, are run one by one.
            constexpr bool may_count = is_same<Sums, Chains<T>>;
            const bool is_row =
                may_count && goes_along_rows && !fetches && !finishes && columns - j > kPanel<T>;
            width = is_row ? (columns - j) / kPanel<T> * kPanel<T> : least(kPanel<T>, columns - j);
            const T* const panel = from.data + j / kPanel<T> * from.panel_step;
            t.b = panel + first_row * from.row;
            for (std::int64_t i = i0, some; i < i1; i += some) {
              const std::int64_t y = part(rows, row_blocks, i);
              t.rows = int(part(rows, row_blocks, i + 1) - y);
              t.a = left_rows[i - i0].data;
              t.a_row = left_rows[i - i0].row;
              t.a_col = left_rows[i - i0].col;
              t.c = to + (is_brief ? (y - y0) * own_row + j - finished : y * t.c_row + j);
              t.start = block > 0 ? waiting + y * waiting_row + j : nullptr;
              t.total = ends_segment && s > 0 ? sums + y * sums_row + j : corrects ? panel : nullptr;
              if (has_ending && ends_segment && s == segments - 1) t.ending = ending.at(r0 + y, j0 + j);
              t.fetches = 0;
              if (fetches) {
                rows_ahead.fetch_with(t, rows_share);
                b_ahead.fetch_with(t, b_share);
                for (int operand = 0; operand < 2; ++operand) ahead[operand].fetch_with(t, shares[operand]);
                spread_fetches(t);
              }
              t.fetches_result = Sums::fetches_result && !goes_along_rows;
              some = may_count && !is_row && !fetches ? end_of_height(i, i1) - i : 1;
              if (is_row)
                t.go_right(width / kPanel<T>, kPanel<T>, from.panel_step);
              else
                t.go_down(some, t.rows, copies_a ? copied_size : t.rows * t.a_row);
              Sums::tile_for(t.rows, int(is_row ? kPanel<T> : width), t.tail)(t);
            }
            const bool is_last = j + width >= columns;
            if (finishes && ends_segment && s == segments - 1 &&
                (is_last || j + width - finished >= finish_columns)) {
              finish.run(is_brief ? sums : sums + y0 * sums_row + finished, sums_row, r0 + y0, int(y1 - y0),
                         j0 + finished, j + width - finished);
              finished = j + width;
            }
          }
        }
      }
    }
  }

 private:
  STRETTO_INLINE static std::int64_t whole(std::int64_t terms) { return divide_up(terms, granule) * granule; }

  [[gnu::noinline]] Panels<T> pack(std::int64_t p0, std::int64_t terms, std::int64_t j0, std::int64_t j1,
                                   T* to) const {
    Sums::pack(b + p0 * b_row + j0 * b_col, b_row, b_col, terms, j1 - j0, to);
    return {to, panel_size<T, Sums>(terms), kPanel<T>};
  }
};

}  // namespace stretto::STRETTO_ISA
