// SPDX-License-Identifier: Apache-2.0
//
// Failure as a value. Foreign input and the environment fail with Error; programmer errors assert.
// Only the part of tl::expected that std::expected shares is used, so that C++23 can replace it
// here.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace sparkfit::base {

// What the caller can do about a failure.
enum class Code {
  kInvalidArgument,  // a person gave something unusable: say what, exit with 2
  kNotFound,         // it is not there
  kMalformed,        // foreign bytes that do not parse: count, go on with the next
  kUnavailable,      // the environment failed: may work later
};

struct Error {
  Code code;
  std::string message;  // a sentence without a final stop, lower case, naming the offending value
};

template <typename T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> Fail(Code code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// Context added going up: "reading a.ndjson: truncated gzip stream".
[[nodiscard]] inline tl::unexpected<Error> Fail(std::string_view context, Error cause) {
  return tl::unexpected<Error>(
      Error{cause.code, std::string(context) + ": " + std::move(cause.message)});
}

}  // namespace sparkfit::base
