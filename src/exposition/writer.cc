// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/exposition/writer.h"

#include <array>
#include <charconv>
#include <cmath>

namespace sparkfit::exposition {
namespace {

void AppendEscaped(std::string& out, std::string_view text, bool quoted) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quoted) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void AppendNumber(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 32> digits;
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out.append(digits.data(), result.ptr);
  }
}

}  // namespace

void Writer::Family(std::string_view name, std::string_view help, std::string_view type) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ");
  AppendEscaped(text_, help, false);
  text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Writer::Sample(const std::vector<Label>& labels, double value) {
  text_ += name_;
  char separator = '{';
  for (const auto& label : labels) {
    text_ += separator;
    separator = ',';
    text_.append(label.name).append("=\"");
    AppendEscaped(text_, label.value, true);
    text_ += '"';
  }
  if (separator == ',') text_ += '}';
  text_ += ' ';
  AppendNumber(text_, value);
  text_ += '\n';
}

}  // namespace sparkfit::exposition
