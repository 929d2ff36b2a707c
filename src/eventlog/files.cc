// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "sparkfit/base/text.h"

namespace sparkfit::eventlog {
namespace {

namespace fs = std::filesystem;
using base::Code;
using base::Result;
using replay::Problems;

constexpr std::string_view kRolling = "eventlog_v2_";
constexpr std::string_view kPart = "events_";
constexpr std::string_view kStatus = "appstatus_";
constexpr std::string_view kCompacted = ".compact";
// A rollover's folder, as Databricks leaves it: the latest part, and the ones before with a date.
constexpr std::string_view kLatestPart = "eventlog";
constexpr int kDeepest = 8;

struct Entry {
  fs::path path;
  std::string name;
  bool folder = false;
  std::uint64_t bytes = 0;
};

// What cannot be listed is told, and is empty. Links to folders are not followed: they may lead in
// a circle.
std::vector<Entry> Entries(const fs::path& folder, Problems& problems) {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    const bool is_folder = entry->is_directory(ignored) && !entry->is_symlink(ignored);
    if (!is_folder && !entry->is_regular_file(ignored)) continue;
    const auto size = is_folder ? 0 : entry->file_size(ignored);
    entries.push_back({entry->path(), entry->path().filename(), is_folder, ignored ? 0 : size});
  }
  if (error) problems.Add(folder, 0, error.message());
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

// The number of a rolling log's part: events_<n>_<name>.
std::optional<std::uint64_t> NumberOf(std::string_view name) {
  if (!name.starts_with(kPart)) return std::nullopt;
  name.remove_prefix(kPart.size());
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || stop == name.data() + name.size() || *stop != '_') {
    return std::nullopt;
  }
  return number;
}

struct Part {
  std::uint64_t number;
  bool compacted;
  const Entry* entry;
};

LogFiles RollingLog(const fs::path& folder, const std::vector<Entry>& entries, Problems& problems) {
  std::vector<Part> parts;
  for (const auto& entry : entries) {
    const auto number = entry.folder ? std::nullopt : NumberOf(entry.name);
    if (number) parts.push_back({*number, entry.name.ends_with(kCompacted), &entry});
  }
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return a.number != b.number ? a.number < b.number : a.compacted < b.compacted;
  });
  const auto latest =
      std::find_if(parts.rbegin(), parts.rend(), [](const Part& part) { return part.compacted; });
  LogFiles log{folder, {}, 0, latest != parts.rend()};
  if (log.partial) parts.erase(parts.begin(), latest.base() - 1);
  auto next = log.partial || parts.empty() ? 0 : std::uint64_t{1};
  for (const auto& part : parts) {
    if (next > 0 && part.number != next) {
      problems.Add(folder, 0, fmt::format("part {} is missing, and what it told", next));
    }
    next = part.number + 1;
    log.parts.push_back(part.entry->path);
    log.bytes += part.entry->bytes;
  }
  return log;
}

LogFiles RolledOver(const fs::path& folder, const std::vector<Entry>& entries) {
  LogFiles log{folder, {}, 0, false};
  std::string latest;
  for (const auto& entry : entries) {  // dates are in order of their text
    if (entry.folder || !entry.name.starts_with(kLatestPart)) continue;
    log.bytes += entry.bytes;
    if (entry.name == kLatestPart) {
      latest = entry.path;
    } else {
      log.parts.push_back(entry.path);
    }
  }
  log.parts.push_back(latest);
  return log;
}

class Finder {
 public:
  explicit Finder(Problems& problems) : problems_(problems) {}

  void Folder(const fs::path& folder, int depth) {
    const auto entries = Entries(folder, problems_);
    const auto any = [&](auto&& is) { return std::any_of(entries.begin(), entries.end(), is); };
    if (any([](const Entry& entry) { return !entry.folder && NumberOf(entry.name); })) {
      logs_.push_back(RollingLog(folder, entries, problems_));
    } else if (any([](const Entry& entry) { return !entry.folder && entry.name == kLatestPart; })) {
      logs_.push_back(RolledOver(folder, entries));
    } else if (folder.filename().string().starts_with(kRolling)) {
      problems_.Add(folder, 0, "a rolling log without a part");
    } else {
      Each(folder, entries, depth);
    }
  }

  std::vector<LogFiles> Take() { return std::move(logs_); }
  void Add(LogFiles log) { logs_.push_back(std::move(log)); }

 private:
  void Each(const fs::path& folder, const std::vector<Entry>& entries, int depth) {
    for (const auto& entry : entries) {
      const bool other = entry.name.starts_with('.') || entry.name.starts_with(kStatus);
      if (other) continue;
      if (!entry.folder) {
        Add({entry.path, {entry.path}, entry.bytes, false});
      } else if (depth < kDeepest) {
        Folder(entry.path, depth + 1);
      } else {
        problems_.Add(folder, 0, fmt::format("folders are read {} deep", kDeepest));
      }
    }
  }

  Problems& problems_;
  std::vector<LogFiles> logs_;
};

}  // namespace

std::string LogFiles::BaseName() const {
  auto base = fs::path(name).filename().string();
  if (base.starts_with(kRolling)) base.erase(0, kRolling.size());
  return base.substr(0, base.find('.'));
}

Result<std::vector<LogFiles>> FindLogs(const std::vector<std::string>& paths, Problems& problems) {
  Finder finder(problems);
  for (const auto& path : paths) {
    std::error_code error;
    const auto status = path == "-" ? fs::file_status() : fs::status(path, error);
    if (path != "-" && !fs::exists(status)) {
      return base::Fail(Code::kNotFound, fmt::format("{}: there is no such file or folder", path));
    }
    if (fs::is_directory(status)) {
      finder.Folder(path, 0);
    } else {
      const auto size = path == "-" ? 0 : fs::file_size(path, error);
      finder.Add({path, {path}, error ? 0 : size, path.ends_with(kCompacted)});
    }
  }
  return finder.Take();
}

}  // namespace sparkfit::eventlog
