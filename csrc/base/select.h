// First row of a table of variants that the machine has and that fits the arguments.
#pragma once

#include <cstring>
#include <string>

#include "base/error.h"
#include "base/machine.h"
#include "base/place.h"

namespace stretto {

// The place of the result, which all operands share; null: host memory.
template <class Args>
const Place* place_of(const Args& args) {
  if constexpr (requires { args.out.place; })
    return args.out.place;
  else if constexpr (requires { args.dx.place; })
    return args.dx.place;
  else
    return nullptr;
}

// A Variant has: const char* name; Arch arch; bool (*fits)(const Args&); ... The last row is the reference
// and always fits. `forced` names the row to take instead (tests, benches); it must fit. CUDA rows are taken
// if and only if the result is on a device, where nothing else can run.
template <class Variant, std::size_t rows, class Args>
const Variant& select(const Variant (&table)[rows], const Args& args, const Machine& machine,
                      const char* forced) {
  const bool on_device = place_of(args);
  for (const Variant& row : table) {
    const bool is_cuda = row.arch == Arch::cuda;
    if (forced ? std::strcmp(row.name, forced) != 0 : is_cuda != on_device) continue;
    if (!forced && !is_cuda && !machine.has(row.arch)) continue;
    if (is_cuda == on_device && row.fits(args)) return row;
    if (forced) throw NoKernelError(message(forced, ": this variant does not fit the arguments"));
  }
  if (forced) throw NoKernelError(message(forced, ": there is no such variant"));
  if (!on_device) return table[rows - 1];
  const std::string reference = table[rows - 1].name;
  throw NoKernelError(message(reference.substr(0, reference.rfind('_')),
                              ": there is no CUDA kernel for these arrays; copy them to the host with "
                              "cupy.asnumpy"));
}

}  // namespace stretto
