// The published cases of python/stretto/bench/shapes.json.
#pragma once

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ops/op.h"

namespace stretto::bench {

// As much of JSON as that file has.
struct Json {
  std::string text;
  double number = 0;
  bool whole = false;
  std::vector<Json> items;
  std::vector<std::pair<std::string, Json>> members;
};

class Reader {
 public:
  explicit Reader(const std::string& text) : at_(text.c_str()) {}

  Json value() {
    Json json;
    switch (next()) {
      case '{':
        for (++at_; next() != '}'; skip(',')) {
          std::string key = string();
          skip(':');
          json.members.emplace_back(std::move(key), value());
        }
        ++at_;
        break;
      case '[':
        for (++at_; next() != ']'; skip(',')) json.items.push_back(value());
        ++at_;
        break;
      case '"':
        json.text = string();
        break;
      default: {
        char* end;
        json.number = std::strtod(at_, &end);
        if (end == at_) throw std::runtime_error("cases: not a value: " + std::string(at_).substr(0, 20));
        json.whole = std::string(at_, std::size_t(end - at_)).find_first_of(".eE") == std::string::npos;
        at_ = end;
      }
    }
    return json;
  }

 private:
  char next() {
    while (std::isspace(static_cast<unsigned char>(*at_))) ++at_;
    return *at_;
  }
  void skip(char separator) {
    if (next() == separator) ++at_;
  }
  std::string string() {
    next();
    const char* begin = ++at_;
    while (*at_ && *at_ != '"') ++at_;
    std::string text(begin, std::size_t(at_ - begin));
    if (*at_) ++at_;
    return text;
  }

  const char* at_;
};

struct Case {
  std::string op, name;
  std::vector<Dims> shapes;
  Attributes attributes;
  bool weight_is_constant = false;  // the second input may be prepacked
};

inline Dims to_dims(const Json& json) {
  Dims dims;
  for (const Json& size : json.items) dims.push(std::int64_t(size.number));
  return dims;
}

inline Value to_value(const Json& json) {
  if (!json.text.empty()) return json.text;
  if (json.items.empty()) return json.whole ? Value(std::int64_t(json.number)) : Value(json.number);
  Ints numbers;
  for (const Json& item : json.items) numbers.push_back(std::int64_t(item.number));
  return numbers;
}

inline Case to_case(const std::string& group, const std::string& name, const std::vector<Json>& row) {
  Case result{.op = "matmul", .name = name, .shapes = {}, .attributes = {}};
  if (group == "elementwise") {
    result.op = row[0].text;
    for (const Json& shape : row[1].items) result.shapes.push_back(to_dims(shape));
    for (const auto& [key, option] : row[2].members) result.attributes.set(key, to_value(option));
    return result;
  }
  result.shapes = {to_dims(row[0]), to_dims(row[1])};
  if (group != "conv") return result;
  result.op = "conv" + std::to_string(result.shapes[0].count - 2) + "d";
  result.weight_is_constant = true;
  const char* const keys[] = {"stride", "padding", "dilation", "groups"};
  for (int i = 0; i < 4; ++i) result.attributes.set(keys[i], to_value(row[std::size_t(2 + i)]));
  return result;
}

inline std::vector<Case> published_cases(const char* path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) throw std::runtime_error("cases: cannot read " + std::string(path));
  std::vector<Case> cases;
  for (const auto& [group, rows] : Reader(text).value().members)
    for (const auto& [name, row] : rows.members) cases.push_back(to_case(group, name, row.items));
  return cases;
}

}  // namespace stretto::bench
