// SPDX-License-Identifier: Apache-2.0
//
// The files of src/replay/html, put into the binary when it is built (cmake/EmbedText.cmake).
#pragma once

#include <string_view>

namespace sparkfit::replay::html {

extern const std::string_view kPage;      // page.html, with {{places}} to fill
extern const std::string_view kStyle;     // style.css
extern const std::string_view kCommon;    // common.js
extern const std::string_view kFleet;     // fleet.js
extern const std::string_view kBacktest;  // backtest.js
extern const std::string_view kLoop;      // loop.js

}  // namespace sparkfit::replay::html
