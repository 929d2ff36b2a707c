// SPDX-License-Identifier: Apache-2.0
//
// Transport over connections that are kept, on the caller's own thread. A connection that the
// server closed while it was kept is found out before a request goes over it, or, for a GET, by
// asking again over another.
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <mutex>
#include <utility>

#include "http_connection.h"
#include "sparkfit/base/base64.h"
#include "sparkfit/base/gzip.h"
#include "sparkfit/base/version.h"
#include "sparkfit/kube/transport.h"

namespace sparkfit::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using base::Code;
using base::Result;
using How = Ended::How;

constexpr std::size_t kLargestHeader = 64 << 10;
constexpr base::Duration kLongestKept = std::chrono::seconds(60);

// A server's URL in parts.
struct Place {
  bool tls = true;
  std::string host{};  // without brackets
  std::string port{};
  std::string path{};  // before every target, without a slash at its end

  // As the Host header has it.
  [[nodiscard]] std::string Host() const {
    return port == (tls ? "443" : "80") ? InUrl(host) : InUrl(host) + ":" + port;
  }
};

bool IsPort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port > 0;
}

// What may stand in a request line, or in the value of a header.
bool IsPrintable(std::string_view text, char least) {
  return std::all_of(text.begin(), text.end(),
                     [least](char c) { return c >= least && c != '\x7f'; });
}

std::optional<Place> ParseServer(std::string_view url) {
  Place place;
  place.tls = url.starts_with("https://");
  if (!place.tls && !url.starts_with("http://")) return std::nullopt;
  url.remove_prefix(place.tls ? 8 : 7);
  const auto slash = std::min(url.find('/'), url.size());
  place.path = std::string(url.substr(slash));
  while (place.path.ends_with('/')) place.path.pop_back();
  auto authority = url.substr(0, slash);
  const auto bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
  const auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  place.port = place.tls ? "443" : "80";
  if (colon != std::string_view::npos) {
    place.port = std::string(authority.substr(colon + 1));
    authority = authority.substr(0, colon);
  }
  if (bracket != std::string_view::npos) {
    if (bracket + 1 != authority.size()) return std::nullopt;
    authority = authority.substr(1, bracket - 1);
  }
  place.host = std::string(authority);
  const bool good = !place.host.empty() && IsPort(place.port) && IsPrintable(url, '!') &&
                    place.host.find_first_of("@[]?#") == std::string::npos &&
                    place.path.find_first_of("?#") == std::string::npos;
  return good ? std::optional(place) : std::nullopt;
}

struct Proxy {
  Place place;
  std::string authorization;  // of Proxy-Authorization; empty: none
};

// %40 is @.
std::string Decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const auto* begin = text.data() + i + 1;
    const bool escape = text[i] == '%' && i + 2 < text.size() &&
                        std::from_chars(begin, begin + 2, byte, 16).ptr == begin + 2;
    out += escape ? static_cast<char>(byte) : text[i];
    if (escape) i += 2;
  }
  return out;
}

// http://[user:password@]host[:port][/]; a bare host:port is one, too.
std::optional<Proxy> ParseProxy(std::string_view url) {
  if (url.find("://") == std::string_view::npos) {
    return ParseProxy("http://" + std::string(url));
  }
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const auto at = url.rfind('@', url.find('/'));
  std::string authorization;
  if (at != std::string_view::npos) {
    const auto user = url.substr(0, at);
    const auto colon = std::min(user.find(':'), user.size());
    const auto password = user.substr(std::min(colon + 1, user.size()));
    authorization =
        "Basic " + base::EncodeBase64(Decoded(user.substr(0, colon)) + ":" + Decoded(password));
    url.remove_prefix(at + 1);
  }
  auto place = ParseServer(std::string(kScheme) + std::string(url));
  if (!place) return std::nullopt;
  return Proxy{*std::move(place), std::move(authorization)};
}

std::string ReadPem(const Pem& pem) {
  if (!pem.data.empty()) return pem.data;
  std::ifstream file(pem.file, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + pem.file);
  return {std::istreambuf_iterator<char>(file), {}};
}

