#include "bindings/outputs.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/error.h"

namespace stretto::bindings {
namespace {

// What an op computes into, and where the user wants it: the same array if that is possible.
struct Output {
  py::array array;
  py::object wanted;  // None: the array itself
};

void check_out(const Op& op, DType result, const py::object& out) {
  if (!py::isinstance<py::array>(out))
    throw DTypeError(message(op.name, ": out must be a NumPy array: it is ",
                             py::str(py::type::of(out).attr("__name__")).cast<std::string>()));
  const auto array = py::reinterpret_borrow<py::array>(out);
  if (!array.writeable()) throw ShapeError(message(op.name, ": output array is read-only"));
  if (to_dtype(array.dtype()) == result) return;
  if (!can_cast(result, array))
    throw DTypeError(message(op.name, ": cannot cast the result to out: the result is ", result, ", out is ",
                             py::str(array.dtype()).cast<std::string>(), "; the casting rule is same_kind"));
}

void check_room(const Op& op, const Dims& room, const Dims& shape) {
  bool fits = room.count >= shape.count;
  for (int d = 0; fits && d < shape.count; ++d) fits = room.last(d) == shape.last(d);
  if (!fits)
    throw ShapeError(message(op.name, ": out has the wrong shape: out is ", room, "; the result is ", shape));
}

struct Extent {
  const std::byte *begin, *end;
};

Extent extent_of(const ArrayView& view) {
  std::int64_t low = 0, high = 1;
  for (int d = 0; d < view.shape.count; ++d) {
    const std::int64_t span = (view.shape[d] - 1) * view.strides[d];
    (span < 0 ? low : high) += span;
  }
  const auto* const data = static_cast<const std::byte*>(view.data);
  const std::int64_t size = itemsize(view.dtype);
  return {data + low * size, data + high * size};
}

// By the bounds of their bytes, as np.may_share_memory.
bool may_overlap(const ArrayView& a, const ArrayView& b) {
  if (a.size() == 0 || b.size() == 0) return false;
  const Extent x = extent_of(a), y = extent_of(b);
  return x.begin < y.end && y.begin < x.end;
}

Output output_for(const Op& op, ValueType type, std::span<const ArrayView> operands,
                  const py::object& wanted) {
  if (wanted.is_none()) return {empty_array(type), wanted};
  check_out(op, type.dtype, wanted);
  auto array = py::reinterpret_borrow<py::array>(wanted);
  const Dims room = shape_of(array);
  check_room(op, room, type.shape);
  const DType dtype = to_dtype(array.dtype());
  // A wider out of a 16-bit result skips the rounding to 16 bits.
  if (op.widens && is_16bit_float(type.dtype) && dtype == DType::f32) type.dtype = DType::f32;
  const bool has_shape = array.ndim() == type.shape.count && room == type.shape;
  if (dtype == type.dtype && has_shape && !needs_copy(array)) {
    const ArrayView view = view_of(array);
    const auto is_apart = [&](const ArrayView& operand) {
      return !operand.present() || !may_overlap(view, operand);
    };
    if (std::all_of(operands.begin(), operands.end(), is_apart)) return {std::move(array), wanted};
  }
  return {empty_array(type), wanted};
}

py::object finished(const Output& output) {
  if (output.wanted.is_none()) {
    // As NumPy does, a result without dimensions is a scalar.
    return output.array.ndim() == 0 ? py::object(output.array[py::tuple()]) : py::object(output.array);
  }
  if (!output.wanted.is(output.array)) copy_into(output.wanted, output.array);
  return output.wanted;
}

// The arrays of `out`, one for each result.
py::tuple arrays_of(const Op& op, const py::object& out, std::size_t results) {
  py::tuple given(results);
  if (out.is_none() || !py::isinstance<py::tuple>(out)) {
    for (std::size_t i = 0; i < results; ++i) given[i] = i == 0 ? out : py::none();
    return given;
  }
  given = py::reinterpret_borrow<py::tuple>(out);
  if (given.size() != results)
    throw ShapeError(
        message(op.name, ": out has ", given.size(), " arrays; the op has ", results, " outputs"));
  return given;
}

}  // namespace

py::object with_outputs(const Op& op, const Types& types, std::span<const ArrayView> operands,
                        const py::object& out, const std::function<void(std::span<ArrayView>)>& compute) {
  if (types.size() == 1 && !PyTuple_Check(out.ptr())) {
    const Output output = output_for(op, types[0], operands, out);
    ArrayView view = view_of(output.array);
    compute({&view, 1});
    return finished(output);
  }
  const py::tuple given = arrays_of(op, out, types.size());
  std::vector<Output> outputs;
  std::vector<ArrayView> views;
  for (std::size_t i = 0; i < types.size(); ++i) {
    outputs.push_back(output_for(op, types[i], operands, given[i]));
    views.push_back(view_of(outputs.back().array));
  }
  compute(views);
  py::tuple results(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) results[i] = finished(outputs[i]);
  return results.size() == 1 ? py::object(results[0]) : py::object(results);
}

}  // namespace stretto::bindings
