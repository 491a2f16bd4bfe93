// The errors that reach the user, and the one way their text is put together.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#include "base/array_view.h"

namespace stretto {

struct ShapeError : std::invalid_argument {  // ValueError
  using std::invalid_argument::invalid_argument;
};
struct DTypeError : std::runtime_error {  // TypeError
  using std::runtime_error::runtime_error;
};
struct NoKernelError : std::runtime_error {  // NotImplementedError
  using std::runtime_error::runtime_error;
};
struct DeviceError : std::runtime_error {  // RuntimeError: a kernel could not be put on its device
  using std::runtime_error::runtime_error;
};
struct Interrupted : std::exception {  // the caller's pending signal was seen: KeyboardInterrupt
  const char* what() const noexcept override { return "interrupted"; }
};
struct Cancelled : Interrupted {};  // somebody asked for it: concurrent.futures.CancelledError

inline std::ostream& operator<<(std::ostream& os, const Dims& dims) {
  os << '(';
  for (int i = 0; i < dims.count; ++i) os << (i ? ", " : "") << dims[i];
  return os << (dims.count == 1 ? ",)" : ")");
}
inline std::ostream& operator<<(std::ostream& os, DType dtype) { return os << name_of(dtype); }

// Form of every message: "op: what is wrong: the values; what would be right".
template <class... Parts>
std::string message(const Parts&... parts) {
  std::ostringstream os;
  (os << ... << parts);
  return os.str();
}

}  // namespace stretto
