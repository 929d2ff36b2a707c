// SPDX-License-Identifier: Apache-2.0
//
// Sockets of this machine.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

namespace sparkfit::test {

inline sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Listens at a port of the system's choice. Throws std::runtime_error where it cannot.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    auto address = Loopback(0);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, generic, size) != 0 || ::listen(socket_, 16) != 0) {
      throw std::runtime_error("listen");
    }
    ::getsockname(socket_, generic, &size);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] int Port() const { return port_; }
  // The next connection; negative once the listener is shut down.
  [[nodiscard]] int Accept() const { return ::accept(socket_, nullptr, nullptr); }
  void Shutdown() const { ::shutdown(socket_, SHUT_RDWR); }

 private:
  int socket_;
  int port_ = 0;
};

}  // namespace sparkfit::test
