// SPDX-License-Identifier: Apache-2.0
//
// What a peer sends over one HTTP/1.1 connection, on its way from the socket into messages. The
// peer may be anybody: whatever it sends, an Intake holds at most one buffer and the body that was
// agreed on. Of the fields it keeps none but those in Head.
//
// Boost.Beast parses. Its own read operations are not used: they let a line that never ends (of a
// chunk, an extension, a trailer) grow the buffer for ever, and its limit of a header does not
// count fields that arrive line by line.
#pragma once

#include <algorithm>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace sparkfit::http {

using Error = boost::system::error_code;

struct Limits {
  static constexpr auto kAnySize = std::numeric_limits<std::uint64_t>::max();

  std::size_t header = std::size_t{16} << 10;
  std::uint64_t body = 0;  // kAnySize: for who takes the body as it comes
};

// What is known of a message once its header is complete.
struct Head {
  boost::beast::http::verb method{};  // of a request
  std::string method_text{};
  std::string target{};
  std::string authorization{};  // of a request: the first
  int status = 0;               // of a response
  bool gzip = false;            // a request accepts it, a response is it
  std::string retry_after{};    // of a response
};

// One message: kRequest of a client, else of a server.
template <bool kRequest>
class Message final : public boost::beast::http::basic_parser<kRequest> {
 public:
  explicit Message(const Limits& limits);

  Head head;
  std::string body;        // what came since somebody took it
  std::uint64_t came = 0;  // of the body, in all

 private:
  using StringView = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb method, StringView text, StringView target,
                       int version, Error& error) override;
  void on_response_impl(int code, StringView reason, int version, Error& error) override;
  void on_field_impl(boost::beast::http::field field, StringView name, StringView value,
                     Error& error) override;
  void on_header_impl(Error& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, Error& error) override;
  std::size_t on_body_impl(StringView piece, Error& error) override;
  void on_chunk_header_impl(std::uint64_t size, StringView extensions, Error& error) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, StringView piece, Error& error) override;
  void on_finish_impl(Error& error) override;
};

enum class Step {
  kWantsMore,  // read into Room()
  kHeader,     // is complete
  kBody,       // grew
  kDone,       // the message is complete; what came behind it waits for Begin
};

template <bool kRequest>
class Intake {
 public:
  // REQUIRES: no message has a larger header than this.
  explicit Intake(std::size_t largest_header) : buffer_(largest_header + kPiece) {}

  // The next message begins, with what has come of it already.
  void Begin(const Limits& limits);

  // Where the next bytes go: never empty after kWantsMore. Came says how many there are.
  [[nodiscard]] auto Room(std::size_t most = kPiece) {
    return buffer_.prepare(std::min(most, buffer_.max_size() - buffer_.size()));
  }
  void Came(std::size_t bytes) { buffer_.commit(bytes); }
  // Nothing further comes: an error, but where that is how a body ends.
  void Ended(Error& error);

  // Goes on until there is something to tell. Errors are those of Beast: header_limit, body_limit,
  // buffer_overflow for a line without end, bad_chunk for chunks that are mostly not body, …
  Step Next(Error& error);

  [[nodiscard]] bool Empty() const { return buffer_.size() == 0; }
  // REQUIRES: Begin.
  [[nodiscard]] Message<kRequest>& Current() { return *message_; }

 private:
  static constexpr std::size_t kPiece = std::size_t{16} << 10;

  boost::beast::flat_buffer buffer_;
  Limits limits_;
  std::optional<Message<kRequest>> message_;
  std::uint64_t consumed_ = 0;  // of the message's bytes
  bool in_chunk_line_ = false;  // what there is begins a line of a chunk that is not complete
};

extern template class Message<true>;
extern template class Message<false>;
extern template class Intake<true>;
extern template class Intake<false>;

}  // namespace sparkfit::http
