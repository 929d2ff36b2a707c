// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/exposition/process_metrics.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

#include "sparkfit/exposition/writer.h"

namespace sparkfit::exposition {
namespace {

using Value = std::optional<double>;

// The first number after `beginning`, on the line that begins so.
Value NumberAfter(const std::string& path, const std::string& beginning) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(beginning)) continue;
    std::istringstream rest(line.substr(beginning.size()));
    double number = 0;
    return rest >> number ? Value(number) : std::nullopt;
  }
  return std::nullopt;
}

// The fields of /proc/PID/stat by their numbers in proc(5).
class Stat {
 public:
  explicit Stat(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    // The name of the program stands in brackets, and may hold blanks and brackets itself.
    const auto name_end = line.rfind(')');
    if (name_end == std::string::npos) return;
    std::istringstream rest(line.substr(name_end + 1));
    std::string state;
    rest >> state;
    fields_.assign(std::istream_iterator<double>(rest), {});
  }

  [[nodiscard]] Value Field(std::size_t number) const {
    constexpr std::size_t kFirst = 4;  // after PID, name and state
    const auto at = number - kFirst;
    return at < fields_.size() ? Value(fields_[at]) : std::nullopt;
  }

 private:
  std::vector<double> fields_;
};

Value Times(Value value, double factor) { return value ? Value(*value * factor) : std::nullopt; }

Value Plus(Value one, Value other) { return one && other ? Value(*one + *other) : std::nullopt; }

Value CountEntries(const std::string& folder) {
  std::error_code error;
  auto entry = std::filesystem::directory_iterator(folder, error);
  double count = 0;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  return error ? std::nullopt : Value(count);
}

}  // namespace

ProcessMetrics::ProcessMetrics(std::string proc)
    : proc_(std::move(proc)), boot_(NumberAfter(proc_ + "/stat", "btime ")) {}

std::string ProcessMetrics::Text() const {
  constexpr int kUserTime = 14, kSystemTime = 15, kThreads = 20, kStart = 22, kVirtual = 23,
                kResident = 24;
  const double tick = 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  const Stat stat(proc_ + "/self/stat");
  Writer writer;
  const auto write = [&](const char* name, const char* help, const char* type, Value value) {
    if (!value) return;
    writer.Family(name, help, type);
    writer.Sample({}, *value);
  };
  write("process_cpu_seconds_total", "CPU time of the process, of user and system.", "counter",
        Times(Plus(stat.Field(kUserTime), stat.Field(kSystemTime)), tick));
  write("process_resident_memory_bytes", "Memory that the process has in RAM.", "gauge",
        Times(stat.Field(kResident), page));
  write("process_virtual_memory_bytes", "Addresses that the process has.", "gauge",
        stat.Field(kVirtual));
  write("process_open_fds", "Open files and connections.", "gauge",
        CountEntries(proc_ + "/self/fd"));
  write("process_max_fds", "How many may be open. No series: any number.", "gauge",
        NumberAfter(proc_ + "/self/limits", "Max open files"));
  write("process_threads", "Threads of the process.", "gauge", stat.Field(kThreads));
  write("process_start_time_seconds", "When the process started, in seconds since 1970.", "gauge",
        Plus(boot_, Times(stat.Field(kStart), tick)));
  return writer.Text();
}

}  // namespace sparkfit::exposition
