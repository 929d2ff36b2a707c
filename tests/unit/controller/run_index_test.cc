// SPDX-License-Identifier: Apache-2.0
#include "controller/run_index.h"

#include <catch2/catch.hpp>

namespace sparkfit::controller {
namespace {

// A key of that namespace.
Entry KeyOf(const std::string& name_space, const std::string& signature) {
  return {{name_space, signature, 0}, {}};
}

void Begin(RunIndex& index, Entry& entry, const std::string& application, int number) {
  model::Executor executor;
  executor.application = application;
  auto& started = entry.history.Start(application + std::to_string(number), executor, {});
  index.Add(entry, application);
  entry.history.End(started, {});
  entry.history.Seal(application + std::to_string(number));
}

TEST_CASE("the keys that have a run are found, in their order and once", "[controller]") {
  RunIndex index;
  auto b = KeyOf("jobs", "b");
  auto a = KeyOf("jobs", "a");
  auto other = KeyOf("others", "a");
  for (auto* entry : {&b, &a, &other}) Begin(index, *entry, "app-1", 1);
  Begin(index, a, "app-2", 1);
  CHECK(index.Take("jobs", "app-1") == std::vector<Entry*>{&a, &b});
  CHECK(index.Take("jobs", "app-1").empty());
  Begin(index, a, "app-1", 2);  // it goes on
  CHECK(index.Take("jobs", "app-1") == std::vector<Entry*>{&a});
  CHECK(index.Take("others", "app-1") == std::vector<Entry*>{&other});
  CHECK(index.Take("jobs", "app-2") == std::vector<Entry*>{&a});
  CHECK(index.Size() == 0);
}

TEST_CASE("no more runs are known than twice what histories remember", "[controller]") {
  RunIndex index;
  auto entry = KeyOf("jobs", "nightly");
  for (int i = 0; i < 1000; ++i) Begin(index, entry, "app-" + std::to_string(i), 1);
  CHECK(index.Size() <= 2 * model::KeyHistory::kApplications + 1);
  CHECK(index.Take("jobs", "app-999") == std::vector<Entry*>{&entry});
  index.Remove(entry);
  CHECK(index.Size() == 0);
  CHECK(index.Take("jobs", "app-998").empty());
}

}  // namespace
}  // namespace sparkfit::controller
