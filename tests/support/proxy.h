// SPDX-License-Identifier: Apache-2.0
//
// A proxy on this machine: one connection after the other, to one server whatever it is asked for.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "loopback.h"

namespace sparkfit::test {

class Proxy {
 public:
  // Everything goes to that port of this machine; `refusal` is answered instead, where given.
  explicit Proxy(int server, std::string refusal = "")
      : server_(server), refusal_(std::move(refusal)) {
    port = listener_.Port();
    thread_ = std::thread([this] { Accept(); });
  }

  ~Proxy() {
    listener_.Shutdown();
    thread_.join();
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // What it was asked, the header of each connection.
  std::vector<std::string> Asked() {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }

  int port = 0;

 private:
  void Accept() {
    for (;;) {
      const int client = listener_.Accept();
      if (client < 0) return;
      Serve(client);
      ::close(client);
    }
  }

  void Serve(int client) {
    std::string header;
    std::array<char, 4096> buffer{};
    while (header.find("\r\n\r\n") == std::string::npos) {
      const auto n = ::recv(client, buffer.data(), buffer.size(), 0);
      if (n <= 0) return;
      header.append(buffer.data(), static_cast<std::size_t>(n));
    }
    {
      const std::scoped_lock lock(mutex_);
      asked_.push_back(header);
    }
    if (!refusal_.empty()) {
      Send(client, refusal_);
      return;
    }
    const int server = ::socket(AF_INET, SOCK_STREAM, 0);
    auto address = Loopback(server_);
    if (::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      if (header.starts_with("CONNECT ")) {
        Send(client, "HTTP/1.1 200 Connection established\r\n\r\n");
      } else {
        Send(server, header);
      }
      Pass(client, server);
    }
    ::close(server);
  }

  // Both ways, until one has nothing more to say.
  static void Pass(int client, int server) {
    std::array<pollfd, 2> ends{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
    std::array<char, 4096> buffer{};
    while (::poll(ends.data(), ends.size(), 10'000) > 0) {
      for (std::size_t i = 0; i < ends.size(); ++i) {
        if (ends[i].revents == 0) continue;
        const auto n = ::recv(ends[i].fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) return;
        Send(ends[1 - i].fd, {buffer.data(), static_cast<std::size_t>(n)});
      }
    }
  }

  static void Send(int to, std::string_view text) {
    while (!text.empty()) {
      const auto n = ::send(to, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  int server_;
  std::string refusal_;
  Listener listener_;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<std::string> asked_;
};

}  // namespace sparkfit::test