// For one connection; `client` instead of the endpoint's certificate. Throws what is wrong with the
// files.
asio::ssl::context MakeContext(const Endpoint& endpoint, const ClientPair* client) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
  context.set_verify_mode(endpoint.insecure ? asio::ssl::verify_none : asio::ssl::verify_peer);
  if (endpoint.certificate_authority.Given()) {
    context.add_certificate_authority(asio::buffer(ReadPem(endpoint.certificate_authority)));
  } else if (!endpoint.insecure) {
    context.set_default_verify_paths();
  }
  if (client != nullptr) {
    context.use_certificate_chain(asio::buffer(client->certificate));
    context.use_private_key(asio::buffer(client->key), asio::ssl::context::pem);
  } else if (endpoint.client_certificate.Given()) {
    context.use_certificate_chain(asio::buffer(ReadPem(endpoint.client_certificate)));
    context.use_private_key(asio::buffer(ReadPem(endpoint.client_key)), asio::ssl::context::pem);
  }
  return context;
}

std::optional<base::Duration> RetryAfter(const std::string& text) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(std::min(seconds, 3600));
}

// The connections that nobody uses at the moment, the latest used first.
class Kept {
 public:
  // One by which the server knows us by this certificate. Null: there is none.
  std::unique_ptr<HttpConnection> Take(base::Clock::Steady now,
                                       const std::shared_ptr<const ClientPair>& client) {
    const std::scoped_lock lock(mutex_);
    Forget(now);
    while (!kept_.empty()) {
      auto connection = std::move(kept_.back());
      kept_.pop_back();
      if (connection->client == client && connection->Reusable()) return connection;
    }
    return nullptr;
  }

  void Give(std::unique_ptr<HttpConnection> connection, base::Clock::Steady now) {
    if (!connection->Reusable()) return;
    connection->idle_since = now;
    const std::scoped_lock lock(mutex_);
    Forget(now);
    kept_.push_back(std::move(connection));
  }

 private:
  void Forget(base::Clock::Steady now) {
    std::erase_if(kept_, [now](const auto& one) { return now - one->idle_since > kLongestKept; });
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpConnection>> kept_;
};

// One body on its way to the sink.
class Body {
 public:
  explicit Body(const Sink& sink) : sink_(sink) {}

  // False: enough, or damaged.
  bool Take(const http::Head& head, std::string_view piece) {
    if (!head.gzip) return sink_(head.status, piece);
    if (!inflater_) inflater_.emplace(kMostInflated);
    auto wanted =
        inflater_->Feed(piece, [&](std::string_view bytes) { return sink_(head.status, bytes); });
    if (!wanted) damage_ = wanted.error().message;
    return wanted && *wanted;
  }

  // What is wrong with a body that ended thus; empty: nothing.
  [[nodiscard]] std::string Problem(const Ended& ended) const {
    if (!damage_.empty()) return damage_;
    const bool cut = ended && inflater_ && !inflater_->Complete();
    return cut ? "the gzip response was cut off" : "";
  }

 private:
  const Sink& sink_;
  std::optional<base::Inflater> inflater_;
  std::string damage_;
};

class HttpTransport final : public Transport {
 public:
  HttpTransport(Endpoint endpoint, Place place, std::optional<Proxy> proxy,
                const base::Clock& clock)
      : endpoint_(std::move(endpoint)),
        place_(std::move(place)),
        proxy_(std::move(proxy)),
        clock_(clock) {}

  Result<Response> Send(const Request& request, const Sink& sink,
                        const std::stop_token& stop) override {
    const auto composed = Compose(request);
    if (!composed) return Failed(request, Code::kInvalidArgument, "what HTTP cannot say");
    const Patience patience{clock_, clock_.SteadyNow() + request.deadline, request.idle, stop};
    try {
      for (;;) {
        auto connection = kept_.Take(clock_.SteadyNow(), request.client);
        const bool kept = connection != nullptr;
        if (!kept) {
          connection = std::make_unique<HttpConnection>();
          connection->client = request.client;
          if (auto opened = Connect(*connection, patience); !opened) return Failed(request, opened);
        }
        Body body(sink);
        const auto ended = connection->Ask(
            *composed, {kLargestHeader, http::Limits::kAnySize},
            [&](const http::Head& head, std::string_view piece) { return body.Take(head, piece); },
            patience);
        if (ended.how == How::kGone && kept && request.method == "GET") continue;
        return Finish(request, body, ended, std::move(connection));
      }
    } catch (const std::exception& error) {  // files that cannot be read, no descriptor left
      return Failed(request, Code::kUnavailable, error.what());
    }
  }

 private:
  tl::unexpected<base::Error> Failed(const Request& request, Code code, std::string_view why) {
    const auto path = request.target.substr(0, request.target.find('?'));
    return base::Fail(code,
                      fmt::format("{} {}{}: {}", request.method, endpoint_.server, path, why));
  }

