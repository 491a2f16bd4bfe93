// The parameters and captured arrays of a Program, and the layouts packed from them.
#pragma once

#include <mutex>
#include <vector>

#include "ops/op.h"

namespace stretto {

class Constants {
 public:
  explicit Constants(std::vector<ArrayView> arrays) : arrays_(std::move(arrays)) {}

  const ArrayView& at(int index) const { return arrays_[index]; }

  // The constant, or the view of a part of it, as `op` wants it with these attributes; packed once for all
  // who ask.
  const PackedWeight* packed(const ArrayView& view, const Op& op, const Attributes& attributes);

  std::int64_t packings() const { return std::int64_t(packed_.size()); }

 private:
  struct Packed {
    ArrayView view;  // its place tells the parts of one constant apart
    const Op* op;
    Attributes attributes;
    std::shared_ptr<const PackedWeight> weight;
  };
  std::vector<ArrayView> arrays_;
  std::vector<Packed> packed_;
  std::mutex mutex_;
};

}  // namespace stretto
