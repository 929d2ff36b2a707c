// SPDX-License-Identifier: Apache-2.0
//
// A small HTTP/1.1 listener for metrics and health. Everything that a client sends is limited, in
// size and in time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sparkfit/base/result.h"
#include "sparkfit/base/time.h"

namespace sparkfit::serve {

struct Request {
  std::string path;  // without the query
  std::string query;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Answers a GET or HEAD, on the server's thread: it must not block. What it throws is a 500.
using Handler = std::function<Response(const Request&)>;

struct ServerOptions {
  std::string address = "::";  // every address, IPv4 too
  std::uint16_t port = 8080;   // 0: any that is free
  std::size_t largest_header = std::size_t{16} << 10;
  base::Duration header_timeout = std::chrono::seconds(10);
  base::Duration idle_timeout = std::chrono::seconds(30);
  base::Duration write_timeout = std::chrono::seconds(10);
  std::size_t most_connections = 256;  // one more is closed at once
};

class Server {
 public:
  // Listens from now on. kUnavailable where the address cannot be had.
  static base::Result<std::unique_ptr<Server>> Start(const ServerOptions& options, Handler handler);
  virtual ~Server() = default;  // closes every connection

  [[nodiscard]] virtual std::uint16_t Port() const = 0;
};

}  // namespace sparkfit::serve
