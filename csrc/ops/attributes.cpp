#include "ops/attributes.h"

#include "base/error.h"

namespace stretto {
namespace {

[[noreturn]] void wrong_kind(const char* op, const char* name, const char* wanted) {
  throw DTypeError(message(op, ": ", name, " is of the wrong kind: it must be ", wanted));
}

}  // namespace

const Value* Attributes::find(const char* name) const {
  for (const auto& [key, value] : values_)
    if (key == name) return std::holds_alternative<std::monostate>(value) ? nullptr : &value;
  return nullptr;
}

bool Attributes::boolean(const char* op, const char* name, bool otherwise) const {
  const Value* value = find(name);
  if (!value) return otherwise;
  if (const bool* b = std::get_if<bool>(value)) return *b;
  wrong_kind(op, name, "True or False");
}

std::int64_t Attributes::integer(const char* op, const char* name, std::int64_t otherwise) const {
  const Value* value = find(name);
  if (!value) return otherwise;
  if (const auto* i = std::get_if<std::int64_t>(value)) return *i;
  wrong_kind(op, name, "an integer");
}

double Attributes::number(const char* op, const char* name, double otherwise) const {
  const Value* value = find(name);
  if (!value) return otherwise;
  if (const auto* i = std::get_if<std::int64_t>(value)) return double(*i);
  if (const auto* d = std::get_if<double>(value)) return *d;
  wrong_kind(op, name, "a number");
}

std::string Attributes::text(const char* op, const char* name, const char* otherwise) const {
  const Value* value = find(name);
  if (!value) return otherwise;
  if (const auto* s = std::get_if<std::string>(value)) return *s;
  wrong_kind(op, name, "a string");
}

DType Attributes::dtype(const char* op, const char* name, DType otherwise) const {
  const Value* value = find(name);
  if (!value) return otherwise;
  if (const auto* d = std::get_if<DType>(value)) return *d;
  wrong_kind(op, name, "a dtype");
}

Ints Attributes::integers(const char* op, const char* name, int count, std::int64_t otherwise) const {
  const Value* value = find(name);
  if (!value) return Ints(count < 0 ? 0 : count, otherwise);
  if (const auto* i = std::get_if<std::int64_t>(value)) return Ints(count < 0 ? 1 : count, *i);
  const auto* many = std::get_if<Ints>(value);
  if (!many) wrong_kind(op, name, "an integer or a tuple of integers");
  if (count >= 0 && int(many->size()) != count)
    throw ShapeError(
        message(op, ": ", name, " has ", many->size(), " values; it must be one number or ", count));
  return *many;
}

}  // namespace stretto
