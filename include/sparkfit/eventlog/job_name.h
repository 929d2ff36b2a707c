// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sparkfit::eventlog {

// An application's name as far as it is the same in each run of its job: without dates, times,
// UUIDs and other long numbers. Numbers of less than six digits stay: job-3 and job-4 are two.
std::string JobName(std::string_view application);

}  // namespace sparkfit::eventlog
