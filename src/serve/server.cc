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
#include <thread>
#include <type_traits>
#include <utility>

#include "sparkfit/base/gzip.h"
#include "sparkfit/base/text.h"
#include "sparkfit/http/intake.h"

namespace sparkfit::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using beast::http::field;
using beast::http::verb;
using http::Step;
using Error = boost::system::error_code;
using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr std::size_t kSmallestGzip = 1024;
constexpr auto kShutdownTimeout = std::chrono::seconds(3);
constexpr const char* kInternalError = "internal error\n";

struct Answers {
  Handler handler;
  Gate gate;  // empty: everything is answered
};

// The token of "Bearer TOKEN" (RFC 6750); empty where it is none.
std::string BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto scheme = authorization.substr(0, kScheme.size());
  if (!beast::iequals({scheme.data(), scheme.size()}, {kScheme.data(), kScheme.size()})) return "";
  authorization.remove_prefix(kScheme.size());
  const auto is_of_token = [](char c) {
    return base::IsAlphanumeric(c) || std::string_view("-._~+/=").find(c) != std::string_view::npos;
  };
  const bool is_token = std::all_of(authorization.begin(), authorization.end(), is_of_token);
  return is_token ? std::string(authorization) : "";
}

class Member;

// All connections, in three rows: those that never finished a request, those between two requests
// or in a later one, and those that are sent an answer. In each the first came first.
struct Crowd {
  using Row = std::map<std::uint64_t, Member*>;

  const ServerOptions& options;
  std::uint64_t last = 0;
  Row fresh{};
  Row served{};
  Row writing{};
  std::size_t bodies = 0;   // bytes that were received and not answered yet
  std::size_t answers = 0;  // bytes that are being sent, each text once
  std::map<const std::string*, std::size_t> texts{};  // who is sent each

  // For one more connection.
  void MakeRoom();

 private:
  // Who has the most connections.
  [[nodiscard]] asio::ip::address Greediest() const;
};

