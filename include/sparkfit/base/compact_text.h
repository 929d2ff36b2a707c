// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>

namespace sparkfit::base {

// A text that is kept for long and never edited, in a pointer and its own length: std::string has
// four times that and room to grow, which tens of thousands of ids at rest do not need. Ends
// before its first NUL.
class CompactText {
 public:
  CompactText() = default;
  explicit CompactText(std::string_view text)
      : text_(text.empty() ? nullptr : std::make_unique<char[]>(text.size() + 1)) {
    std::copy(text.begin(), text.end(), text_.get());
  }
  CompactText(const CompactText& other) : CompactText(other.View()) {}
  CompactText(CompactText&&) noexcept = default;
  CompactText& operator=(CompactText other) noexcept {
    text_.swap(other.text_);
    return *this;
  }
  ~CompactText() = default;

  [[nodiscard]] std::string_view View() const { return text_ ? text_.get() : std::string_view{}; }

  friend bool operator==(const CompactText& a, std::string_view b) { return a.View() == b; }

 private:
  std::unique_ptr<char[]> text_;
};

}  // namespace sparkfit::base
