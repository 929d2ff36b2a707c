// SPDX-License-Identifier: Apache-2.0
//
// Transport over cpprestsdk, the only file that knows it. Its pool threads never run our code: they
// hand each piece of a body over and wait, as a task, until the thread that called Send has taken
// it. That gives back-pressure, limits and sinks without locks. What this library must not be left
// to: deadlines (its own are per step), redirects (it forwards the token), gzip, unobserved
// exceptions (they end the process).
#include <cpprest/http_client.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <charconv>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>
#include <utility>

#include "sparkfit/base/gzip.h"
#include "sparkfit/base/version.h"
#include "sparkfit/kube/transport.h"

namespace sparkfit::kube {
namespace {

using base::Code;
using base::Result;
using web::http::http_request;
using web::http::http_response;
using web::http::client::http_client;
using web::http::client::http_client_config;

// Deadlines are kept here; the library's only ends what was left behind.
constexpr std::chrono::seconds kLibraryTimeout{600};

// What one request and its response have reached. Shared with the pool threads, which may outlive
// the call.
class Exchange {
 public:
  // Pool thread: the next piece of the body, valid until the returned task is done.
  pplx::task<std::size_t> Offer(const std::uint8_t* data, std::size_t size) {
    const std::scoped_lock lock(mutex_);
    if (abandoned_) return pplx::task_from_exception<std::size_t>(std::runtime_error("abandoned"));
    piece_ = {reinterpret_cast<const char*>(data), size};
    has_piece_ = true;
    taken_ = pplx::task_completion_event<std::size_t>();
    changed_.notify_all();
    return pplx::create_task(taken_);
  }

  // Pool thread.
  void OnHeaders(Response response, bool gzip) {
    const std::scoped_lock lock(mutex_);
    response_ = response;
    gzip_ = gzip;
    has_headers_ = true;
    changed_.notify_all();
  }

  // Pool thread: nothing more comes. Empty: it went well.
  void OnEnd(std::string failure) {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    failure_ = std::move(failure);
    changed_.notify_all();
  }

  enum class Event { kPiece, kEnd, kNothing };

  // Waits for what comes next, at most this long.
  Event Next(base::Duration longest, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, longest, [&] { return (has_piece_ && has_headers_) || ended_; });
    if (has_piece_ && has_headers_) return Event::kPiece;
    return ended_ ? Event::kEnd : Event::kNothing;
  }

  // REQUIRES: Next said kPiece.
  [[nodiscard]] std::string_view Piece() const { return piece_; }

  void Taken() {
    pplx::task_completion_event<std::size_t> taken;
    std::size_t size = 0;
    {
      const std::scoped_lock lock(mutex_);
      has_piece_ = false;
      size = piece_.size();
      taken = taken_;
    }
    taken.set(size);
  }

  // Nothing is taken any more; a pool thread that waits is told so.
  void Abandon() {
    pplx::task_completion_event<std::size_t> taken;
    {
      const std::scoped_lock lock(mutex_);
      abandoned_ = true;
      if (!has_piece_) return;
      has_piece_ = false;
      taken = taken_;
    }
    taken.set_exception(std::runtime_error("abandoned"));
  }

  // REQUIRES: Next said kPiece or kEnd; then nobody writes them any more.
  [[nodiscard]] const Response& GetResponse() const { return response_; }
  [[nodiscard]] bool Gzip() const { return gzip_; }
  [[nodiscard]] const std::string& Failure() const { return failure_; }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool has_headers_ = false;
  Response response_;
  bool gzip_ = false;
  bool has_piece_ = false;
  std::string_view piece_;
  pplx::task_completion_event<std::size_t> taken_;
  bool abandoned_ = false;
  bool ended_ = false;
  std::string failure_;
};

// The library's idea of a place for a body: write only, one piece at a time.
class BodyBuffer final : public concurrency::streams::details::streambuf_state_manager<uint8_t> {
 public:
  explicit BodyBuffer(std::shared_ptr<Exchange> exchange)
      : streambuf_state_manager(std::ios_base::out), exchange_(std::move(exchange)) {}

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  utility::size64_t size() const override { return 0; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return 0; }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return pos_type(-1); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return pos_type(-1);
  }
  bool acquire(uint8_t*& data, std::size_t& count) override {
    data = nullptr;
    count = 0;
    return false;
  }
  void release(uint8_t*, std::size_t) override {}

