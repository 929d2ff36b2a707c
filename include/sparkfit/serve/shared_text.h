// SPDX-License-Identifier: Apache-2.0
//
// A text that many may ask for at once: it is made once for all who ask within a moment, so that
// however many are sent it, slowly or again and again, it costs one rendering and one copy of each
// moment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "sparkfit/base/clock.h"
#include "sparkfit/serve/server.h"

namespace sparkfit::serve {

// For one thread at a time.
class SharedText {
 public:
  // What is given is at most `moment` old. REQUIRES: `clock` outlives it.
  SharedText(const base::Clock& clock, base::Duration moment, std::function<std::string()> render)
      : clock_(&clock), moment_(moment), render_(std::move(render)) {}

  Body Get() {
    const auto now = clock_->SteadyNow();
    if (!body_ || now - rendered_ > moment_) {
      body_.reset();  // before the next is made: nobody else may hold it
      body_ = Body(render_());
      rendered_ = now;
    }
    return *body_;
  }

 private:
  const base::Clock* clock_;
  base::Duration moment_;
  std::function<std::string()> render_;
  base::Clock::Steady rendered_{};
  std::optional<Body> body_;
};

}  // namespace sparkfit::serve
