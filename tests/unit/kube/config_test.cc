// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/config.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
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

TEST_CASE("an empty kubeconfig among several says nothing", "[kube]") {
  const test::TempFile empty("");
  const test::TempFile comment("# nothing yet\n");
  const test::TempFile rest(kConfig);
  const auto config = ReadKubeconfig(empty.Path() + ":" + comment.Path() + ":" + rest.Path());
  REQUIRE(config);
  CHECK(config->endpoint.server == "https://host:6443");
  CHECK_THAT(ReadKubeconfig(empty.Path()).error().message, Catch::Contains("no current-context"));
}

TEST_CASE("a context that is not there is named with the nearest", "[kube]") {
  CHECK(ParseKubeconfig(kConfig, "", "tow").error().message ==
        "it has no context named \"tow\"; two?");
  const test::TempFile rest(kConfig);
  CHECK(ContextNames("/nowhere:" + rest.Path()) == std::vector<std::string>{"one", "two", "lost"});
  CHECK(ContextNames("/nowhere").empty());
}

TEST_CASE("a kubeconfig is as lenient as kubectl's", "[kube]") {
  constexpr const char* kLenient = R"(
current-context: nobody
clusters:
- name: c
  cluster: {server: "https://host", insecure-skip-tls-verify: True, proxy-url: "http://proxy:3128"}
users:
- {name: u, user: {exec: {command: ./bin/login, installHint: "see wiki", provideClusterInfo: TRUE}}}
- {name: v, user: {exec: {command: login}}}
contexts:
- {name: nobody, context: {cluster: c}}
- {name: exec, context: {cluster: c, user: u}}
- {name: path, context: {cluster: c, user: v}}
- {name: lost, context: {cluster: c, user: w}}
)";
  const auto nobody = ParseKubeconfig(kLenient, "/home/me");
  REQUIRE(nobody);
  CHECK(nobody->endpoint.insecure);
  CHECK(nobody->endpoint.proxy == "http://proxy:3128");
  CHECK(nobody->credentials.token.empty());
  const auto exec = ParseKubeconfig(kLenient, "/home/me", "exec");
  REQUIRE(exec);
  CHECK(exec->credentials.exec->command == "/home/me/./bin/login");
  CHECK(exec->credentials.exec->install_hint == "see wiki");
  CHECK(
      exec->credentials.exec->cluster ==
      R"({"insecure-skip-tls-verify":true,"proxy-url":"http://proxy:3128","server":"https://host"})");
  const auto path = ParseKubeconfig(kLenient, "/home/me", "path");
  CHECK(path->credentials.exec->command == "login");
  CHECK(path->credentials.exec->cluster.empty());
  // A user that is named and not there is a mistake.
  CHECK(!ParseKubeconfig(kLenient, "/home/me", "lost"));
}

TEST_CASE("proxies are those that kubectl would take", "[kube]") {
  std::map<std::string, std::string> set;
  const auto proxy = [&](const std::string& server) {
    return ProxyFor(server, [&](const std::string& name) -> const char* {
      const auto found = set.find(name);
      return found == set.end() ? nullptr : found->second.c_str();
    });
  };
  CHECK(proxy("https://api.prod:6443").empty());
  set = {{"HTTPS_PROXY", "http://p:3128"}, {"http_proxy", "http://plain:80"}};
  CHECK(proxy("https://api.prod:6443") == "http://p:3128");
  CHECK(proxy("http://api.prod") == "http://plain:80");
  // What is here is never asked of a proxy.
  for (const auto* here :
       {"https://localhost:6443", "https://127.0.0.1:6443", "https://[::1]:6443"}) {
    CHECK(proxy(here).empty());
  }
  struct Case {
    const char* no_proxy;
    const char* server;
    bool spared;
  };
  const Case cases[] = {{"*", "https://api.prod", true},
                        {"prod", "https://api.prod", true},
                        {".prod", "https://api.prod", true},
                        {".prod", "https://prod", false},
                        {"*.prod", "https://api.prod", true},
                        {"PROD", "https://api.Prod/path", true},
                        {"rod", "https://api.prod", false},
                        {"api.prod:6443", "https://api.prod:6443", true},
                        {"api.prod:443", "https://api.prod", true},
                        {"api.prod:443", "https://api.prod:6443", false},
                        {"a, 10.0.0.0/8", "https://10.2.3.4:6443", true},
                        {"10.0.0.0/8", "https://11.2.3.4", false},
                        {"10.2.3.4", "https://10.2.3.4", true},
                        {"10.2.3.4:1", "https://10.2.3.4", false},
                        {"fd00::/8", "https://[fd12::1]:6443", true},
                        {"fd12::1", "https://[fd12::1]", true},
                        {"10.0.0.0/99,:,,", "https://10.2.3.4", false}};
  for (const auto& c : cases) {
    INFO(c.no_proxy << " " << c.server);
    set["NO_PROXY"] = c.no_proxy;
    CHECK(proxy(c.server).empty() == c.spared);
  }
  Endpoint endpoint;
  endpoint.server = "https://10.2.3.4";
  endpoint.proxy = "http://own:1";
  CHECK(WithProxy(endpoint, [](const std::string&) { return "http://p"; }).proxy == "http://own:1");
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
  CHECK(authenticator->Authenticate(false)->token == "first");
  std::ofstream(file.Path()) << "second";
  CHECK(authenticator->Authenticate(false)->token == "second");
  std::ofstream(file.Path()) << " \n";
  CHECK(!authenticator->Authenticate(false));
}

