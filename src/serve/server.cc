// SPDX-License-Identifier: Apache-2.0
//
// Boost.Beast, with callbacks (clang 14 has no coroutines for it). One thread runs everything.
#include "sparkfit/serve/server.h"

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "sparkfit/base/gzip.h"

namespace sparkfit::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Error = boost::system::error_code;
using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr std::size_t kSmallestGzip = 1024;
constexpr auto kShutdownTimeout = std::chrono::seconds(3);

class Member;

// All connections; those that wait for their client, and so may be closed in favour of another, in
// the order in which they began to.
struct Crowd {
  using Waiting = std::map<std::uint64_t, Member*>;

  std::size_t most;
  std::size_t most_bodies;  // bytes of all bodies together
  std::size_t bodies = 0;
  std::size_t open = 0;
  std::uint64_t last = 0;
  Waiting fresh{};   // not one request finished
  Waiting served{};  // between two requests, or in a later one

  // False where everybody is busy.
  bool MakeRoom();
};

// A connection as the crowd sees it.
class Member {
 public:
  explicit Member(Crowd& crowd) : crowd_(crowd) {
    ++crowd_.open;
    Wait(crowd_.fresh);
  }
  virtual ~Member() { Leave(); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // Closes the connection and leaves the crowd.
  virtual void Drop() = 0;

 protected:
  // Its client has to do something.
  void WaitAgain() { Wait(answered_ ? crowd_.served : crowd_.fresh); }

  // The server has.
  void Work() {
    if (waiting_ != nullptr) waiting_->erase(since_);
    waiting_ = nullptr;
  }

  void Answered() {
    answered_ = true;
    ReleaseBody();
  }

  // Room for a body until it is answered; false where others' bodies fill it.
  bool ReserveBody(std::size_t bytes) {
    if (bytes > crowd_.most_bodies - crowd_.bodies) return false;
    crowd_.bodies += bytes;
    body_ = bytes;
    return true;
  }
  [[nodiscard]] bool IsFresh() const { return !answered_; }

  void Leave() {
    if (gone_) return;
    Work();
    ReleaseBody();
    --crowd_.open;
    gone_ = true;
  }

 private:
  void ReleaseBody() { crowd_.bodies -= std::exchange(body_, 0); }

  void Wait(Crowd::Waiting& where) {
    if (gone_) return;  // a completed operation may still be told to one that was dropped
    Work();
    waiting_ = &where;
    since_ = ++crowd_.last;
    where.emplace(since_, this);
  }

  Crowd& crowd_;
  Crowd::Waiting* waiting_ = nullptr;
  std::uint64_t since_ = 0;
  std::size_t body_ = 0;  // reserved
  bool answered_ = false;
  bool gone_ = false;
};

bool Crowd::MakeRoom() {
  if (open < most) return true;
  // The share of the fresh ones lets a burst of good clients finish their first requests.
  const bool from_fresh = !fresh.empty() && (fresh.size() > most / 4 || served.empty());
  auto& from = from_fresh ? fresh : served;
  if (from.empty()) return false;
  from.begin()->second->Drop();
  return true;
}

template <typename Stream>
class Connection final : public Member, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  // `more`: what the stream takes besides the socket.
  template <typename... More>
  Connection(const ServerOptions& options, const Handler& handler, Crowd& crowd, tcp::socket socket,
             More&... more)
      : Member(crowd), options_(options), handler_(handler), stream_(std::move(socket), more...) {}

  void Start() {
    if constexpr (std::is_same_v<Stream, PlainStream>) {
      Read();
    } else {
      Layer().expires_after(options_.handshake_timeout);
      stream_.async_handshake(asio::ssl::stream_base::server, Then([](auto& self, Error error) {
                                if (!error) self.Read();
                              }));
    }
  }

  void Drop() override {
    Leave();
    Layer().close();
  }

