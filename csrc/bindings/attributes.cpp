#include "bindings/attributes.h"

#include <ostream>

#include "base/error.h"
#include "bindings/arrays.h"

namespace stretto::bindings {
namespace {

// "op: name", the beginning of a message; text only when there is something to say.
struct Where {
  const char* op;
  const std::string& name;
  friend std::ostream& operator<<(std::ostream& os, const Where& where) {
    return os << where.op << ": " << where.name;
  }
};

bool is_integer_like(py::handle object) { return PyIndex_Check(object.ptr()) && !PyBool_Check(object.ptr()); }

std::int64_t to_integer(Where where, py::handle object) {
  const py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
  if (!index) throw py::error_already_set();
  const long long value = PyLong_AsLongLong(index.ptr());
  if (value == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    throw ShapeError(message(where, " is out of range: ", py::str(object).cast<std::string>(),
                             "; it must fit in 64 bits"));
  }
  return value;
}

Value sequence_to_value(Where where, const py::sequence& items) {
  if (items.size() == 2 && py::isinstance<py::str>(items[0]))
    return Named{items[0].cast<std::string>(), items[1].cast<double>()};
  bool all_integers = true, any_sequence = false;
  for (const auto& item : items) {
    all_integers &= is_integer_like(item);
    any_sequence |= py::isinstance<py::sequence>(item) && !py::isinstance<py::str>(item);
  }
  if (all_integers) {
    Ints ints;
    for (const auto& item : items) ints.push_back(to_integer(where, item));
    return ints;
  }
  if (any_sequence) {
    Pairs pairs;
    for (const auto& item : items) {
      const bool is_pair = py::isinstance<py::sequence>(item) && py::len(item) == 2;
      if (!is_pair)
        throw ShapeError(
            message(where, " is malformed: it must be a number, numbers, or (before, after) pairs"));
      const auto pair = py::reinterpret_borrow<py::sequence>(item);
      pairs.push_back({to_integer(where, py::object(pair[0])), to_integer(where, py::object(pair[1]))});
    }
    return pairs;
  }
  Floats floats;
  for (const auto& item : items) floats.push_back(item.cast<double>());
  return floats;
}

Value to_value(Where where, const std::string& key, py::handle object) {
  if (object.is_none()) return std::monostate{};
  if (key == "dtype" || py::isinstance<py::dtype>(object) || PyType_Check(object.ptr())) {
    const DType dtype = to_dtype(py::dtype::from_args(py::reinterpret_borrow<py::object>(object)));
    if (dtype == DType::none)
      throw DTypeError(message(where, " is not supported: ", py::str(object).cast<std::string>()));
    return dtype;
  }
  if (PyUnicode_Check(object.ptr())) return object.cast<std::string>();
  if (PyBool_Check(object.ptr())) return object.ptr() == Py_True;
  if (is_integer_like(object)) return to_integer(where, object);
  if (PyFloat_Check(object.ptr())) return PyFloat_AS_DOUBLE(object.ptr());
  if (py::isinstance<py::sequence>(object))
    return sequence_to_value(where, py::reinterpret_borrow<py::sequence>(object));
  if (PyNumber_Check(object.ptr())) return object.cast<double>();  // NumPy scalars
  throw DTypeError(
      message(where, " is of the wrong kind: ", py::str(py::type::of(object)).cast<std::string>()));
}

}  // namespace

Attributes to_attributes(const char* op, const py::dict& keywords) {
  Attributes attributes;
  for (const auto& [key, value] : keywords) {
    if (value.is_none()) continue;
    const std::string name = key.cast<std::string>();
    try {
      attributes.set(name, to_value({op, name}, name, value));
    } catch (const py::cast_error&) {
      throw DTypeError(
          message(op, ": ", name, " is of the wrong kind: ", py::str(value).cast<std::string>()));
    }
  }
  return attributes;
}

py::dict from_attributes(const Attributes& attributes) {
  py::dict keywords;
  for (const auto& [name, value] : attributes.values()) {
    keywords[py::str(name)] = std::visit(
        [](const auto& held) -> py::object {
          using T = std::decay_t<decltype(held)>;
          if constexpr (std::is_same_v<T, std::monostate>) {
            return py::none();
          } else if constexpr (std::is_same_v<T, Ints> || std::is_same_v<T, Floats>) {
            py::tuple items(held.size());
            for (std::size_t i = 0; i < held.size(); ++i) items[i] = held[i];
            return py::object(items);
          } else if constexpr (std::is_same_v<T, Pairs>) {
            py::tuple items(held.size());
            for (std::size_t i = 0; i < held.size(); ++i) items[i] = py::make_tuple(held[i][0], held[i][1]);
            return py::object(items);
          } else if constexpr (std::is_same_v<T, Named>) {
            return py::make_tuple(held.name, held.parameter);
          } else if constexpr (std::is_same_v<T, DType>) {
            return py::str(name_of(held));
          } else {
            return py::cast(held);
          }
        },
        value);
  }
  return keywords;
}

}  // namespace stretto::bindings
