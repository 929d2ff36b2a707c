// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>

#include "sparkfit/base/file.h"
#include "sparkfit/base/json.h"
#include "sparkfit/base/text.h"
#include "sparkfit/kube/config.h"

extern char** environ;

namespace sparkfit::kube {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr std::size_t kMostOutput = std::size_t{1} << 20;
constexpr std::size_t kLongestHint = 500;

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> EnvironmentOf(const ExecPlugin& plugin) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  for (const auto& [name, value] : plugin.environment) {
    const auto prefix = name + "=";
    std::erase_if(all, [&](const std::string& entry) { return entry.starts_with(prefix); });
    all.push_back(name + "=" + value);
  }
  nlohmann::json info{{"apiVersion", plugin.api_version},
                      {"kind", "ExecCredential"},
                      {"spec", {{"interactive", false}}}};
  if (!plugin.cluster.empty()) info["spec"]["cluster"] = base::ParseJson(plugin.cluster);
  all.push_back("KUBERNETES_EXEC_INFO=" +
                info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return all;
}

// Ready to be read after so long.
Result<base::Descriptor> TimerOf(base::Duration limit) {
  base::Descriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(limit);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = std::chrono::nanoseconds(limit - seconds).count();
  if (::timerfd_settime(timer.Get(), 0, &when, nullptr) != 0) {
    return Fail(Code::kUnavailable, "no timer");
  }
  return timer;
}

// Until there is something to be read; false where the time is over before.
bool WaitFor(int descriptor, const base::Descriptor& timer) {
  std::array<pollfd, 2> ready{{{descriptor, POLLIN, 0}, {timer.Get(), POLLIN, 0}}};
  while (::poll(ready.data(), ready.size(), -1) < 0) {
    if (errno != EINTR) return false;
  }
  return ready[1].revents == 0;
}

// Everything the process prints, until it closes its output.
Result<std::string> ReadAll(int descriptor, const base::Descriptor& timer) {
  std::string text;
  std::array<char, 4096> buffer;
  while (WaitFor(descriptor, timer)) {
    const auto count = ::read(descriptor, buffer.data(), buffer.size());
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > kMostOutput) return Fail(Code::kUnavailable, "it prints without end");
  }
  return Fail(Code::kUnavailable, "it took too long");
}

// Its exit code; ended where it takes too long.
int ExitOf(pid_t child, const base::Descriptor& timer) {
  const base::Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  if (process.Get() >= 0 && !WaitFor(process.Get(), timer)) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Result<std::string> Output(const ExecPlugin& plugin) {
  const auto timer = TimerOf(plugin.limit);
  if (!timer) return tl::unexpected<base::Error>(timer.error());
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return Fail(Code::kUnavailable, "no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  std::vector<std::string> words = plugin.arguments;
  words.insert(words.begin(), plugin.command);
  auto environment = EnvironmentOf(plugin);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, plugin.command.c_str(), &actions, nullptr,
                                    Pointers(words).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (failed != 0) {
    ::close(ends[0]);
    return Fail(Code::kUnavailable,
                plugin.install_hint.empty()
                    ? "it could not be started; is it installed?"
                    : "it could not be started: " +
                          base::Printable(base::Beginning(plugin.install_hint, kLongestHint)));
  }
  auto text = ReadAll(ends[0], *timer);
  ::close(ends[0]);
  if (!text) ::kill(child, SIGKILL);
  const int exit = ExitOf(child, *timer);
  if (text && exit != 0) return Fail(Code::kUnavailable, "it failed");
  return text;
}

}  // namespace

Result<ExecCredential> ParseExecCredential(const std::string& text) {
  const auto json = base::ParseJson(text);
  const auto status = json.is_object() ? json.value("status", nlohmann::json()) : nlohmann::json();
  const auto member = [&](const char* name) -> std::string {
    const bool there = status.is_object() && status.contains(name) && status[name].is_string();
    return there ? status[name].get<std::string>() : "";
  };
  ExecCredential credential;
  credential.login.token = member("token");
  const ClientPair pair{member("clientCertificateData"), member("clientKeyData")};
  if (pair.certificate.empty() != pair.key.empty()) {
    return Fail(Code::kUnavailable,
                "it printed a client certificate without its key, or a key alone");
  }
  if (!pair.certificate.empty()) {
    credential.login.client = std::make_shared<const ClientPair>(pair);
  } else if (credential.login.token.empty()) {
    return Fail(Code::kUnavailable,
                "it printed no ExecCredential with a status.token or a client certificate");
  }
  if (const auto time = base::ParseTime(member("expirationTimestamp"))) credential.expires = *time;
  return credential;
}

Result<ExecCredential> RunExecPlugin(const ExecPlugin& plugin) {
  const auto context = "credential plugin " + plugin.command;
  auto text = Output(plugin);
  if (!text) return Fail(context, text.error());
  auto credential = ParseExecCredential(*text);
  if (!credential) return Fail(context, credential.error());
  return credential;
}

}  // namespace sparkfit::kube
