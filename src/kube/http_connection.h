// SPDX-License-Identifier: Apache-2.0
//
// One HTTP/1.1 connection to a server, with TLS or without, on the thread that uses it. Of what the
// server sends there is never more here than one buffer (http::Intake), and no wait is longer than
// it may be.
#pragma once

// clang-format off: Boost.Asio forgets to include it.
#include <utility>
// clang-format on

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/clock.h"
#include "sparkfit/http/intake.h"
#include "sparkfit/kube/transport.h"

namespace sparkfit::kube {

using boost::asio::ip::tcp;
using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;

// How long to wait: until then, for each step, and while nobody asks to stop.
struct Patience {
  const base::Clock& clock;
  base::Clock::Steady end;
  base::Duration idle;
  const std::stop_token& stop;

  // What is left of both.
  [[nodiscard]] base::Duration Left() const;
};

struct Ended {
  enum class How {
    kWell,
    kEnough,    // the sink had enough
    kFailed,    // no connection, or something else than HTTP
    kGone,      // the server went away before a single byte of an answer
    kTimedOut,  // the end
    kSilent,
    kStopped,
    kTooLarge,  // header, body or line
  };
  How how = How::kWell;
  std::string why = {};  // where it did not go well

  explicit operator bool() const { return how == How::kWell; }
};

// The host as a URL has it, without brackets; port in decimal. A name is looked up on a thread of
// its own, which a caller that has no patience left leaves behind.
Ended Resolve(const std::string& host, const std::string& port, const Patience& patience,
              std::vector<tcp::endpoint>& found);

class HttpConnection {
 public:
  HttpConnection() = default;

  // To the first that answers.
  Ended Open(const std::vector<tcp::endpoint>& servers, const Patience& patience);
  // Where that is a proxy: on to host:port by CONNECT. `authorization` is a header's value, or
  // empty.
  Ended Tunnel(const std::string& to, const std::string& authorization, const Patience& patience);
  // TLS, with a certificate for `name`, if the context wants to verify it.
  Ended Handshake(boost::asio::ssl::context& context, const std::string& name,
                  const Patience& patience);

  // The header of the answer, and its body piece by piece; false: enough.
  using Sink = std::function<bool(const http::Head& head, std::string_view piece)>;

  // REQUIRES: Open, and that Reusable() said so after an earlier one.
  Ended Ask(const HttpRequest& request, const http::Limits& limits, const Sink& sink,
            const Patience& patience);

  // Of the last answer.
  [[nodiscard]] const http::Head& Head() { return intake_->Current().head; }
  // Whether it can be asked again: the last answer is complete, and nothing has come since.
  [[nodiscard]] bool Reusable();

  // For who keeps it: since when, and by which certificate the server knows us.
  base::Clock::Steady idle_since{};
  std::shared_ptr<const ClientPair> client;

 private:
  template <typename Start>
  Ended Wait(const Patience& patience, Start start);
  template <typename Do>
  auto WithStream(Do what);
  Ended Read(const Patience& patience);
  Ended Receive(const Sink& sink, const Patience& patience);

  boost::asio::io_context context_{1};
  tcp::socket socket_{context_};
  std::optional<boost::asio::ssl::stream<tcp::socket&>> tls_;
  std::optional<http::Intake<false>> intake_;
  bool complete_ = false;
  std::string distrust_;  // why the server's certificate is not accepted
};

}  // namespace sparkfit::kube
