// SPDX-License-Identifier: Apache-2.0
#include "http_connection.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <memory>
#include <mutex>
#include <thread>

#include "sparkfit/base/text.h"

namespace sparkfit::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using http::Error;
using http::Step;
using How = Ended::How;

bool IsTooLarge(Error error) {
  using Kind = beast::http::error;
  return error == Kind::header_limit || error == Kind::body_limit ||
         error == Kind::buffer_overflow || error == Kind::bad_chunk;
}

Ended Failure(Error error) {
  if (!error) return {};
  return {IsTooLarge(error) ? How::kTooLarge : How::kFailed, error.message()};
}

constexpr std::size_t kLargestTunnelAnswer = 16 << 10;

// What a server says of itself, for a person.
std::string Shown(std::string_view text) {
  constexpr std::size_t kShown = 200;
  return base::Printable(base::Beginning(text, kShown));
}

// Of its bytes, 4 or 16.
std::string AddressOf(std::string_view bytes) {
  asio::ip::address_v4::bytes_type v4{};
  asio::ip::address_v6::bytes_type v6{};
  if (bytes.size() == v4.size()) {
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    return asio::ip::address_v4(v4).to_string();
  }
  if (bytes.size() != v6.size()) return "an address that makes no sense";
  std::copy(bytes.begin(), bytes.end(), v6.begin());
  return asio::ip::address_v6(v6).to_string();
}

std::string NameOf(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), BIO_free_all);
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  const char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return Shown({text, static_cast<std::size_t>(size)});
}

std::string Written(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return "a time that makes no sense";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// The names and addresses that a certificate is for.
std::string SubjectsOf(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  std::string text;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    const auto* value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                 static_cast<std::size_t>(ASN1_STRING_length(value)));
    text += text.empty() ? "" : ", ";
    text += name->type == GEN_DNS ? std::string(bytes) : AddressOf(bytes);
  }
  return text.empty() ? "no name" : Shown(text);
}

// What a person can do something about, in words; the rest in OpenSSL's.
std::string WhyDistrusted(X509_STORE_CTX* verified, const std::string& name) {
  const int error = X509_STORE_CTX_get_error(verified);
  auto* certificate = X509_STORE_CTX_get_current_cert(verified);
  if (certificate == nullptr) return std::string("TLS: ") + X509_verify_cert_error_string(error);
  const auto subject = NameOf(X509_get_subject_name(certificate));
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("the certificate of {} expired at {}", subject,
                         Written(X509_get0_notAfter(certificate)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("the certificate of {} is not valid before {}; is this clock right?",
                         subject, Written(X509_get0_notBefore(certificate)));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("the server's certificate is for {}, not for {}", SubjectsOf(certificate),
                         name);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format("the certificate of {} is signed by an unknown authority, {}", subject,
                         NameOf(X509_get_issuer_name(certificate)));
    default:
      return fmt::format("the certificate of {}: {}", subject,
                         X509_verify_cert_error_string(error));
  }
}

// Why a wait ended without what it was for.
Ended Impatient(const Patience& patience) {
  if (patience.stop.stop_requested()) return {How::kStopped, "stopped"};
  return {patience.clock.SteadyNow() >= patience.end ? How::kTimedOut : How::kSilent, "too slow"};
}

bool IsAddress(const std::string& text) {
  Error error;
  asio::ip::make_address(text, error);
  return !error;
}

// A name that is being looked up, shared with the thread that does.
struct Lookup {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool done = false;
  Error error;
  std::vector<tcp::endpoint> found;
};

void LookUp(const std::shared_ptr<Lookup>& lookup, const std::string& host,
            const std::string& port) {
  asio::io_context context;
  tcp::resolver resolver(context);
  Error error;
  const auto results = resolver.resolve(host, port, error);
  const std::scoped_lock lock(lookup->mutex);
  for (const auto& result : results) lookup->found.push_back(result.endpoint());
  lookup->error = error;
  lookup->done = true;
  lookup->changed.notify_all();
}

}  // namespace

base::Duration Patience::Left() const {
  const auto left = std::chrono::ceil<base::Duration>(end - clock.SteadyNow());
  return std::clamp(left, base::Duration{}, idle);
}

Ended Resolve(const std::string& host, const std::string& port, const Patience& patience,
              std::vector<tcp::endpoint>& found) {
  Error error;
  if (const auto address = asio::ip::make_address(host, error); !error) {
    found.emplace_back(address, static_cast<std::uint16_t>(std::stoul(port)));
    return {};
  }
  const auto lookup = std::make_shared<Lookup>();
  std::thread(LookUp, lookup, host, port).detach();
  std::unique_lock lock(lookup->mutex);
  lookup->changed.wait_for(lock, patience.stop, patience.Left(), [&] { return lookup->done; });
  if (!lookup->done) return Impatient(patience);
  found = lookup->found;
  if (lookup->error) return {How::kFailed, host + ": " + lookup->error.message()};
  return {};
}