 protected:
  uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  pplx::task<int_type> _putc(uint8_t byte) override {
    auto kept = std::make_shared<uint8_t>(byte);
    return exchange_->Offer(kept.get(), 1).then([kept](std::size_t) {
      return static_cast<int_type>(*kept);
    });
  }
  pplx::task<std::size_t> _putn(const uint8_t* data, std::size_t count) override {
    return exchange_->Offer(data, count);
  }
  pplx::task<int_type> _bumpc() override { return End(); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return End(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return End(); }
  pplx::task<int_type> _ungetc() override { return End(); }
  pplx::task<std::size_t> _getn(uint8_t*, std::size_t) override {
    return pplx::task_from_result(std::size_t{0});
  }
  std::size_t _scopy(uint8_t*, std::size_t) override { return 0; }

 private:
  static pplx::task<int_type> End() { return pplx::task_from_result<int_type>(traits::eof()); }

  std::shared_ptr<Exchange> exchange_;
};

std::string ReadPem(const Pem& pem) {
  if (!pem.data.empty()) return pem.data;
  std::ifstream file(pem.file, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + pem.file);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Runs at every new connection, on a pool thread; what it throws fails that request.
void PrepareTls(boost::asio::ssl::context& context, const Endpoint& endpoint) {
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  if (endpoint.certificate_authority.Given()) {
    // A store of its own: the system's authorities have no say over a cluster's certificate.
    SSL_CTX_set_cert_store(context.native_handle(), X509_STORE_new());
    context.add_certificate_authority(boost::asio::buffer(ReadPem(endpoint.certificate_authority)));
  }
  if (endpoint.client_certificate.Given()) {
    context.use_certificate_chain(boost::asio::buffer(ReadPem(endpoint.client_certificate)));
    context.use_private_key(boost::asio::buffer(ReadPem(endpoint.client_key)),
                            boost::asio::ssl::context::pem);
  }
}

http_client_config MakeConfig(const Endpoint& endpoint) {
  http_client_config config;
  config.set_timeout(kLibraryTimeout);
  config.set_max_redirects(0);
  config.set_validate_certificates(!endpoint.insecure);
  config.set_ssl_context_callback(
      [endpoint](boost::asio::ssl::context& context) { PrepareTls(context, endpoint); });
  return config;
}

std::optional<base::Duration> RetryAfter(const http_response& response) {
  const auto header = response.headers().find("Retry-After");
  if (header == response.headers().end()) return std::nullopt;
  const auto& text = header->second;
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, 3600));
}

bool IsGzip(const http_response& response) {
  const auto header = response.headers().find("Content-Encoding");
  return header != response.headers().end() && header->second == "gzip";
}

class HttpTransport final : public Transport {
 public:
  HttpTransport(const Endpoint& endpoint, const base::Clock& clock)
      : endpoint_(endpoint), clock_(clock), client_(endpoint.server, MakeConfig(endpoint)) {}

  Result<Response> Send(const Request& request, const Sink& sink,
                        const std::stop_token& stop) override {
    auto exchange = std::make_shared<Exchange>();
    pplx::cancellation_token_source cancel;
    try {
      Begin(request, exchange, cancel);
    } catch (const std::exception& error) {
      return Failed(request, Code::kInvalidArgument, error.what());
    }
    auto result = Receive(request, *exchange, sink, stop);
    exchange->Abandon();
    if (!result || result->second) cancel.cancel();
    if (!result) return tl::unexpected<base::Error>(result.error());
    return result->first;
  }

 private:
  // The response, and whether the exchange was left before its end.
  using Received = std::pair<Response, bool>;

  tl::unexpected<base::Error> Failed(const Request& request, Code code, std::string_view why) {
    const auto path = request.target.substr(0, request.target.find('?'));
    return base::Fail(code,
                      fmt::format("{} {}{}: {}", request.method, endpoint_.server, path, why));
  }

