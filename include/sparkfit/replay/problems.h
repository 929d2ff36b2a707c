// SPDX-License-Identifier: Apache-2.0
//
// What could not be read of foreign files: counted in full, the first ones kept to be shown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sparkfit::replay {

class Problems {
 public:
  static constexpr std::size_t kShown = 10;

  // `line` 0: the file as a whole.
  void Add(const std::string& file, std::uint64_t line, const std::string& message);
  // Those of another file, behind these.
  void Add(const Problems& others);

  [[nodiscard]] std::uint64_t Count() const { return count_; }
  [[nodiscard]] const std::vector<std::string>& Shown() const { return shown_; }

 private:
  std::uint64_t count_ = 0;
  std::vector<std::string> shown_;
};

}  // namespace sparkfit::replay