TEST_CASE("a credential plugin's token is taken from what it prints", "[kube]") {
  ExecPlugin plugin;
  plugin.command = "sh";
  plugin.arguments = {"-c", R"(echo "{\"status\":{\"token\":\"$X\"}}")"};
  plugin.environment = {{"X", "from-plugin"}};
  CHECK(RunExecPlugin(plugin)->login.token == "from-plugin");
  plugin.arguments = {"-c", "exit 3"};
  CHECK(RunExecPlugin(plugin).error().message == "credential plugin sh: it failed");
  plugin.command = "no-such-program-anywhere";
  CHECK(!RunExecPlugin(plugin));
}

TEST_CASE("a credential plugin may give a certificate, and says what is missing", "[kube]") {
  const auto good = ParseExecCredential(
      R"({"status":{"clientCertificateData":"C","clientKeyData":"K","expirationTimestamp":"2030-01-01T00:00:00Z"}})");
  REQUIRE(good);
  CHECK(good->login.token.empty());
  CHECK(good->login.client->certificate == "C");
  CHECK(good->login.client->key == "K");
  CHECK(base::FormatTime(*good->expires) == "2030-01-01T00:00:00Z");
  CHECK(ParseExecCredential(
            R"({"status":{"token":"t","clientCertificateData":"C","clientKeyData":"K"}})")
            ->login.token == "t");
  for (const auto* text :
       {R"({"status":{"clientCertificateData":"C"}})", R"({"status":{"clientKeyData":"K"}})",
        R"({"status":{}})", "[]", "", R"({"status":{"token":1}})"}) {
    INFO(text);
    CHECK(!ParseExecCredential(text));
  }
  ExecPlugin absent;
  absent.command = "no-such-program-anywhere";
  absent.install_hint = "get it\033 from the wiki";
  CHECK(
      RunExecPlugin(absent).error().message ==
      "credential plugin no-such-program-anywhere: it could not be started: get it? from the wiki");
}

TEST_CASE("a credential plugin is told of the cluster where it wants to be", "[kube]") {
  ExecPlugin plugin;
  plugin.command = "sh";
  plugin.api_version = "client.authentication.k8s.io/v1";
  plugin.cluster = R"({"server":"https://host"})";
  plugin.arguments = {"-c", R"(case "$KUBERNETES_EXEC_INFO" in *'"server":"https://host"'*) )"
                            R"(echo '{"status":{"token":"told"}}';; esac)"};
  CHECK(RunExecPlugin(plugin)->login.token == "told");
}

TEST_CASE("a credential plugin is asked once, until what it gave expires or is refused", "[kube]") {
  const test::TempFile calls("");
  const auto credentials = [&](const std::string& expires) {
    Credentials made;
    made.exec.emplace();
    made.exec->command = "sh";
    made.exec->arguments = {
        "-c", "echo x >> " + calls.Path() + R"(; echo '{"status":{"token":"t")" + expires + "}}'"};
    return made;
  };
  const auto asked = [&] {
    std::ifstream file(calls.Path());
    return std::count(std::istreambuf_iterator<char>(file), {}, 'x');
  };
  base::VirtualClock clock;
  const auto for_ever = MakeAuthenticator(credentials(""), clock);
  for (int i = 0; i < 5; ++i) CHECK(for_ever->Authenticate(false)->token == "t");
  CHECK(asked() == 1);
  CHECK(for_ever->Authenticate(true));
  CHECK(asked() == 2);
  const auto expired =
      MakeAuthenticator(credentials(R"(,"expirationTimestamp":"1970-01-01T00:00:00Z")"), clock);
  clock.AdvanceTo(base::Time(std::chrono::hours(1)));
  CHECK(expired->Authenticate(false));
  CHECK(expired->Authenticate(false));
  CHECK(asked() == 4);
}

TEST_CASE("a credential plugin has a time in all, whatever it does with it", "[kube]") {
  ExecPlugin plugin;
  plugin.command = "sh";
  plugin.limit = std::chrono::milliseconds(20);
  for (const auto* script :
       {"exec sleep 1000", "while :; do echo x; sleep 0.001; done", "exec >&-; exec sleep 1000"}) {
    INFO(script);
    plugin.arguments = {"-c", script};
    CHECK(!RunExecPlugin(plugin));
  }
}

}  // namespace
}  // namespace sparkfit::kube