 private:
  // Waits for the next request; the first byte may take longer than the rest.
  void Read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(options_.largest_header));
    parser_->body_limit(options_.largest_body);
    if (buffer_.size() > 0) return ReadHeader();
    Layer().expires_after(options_.idle_timeout);
    stream_.async_read_some(buffer_.prepare(1), Then([](auto& self, Error error, std::size_t size) {
                              if (error == asio::error::eof) return self.Close();
                              if (error) return;
                              self.buffer_.commit(size);
                              self.ReadHeader();
                            }));
  }

  void ReadHeader() {
    // A fresh one keeps its place, by when it came: no byte that it sends makes it younger.
    if (!IsFresh()) WaitAgain();
    Layer().expires_after(options_.request_timeout);
    http::async_read_header(stream_, buffer_, *parser_,
                            Then([](auto& self, Error error, std::size_t) {
                              if (error) return self.OnError(error);
                              self.OnHeader();
                            }));
  }

  void OnHeader() {
    const auto method = parser_->get().method();
    const bool post = options_.largest_body > 0;
    if (method != http::verb::get && method != http::verb::head &&
        !(post && method == http::verb::post)) {
      return Refuse(405, post ? "only GET, HEAD and POST\n" : "only GET and HEAD\n");
    }
    const auto length = parser_->content_length();
    const auto bytes = length ? *length : parser_->chunked() ? options_.largest_body : 0;
    if (!ReserveBody(std::min<std::size_t>(bytes, options_.largest_body))) {
      return Refuse(503, "too many bodies at once\n");
    }
    // Until the same deadline.
    http::async_read(stream_, buffer_, *parser_, Then([](auto& self, Error error, std::size_t) {
                       if (error) return self.OnError(error);
                       self.OnRequest();
                     }));
  }

  void OnError(Error error) {
    if (error == http::error::end_of_stream) return Close();
    if (error == http::error::header_limit) return Refuse(431, "header too large\n");
    if (error == http::error::body_limit) {
      return Refuse(413, options_.largest_body > 0 ? "body too large\n" : "no body is wanted\n");
    }
    if (error.category() == http::make_error_code(http::error::bad_method).category()) {
      Refuse(400, "malformed request\n");
    }
  }

  void OnRequest() {
    auto& request = parser_->get();
    const std::string target(request.target());
    const auto mark = target.find('?');
    Response response;
    try {
      response = handler_({std::string(request.method_string()), target.substr(0, mark),
                           mark == std::string::npos ? "" : target.substr(mark + 1),
                           std::move(request.body())});
    } catch (const std::exception&) {
      response = {500, "text/plain; charset=utf-8", "internal error\n"};
    }
    Answered();
    Write(std::move(response), request.keep_alive(), request.method() == http::verb::head);
  }

  void Refuse(int status, const char* why) {
    Write({status, "text/plain; charset=utf-8", why}, false, false);
  }

  void Write(Response response, bool keep_alive, bool head) {
    Work();
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
    Layer().expires_after(options_.write_timeout);
    http::async_write(stream_, reply_, Then([keep_alive](auto& self, Error error, std::size_t) {
                        if (error) return;
                        self.WaitAgain();
                        keep_alive ? self.Read() : self.Close();
                      }));
  }

  void Close() {
    if constexpr (std::is_same_v<Stream, PlainStream>) {
      Error ignored;
      Layer().socket().shutdown(tcp::socket::shutdown_both, ignored);
    } else {
      Layer().expires_after(kShutdownTimeout);
      stream_.async_shutdown(Then([](auto&, Error) {}));
    }
  }

  beast::tcp_stream& Layer() { return beast::get_lowest_layer(stream_); }

  // A callback that keeps this connection alive.
  template <typename What>
  auto Then(What what) {
    return [self = this->shared_from_this(), what = std::move(what)](auto&&... results) {
      what(*self, std::forward<decltype(results)>(results)...);
    };
  }

  const ServerOptions& options_;
  const Handler& handler_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> reply_;
};

// The key and certificate are read from memory: no file, and no passphrase, which CheckPair
// refuses.
base::Result<std::shared_ptr<asio::ssl::context>> MakeContext(const tls::Pair& pair) {
  if (auto fits = tls::CheckPair(pair); !fits) return tl::unexpected<base::Error>(fits.error());
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  auto* raw = context->native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);  // tickets need no memory of ours
  Error error;
  context->use_certificate_chain(asio::buffer(pair.certificate), error);
  if (!error) context->use_private_key(asio::buffer(pair.key), asio::ssl::context::pem, error);
  if (error) return base::Fail(base::Code::kInvalidArgument, "certificate: " + error.message());
  return context;
}

class BeastServer final : public Server {
 public:
  BeastServer(const ServerOptions& options, Handler handler)
      : options_(options),
        handler_(std::move(handler)),
        crowd_{options.most_connections, options.most_bodies},
        acceptor_(context_),
        pause_(context_) {}

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

  base::Result<void> SetCertificate(const tls::Pair& pair) override {
    auto made = MakeContext(pair);
    if (!made) return tl::unexpected<base::Error>(made.error());
    const std::lock_guard lock(mutex_);
    tls_.swap(*made);
    return {};
  }

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
      if (crowd_.MakeRoom()) Admit(std::move(socket));
      Accept();
    });
  }

  void Admit(tcp::socket socket) {
    Error ignored;
    socket.set_option(tcp::no_delay(true), ignored);  // an answer waits for no acknowledgement
    if (!options_.tls) return Serve<PlainStream>(std::move(socket));
    std::shared_ptr<asio::ssl::context> context;
    {
      const std::lock_guard lock(mutex_);
      context = tls_;
    }
    if (context) Serve<TlsStream>(std::move(socket), *context);  // OpenSSL counts who uses it
  }

  template <typename Stream, typename... More>
  void Serve(tcp::socket socket, More&... more) {
    std::make_shared<Connection<Stream>>(options_, handler_, crowd_, std::move(socket), more...)
        ->Start();
  }

  const ServerOptions options_;
  const Handler handler_;
  Crowd crowd_;  // before the context: its handlers hold connections
  std::mutex mutex_;
  std::shared_ptr<asio::ssl::context> tls_;  // guarded by mutex_; null: no certificate yet
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
