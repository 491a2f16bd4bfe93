#include "base/error.h"

#include <sstream>

namespace stretto {

std::string joined(const MessagePart* parts, int count) {
  std::ostringstream os;
  for (int i = 0; i < count; ++i) os << parts[i];
  return os.str();
}

}  // namespace stretto