// A connection as the crowd sees it.
class Member {
 public:
  Member(Crowd& crowd, asio::ip::address from) : from_(std::move(from)), crowd_(crowd) {
    Stand(crowd_.fresh);
  }
  virtual ~Member() { Leave(); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // Closes the connection and leaves the crowd.
  virtual void Drop() = 0;

  [[nodiscard]] const asio::ip::address& From() const { return from_; }

 protected:
  // Its client has to do something.
  void WaitAgain() {
    ReleaseAnswer();
    Stand(answered_ ? crowd_.served : crowd_.fresh);
  }

  void Answered() { answered_ = true; }
  [[nodiscard]] bool IsFresh() const { return !answered_; }
  [[nodiscard]] bool IsGone() const { return gone_; }

  // Its request's body has so many bytes now. Where all bodies have too many, the largest is given
  // up; false where that is this one.
  bool HoldBody(std::size_t bytes) {
    crowd_.bodies += bytes - std::exchange(body_, bytes);
    while (crowd_.bodies > crowd_.options.most_bodies) {
      auto& largest = Largest();
      if (&largest == this) return false;
      largest.Drop();
    }
    return true;
  }

  // It is sent this text from now on. Where all texts have too many bytes, those go who have been
  // sent theirs for longest.
  void HoldAnswer(std::shared_ptr<const std::string> text) {
    ReleaseBody();
    Stand(crowd_.writing);
    answer_ = std::move(text);
    if (crowd_.texts[answer_.get()]++ == 0) crowd_.answers += answer_->size();
    while (crowd_.answers > crowd_.options.most_answers) {
      auto& longest = *crowd_.writing.begin()->second;
      if (&longest == this) return;
      longest.Drop();
    }
  }
  [[nodiscard]] const std::string& Answer() const { return *answer_; }

  void Leave() {
    if (gone_) return;
    row_->erase(since_);
    ReleaseBody();
    Uncount();
    gone_ = true;
  }

 private:
  Member& Largest() {
    auto* largest = this;
    for (const auto* row : {&crowd_.fresh, &crowd_.served}) {
      for (const auto& [since, member] : *row) {
        if (member->body_ > largest->body_) largest = member;
      }
    }
    return *largest;
  }

  void ReleaseBody() { crowd_.bodies -= std::exchange(body_, 0); }

  void ReleaseAnswer() {
    Uncount();
    answer_.reset();
  }
  void Uncount() {
    if (!answer_) return;
    const auto text = crowd_.texts.find(answer_.get());
    if (--text->second > 0) return;
    crowd_.answers -= answer_->size();
    crowd_.texts.erase(text);
  }

  void Stand(Crowd::Row& row) {
    if (row_ != nullptr) row_->erase(since_);
    row_ = &row;
    since_ = ++crowd_.last;
    row.emplace(since_, this);
  }

  const asio::ip::address from_;
  Crowd& crowd_;
  Crowd::Row* row_ = nullptr;
  std::uint64_t since_ = 0;
  std::size_t body_ = 0;
  std::shared_ptr<const std::string> answer_;  // until it is sent, also by who was dropped
  bool answered_ = false;
  bool gone_ = false;
};

void Crowd::MakeRoom() {
  if (fresh.size() + served.size() + writing.size() < options.most_connections) return;
  const auto from = Greediest();
  // The share of the fresh ones lets a burst of good clients finish their first requests.
  const bool many_fresh = fresh.size() > options.most_connections / 4;
  for (const auto* row : {many_fresh ? &fresh : &served, &served, &fresh, &writing}) {
    for (const auto& [since, member] : *row) {
      if (member->From() == from) return member->Drop();
    }
  }
}

asio::ip::address Crowd::Greediest() const {
  std::map<asio::ip::address, std::size_t> counts;
  for (const auto* row : {&fresh, &served, &writing}) {
    for (const auto& [since, member] : *row) ++counts[member->From()];
  }
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  return most == counts.end() ? asio::ip::address() : most->first;
}

template <typename Stream>
class Connection final : public Member, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  // `more`: what the stream takes besides the socket.
  template <typename... More>
  Connection(const ServerOptions& options, const Answers& answers, Crowd& crowd,
             const asio::ip::address& from, tcp::socket socket, More&... more)
      : Member(crowd, from),
        options_(options),
        answers_(answers),
        stream_(std::move(socket), more...),
        patience_(stream_.get_executor()),
        intake_(options.largest_header) {}

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
    patience_.cancel();
    Layer().close();
  }

 private:
  // Waits for the next request; the first byte may take longer than the rest.
  void Read() {
    intake_.Begin({options_.largest_header, options_.largest_body});
    if (!intake_.Empty()) return ReadRequest();
    Layer().expires_after(options_.idle_timeout);
    stream_.async_read_some(intake_.Room(1), Then([](auto& self, Error error, std::size_t size) {
                              if (error == asio::error::eof) return self.Close();
                              if (error) return;
                              self.intake_.Came(size);
                              self.ReadRequest();
                            }));
  }

  void ReadRequest() {
    // A fresh one keeps its place, by when it came: no byte that it sends makes it younger.
    if (!IsFresh()) WaitAgain();
    Layer().expires_after(options_.request_timeout);
    Parse();
  }

  void Parse() {
    for (;;) {
      Error error;
      const auto step = intake_.Next(error);
      if (error) return OnError(error);
      switch (step) {
        case Step::kWantsMore:
          return ReadMore();
        case Step::kHeader:
          if (!IsWanted()) return;
          break;
        case Step::kBody:
          if (!HoldBody(intake_.Current().body.size())) {
            return Refuse(503, "too many bodies at once\n");
          }
          break;
        case Step::kDone:
          return OnRequest();
      }
    }
  }

  void ReadMore() {
    stream_.async_read_some(intake_.Room(), Then([](auto& self, Error error, std::size_t size) {
                              if (error) return;  // a request that was cut off, or too slow
                              self.intake_.Came(size);
                              self.Parse();
                            }));
  }

  // Otherwise it is refused.
  bool IsWanted() {
    const auto& request = intake_.Current();
    const bool post = options_.largest_body > 0;
    const auto method = request.head.method;
    const bool get = method == verb::get || method == verb::head;
    if (!get && !(post && method == verb::post)) {
      Refuse(405, post ? "only GET, HEAD and POST\n" : "only GET and HEAD\n");
    } else if (get && (request.chunked() || request.content_length().value_or(0) > 0)) {
      Refuse(413, "no body is wanted\n");
    } else {
      return true;
    }
    return false;
  }

  void OnError(Error error) {
    using Kind = beast::http::error;
    if (error == Kind::header_limit) return Refuse(431, "header too large\n");
    if (error == Kind::body_limit) {
      return Refuse(413, options_.largest_body > 0 ? "body too large\n" : "no body is wanted\n");
    }
    Refuse(400, "malformed request\n");
  }

  void OnRequest() {
    auto& message = intake_.Current();
    const auto& target = message.head.target;
    const auto mark = target.find('?');
    request_ = {message.head.method_text,
                target.substr(0, mark),
                mark == std::string::npos ? "" : target.substr(mark + 1),
                std::move(message.body),
                From().to_string(),
                BearerToken(message.head.authorization)};
    if (!answers_.gate) return Respond();
    AskGate();
  }

  // Meanwhile nothing is read: what the client sends waits in its socket.
  void AskGate() {
    const auto ticket = ++ticket_;
    patience_.expires_after(options_.gate_timeout);
    patience_.async_wait(Then([ticket](auto& self, Error error) {
      if (!error) self.OnDecision(ticket, Refusal{503, "nobody said in time who may read this\n"});
    }));
    const auto decide = [weak = this->weak_from_this(), executor = stream_.get_executor(),
                         ticket](std::optional<Refusal> refusal) {
      asio::post(executor, [weak, ticket, refusal] {
        const auto self = weak.lock();
        if (self && !self->IsGone()) self->OnDecision(ticket, refusal);
      });
    };
    try {
      answers_.gate(request_, decide);
    } catch (const std::exception&) {
      decide(Refusal{500, kInternalError});
    }
  }

  // One that comes too late is about a request that is no more.
  void OnDecision(std::uint64_t ticket, const std::optional<Refusal>& refusal) {
    if (ticket != ticket_) return;
    ++ticket_;
    patience_.cancel();
    refusal ? Refuse(refusal->status, refusal->why) : Respond();
  }

  void Respond() {
    const auto& message = intake_.Current();
    const auto request = std::exchange(request_, {});  // whose body is not kept
    Response response;
    try {
      response = answers_.handler(request);
    } catch (const std::exception&) {
      response = {500, "text/plain; charset=utf-8", kInternalError};
    }
    Answered();
    Write(response, message.keep_alive(), message.head.method == verb::head);
  }

  void Refuse(int status, const char* why) {
    Write({status, "text/plain; charset=utf-8", why}, false, false);
  }

  void Write(const Response& response, bool keep_alive, bool head) {
    const bool gzip = response.body.Plain()->size() >= kSmallestGzip && intake_.Current().head.gzip;
    HoldAnswer(gzip ? response.body.Gzip() : response.body.Plain());
    reply_ = {};
    reply_.version(11);
    reply_.result(static_cast<unsigned>(response.status));
    reply_.set(field::content_type, response.content_type);
    if (response.status == 401) reply_.set(field::www_authenticate, "Bearer");
    if (gzip) reply_.set(field::content_encoding, "gzip");
    if (!head) reply_.body() = {Answer().data(), Answer().size()};
    reply_.keep_alive(keep_alive);
    reply_.content_length(Answer().size());
    Layer().expires_after(options_.write_timeout);
    beast::http::async_write(stream_, reply_,
                             Then([keep_alive](auto& self, Error error, std::size_t) {
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

  // A callback that keeps this connection alive. Of one that was dropped, an operation that was
  // complete before has no consequence.
  template <typename What>
  auto Then(What what) {
    return [self = this->shared_from_this(), what = std::move(what)](auto&&... results) {
      if (self->IsGone()) return;
      what(*self, std::forward<decltype(results)>(results)...);
    };
  }

  const ServerOptions& options_;
  const Answers& answers_;
  Stream stream_;
  asio::steady_timer patience_;  // with the gate
  std::uint64_t ticket_ = 0;     // of the request that waits at the gate, or will
  http::Intake<true> intake_;
  Request request_;
  beast::http::response<beast::http::span_body<const char>> reply_;  // of Answer()
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
  BeastServer(const ServerOptions& options, Answers answers)
      : options_(options),
        answers_(std::move(answers)),
        crowd_{options_},
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
      Error gone;
      const auto from = socket.remote_endpoint(gone).address();
      if (!gone) {
        crowd_.MakeRoom();
        Admit(from, std::move(socket));
      }
      Accept();
    });
  }

  void Admit(const asio::ip::address& from, tcp::socket socket) {
    Error ignored;
    socket.set_option(tcp::no_delay(true), ignored);  // an answer waits for no acknowledgement
    if (!options_.tls) return Serve<PlainStream>(from, std::move(socket));
    std::shared_ptr<asio::ssl::context> context;
    {
      const std::lock_guard lock(mutex_);
      context = tls_;
    }
    if (context) Serve<TlsStream>(from, std::move(socket), *context);  // OpenSSL counts who uses it
  }

  template <typename Stream, typename... More>
  void Serve(const asio::ip::address& from, tcp::socket socket, More&... more) {
    std::make_shared<Connection<Stream>>(options_, answers_, crowd_, from, std::move(socket),
                                         more...)
        ->Start();
  }

  const ServerOptions options_;
  const Answers answers_;
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

Body::Body(std::string text) : Body(std::make_shared<const std::string>(std::move(text))) {}

Body::Body(std::shared_ptr<const std::string> text)
    : kept_(std::make_shared<Kept>(Kept{std::move(text), nullptr})) {}

const std::shared_ptr<const std::string>& Body::Gzip() const {
  if (!kept_->gzip) {
    kept_->gzip = std::make_shared<const std::string>(base::Gzip(*kept_->plain));
  }
  return kept_->gzip;
}

base::Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Handler handler,
                                                    Gate gate) {
  auto server =
      std::make_unique<BeastServer>(options, Answers{std::move(handler), std::move(gate)});
  if (auto listening = server->Listen(); !listening) {
    return tl::unexpected<base::Error>(listening.error());
  }
  server->Run();
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace sparkfit::serve
