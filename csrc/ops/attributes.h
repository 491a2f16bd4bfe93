// The keyword arguments of an op: a few named values, as they came from Python or from a stored Program.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/dtype.h"

namespace stretto {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<double>;
using Pairs = std::vector<std::array<std::int64_t, 2>>;  // ((before, after), ...)
struct Named {                                           // ("leaky_relu", 0.1)
  std::string name;
  double parameter;
  bool operator==(const Named&) const = default;
};

using Value =
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Ints, Floats, Pairs, Named, DType>;

class Attributes {
 public:
  void set(std::string name, Value value) { values_.emplace_back(std::move(name), std::move(value)); }

  // nullptr when the attribute is absent or None.
  const Value* find(const char* name) const;

  // The attribute, or `otherwise` when it is absent or None. Throws DTypeError naming `op` when it is of
  // another kind.
  bool boolean(const char* op, const char* name, bool otherwise) const;
  std::int64_t integer(const char* op, const char* name, std::int64_t otherwise) const;
  double number(const char* op, const char* name, double otherwise) const;
  std::string text(const char* op, const char* name, const char* otherwise) const;
  DType dtype(const char* op, const char* name, DType otherwise) const;
  // One number for all of `count` dimensions, or one for each (count < 0: any number of them).
  Ints integers(const char* op, const char* name, int count, std::int64_t otherwise) const;

  const std::vector<std::pair<std::string, Value>>& values() const { return values_; }
  bool operator==(const Attributes&) const = default;

 private:
  std::vector<std::pair<std::string, Value>> values_;
};

}  // namespace stretto
