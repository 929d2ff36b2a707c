// SPDX-License-Identifier: Apache-2.0
#include "http_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

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

Ended HttpConnection::Open(const std::vector<tcp::endpoint>& servers, asio::ssl::context* tls,
                           const std::string& name, const Patience& patience) {
  auto opened = Wait(patience, [&](auto done) { asio::async_connect(socket_, servers, done); });
  if (!opened) return opened;
  Error ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  return tls == nullptr ? opened : Handshake(*tls, name, patience);
}

Ended HttpConnection::Handshake(asio::ssl::context& context, const std::string& name,
                                const Patience& patience) {
  tls_.emplace(socket_, context);
  if (!IsAddress(name)) SSL_set_tlsext_host_name(tls_->native_handle(), name.c_str());
  tls_->set_verify_callback(asio::ssl::host_name_verification(name));
  return Wait(patience,
              [&](auto done) { tls_->async_handshake(asio::ssl::stream_base::client, done); });
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
