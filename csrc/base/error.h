// The errors that reach the user, and the one way their text is put together.
#pragma once

#include <ostream>
#include <stdexcept>
#include <string>
#include <type_traits>

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

// One part of a message: a reference to it, and how it is written.
class MessagePart {
 public:
  MessagePart(const char* text) : value_(text), write_(write_text) {}
  template <class T>
    requires(!std::is_array_v<T>)
  MessagePart(const T& value)
      : value_(&value),
        write_([](std::ostream& os, const void* part) { os << *static_cast<const T*>(part); }) {}
  friend std::ostream& operator<<(std::ostream& os, const MessagePart& part) {
    part.write_(os, part.value_);
    return os;
  }

 private:
  static void write_text(std::ostream& os, const void* text) { os << static_cast<const char*>(text); }
  const void* value_;
  void (*write_)(std::ostream&, const void*);
};

std::string joined(const MessagePart* parts, int count);

// Form of every message: "op: what is wrong: the values; what would be right". One function joins the parts
// of all messages: a stream in each would be a kilobyte of code a message.
template <class... Parts>
std::string message(const Parts&... parts) {
  const MessagePart all[] = {parts...};
  return joined(all, int(sizeof...(parts)));
}

}  // namespace stretto