  tl::unexpected<base::Error> Failed(const Request& request, const Ended& ended) {
    auto why = ended.why;
    if (ended.how == How::kTimedOut) {
      why = "took longer than " + base::FormatDuration(request.deadline);
    } else if (ended.how == How::kSilent) {
      why = "silent for " + base::FormatDuration(request.idle);
    }
    return Failed(request, Code::kUnavailable, why);
  }

  // Nothing where a part of it would end its line.
  [[nodiscard]] std::optional<HttpRequest> Compose(const Request& request) const {
    using beast::http::field;
    HttpRequest composed;
    composed.method_string(request.method);
    composed.target(WholeUrls() ? "http://" + place_.Host() + place_.path + request.target
                                : place_.path + request.target);
    composed.set(field::host, place_.Host());
    if (WholeUrls() && !proxy_->authorization.empty()) {
      composed.set(field::proxy_authorization, proxy_->authorization);
    }
    composed.set(field::accept, "application/json");
    composed.set(field::user_agent, fmt::format("sparkfit/{}", base::kVersion));
    if (!request.bearer_token.empty()) {
      composed.set(field::authorization, "Bearer " + request.bearer_token);
    }
    if (request.accept_gzip) composed.set(field::accept_encoding, "gzip");
    if (!request.body.empty()) composed.set(field::content_type, request.content_type);
    for (const auto& [name, value] : request.headers) composed.set(name, value);
    composed.body() = request.body;
    composed.prepare_payload();
    const bool good = request.target.starts_with('/') && IsPrintable(request.target, '!') &&
                      std::all_of(composed.begin(), composed.end(), [](const auto& one) {
                        const auto value = one.value();
                        return IsPrintable({value.data(), value.size()}, ' ');
                      });
    return good ? std::optional(std::move(composed)) : std::nullopt;
  }

  // Of a server without TLS a proxy is asked itself.
  [[nodiscard]] bool WholeUrls() const { return proxy_ && !place_.tls; }

  Ended Connect(HttpConnection& connection, const Patience& patience) {
    const auto& first = proxy_ ? proxy_->place : place_;
    std::vector<tcp::endpoint> servers;
    if (auto resolved = Resolve(first.host, first.port, patience, servers); !resolved) {
      return ByProxy(resolved);
    }
    if (auto opened = connection.Open(servers, patience); !opened) return ByProxy(opened);
    if (!place_.tls) return {};
    if (proxy_) {
      const auto to = fmt::format("{}:{}", InUrl(place_.host), place_.port);
      if (auto through = connection.Tunnel(to, proxy_->authorization, patience); !through) {
        return ByProxy(through);
      }
    }
    auto context = MakeContext(endpoint_, connection.client.get());
    const auto& name = endpoint_.tls_server_name;
    return connection.Handshake(context, name.empty() ? place_.host : name, patience);
  }

  [[nodiscard]] Ended ByProxy(Ended ended) const {
    if (proxy_) ended.why = fmt::format("by proxy {}: {}", proxy_->place.Host(), ended.why);
    return ended;
  }

  Result<Response> Finish(const Request& request, const Body& body, const Ended& ended,
                          std::unique_ptr<HttpConnection> connection) {
    if (const auto problem = body.Problem(ended); !problem.empty()) {
      return Failed(request, Code::kUnavailable, problem);
    }
    if (!ended && ended.how != How::kEnough) return Failed(request, ended);
    const auto& head = connection->Head();
    Response response{head.status, RetryAfter(head.retry_after)};
    if (ended) kept_.Give(std::move(connection), clock_.SteadyNow());
    return response;
  }

  Endpoint endpoint_;
  Place place_;
  std::optional<Proxy> proxy_;
  const base::Clock& clock_;
  Kept kept_;
};

}  // namespace

std::string InUrl(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

Result<std::unique_ptr<Transport>> MakeHttpTransport(const Endpoint& endpoint,
                                                     const base::Clock& clock) {
  auto place = ParseServer(endpoint.server);
  if (!place) {
    return base::Fail(Code::kInvalidArgument,
                      fmt::format("\"{}\" is no https URL", endpoint.server));
  }
  std::optional<Proxy> proxy;
  if (!endpoint.proxy.empty()) {
    proxy = ParseProxy(endpoint.proxy);
    if (!proxy) {
      // It may hold a password.
      return base::Fail(Code::kInvalidArgument,
                        fmt::format("the proxy of {} is none as http://host:port (proxy-url, "
                                    "HTTPS_PROXY, HTTP_PROXY); others are not supported",
                                    endpoint.server));
    }
  }
  return std::make_unique<HttpTransport>(endpoint, *std::move(place), std::move(proxy), clock);
}

}  // namespace sparkfit::kube
