// SPDX-License-Identifier: Apache-2.0
//
// Files that commands write. A link is never followed: whoever may write in a folder could lead
// what is written elsewhere. What is there already is only lost where somebody asked for it.
//
// Errors: kInvalidArgument where a file stands in the way, kUnavailable with the system's reason
// else; the path comes first.
#pragma once

#include <string>
#include <string_view>

#include "sparkfit/base/result.h"

namespace sparkfit::base {

// An open file, closed with this object.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;

  [[nodiscard]] int Get() const { return number_; }

 private:
  int number_ = -1;
};

// Opens as open(2) does, but no link, and not for processes that are started; new files are
// readable by all.
Result<Descriptor> OpenFile(const std::string& path, int flags);

// All of it, however often it takes.
Result<void> WriteAll(int descriptor, std::string_view bytes, const std::string& path);

// Fails where something of that name is there, but for a plain file that may be replaced (`force`).
// For a command that works for long before it writes.
Result<void> CheckFree(const std::string& path, bool force);

// The whole file. It is written beside and renamed, so that there is always the old one or the new
// one, which a crash does not undo. `force`: a plain file that is there is replaced.
Result<void> ReplaceFile(const std::string& path, std::string_view bytes, bool force);

// To write at the end of a file. One that is there has to begin with `beginning`, else it is
// somebody else's; one that was cut off within a line is given its end.
Result<Descriptor> ContinueFile(const std::string& path, std::string_view beginning);

}  // namespace sparkfit::base
