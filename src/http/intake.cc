// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/http/intake.h"

#include <boost/beast/http/error.hpp>

namespace sparkfit::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;

// What is not body (sizes of chunks, extensions, trailers) may be so many times as much as the
// body, beside a header. A chunk of a single byte needs five times as much.
constexpr std::uint64_t kMostFraming = 8;

// At the line of a chunk at least so many bytes of a message are still to come: "0\r\n\r\n". Beast
// 1.74 asserts that they are there when it goes on with the last chunk.
constexpr std::size_t kLeastChunk = 5;

bool MentionsGzip(beast::string_view value) {
  return value.find("gzip") != beast::string_view::npos;
}

}  // namespace

template <bool kRequest>
Message<kRequest>::Message(const Limits& limits) {
  this->header_limit(static_cast<std::uint32_t>(limits.header));
  // Never none: Beast 1.74 takes any length for more than that.
  this->body_limit(limits.body);
}

template <bool kRequest>
void Message<kRequest>::on_request_impl(beast::http::verb method, StringView text,
                                        StringView target, int, Error&) {
  head.method = method;
  head.method_text = std::string(text);
  head.target = std::string(target);
}

template <bool kRequest>
void Message<kRequest>::on_response_impl(int code, StringView, int, Error&) {
  head.status = code;
}

template <bool kRequest>
void Message<kRequest>::on_field_impl(field name, StringView, StringView value, Error&) {
  if (this->is_header_done()) return;  // a trailer
  if (name == (kRequest ? field::accept_encoding : field::content_encoding)) {
    head.gzip = head.gzip || MentionsGzip(value);
  }
  if (kRequest && name == field::authorization && head.authorization.empty()) {
    head.authorization = std::string(value);
  }
  if (!kRequest && name == field::retry_after) head.retry_after = std::string(value);
}

template <bool kRequest>
void Message<kRequest>::on_header_impl(Error&) {}

template <bool kRequest>
void Message<kRequest>::on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) {}

template <bool kRequest>
std::size_t Message<kRequest>::on_body_impl(StringView piece, Error&) {
  body.append(piece.data(), piece.size());
  came += piece.size();
  return piece.size();
}

template <bool kRequest>
void Message<kRequest>::on_chunk_header_impl(std::uint64_t, StringView, Error&) {}

template <bool kRequest>
std::size_t Message<kRequest>::on_chunk_body_impl(std::uint64_t, StringView piece, Error& error) {
  return on_body_impl(piece, error);
}

template <bool kRequest>
void Message<kRequest>::on_finish_impl(Error&) {}

template <bool kRequest>
void Intake<kRequest>::Begin(const Limits& limits) {
  limits_ = limits;
  message_.emplace(limits);
  consumed_ = 0;
  in_chunk_line_ = false;
}

template <bool kRequest>
void Intake<kRequest>::Ended(Error& error) {
  if (message_->got_some()) return message_->put_eof(error);
  error = beast::http::error::end_of_stream;
}

template <bool kRequest>
Step Intake<kRequest>::Next(Error& error) {
  auto& message = *message_;
  error = {};
  for (;;) {
    if (message.is_done()) return Step::kDone;
    if (buffer_.size() < (in_chunk_line_ ? kLeastChunk : 1)) return Step::kWantsMore;
    const bool had_header = message.is_header_done();
    const auto had_body = message.came;
    const auto used = message.put(buffer_.data(), error);
    buffer_.consume(used);
    consumed_ += used;
    if (error && error != beast::http::error::need_more) return Step::kDone;
    if (consumed_ - message.came > limits_.header + kMostFraming * message.came) {
      error = message.is_header_done() ? beast::http::error::bad_chunk
                                       : beast::http::error::header_limit;
      return Step::kDone;
    }
    in_chunk_line_ = error && message.is_header_done();
    if (error) {
      const bool full = buffer_.size() == buffer_.max_size();
      error = full ? make_error_code(beast::http::error::buffer_overflow) : Error();
      return Step::kWantsMore;
    }
    if (!had_header && message.is_header_done()) return Step::kHeader;
    if (message.came > had_body) return Step::kBody;
  }
}

template class Message<true>;
template class Message<false>;
template class Intake<true>;
template class Intake<false>;

}  // namespace sparkfit::http