// Starts an operation and waits for it. One that is given up ends by closing the socket.
template <typename Start>
Ended HttpConnection::Wait(const Patience& patience, Start start) {
  std::optional<Error> result;
  context_.restart();
  const std::stop_callback wakes(patience.stop, [this] { context_.stop(); });
  start([&](Error error, auto&&...) { result = error; });
  context_.run_for(patience.Left());
  if (result) return Failure(*result);
  const auto ended = Impatient(patience);
  Error ignored;
  socket_.close(ignored);
  context_.restart();
  context_.run();
  return ended;
}

template <typename Do>
auto HttpConnection::WithStream(Do what) {
  return tls_ ? what(*tls_) : what(socket_);
}

Ended HttpConnection::Open(const std::vector<tcp::endpoint>& servers, const Patience& patience) {
  auto opened = Wait(patience, [&](auto done) { asio::async_connect(socket_, servers, done); });
  if (!opened) return opened;
  Error ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  return opened;
}

Ended HttpConnection::Tunnel(const std::string& to, const std::string& authorization,
                             const Patience& patience) {
  auto ask = fmt::format("CONNECT {} HTTP/1.1\r\nHost: {}\r\n", to, to);
  if (!authorization.empty()) ask += "Proxy-Authorization: " + authorization + "\r\n";
  ask += "\r\n";
  auto written =
      Wait(patience, [&](auto done) { asio::async_write(socket_, asio::buffer(ask), done); });
  if (!written) return written;
  std::string answer;
  auto read = Wait(patience, [&](auto done) {
    asio::async_read_until(socket_, asio::dynamic_buffer(answer, kLargestTunnelAnswer), "\r\n\r\n",
                           done);
  });
  if (!read) return read;
  const auto line = answer.substr(0, answer.find('\r'));
  const auto status = line.substr(std::min(line.find(' ') + 1, line.size()));
  if (line.starts_with("HTTP/1.") && status.starts_with('2')) return {};
  return {How::kFailed, "the proxy answers " + Shown(status)};
}

Ended HttpConnection::Handshake(asio::ssl::context& context, const std::string& name,
                                const Patience& patience) {
  tls_.emplace(socket_, context);
  auto* ssl = tls_->native_handle();
  auto* wanted = SSL_get0_param(ssl);
  if (IsAddress(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, name.c_str());
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size());
  }
  if (SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE) {
    tls_->set_verify_callback([this, name](bool fine, asio::ssl::verify_context& verified) {
      if (!fine && distrust_.empty()) distrust_ = WhyDistrusted(verified.native_handle(), name);
      return fine;
    });
  }
  auto ended = Wait(
      patience, [&](auto done) { tls_->async_handshake(asio::ssl::stream_base::client, done); });
  if (ended.how == How::kFailed) ended.why = distrust_.empty() ? "TLS: " + ended.why : distrust_;
  return ended;
}

Ended HttpConnection::Ask(const HttpRequest& request, const http::Limits& limits, const Sink& sink,
                          const Patience& patience) {
  complete_ = false;
  if (!intake_) intake_.emplace(limits.header);
  intake_->Begin(limits);
  auto written = Wait(patience, [&](auto done) {
    WithStream([&](auto& stream) { beast::http::async_write(stream, request, done); });
  });
  if (!written) return written.how == How::kFailed ? Ended{How::kGone, written.why} : written;
  auto received = Receive(sink, patience);
  complete_ = received.how == How::kWell;
  return received;
}

Ended HttpConnection::Receive(const Sink& sink, const Patience& patience) {
  auto& answer = intake_->Current();
  for (;;) {
    Error error;
    const auto step = intake_->Next(error);
    if (error) return Failure(error);
    switch (step) {
      case Step::kWantsMore:
        if (auto read = Read(patience); !read) return read;
        break;
      case Step::kHeader:
        // Nothing was asked that has one of these, and a server might send them for ever.
        if (answer.head.status < 200) return {How::kFailed, "an interim answer"};
        break;
      case Step::kBody:
        if (!sink(answer.head, answer.body)) return {How::kEnough, "enough"};
        answer.body.clear();
        break;
      case Step::kDone:
        return {};
    }
  }
}

Ended HttpConnection::Read(const Patience& patience) {
  std::size_t came = 0;
  bool ended = false;
  auto read = Wait(patience, [&](auto done) {
    WithStream([&](auto& stream) {
      stream.async_read_some(intake_->Room(), [&, done](Error error, std::size_t size) mutable {
        came = size;
        ended = error == asio::error::eof;
        done(ended ? Error() : error);
      });
    });
  });
  const bool began = intake_->Current().got_some() || !intake_->Empty();
  if (!read) return read.how == How::kFailed && !began ? Ended{How::kGone, read.why} : read;
  intake_->Came(came);
  if (!ended) return {};
  if (!began) return {How::kGone, "the server closed the connection"};
  Error error;
  intake_->Ended(error);
  return Failure(error);
}

bool HttpConnection::Reusable() {
  if (!complete_ || !intake_->Current().keep_alive() || !intake_->Empty()) return false;
  // What a server says unasked is that it goes.
  char byte = 0;
  const auto seen = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace sparkfit::kube
