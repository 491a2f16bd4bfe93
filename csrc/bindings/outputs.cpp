#include "bindings/outputs.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/error.h"
#include "bindings/cupy.h"
#include "kernels/copy/copy.h"
#include "ops/arguments.h"

namespace stretto::bindings {
namespace {

// What an op computes into, and where the user wants it: the same array if that is possible.
struct Output {
  py::object array;
  ArrayView view;
  py::object wanted;  // None: the array itself
};

Output new_output(const ValueType& type, const DeviceCall* device, const py::object& wanted) {
  if (device) {
    if (!wanted.is_none()) device->refuse_capture();
    const py::object array = device->empty(type);
    return {array, device->view_of(array), wanted};
  }
  const py::array array = empty_array(type);
  return {array, view_of(array), wanted};
}

void check_cast(const Op& op, DType result, const py::dtype& out) {
  if (to_dtype(out) == result || can_cast(result, out)) return;
  throw DTypeError(message(op.name, ": cannot cast the result to out: the result is ", result, ", out is ",
                           py::str(out).cast<std::string>(), "; the casting rule is same_kind"));
}

struct Wanted {
  ArrayView view;
  bool takes_kernels;  // or a copy of the result alone
};

Wanted wanted_of(const Op& op, DType result, const py::object& out, const DeviceCall* device) {
  if (device) {
    ArrayView view = device->view_of_out(op, out);
    check_cast(op, result, to_numpy(view.dtype));
    return {view, true};
  }
  if (!py::isinstance<py::array>(out))
    throw DTypeError(message(op.name, ": out must be a NumPy array: it is ",
                             is_cupy_array(out)
                                 ? "a CuPy array, the operands are in host memory"
                                 : py::str(py::type::of(out).attr("__name__")).cast<std::string>()));
  const auto array = py::reinterpret_borrow<py::array>(out);
  if (!array.writeable()) throw ShapeError(message(op.name, ": output array is read-only"));
  check_cast(op, result, array.dtype());
  ArrayView view;
  view.dtype = to_dtype(array.dtype());
  // What no kernel writes may have elements of no size, or more dimensions than a view.
  if (view.dtype != DType::none && array.ndim() <= kMaxDims && !needs_copy(array))
    return {view_of(array), true};
  view.shape = shape_of(array);
  return {view, false};
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

Output output_for(const Op& op, ValueType type, std::span<const ArrayView> operands, const py::object& wanted,
                  const DeviceCall* device) {
  if (wanted.is_none()) return new_output(type, device, wanted);
  const auto [view, takes_kernels] = wanted_of(op, type.dtype, wanted, device);
  check_room(op, view.shape, type.shape);
  // A wider out of a 16-bit result skips the rounding to 16 bits.
  if (op.widens && is_16bit_float(type.dtype) && view.dtype == DType::f32) type.dtype = DType::f32;
  if (takes_kernels && view.dtype == type.dtype && view.shape == type.shape) {
    const auto is_apart = [&view = view](const ArrayView& operand) {
      return !operand.present() || !may_overlap(view, operand);
    };
    if (std::all_of(operands.begin(), operands.end(), is_apart)) return {wanted, view, wanted};
  }
  return new_output(type, device, wanted);
}

py::object finished(const Op& op, const Output& output, const DeviceCall* device) {
  if (output.wanted.is_none()) {
    // As NumPy does, a result without dimensions is a scalar; as CuPy does, on a device it is not.
    return device || output.view.shape.count > 0 ? output.array : py::object(output.array[py::tuple()]);
  }
  if (output.wanted.is(output.array)) return output.wanted;
  if (device) {
    const ArrayView out = device->view_of_out(op, output.wanted);
    copy(broadcast_to(output.view, out.shape), out);
  } else {
    copy_into(output.wanted, output.array);
  }
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
                        const py::object& out, const DeviceCall* device,
                        const std::function<void(std::span<ArrayView>)>& compute) {
  if (types.size() == 1 && !PyTuple_Check(out.ptr())) {
    Output output = output_for(op, types[0], operands, out, device);
    compute({&output.view, 1});
    return finished(op, output, device);
  }
  const py::tuple given = arrays_of(op, out, types.size());
  std::vector<Output> outputs;
  std::vector<ArrayView> views;
  for (std::size_t i = 0; i < types.size(); ++i) {
    outputs.push_back(output_for(op, types[i], operands, given[i], device));
    views.push_back(outputs.back().view);
  }
  compute(views);
  py::tuple results(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) results[i] = finished(op, outputs[i], device);
  return results.size() == 1 ? py::object(results[0]) : py::object(results);
}

}  // namespace stretto::bindings
