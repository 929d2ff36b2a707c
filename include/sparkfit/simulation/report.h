// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sparkfit/replay/report.h"
#include "sparkfit/simulation/closed_loop.h"

namespace sparkfit::simulation {

// As tables that explain themselves, or an array in the order of the results, fields as in
// docs/formats.md. The text ends with a line end.
std::string Render(const std::vector<LoopResult>& results, replay::OutputFormat format);

// The same as a page for people. REQUIRES: at least one result.
std::string Page(const std::vector<LoopResult>& results);

// What one job is and how each of its runs went, for whoever wants to know why.
std::string RenderJob(const Profile& profile, const std::vector<Pair>& pairs);

}  // namespace sparkfit::simulation
