// The rows of a table of variants, for tests, benches and `info`.
#pragma once

#include <vector>

#include "base/machine.h"

namespace stretto {

struct VariantName {
  const char* name;
  Arch arch;
};

template <class Variant, std::size_t rows>
std::vector<VariantName> variant_names(const Variant (&table)[rows]) {
  std::vector<VariantName> names;
  for (const Variant& row : table) names.push_back({row.name, row.arch});
  return names;
}

}  // namespace stretto
