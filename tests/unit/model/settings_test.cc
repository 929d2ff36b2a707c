// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/settings.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

constexpr const char* kEmr = "emr-containers.amazonaws.com/dynamic.sizing";

struct Entry {
  std::string key;
  std::string value;
  bool annotation = true;
};

PodSettings Settings(std::initializer_list<Entry> entries) {
  PodSettings settings;
  for (const auto& entry : entries) {
    if (const auto source = FindSetting(entry.key, entry.annotation)) {
      settings.Offer(*source, entry.value);
    }
  }
  return settings;
}

std::string Emr(const std::string& suffix) { return kEmr + suffix; }

std::optional<std::string> Signature(const PodSettings& executor, const PodSettings* driver) {
  std::vector<std::string> problems;
  auto signature = FindSignature(executor, driver, problems);
  CHECK((signature.has_value() ? problems.empty() : problems.size() <= 1));
  return signature;
}

TEST_CASE("on one pod own keys win over EMR's, and there annotations over labels",
          "[model][settings]") {
  std::vector<Entry> entries{{"sparkfit.io/signature", "own annotation", true},
                             {"sparkfit.io/signature", "own label", false},
                             {Emr(".signature"), "emr annotation", true},
                             {Emr(".signature"), "emr label", false}};
  for (std::size_t first = 0; first < entries.size(); ++first) {
    // Whatever the order in which they are read.
    PodSettings settings;
    for (std::size_t i = entries.size(); i-- > first;) {
      settings.Offer(*FindSetting(entries[i].key, entries[i].annotation), entries[i].value);
    }
    CHECK(settings.Get(Setting::kSignature) == entries[first].value);
  }
}

TEST_CASE("each setting is looked up alone, executor before driver", "[model][settings]") {
  const auto executor = Settings({{Emr(".signature"), "from-executor", false}});
  const auto driver = Settings({{"sparkfit.io/signature", "from-driver"},
                                {"sparkfit.io/mode", "Initial"},
                                {"sparkfit.io/max-memory", "8Gi"}});
  CHECK(Signature(executor, &driver) == "from-executor");
  CHECK(Signature(PodSettings{}, &driver) == "from-driver");
  const auto job = Understand(executor, &driver);
  CHECK(job.mode == Mode::kInitial);
  CHECK(job.max_memory == base::GiB(8));
  CHECK(job.problems.empty());
}

TEST_CASE("EMR's mode counts only with dynamic.sizing true, on either pod", "[model][settings]") {
  const auto executor = Settings({{Emr(".mode"), "Initial"}});
  CHECK(Understand(executor, nullptr).mode == std::nullopt);
  const auto on = Settings({{kEmr, "true", false}});
  CHECK(Understand(executor, &on).mode == Mode::kInitial);
  const auto off = Settings({{kEmr, "TRUE", false}});  // only the literal "true" enables
  CHECK(Understand(executor, &off).mode == std::nullopt);
  const auto own = Settings({{"sparkfit.io/mode", "Auto"}, {Emr(".mode"), "Initial"}});
  CHECK(Understand(own, &on).mode == Mode::kAuto);
}

TEST_CASE("a driver's own mode does not win over the executor's EMR mode", "[model][settings]") {
  const auto executor = Settings({{Emr(".mode"), "Initial"}, {kEmr, "true"}});
  const auto driver = Settings({{"sparkfit.io/mode", "Off"}});
  CHECK(Understand(executor, &driver).mode == Mode::kInitial);
}

TEST_CASE("EMR's bounds are understood in both spellings of its documentation",
          "[model][settings]") {
  CHECK(Understand(Settings({{Emr(".scale.memory.min"), "1G"}}), nullptr).min_memory ==
        base::Bytes{1000000000});
  CHECK(Understand(Settings({{Emr(".memory.max"), "4Gi"}}), nullptr).max_memory == base::GiB(4));
  CHECK(Understand(Settings({{Emr(".memory.max"), "4Gi"}, {Emr(".scale.memory.max"), "5Gi"}}),
                   nullptr)
            .max_memory == base::GiB(5));
}

