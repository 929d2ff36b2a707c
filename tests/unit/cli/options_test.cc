// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/cli/options.h"

#include <catch2/catch.hpp>
#include <set>

namespace sparkfit::cli {
namespace {

TEST_CASE("an address without a port, or with none that there is, is refused", "[cli]") {
  for (const auto* wrong : {"foo", "8080", ":99999", ":-1", "", ":", "[::1]"}) {
    INFO(wrong);
    CHECK_FALSE(ParseAddress(wrong));
  }
  CHECK(ParseAddress(":0")->host.empty());
  CHECK(ParseAddress("[::1]:8080")->host == "::1");
  CHECK(ParseAddress("127.0.0.1:8080")->port == 8080);
}

const Option& Find(std::string_view key) {
  for (const auto& option : Options()) {
    if (option.key == key) return option;
  }
  FAIL("no option " << key);
  return Options().front();
}

TEST_CASE("names of an option are derived from its key", "[cli][options]") {
  CHECK(Find("maxMemory").Flag() == "max-memory");
  CHECK(Find("maxMemory").Environment() == "SPARKFIT_MAX_MEMORY");
  CHECK(Find("policy").Flag() == "policy");
  std::set<std::string> flags;
  for (const auto& option : Options()) CHECK(flags.insert(option.Flag()).second);
}

TEST_CASE("a flag wins over the environment, that over the file, that over a log's header",
          "[cli][options]") {
  const auto& step = Find("step");
  Settings settings;
  const auto value = [&] { return step.get(settings.Get()); };
  CHECK(value() == "0");
  settings.ReadHeader({{"step", "0.1"}});
  CHECK(value() == "0.1");
  settings.ReadFile("file", "step: 0.2\n");
  CHECK(value() == "0.2");
  settings.ReadEnvironment(
      [](const std::string& name) { return name == "SPARKFIT_STEP" ? "0.3" : nullptr; });
  CHECK(value() == "0.3");
  settings.Set(step, Source::kFlag, "0.4", "--step");
  CHECK(value() == "0.4");
  settings.ReadHeader({{"step", "0.1"}});
  settings.ReadFile("file", "step: 0.2\n");
  CHECK(value() == "0.4");
  CHECK(settings.SourceOf(step) == Source::kFlag);
  CHECK(settings.Problems().empty());
}

TEST_CASE("all that is wrong with a file is said, with its line", "[cli][options]") {
  Settings settings;
  settings.ReadFile("c.yaml",
                    "step: lots\n"
                    "maxmemory: 1Gi\n"
                    "maxMemory: 1Gi\n"
                    "maxMemory: 2Gi\n"
                    "policy: {name: max}\n"
                    "lateSamples: 1 minute\n"
                    "logLevel: loud\n");
  const auto& problems = settings.Problems();
  REQUIRE(problems.size() == 6);
  CHECK_THAT(problems[0], Catch::StartsWith("c.yaml:1: step") && Catch::Contains("lots"));
  CHECK_THAT(problems[1], Catch::StartsWith("c.yaml:2: ") && Catch::Contains("maxmemory") &&
                              Catch::Contains("maxMemory"));
  CHECK_THAT(problems[2], Catch::StartsWith("c.yaml:4: ") && Catch::Contains("twice"));
  CHECK_THAT(problems[3], Catch::StartsWith("c.yaml:5: "));
  CHECK_THAT(problems[4], Catch::StartsWith("c.yaml:6: "));
  CHECK_THAT(problems[5], Catch::StartsWith("c.yaml:7: "));
}

TEST_CASE("a file that is no mapping is refused, an empty one is fine", "[cli][options]") {
  for (const auto* text :
       {"- a\n- b\n", "just text", "a: [", "a: 'x", "{\"step\": 1", "? [x]\n: y\n"}) {
    INFO(text);
    Settings settings;
    settings.ReadFile("c.yaml", text);
    CHECK(settings.Problems().size() == 1);
  }
  for (const auto* text : {"", "---\n", "# only a comment\n", "{}"}) {
    INFO(text);
    Settings settings;
    settings.ReadFile("c.yaml", text);
    CHECK(settings.Problems().empty());
  }
}

TEST_CASE("namespaces are names, each once", "[cli][options]") {
  const auto& namespaces = Find("namespaces");
  Config config;
  REQUIRE(namespaces.set("etl,ml-1", config));
  CHECK(config.live.namespaces == std::vector<std::string>{"etl", "ml-1"});
  CHECK(namespaces.get(config) == "etl,ml-1");
  REQUIRE(namespaces.set("", config));
  CHECK(config.live.namespaces.empty());
  for (const auto* wrong : {"Etl", "etl,etl", "etl,,ml", "etl ,ml", "-etl", "kube_system"}) {
    INFO(wrong);
    CHECK_FALSE(namespaces.set(wrong, config));
  }
  CHECK_FALSE(namespaces.set(std::string(64, 'a'), config));
}

TEST_CASE("a mistake is one even where a stronger source wins", "[cli][options]") {
  Settings settings;
  settings.Set(Find("step"), Source::kFlag, "0.4", "--step");
  settings.ReadFile("c.yaml", "step: lots\n");
  CHECK(settings.Problems().size() == 1);
  CHECK(settings.Get().pipeline.safety.step == 0.4);
}

TEST_CASE("a header cannot change how we log", "[cli][options]") {
  Settings settings;
  settings.ReadHeader({{"logLevel", "debug"}});
  CHECK(settings.Problems().size() == 1);
  CHECK(settings.Get().log_level == base::LogLevel::kInfo);
}

TEST_CASE("what print-config prints is read back to the same values", "[cli][options]") {
  Settings settings;
  settings.ReadFile(
      "c.yaml",
      "policy: max:margin=0.25,halfLife=90m\nmaxMemory: 63Gi\nstep: 0.125\n"
      "coverPeaks: false\nescalation: 1.5\n"
      "lateSamples: 90s\napplicationIdle: 15m\nlogLevel: error\n"
      "logFormat: json\nusageInterval: 20s\nlisten: 127.0.0.1:9\n"
      "metricsSecure: true\nmetricsService: m\nlegacyMetricNames: false\n"
      "leaderElect: false\nleaseName: other\nleaseNamespace: ns\n"
      "retention: 100h\nderivedSignatures: airflow\nmaxKeysPerNamespace: "
      "50\nmaxKeys: 60\nnamespaces: etl,ml\nqueriesPerSecond: 20\nusageSource: kubelet\n"
      "kubeletCertificateAuthority: /ca.crt\nkubeletInsecure: true\ndriverMetrics: true\n"
      "mode: autoscale\nshrinkOnly: true\nwebhookListen: 127.0.0.1:8\n"
      "webhookCertificateFile: /tls.crt\nwebhookKeyFile: /tls.key\n"
      "webhookConfiguration: c\nwebhookService: s\nwebhookSecret: t\n"
      "webhookAuthorityLifetime: 100h\nwebhookCertificateLifetime: 10h\n");
  REQUIRE(settings.Problems().empty());
  const auto printed = PrintConfig(settings);
  Settings again;
  again.ReadFile("printed", printed);
  CHECK(again.Problems().empty());
  for (const auto& option : Options()) {
    INFO(option.key);
    CHECK(option.get(again.Get()) == option.get(settings.Get()));
    CHECK(option.get(again.Get()) !=
          option.get(Config{}));  // every option was set to something else
  }
  CHECK_THAT(printed, Catch::Contains("file"));
}

}  // namespace
}  // namespace sparkfit::cli
