// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sparkfit::test {

// A plain connection to this machine, blocking.
class HttpSocket {
 public:
  explicit HttpSocket(std::uint16_t port, const char* from = "127.0.0.1")
      : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::inet_addr(from);
    const int later = 1;  // its port is chosen when it connects
    ::setsockopt(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &later, sizeof later);
    if (::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("bind");
    }
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("connect");
    }
  }
  ~HttpSocket() { ::close(descriptor_); }
  HttpSocket(const HttpSocket&) = delete;
  HttpSocket& operator=(const HttpSocket&) = delete;

  // False where the other side has left.
  [[nodiscard]] bool Offer(std::string_view text) const {
    while (!text.empty()) {
      const auto n = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  void Send(const std::string& text) const { (void)Offer(text); }

  // Everything until the other side closes.
  [[nodiscard]] std::string ReadAll() const {
    std::string text;
    std::array<char, 4096> buffer;
    for (;;) {
      const auto n = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
      if (n <= 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }

  // As many bytes, or fewer where the other side closes before.
  [[nodiscard]] std::string Read(std::size_t size) const {
    std::string text(size, '\0');
    const auto n = ::recv(descriptor_, text.data(), size, MSG_WAITALL);
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return text;
  }

  // Says that nothing more will come, and still listens.
  void FinishSending() const { ::shutdown(descriptor_, SHUT_WR); }

  [[nodiscard]] int Descriptor() const { return descriptor_; }

  std::string Ask(const std::string& text) const {
    Send(text);
    return ReadAll();
  }

 private:
  int descriptor_;
};

}  // namespace sparkfit::test
