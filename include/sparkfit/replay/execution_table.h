// SPDX-License-Identifier: Apache-2.0
//
// A table of executions, the input of a backtest: TSV with the columns
//   workflow process signature submit_epoch_s complete_epoch_s request_bytes peak_rss_bytes
//   runtime_hours input_bytes
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/result.h"
#include "sparkfit/base/time.h"
#include "sparkfit/replay/line_reader.h"
#include "sparkfit/replay/problems.h"

namespace sparkfit::replay {

inline constexpr std::uint32_t kNoFamily = std::numeric_limits<std::uint32_t>::max();

struct Execution {
  base::Time submitted;
  base::Time completed;
  base::Bytes request;
  base::Bytes peak;
  double runtime_hours;
  std::uint32_t key;                 // index of its workflow and signature
  std::uint32_t family = kNoFamily;  // index of its workflow and the signature before '|'
};

class ExecutionTable {
 public:
  ExecutionTable() = default;
  ExecutionTable(ExecutionTable&&) = default;
  ExecutionTable& operator=(ExecutionTable&&) = default;

  // Adds the rows of a file. Fails where the header lacks a column; a row that cannot be
  // understood (a negative or absent amount, a time that is none) is counted and left out.
  base::Result<void> Read(const std::string& name, std::unique_ptr<ByteSource> source,
                          const std::function<void(std::uint64_t)>& progress);

  // In order of submit time, ties in file order. Call once after the last Read.
  void Sort();

  [[nodiscard]] const std::vector<Execution>& Executions() const { return executions_; }
  // How many keys there are: distinct pairs of workflow and signature.
  [[nodiscard]] std::size_t KeyCount() const { return keys_.size(); }
  // A key's workflow and signature.
  [[nodiscard]] std::pair<std::string_view, std::string_view> NameOf(std::uint32_t key) const;
  // How many families there are; a signature without '|' has none.
  [[nodiscard]] std::size_t FamilyCount() const { return families_.size(); }
  [[nodiscard]] const Problems& GetProblems() const { return problems_; }

 private:
  struct Columns;

  using Names = std::unordered_map<std::string, std::uint32_t>;

  std::uint32_t KeyOf(std::string_view workflow, std::string_view signature);
  std::uint32_t IndexIn(Names& names, std::string_view workflow, std::string_view name);
  base::Result<Execution> ParseRow(std::string_view line, const Columns& columns);

  std::vector<Execution> executions_;
  Names keys_;
  std::vector<std::string_view> key_names_;  // as in keys_, which never moves a name
  Names families_;
  std::string scratch_;
  Problems problems_;
};

}  // namespace sparkfit::replay
