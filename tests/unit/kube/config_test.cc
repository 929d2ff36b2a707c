// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/config.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "temp_file.h"

namespace sparkfit::kube {
namespace {

constexpr const char* kConfig = R"(
apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: c, cluster: {server: "https://host:6443", certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t}}
users:
- {name: u, user: {token: secret}}
- {name: exec, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login, args: [a, b], env: [{name: X, value: "1"}]}}}
contexts:
- {name: one, context: {cluster: c, user: u, namespace: jobs}}
- {name: two, context: {cluster: c, user: exec}}
- {name: lost, context: {cluster: nowhere, user: u}}
)";

TEST_CASE("a kubeconfig's context names the cluster, the user and the namespace", "[kube]") {
  const auto config = ParseKubeconfig(kConfig, "/home");
  REQUIRE(config);
  CHECK(config->endpoint.server == "https://host:6443");
  CHECK(config->endpoint.certificate_authority.data == "-----BEGIN CERTIFICATE-----");
  CHECK(config->credentials.token == "secret");
  CHECK(config->name_space == "jobs");
  const auto other = ParseKubeconfig(kConfig, "/home", "two");
  REQUIRE(other);
  REQUIRE(other->credentials.exec);
  CHECK(other->credentials.exec->arguments == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what is wrong with a kubeconfig is said", "[kube]") {
  CHECK(ParseKubeconfig(kConfig, "", "lost").error().message ==
        "it has no cluster named \"nowhere\"");
  CHECK(ParseKubeconfig("[", "").error().code == base::Code::kInvalidArgument);
  CHECK(ParseKubeconfig("text", "").error().message == "it is no kubeconfig");
  CHECK(ReadKubeconfig("/nowhere").error().message == "cannot read /nowhere");
}

TEST_CASE("of several kubeconfigs the first that has an entry counts", "[kube]") {
  const test::TempFile contexts(
      "{current-context: two, contexts: [{name: two, context: {cluster: c, user: v}}], "
      "users: [{name: v, user: {token: mine}}]}");
  const test::TempFile rest(kConfig);
  const auto config = ReadKubeconfig(contexts.Path() + ":/nowhere:" + rest.Path());
  REQUIRE(config);
  CHECK(config->endpoint.server == "https://host:6443");
  CHECK(config->credentials.token == "mine");
  CHECK(ReadKubeconfig(contexts.Path() + ":" + rest.Path(), "one")->credentials.token == "secret");
  CHECK_FALSE(ReadKubeconfig("/nowhere:/neither"));
}

TEST_CASE("a kubeconfig is looked for where kubectl does", "[kube]") {
  std::map<std::string, std::string> variables{{"HOME", "/home/me"}};
  const Environment environment = [&](const std::string& name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  CHECK(KubeconfigPaths(environment) == "/home/me/.kube/config");
  variables["KUBECONFIG"] = "a:b";
  CHECK(KubeconfigPaths(environment) == "a:b");
  variables.clear();
  CHECK(KubeconfigPaths(environment).empty());
}

TEST_CASE("outside of a cluster there is no in-cluster configuration", "[kube]") {
  const auto config = InClusterConfig([](const std::string&) { return nullptr; });
  REQUIRE(!config);
  CHECK(config.error().code == base::Code::kNotFound);
}

TEST_CASE("inside of a cluster the pod's own files are used", "[kube]") {
  const auto root = std::filesystem::temp_directory_path() /
                    ("sparkfit-in-cluster-" + std::to_string(::getpid()));
  const auto files = root / "var/run/secrets/kubernetes.io/serviceaccount";
  std::filesystem::create_directories(files);
  for (const auto* name : {"token", "ca.crt", "namespace"}) std::ofstream(files / name) << name;
  std::map<std::string, std::string> variables{{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                                               {"KUBERNETES_SERVICE_PORT", "443"}};
  const auto environment = [&](const std::string& name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  const auto config = InClusterConfig(environment, root.string());
  REQUIRE(config);
  CHECK(config->endpoint.server == "https://10.0.0.1:443");
  CHECK(config->endpoint.certificate_authority.file == (files / "ca.crt").string());
  CHECK(config->credentials.token_file == (files / "token").string());
  CHECK(config->name_space == "namespace");
  variables["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  CHECK(InClusterConfig(environment, root.string())->endpoint.server == "https://[fd00::1]:443");
  std::filesystem::remove(files / "token");
  CHECK_FALSE(InClusterConfig(environment, root.string()));
  std::filesystem::remove_all(root);
}

TEST_CASE("a token file is read anew for every request", "[kube]") {
  test::TempFile file("first\n");
  Credentials credentials;
  credentials.token_file = file.Path();
  const base::SystemClock clock;
  const auto authenticator = MakeAuthenticator(credentials, clock);
  CHECK(*authenticator->Token(false) == "first");
  std::ofstream(file.Path()) << "second";
  CHECK(*authenticator->Token(false) == "second");
  std::ofstream(file.Path()) << " \n";
  CHECK(!authenticator->Token(false));
}

TEST_CASE("a credential plugin's token is taken from what it prints", "[kube]") {
  ExecPlugin plugin;
  plugin.command = "sh";
  plugin.arguments = {"-c", R"(echo "{\"status\":{\"token\":\"$X\"}}")"};
  plugin.environment = {{"X", "from-plugin"}};
  CHECK(RunExecPlugin(plugin)->token == "from-plugin");
  plugin.arguments = {"-c", "exit 3"};
  CHECK(RunExecPlugin(plugin).error().message == "credential plugin sh: it failed");
  plugin.command = "no-such-program-anywhere";
  CHECK(!RunExecPlugin(plugin));
}

TEST_CASE("a credential plugin has a time in all, whatever it does with it", "[kube]") {
  ExecPlugin plugin;
  plugin.command = "sh";
  const auto limit = std::chrono::milliseconds(20);
  for (const auto* script :
       {"exec sleep 1000", "while :; do echo x; sleep 0.001; done", "exec >&-; exec sleep 1000"}) {
    INFO(script);
    plugin.arguments = {"-c", script};
    CHECK(!RunExecPlugin(plugin, limit));
  }
}

}  // namespace
}  // namespace sparkfit::kube
