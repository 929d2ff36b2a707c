// SPDX-License-Identifier: Apache-2.0
//
// Boost.Beast, with callbacks (clang 14 has no coroutines for it). One thread runs everything.
#include "sparkfit/serve/server.h"

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "sparkfit/base/gzip.h"

namespace sparkfit::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Error = boost::system::error_code;

constexpr std::size_t kSmallestGzip = 1024;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const ServerOptions& options, const Handler& handler,
             std::size_t& connections)
      : stream_(std::move(socket)),
        options_(options),
        handler_(handler),
        connections_(connections) {
    ++connections_;
  }
  ~Connection() { --connections_; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Waits for the next request; the first byte may take longer than the rest.
  void Read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(options_.largest_header));
    parser_->body_limit(0);
    if (buffer_.size() > 0) return ReadHeader();
    stream_.expires_after(options_.idle_timeout);
    stream_.async_read_some(buffer_.prepare(1),
                            [self = shared_from_this()](Error error, std::size_t size) {
                              if (error) return;
                              self->buffer_.commit(size);
                              self->ReadHeader();
                            });
  }

 private:
  void ReadHeader() {
    stream_.expires_after(options_.header_timeout);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](Error error, std::size_t) { self->OnRead(error); });
  }

  void OnRead(Error error) {
    if (error == http::error::end_of_stream) return Close();
    if (error == http::error::header_limit) return Refuse(431, "header too large\n");
    if (error == http::error::body_limit) return Refuse(413, "no body is wanted\n");
    if (error == beast::error::timeout) return Refuse(408, "too slow\n");
    if (error.category() == http::make_error_code(http::error::bad_method).category()) {
      return Refuse(400, "malformed request\n");
    }
    if (error) return;
    const auto& request = parser_->get();
    const bool head = request.method() == http::verb::head;
    if (request.method() != http::verb::get && !head) return Refuse(405, "only GET and HEAD\n");
    const std::string target(request.target());
    const auto mark = target.find('?');
    Response response;
    try {
      response = handler_(
          {target.substr(0, mark), mark == std::string::npos ? "" : target.substr(mark + 1)});
    } catch (const std::exception&) {
      response = {500, "text/plain; charset=utf-8", "internal error\n"};
    }
    Write(std::move(response), request.keep_alive(), head);
  }

  void Refuse(int status, const char* why) {
    Write({status, "text/plain; charset=utf-8", why}, false, false);
  }

  void Write(Response response, bool keep_alive, bool head) {
    const auto& request = parser_->get();
    const auto encodings = request[http::field::accept_encoding];
    const bool gzip =
        response.body.size() >= kSmallestGzip &&
        std::string_view(encodings.data(), encodings.size()).find("gzip") != std::string_view::npos;
    reply_ = {};
    reply_.version(11);
    reply_.result(static_cast<unsigned>(response.status));
    reply_.set(http::field::content_type, response.content_type);
    if (gzip) reply_.set(http::field::content_encoding, "gzip");
    reply_.body() = gzip ? base::Gzip(response.body) : std::move(response.body);
    reply_.keep_alive(keep_alive);
    reply_.content_length(reply_.body().size());
    if (head) reply_.body().clear();
    stream_.expires_after(options_.write_timeout);
    http::async_write(stream_, reply_,
                      [self = shared_from_this(), keep_alive](Error error, std::size_t) {
                        if (error) return;
                        keep_alive ? self->Read() : self->Close();
                      });
  }

  void Close() {
    Error ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  beast::tcp_stream stream_;
  const ServerOptions& options_;
  const Handler& handler_;
  std::size_t& connections_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  http::response<http::string_body> reply_;
};

class BeastServer final : public Server {
 public:
  BeastServer(const ServerOptions& options, Handler handler)
      : options_(options), handler_(std::move(handler)), acceptor_(context_), pause_(context_) {}

  ~BeastServer() override {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  base::Result<void> Listen() {
    const auto failed = [&](const std::string& why) {
      return base::Fail(base::Code::kUnavailable, "cannot listen on " + options_.address +
                                                      " port " + std::to_string(options_.port) +
                                                      ": " + why);
    };
    Error error;
    const auto address = asio::ip::make_address(options_.address, error);
    if (error) return failed("no address");
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (error == asio::error::address_family_not_supported && address.is_unspecified()) {
      // No IPv6 on this machine.
      return ListenOn(tcp::endpoint(tcp::v4(), options_.port), failed);
    }
    return ListenOn(endpoint, failed);
  }

  void Run() {
    Accept();
    thread_ = std::thread([this] { context_.run(); });
  }

  std::uint16_t Port() const override { return port_; }

 private:
  template <typename Failed>
  base::Result<void> ListenOn(const tcp::endpoint& endpoint, const Failed& failed) {
    Error error;
    if (!acceptor_.is_open()) acceptor_.open(endpoint.protocol(), error);
    if (error) return failed(error.message());
    if (endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(false), error);
    acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    acceptor_.bind(endpoint, error);
    if (error) return failed(error.message());
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return failed(error.message());
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }

  void Accept() {
    acceptor_.async_accept([this](Error error, tcp::socket socket) {
      if (error) {
        // Out of descriptors, most likely: trying at once would be a busy loop.
        pause_.expires_after(std::chrono::milliseconds(100));
        pause_.async_wait([this](Error) { Accept(); });
        return;
      }
      if (connections_ < options_.most_connections) {
        std::make_shared<Connection>(std::move(socket), options_, handler_, connections_)->Read();
      }
      Accept();
    });
  }

  const ServerOptions options_;
  const Handler handler_;
  std::size_t connections_ = 0;  // before the context: its handlers hold connections
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

base::Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Handler handler) {
  auto server = std::make_unique<BeastServer>(options, std::move(handler));
  if (auto listening = server->Listen(); !listening) {
    return tl::unexpected<base::Error>(listening.error());
  }
  server->Run();
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace sparkfit::serve