TEST_CASE("what cannot be understood is left out and named", "[model][settings]") {
  const auto job = Understand(Settings({{"sparkfit.io/mode", "on"},
                                        {"sparkfit.io/min-memory", "4GB"},
                                        {"sparkfit.io/max-memory", "-1Gi"},
                                        {Emr(".scale.memory"), "yes"},
                                        {Emr(".scale.cpu"), "true"}}),
                              nullptr);
  CHECK(job.mode == std::nullopt);
  CHECK(job.min_memory == std::nullopt);
  CHECK(job.max_memory == std::nullopt);
  CHECK(job.scale_memory);
  CHECK(job.wants_cpu);
  CHECK(job.problems.size() == 4);
}

TEST_CASE("a bound in a unit that nobody means is named with the one that was meant",
          "[model][settings]") {
  const auto problems = [](const std::string& key, const std::string& value) {
    const auto job = Understand(Settings({{key, value}}), nullptr);
    CHECK_FALSE(job.min_memory.has_value());
    CHECK_FALSE(job.max_memory.has_value());
    return job.problems;
  };
  using All = std::vector<std::string>;
  CHECK(problems("sparkfit.io/max-memory", "4096m") ==
        All{"sparkfit.io/max-memory: \"4096m\" is 4.096 bytes in Kubernetes; 4096Mi?"});
  CHECK(problems("sparkfit.io/min-memory", "4096") ==
        All{"sparkfit.io/min-memory: \"4096\" is 4096 bytes in Kubernetes; 4096Mi?"});
  // Of EMR's keys the one that was written.
  CHECK(problems(Emr(".memory.max"), "4096m") ==
        All{Emr(".memory.max") + ": \"4096m\" is 4.096 bytes in Kubernetes; 4096Mi?"});
  CHECK(problems(Emr(".scale.memory.max"), "63Mi") ==
        All{Emr(".scale.memory.max") + ": \"63Mi\" is less than 64Mi; 63Gi?"});
}

TEST_CASE("min above max leaves both out", "[model][settings]") {
  const auto executor = Settings({{"sparkfit.io/min-memory", "8Gi"}});
  const auto driver = Settings({{Emr(".scale.memory.max"), "4Gi"}});
  const auto job = Understand(executor, &driver);
  CHECK_FALSE(job.min_memory.has_value());
  CHECK_FALSE(job.max_memory.has_value());
  REQUIRE(job.problems.size() == 1);
  CHECK(job.problems[0] ==
        "sparkfit.io/min-memory: 8192Mi is above " + Emr(".scale.memory.max") + ": 4096Mi");
  const auto equal = Settings({{"sparkfit.io/min-memory", "4Gi"}});
  CHECK(Understand(equal, &driver).min_memory == base::GiB(4));
}

TEST_CASE("a user's bound wins over one of the job that contradicts it", "[model][settings]") {
  JobRequest job;
  job.max_memory = base::GiB(4);
  std::vector<std::string> problems;
  CHECK(BoundsInForce(job, {base::GiB(8), {}}, problems) == Bounds{base::GiB(8), {}});
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == "max-memory: 4096Mi is below spec.memory.min: 8192Mi");
  problems.clear();
  CHECK(BoundsInForce(job, {base::GiB(2), {}}, problems) == Bounds{base::GiB(2), base::GiB(4)});
  CHECK(problems.empty());
  job.min_memory = base::GiB(3);
  CHECK(BoundsInForce(job, {{}, base::GiB(2)}, problems) == Bounds{{}, base::GiB(2)});
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == "min-memory: 3072Mi is above spec.memory.max: 2048Mi");
}

TEST_CASE("bounds that an earlier version took are not in force", "[model][settings]") {
  JobRequest job;
  job.max_memory = base::Bytes{5};  // 4096m, rounded up
  std::vector<std::string> problems;
  CHECK(BoundsInForce(job, {}, problems) == Bounds{});
  job.min_memory = base::GiB(2);
  job.max_memory = base::GiB(1);
  CHECK(BoundsInForce(job, {}, problems) == Bounds{});
}

TEST_CASE("modes and switches are named with what was meant", "[model][settings]") {
  const auto problem = [](const std::string& key, const std::string& value) {
    const auto job = Understand(Settings({{key, value}}), nullptr);
    REQUIRE(job.problems.size() == 1);
    return job.problems[0];
  };
  CHECK(problem("sparkfit.io/mode", "initial") ==
        "sparkfit.io/mode: \"initial\" is not Off, Initial or Auto; Initial?");
  CHECK(problem("sparkfit.io/mode", "on") ==
        "sparkfit.io/mode: \"on\" is not Off, Initial or Auto");
  CHECK(problem(Emr(".scale.memory"), "False") ==
        Emr(".scale.memory") + ": \"False\" is neither true nor false; false?");
  CHECK(problem(kEmr, "1") == kEmr + std::string(": \"1\" is neither true nor false; true?"));
}

