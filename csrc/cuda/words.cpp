#include <string>

#include "cuda/launch.h"

namespace stretto {

const char* kept_words(const char* op, const char* what) {
  static thread_local std::string text;
  text = std::string(op) + ": " + what;
  return text.c_str();
}

}  // namespace stretto
