// SPDX-License-Identifier: Apache-2.0
//
// Boost.Beast: cpprestsdk (src/kube/http_transport.cc) takes headers without end and dials no IPv6
// address, which does no harm with an API server.
#include "sparkfit/kube/plain_http.h"

#include <fmt/format.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "sparkfit/base/version.h"

namespace sparkfit::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Error = boost::system::error_code;

constexpr std::uint32_t kLargestHeader = 16 << 10;

// host:port as a Host header has it.
std::string HostOf(const tcp::endpoint& server) {
  const auto address = server.address().to_string();
  return server.address().is_v6() ? fmt::format("[{}]:{}", address, server.port())
                                  : fmt::format("{}:{}", address, server.port());
}

class Exchange {
 public:
  Exchange(const PlainRequest& request, const tcp::endpoint& server) : server_(server) {
    request_.method(http::verb::get);
    request_.version(11);
    request_.target(request.target);
    request_.set(http::field::host, HostOf(server));
    request_.set(http::field::accept, "application/json");
    request_.set(http::field::user_agent, fmt::format("sparkfit/{}", base::kVersion));
    request_.keep_alive(false);
    parser_.header_limit(kLargestHeader);
    parser_.body_limit(request.largest_body);
  }

  PlainAnswer Run(base::Duration deadline, const std::stop_token& stop) {
    const std::stop_callback stops(stop, [this] { context_.stop(); });
    socket_.async_connect(server_, [this](Error error) { Connected(error); });
    context_.run_for(deadline);
    if (done_) return std::move(answer_);
    if (stop.stop_requested()) return {.why = "stopped"};
    return {.end = PlainAnswer::End::kTimedOut,
            .why = "took longer than " + base::FormatDuration(deadline)};
  }

 private:
  void Connected(Error error) {
    if (error) return Fail(error);
    http::async_write(socket_, request_, [this](Error failed, std::size_t) { Written(failed); });
  }

  void Written(Error error) {
    if (error) return Fail(error);
    http::async_read(socket_, buffer_, parser_,
                     [this](Error failed, std::size_t) { Read(failed); });
  }

  void Read(Error error) {
    if (error) return Fail(error);
    auto& response = parser_.get();
    answer_ = {.end = PlainAnswer::End::kAnswered,
               .status = static_cast<int>(response.result_int()),
               .body = std::move(response.body())};
    done_ = true;
  }

  void Fail(Error error) {
    const bool too_large = error == http::error::body_limit || error == http::error::header_limit;
    answer_ = {.end = too_large ? PlainAnswer::End::kTooLarge : PlainAnswer::End::kFailed,
               .why = error.message()};
    done_ = true;
  }

  asio::io_context context_{1};
  tcp::socket socket_{context_};
  const tcp::endpoint server_;
  http::request<http::empty_body> request_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  PlainAnswer answer_;
  bool done_ = false;
};

}  // namespace

PlainAnswer PlainGet(const PlainRequest& request, const std::stop_token& stop) {
  Error error;
  const auto address = asio::ip::make_address(request.address, error);
  if (error) return {.why = fmt::format("\"{}\" is no IP address", request.address)};
  try {
    return Exchange(request, {address, request.port}).Run(request.deadline, stop);
  } catch (const std::exception& failure) {
    return {.why = failure.what()};  // no descriptor is left, for one
  }
}

}  // namespace sparkfit::kube
