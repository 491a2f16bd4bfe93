// First row of a table of variants that the machine has and that fits the arguments.
#pragma once

#include <cstring>

#include "base/error.h"
#include "base/machine.h"

namespace stretto {

// A Variant has: const char* name; Arch arch; bool (*fits)(const Args&); ... The last row is the reference
// and always fits. `forced` names the row to take instead (tests, benches); it must fit.
template <class Variant, std::size_t rows, class Args>
const Variant& select(const Variant (&table)[rows], const Args& args, const Machine& machine,
                      const char* forced) {
  for (const Variant& row : table) {
    if (forced ? std::strcmp(row.name, forced) != 0 : !machine.has(row.arch)) continue;
    if (row.fits(args)) return row;
    if (forced) throw NoKernelError(message(forced, ": this variant does not fit the arguments"));
  }
  if (forced) throw NoKernelError(message(forced, ": there is no such variant"));
  return table[rows - 1];
}

}  // namespace stretto
