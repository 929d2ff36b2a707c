// SPDX-License-Identifier: Apache-2.0
//
// A log that takes hours to write, by a process that may be killed at any moment and begun again:
// FILE holds what was written, FILE.resume how far it is good and what the writer knew by then. A
// writer that goes on from there leaves the same bytes as one that was never killed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "sparkfit/base/file.h"
#include "sparkfit/base/result.h"

namespace sparkfit::replay {

class ImportFile {
 public:
  using Arguments = std::map<std::string, std::string>;

  // Begins a file, gzip where its name ends in .gz, or goes on with one. `arguments` are what
  // decides about its bytes. kInvalidArgument where there is a file that is not ours to go on
  // with, was begun with other arguments or is not as we left it; kUnavailable where it cannot be
  // written or somebody else writes it.
  static base::Result<std::unique_ptr<ImportFile>> Open(const std::string& path,
                                                        const Arguments& arguments);
  ImportFile(const ImportFile&) = delete;
  ImportFile& operator=(const ImportFile&) = delete;
  // One that nothing was committed to, and is not finished, leaves nothing.
  ~ImportFile();

  // What the last Commit was given; empty for a new file.
  [[nodiscard]] const std::string& State() const { return state_; }

  // Not good before the next Commit. How the text is cut does not matter.
  base::Result<void> Append(std::string_view text);
  // All up to here is good, and `state` what its writer knows.
  base::Result<void> Commit(const std::string& state);
  // The file is complete.
  base::Result<void> Finish();
  // The file is of no use, and there is nothing to go on with. REQUIRES: nothing more is called.
  void Abandon();

 private:
  ImportFile(std::string path, Arguments arguments);

  base::Result<void> Take();
  base::Result<void> Check(const std::string& text);
  base::Result<void> WriteResume();
  base::Result<void> WritePiece(std::string_view text);
  [[nodiscard]] std::string ResumePath() const { return path_ + ".resume"; }

  std::string path_;
  Arguments arguments_;
  bool gzip_;
  base::Descriptor file_;
  std::uint64_t bytes_ = 0;
  std::uint64_t hash_;  // of these bytes
  std::string state_;
  std::string piece_;  // text that is not written yet
  bool ours_ = false;  // and not finished
};

}  // namespace sparkfit::replay
