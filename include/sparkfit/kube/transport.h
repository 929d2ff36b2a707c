// SPDX-License-Identifier: Apache-2.0
//
// One HTTP exchange with one server. Everything above (authentication, retries, watches) is built
// on this interface, so that the HTTP library can be replaced and tests can give a server of their
// own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sparkfit/base/clock.h"
#include "sparkfit/base/result.h"

namespace sparkfit::kube {

// A certificate that identifies us, and its key: PEM texts.
struct ClientPair {
  std::string certificate;
  std::string key;
};

struct Request {
  std::string method = "GET";
  std::string target;  // path and query, percent-encoded: /api/v1/pods?limit=500
  std::string body;
  std::string content_type = "application/json";
  std::string bearer_token;
  std::shared_ptr<const ClientPair> client = nullptr;             // instead of the endpoint's own
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones
  bool accept_gzip = false;
  // The whole exchange, and the longest silence within it. An exchange that takes longer fails.
  base::Duration deadline = std::chrono::seconds(30);
  base::Duration idle = std::chrono::seconds(30);
};

struct Response {
  int status = 0;
  std::optional<base::Duration> retry_after;  // the header, where it is a number of seconds
};

// Takes the next bytes of the body, inflated, in order, on the thread that called Send. False:
// enough, the exchange ends.
using Sink = std::function<bool(int status, std::string_view bytes)>;

class Transport {
 public:
  virtual ~Transport() = default;

  // Blocks until the response has ended, the sink had enough, the deadline or the silence was
  // exceeded, or `stop` was asked for. kUnavailable where there was no complete response;
  // kInvalidArgument for a target or header that is none. A request without a complete response may
  // have reached the server; a GET may reach it twice.
  virtual base::Result<Response> Send(const Request& request, const Sink& sink,
                                      const std::stop_token& stop) = 0;
};

// How to reach a server and whom to trust. PEM texts; a file is read at every new connection, so
// that a rotated certificate counts at once.
struct Pem {
  std::string data;
  std::string file;

  [[nodiscard]] bool Given() const { return !data.empty() || !file.empty(); }
};

struct Endpoint {
  std::string server;           // https://host[:port][/path]
  Pem certificate_authority;    // absent: the system's
  std::string tls_server_name;  // the name that the certificate must have; empty: the host's
  bool insecure = false;        // no verification: for a test cluster only
  Pem client_certificate;
  Pem client_key;
  std::string proxy;  // http://[user:password@]host[:port]; empty: none
};

// A host name or an IP address as URLs and the Host header have it: IPv6 in brackets.
std::string InUrl(const std::string& host);

// At most this much of one response is inflated; more is taken for an attack.
inline constexpr std::size_t kMostInflated = std::size_t{1} << 30;

// Over HTTP/1.1 with TLS ≥ 1.2, connections kept. kInvalidArgument where server or proxy is no URL
// that it can reach. No redirect is followed. Whatever the server
// sends, no more than a header (64 KiB) and a piece of it is held at a time. Safe for concurrent
// use.
base::Result<std::unique_ptr<Transport>> MakeHttpTransport(const Endpoint& endpoint,
                                                           const base::Clock& clock);

}  // namespace sparkfit::kube
