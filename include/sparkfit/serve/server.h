// SPDX-License-Identifier: Apache-2.0
//
// A small HTTP/1.1 listener for metrics, health and the webhook, with TLS or without. Everything
// that a client sends is limited, in size and in time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sparkfit/base/result.h"
#include "sparkfit/base/time.h"
#include "sparkfit/tls/certificates.h"

namespace sparkfit::serve {

struct Request {
  std::string method;  // GET, HEAD or POST
  std::string path;    // without the query
  std::string query;
  std::string body;
};

// A text to answer with. Copies share it: it is kept once for all who are sent it, and compressed
// once. For one thread at a time.
class Body {
 public:
  Body(std::string text = "");  // NOLINT(google-explicit-constructor): a text is a body
  Body(const char* text) : Body(std::string(text)) {}  // NOLINT(google-explicit-constructor)
  explicit Body(std::shared_ptr<const std::string> text);

  [[nodiscard]] const std::shared_ptr<const std::string>& Plain() const { return kept_->plain; }
  // Made at the first call.
  [[nodiscard]] const std::shared_ptr<const std::string>& Gzip() const;

 private:
  struct Kept {
    std::shared_ptr<const std::string> plain;
    std::shared_ptr<const std::string> gzip;
  };
  std::shared_ptr<Kept> kept_;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  Body body{};
};

// Answers a request, on the server's thread: it must not block. What it throws is a 500.
using Handler = std::function<Response(const Request&)>;

struct ServerOptions {
  std::string address = "::";  // every address, IPv4 too
  std::uint16_t port = 8080;   // 0: any that is free
  bool tls = false;            // 1.2 or newer, without certificates of clients
  std::size_t largest_header = std::size_t{16} << 10;
  std::size_t largest_body = 0;  // 0: no body and no POST is wanted
  // Bytes of all bodies that are being received: with more, the largest is given up.
  std::size_t most_bodies = std::size_t{32} << 20;
  // Bytes of all answers that are being sent, a text that several are sent counted once: with more,
  // who has been sent one for longest is closed.
  std::size_t most_answers = std::size_t{32} << 20;
  base::Duration handshake_timeout = std::chrono::seconds(5);
  base::Duration request_timeout = std::chrono::seconds(10);  // from its first byte to its last
  base::Duration idle_timeout = std::chrono::seconds(30);
  base::Duration write_timeout = std::chrono::seconds(10);
  // With one more, one of the address that has the most of them is closed in its favour, who has
  // kept the server waiting: first those that never finished a request, but for a quarter of all,
  // then those between two requests, then those that are sent an answer; of each the one that has
  // been so for longest.
  std::size_t most_connections = 256;
};

class Server {
 public:
  // Listens from now on. kUnavailable where the address cannot be had.
  static base::Result<std::unique_ptr<Server>> Start(const ServerOptions& options, Handler handler);
  virtual ~Server() = default;  // closes every connection

  [[nodiscard]] virtual std::uint16_t Port() const = 0;

  // What TLS connections are shown from now on; before the first, they are closed at once. Those
  // that are open keep theirs. On an error, the last good pair stays. From any thread.
  virtual base::Result<void> SetCertificate(const tls::Pair& pair) = 0;
};

}  // namespace sparkfit::serve