TEST_CASE("a key that is nearly one of ours is named", "[model][settings]") {
  PodSettings executor;
  PodSettings driver;
  executor.OfferUnknown("sparkfit.io/max-memroy");
  executor.OfferUnknown("sparkfit.io/team");
  executor.OfferUnknown("sparkfit.io/applied-memory");
  executor.OfferUnknown("max-memroy");
  driver.OfferUnknown(Emr(".scale.memory.maxx"));
  for (int i = 0; i < 100; ++i) driver.OfferUnknown("sparkfit.io/modes");
  const auto job = Understand(executor, &driver);
  REQUIRE(job.problems.size() == 5);  // four of a pod at most
  CHECK(job.problems[0] == "sparkfit.io/max-memroy is no setting; sparkfit.io/max-memory?");
  CHECK(job.problems[1] ==
        Emr(".scale.memory.maxx") + " is no setting; " + Emr(".scale.memory.max") + "?");
}

TEST_CASE("a signature that is empty or too long is none", "[model][settings]") {
  CHECK(Signature(Settings({{"sparkfit.io/signature", ""}}), nullptr) == std::nullopt);
  const std::string longest(kLongestSetting, 'x');
  CHECK(Signature(Settings({{"sparkfit.io/signature", longest}}), nullptr) == longest);
  CHECK(Signature(Settings({{"sparkfit.io/signature", longest + "x"}}), nullptr) == std::nullopt);
}

TEST_CASE("a signature that is too long is called so", "[model][settings]") {
  std::vector<std::string> problems;
  FindSignature(Settings({{"sparkfit.io/signature", std::string(1000, 'x')}}), nullptr, problems);
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0], Catch::Contains("more than 253 bytes"));
}

TEST_CASE("a derived signature counts only where there is no other", "[model][settings]") {
  PodSettings derived;
  derived.Offer({Setting::kDerivedSignature, 0}, "derived");
  const auto given = Settings({{"sparkfit.io/signature", "given"}});
  CHECK(Signature(derived, nullptr) == "derived");
  CHECK(Signature(PodSettings{}, &derived) == "derived");
  CHECK(Signature(derived, &given) == "given");
}

TEST_CASE("keys that are not ours are no settings", "[model][settings]") {
  for (const auto* key :
       {"sparkfit.io/", "sparkfit.io/signatures", "signature", "",
        "emr-containers.amazonaws.com/job.id", "emr-containers.amazonaws.com/dynamic.sizingX"}) {
    INFO(key);
    CHECK_FALSE(FindSetting(key, true).has_value());
  }
}

TEST_CASE("a driver may be asked for its metrics by a literal true alone", "[model][settings]") {
  CHECK_FALSE(Understand(PodSettings{}, nullptr).driver_metrics.has_value());
  const auto on = Settings({{"sparkfit.io/driver-metrics", "true", false}});
  CHECK(Understand(on, nullptr).driver_metrics == true);
  CHECK(Understand(PodSettings{}, &on).driver_metrics == true);
  const auto off = Settings({{"sparkfit.io/driver-metrics", "false"}});
  CHECK(Understand(off, &on).driver_metrics == false);
  const auto odd = Understand(Settings({{"sparkfit.io/driver-metrics", "yes"}}), nullptr);
  CHECK(odd.driver_metrics == false);
  REQUIRE(odd.problems.size() == 1);
  CHECK(odd.problems[0] == "sparkfit.io/driver-metrics: \"yes\" is neither true nor false; true?");
}

TEST_CASE("of keys without end few are looked at", "[model][settings]") {
  PodSettings settings;
  for (int i = 0; i < 32; ++i) settings.OfferUnknown("sparkfit.io/none-" + std::to_string(i));
  settings.OfferUnknown("sparkfit.io/max-memroy");
  CHECK(settings.Misspelt().empty());
}

}  // namespace
}  // namespace sparkfit::model