  void Begin(const Request& request, const std::shared_ptr<Exchange>& exchange,
             const pplx::cancellation_token_source& cancel) {
    http_request http(request.method);
    http.set_request_uri(web::uri(request.target));
    auto& headers = http.headers();
    headers.add("Accept", "application/json");
    headers.add("User-Agent", fmt::format("sparkfit/{}", base::kVersion));
    if (!request.bearer_token.empty()) {
      headers.add("Authorization", "Bearer " + request.bearer_token);
    }
    for (const auto& [name, value] : request.headers) headers[name] = value;
    if (request.accept_gzip) headers.add("Accept-Encoding", "gzip");
    if (!endpoint_.tls_server_name.empty()) headers.add("Host", endpoint_.tls_server_name);
    if (!request.body.empty()) http.set_body(request.body, request.content_type);
    http.set_response_stream(concurrency::streams::ostream(
        concurrency::streams::streambuf<uint8_t>(std::make_shared<BodyBuffer>(exchange))));
    client_.request(http, cancel.get_token())
        .then([exchange](const http_response& response) {
          exchange->OnHeaders({response.status_code(), RetryAfter(response)}, IsGzip(response));
          return response.content_ready();
        })
        .then([exchange](const pplx::task<http_response>& done) {
          try {
            done.get();
            exchange->OnEnd("");
          } catch (const std::exception& error) {
            exchange->OnEnd(*error.what() != '\0' ? error.what() : "failed");
          } catch (...) {
            exchange->OnEnd("failed");
          }
        });
  }

  Result<Received> Receive(const Request& request, Exchange& exchange, const Sink& sink,
                           const std::stop_token& stop) {
    const auto end = clock_.SteadyNow() + request.deadline;
    std::optional<base::Inflater> inflater;
    for (;;) {
      const auto left = std::chrono::ceil<base::Duration>(end - clock_.SteadyNow());
      const auto event = exchange.Next(std::clamp(left, base::Duration{}, request.idle), stop);
      if (stop.stop_requested()) return Failed(request, Code::kUnavailable, "stopped");
      switch (event) {
        case Exchange::Event::kNothing:
          return Failed(request, Code::kUnavailable,
                        left <= request.idle
                            ? "took longer than " + base::FormatDuration(request.deadline)
                            : "silent for " + base::FormatDuration(request.idle));
        case Exchange::Event::kEnd:
          if (!exchange.Failure().empty()) {
            return Failed(request, Code::kUnavailable, exchange.Failure());
          }
          if (inflater && !inflater->Complete()) {
            return Failed(request, Code::kUnavailable, "the gzip response was cut off");
          }
          return Received{exchange.GetResponse(), false};
        case Exchange::Event::kPiece:
          if (exchange.Gzip() && !inflater) inflater.emplace(kMostInflated);
          auto wanted = Give(exchange, inflater, sink);
          if (!wanted) return Failed(request, Code::kUnavailable, wanted.error().message);
          if (!*wanted) return Received{exchange.GetResponse(), true};
          exchange.Taken();
      }
    }
  }

  static Result<bool> Give(Exchange& exchange, std::optional<base::Inflater>& inflater,
                           const Sink& sink) {
    const int status = exchange.GetResponse().status;
    if (!inflater) return sink(status, exchange.Piece());
    return inflater->Feed(exchange.Piece(),
                          [&](std::string_view bytes) { return sink(status, bytes); });
  }

  Endpoint endpoint_;
  const base::Clock& clock_;
  http_client client_;
};

}  // namespace

Result<std::unique_ptr<Transport>> MakeHttpTransport(const Endpoint& endpoint,
                                                     const base::Clock& clock) {
  try {
    const web::uri uri(endpoint.server);
    if (uri.scheme() != "https" && uri.scheme() != "http") {
      return base::Fail(Code::kInvalidArgument,
                        fmt::format("\"{}\" is no https URL", endpoint.server));
    }
    if (uri.host().starts_with("[")) {
      return base::Fail(Code::kInvalidArgument,
                        fmt::format("{}: a literal IPv6 address cannot be dialled; give the "
                                    "server a name, such as kubernetes.default.svc",
                                    endpoint.server));
    }
    return std::make_unique<HttpTransport>(endpoint, clock);
  } catch (const std::exception& error) {
    return base::Fail(Code::kInvalidArgument,
                      fmt::format("\"{}\": {}", endpoint.server, error.what()));
  }
}

void InitializeHttp(std::size_t most_requests) {
  // Few threads move bodies as fast as forty, for less CPU time. But where a sink has had enough,
  // the library closes the stream by a task that its thread waits for and another one has to run:
  // with more threads than requests there is always another one.
  try {
    crossplat::threadpool::initialize_with_threads(most_requests + 1);
  } catch (const std::exception&) {
    // Of the size that it has already.
  }
}

}  // namespace sparkfit::kube
