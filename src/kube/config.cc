// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

#include "sparkfit/base/base64.h"
#include "sparkfit/base/meant.h"

namespace sparkfit::kube {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr const char* kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";
constexpr std::size_t kLargestConfig = std::size_t{4} << 20;

Result<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(Code::kNotFound, "cannot read " + path);
  std::string text(kLargestConfig + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Fail(Code::kNotFound, "cannot read " + path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestConfig) return Fail(Code::kInvalidArgument, path + " is too large");
  return text;
}

std::string Trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string Scalar(const YAML::Node& map, const char* key) {
  const auto value = map[key];
  return value && value.IsScalar() ? value.Scalar() : "";
}

// As YAML of Kubernetes has it: True and TRUE are true, too.
bool Flag(const YAML::Node& map, const char* key) {
  const auto value = map[key];
  return value && value.IsScalar() && value.as<bool>(false);
}

// One of the files that make a kubeconfig, and what paths in it are relative to.
struct File {
  YAML::Node root;
  std::string directory;
};

// Of a list of {name, <kind>: {…}} the part of the one with this name, in the first file that has
// it.
Result<File> Named(const std::vector<File>& files, const char* list, const char* kind,
                   const std::string& name) {
  for (const auto& file : files) {
    const auto entries = file.root[list];
    if (!entries || !entries.IsSequence()) continue;
    for (const auto& entry : entries) {
      if (!entry.IsMap() || Scalar(entry, "name") != name) continue;
      const auto part = entry[kind];
      if (part && part.IsMap()) return File{part, file.directory};
    }
  }
  return Fail(Code::kInvalidArgument, fmt::format("it has no {} named \"{}\"", kind, name));
}

void AddNames(const File& file, std::vector<std::string>& names) {
  const auto entries = file.root["contexts"];
  if (!entries || !entries.IsSequence()) return;
  for (const auto& entry : entries) {
    auto name = entry.IsMap() ? Scalar(entry, "name") : "";
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
}

std::vector<std::string> NamesOfContexts(const std::vector<File>& files) {
  std::vector<std::string> names;
  for (const auto& file : files) AddNames(file, names);
  return names;
}

std::string CurrentContext(const std::vector<File>& files) {
  for (const auto& file : files) {
    if (auto name = Scalar(file.root, "current-context"); !name.empty()) return name;
  }
  return "";
}

Result<Pem> ReadPemFields(const YAML::Node& map, const std::string& name,
                          const std::string& directory) {
  Pem pem;
  if (const auto data = Scalar(map, (name + "-data").c_str()); !data.empty()) {
    auto text = base::DecodeBase64(data);
    if (!text) return Fail(name + "-data", text.error());
    if (text->find("-----BEGIN ") == std::string::npos) {
      return Fail(Code::kInvalidArgument, name + "-data is no PEM text");
    }
    pem.data = *std::move(text);
    return pem;
  }
  if (const auto file = Scalar(map, name.c_str()); !file.empty()) {
    pem.file = (std::filesystem::path(directory) / file).string();
    // The TLS library says little when it fails; a missing file is better found here.
    if (auto text = ReadText(pem.file); !text) return Fail(name, text.error());
  }
  return pem;
}

Result<void> ReadCluster(const YAML::Node& cluster, const std::string& directory,
                         Endpoint& endpoint) {
  endpoint.server = Scalar(cluster, "server");
  if (endpoint.server.empty()) return Fail(Code::kInvalidArgument, "the cluster has no server");
  auto authority = ReadPemFields(cluster, "certificate-authority", directory);
  if (!authority) return tl::unexpected<base::Error>(authority.error());
  endpoint.certificate_authority = *std::move(authority);
  endpoint.tls_server_name = Scalar(cluster, "tls-server-name");
  endpoint.insecure = Flag(cluster, "insecure-skip-tls-verify");
  endpoint.proxy = Scalar(cluster, "proxy-url");
  return {};
}

// The cluster as a plugin is told of it.
std::string ClusterInfo(const Endpoint& endpoint) {
  nlohmann::json cluster{{"server", endpoint.server}};
  const auto& authority = endpoint.certificate_authority;
  if (authority.Given()) {
    const auto text = authority.data.empty() ? ReadText(authority.file) : authority.data;
    if (text) cluster["certificate-authority-data"] = base::EncodeBase64(*text);
  }
  if (!endpoint.tls_server_name.empty()) cluster["tls-server-name"] = endpoint.tls_server_name;
  if (endpoint.insecure) cluster["insecure-skip-tls-verify"] = true;
  if (!endpoint.proxy.empty()) cluster["proxy-url"] = endpoint.proxy;
  return cluster.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

ExecPlugin ReadExec(const YAML::Node& exec, const std::string& directory,
                    const Endpoint& endpoint) {
  ExecPlugin plugin;
  plugin.command = Scalar(exec, "command");
  // As kubectl: a path is the kubeconfig's, a bare name is looked for on the PATH.
  if (plugin.command.find('/') != std::string::npos) {
    plugin.command = (std::filesystem::path(directory) / plugin.command).string();
  }
  plugin.install_hint = Scalar(exec, "installHint");
  if (Flag(exec, "provideClusterInfo")) plugin.cluster = ClusterInfo(endpoint);
  plugin.api_version = Scalar(exec, "apiVersion");
  if (const auto arguments = exec["args"]; arguments && arguments.IsSequence()) {
    for (const auto& argument : arguments) {
      if (argument.IsScalar()) plugin.arguments.push_back(argument.Scalar());
    }
  }
  if (const auto environment = exec["env"]; environment && environment.IsSequence()) {
    for (const auto& entry : environment) {
      if (entry.IsMap()) {
        plugin.environment.emplace_back(Scalar(entry, "name"), Scalar(entry, "value"));
      }
    }
  }
  return plugin;
}

Result<void> ReadUser(const YAML::Node& user, const std::string& directory, ClusterConfig& config) {
  auto certificate = ReadPemFields(user, "client-certificate", directory);
  auto key = ReadPemFields(user, "client-key", directory);
  if (!certificate) return tl::unexpected<base::Error>(certificate.error());
  if (!key) return tl::unexpected<base::Error>(key.error());
  if (certificate->Given() != key->Given()) {
    return Fail(Code::kInvalidArgument, "a client certificate and its key need each other");
  }
  config.endpoint.client_certificate = *std::move(certificate);
  config.endpoint.client_key = *std::move(key);
  config.credentials.token = Scalar(user, "token");
  if (const auto file = Scalar(user, "tokenFile"); !file.empty()) {
    config.credentials.token_file = (std::filesystem::path(directory) / file).string();
  }
  if (const auto exec = user["exec"]; exec && exec.IsMap()) {
    config.credentials.exec = ReadExec(exec, directory, config.endpoint);
  }
  if (user["auth-provider"] || user["username"]) {
    return Fail(Code::kInvalidArgument,
                "auth-provider and basic authentication are not supported; use a token, a client "
                "certificate or exec");
  }
  return {};
}

base::Error Explain(const YAML::Exception& error) {
  return {Code::kInvalidArgument, fmt::format("line {}: {}", error.mark.line + 1, error.msg)};
}

Result<YAML::Node> ParseFile(const std::string& text) try {
  auto root = YAML::Load(text);
  if (root.IsNull()) return YAML::Node(YAML::NodeType::Map);  // an empty file
  if (!root.IsMap()) return Fail(Code::kInvalidArgument, "it is no kubeconfig");
  return root;
} catch (const YAML::Exception& error) {
  return tl::unexpected<base::Error>(Explain(error));
}

// The context by its name, or the current one.
Result<File> ChooseContext(const std::vector<File>& files, const std::string& asked) {
  const auto name = asked.empty() ? CurrentContext(files) : asked;
  auto chosen = Named(files, "contexts", "context", name);
  if (chosen) return chosen;
  const auto names = NamesOfContexts(files);
  const std::vector<std::string_view> known(names.begin(), names.end());
  if (name.empty()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("it has no current-context{}", known.empty() ? "" : "; see --context"));
  }
  return Fail(Code::kInvalidArgument,
              chosen.error().message + base::Suggestion(base::Nearest(name, known)));
}

Result<ClusterConfig> ReadConfig(const std::vector<File>& files, const std::string& context) try {
  auto chosen = ChooseContext(files, context);
  if (!chosen) return tl::unexpected<base::Error>(chosen.error());
  auto cluster = Named(files, "clusters", "cluster", Scalar(chosen->root, "cluster"));
  if (!cluster) return tl::unexpected<base::Error>(cluster.error());
  ClusterConfig config;
  if (auto read = ReadCluster(cluster->root, cluster->directory, config.endpoint); !read) {
    return tl::unexpected<base::Error>(read.error());
  }
  // Without a user we are nobody, as behind a proxy that knows us.
  if (const auto name = Scalar(chosen->root, "user"); !name.empty()) {
    auto user = Named(files, "users", "user", name);
    if (!user) return tl::unexpected<base::Error>(user.error());
    if (auto read = ReadUser(user->root, user->directory, config); !read) {
      return tl::unexpected<base::Error>(read.error());
    }
  }
  if (auto name_space = Scalar(chosen->root, "namespace"); !name_space.empty()) {
    config.name_space = std::move(name_space);
  }
  return config;
} catch (const YAML::Exception& error) {
  return tl::unexpected<base::Error>(Explain(error));
}

// The files that are there, in order.
Result<std::vector<File>> ReadFiles(const std::string& paths) {
  std::vector<File> files;
  std::istringstream list(paths);
  for (std::string path; std::getline(list, path, ':');) {
    // Of several files some may be missing, as kubectl has it.
    if (path.empty() || (path != paths && !std::filesystem::exists(path))) continue;
    auto text = ReadText(path);
    if (!text) return Fail(Code::kInvalidArgument, text.error().message);
    auto root = ParseFile(*text);
    if (!root) return Fail(path, root.error());
    files.push_back({*root, std::filesystem::path(path).parent_path().string()});
  }
  if (files.empty()) return Fail(Code::kInvalidArgument, paths + " names no file that is there");
  return files;
}

class FixedToken final : public Authenticator {
 public:
  explicit FixedToken(std::string token) : token_(std::move(token)) {}
  Result<Login> Authenticate(bool) override { return Login{token_}; }

 private:
  std::string token_;
};

class TokenFile final : public Authenticator {
 public:
  explicit TokenFile(std::string path) : path_(std::move(path)) {}

  Result<Login> Authenticate(bool) override {
    auto text = ReadText(path_);
    if (!text) return Fail(Code::kUnavailable, text.error().message);
    auto token = Trimmed(*text);
    if (token.empty()) return Fail(Code::kUnavailable, path_ + " is empty");
    return Login{std::move(token)};
  }

 private:
  std::string path_;
};

class ExecAuthenticator final : public Authenticator {
 public:
  ExecAuthenticator(ExecPlugin plugin, const base::Clock& clock)
      : plugin_(std::move(plugin)), clock_(clock) {}

  Result<Login> Authenticate(bool refused) override {
    const std::scoped_lock lock(mutex_);
    const bool expired = current_ && current_->expires && *current_->expires <= clock_.Wall();
    if (!current_ || refused || expired) {
      auto credential = RunExecPlugin(plugin_);
      if (!credential) return tl::unexpected<base::Error>(credential.error());
      current_ = *std::move(credential);
    }
    return current_->login;
  }

 private:
  std::mutex mutex_;
  ExecPlugin plugin_;
  const base::Clock& clock_;
  std::optional<ExecCredential> current_;
};

}  // namespace

Result<ClusterConfig> InClusterConfig(const Environment& environment, const std::string& root) {
  const char* host = environment("KUBERNETES_SERVICE_HOST");
  const char* port = environment("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr || *host == '\0') {
    return Fail(Code::kNotFound,
                "not running in a cluster (KUBERNETES_SERVICE_HOST is not set); give --kubeconfig");
  }
  ClusterConfig config;
  config.endpoint.server = fmt::format("https://{}:{}", InUrl(host), port);
  const std::string directory = root + kServiceAccount;
  config.endpoint.certificate_authority.file = directory + "ca.crt";
  config.credentials.token_file = directory + "token";
  for (const auto& file :
       {config.endpoint.certificate_authority.file, config.credentials.token_file}) {
    if (auto text = ReadText(file); !text) return Fail("service account", text.error());
  }
  if (auto name_space = ReadText(directory + "namespace")) config.name_space = Trimmed(*name_space);
  return config;
}

Result<ClusterConfig> ParseKubeconfig(const std::string& text, const std::string& directory,
                                      const std::string& context) {
  auto root = ParseFile(text);
  if (!root) return tl::unexpected<base::Error>(root.error());
  return ReadConfig({{*root, directory}}, context);
}

Result<ClusterConfig> ReadKubeconfig(const std::string& paths, const std::string& context) {
  const auto files = ReadFiles(paths);
  if (!files) return tl::unexpected<base::Error>(files.error());
  auto config = ReadConfig(*files, context);
  if (!config) return Fail(paths, config.error());
  return config;
}

std::vector<std::string> ContextNames(const std::string& paths) try {
  const auto files = ReadFiles(paths);
  return files ? NamesOfContexts(*files) : std::vector<std::string>();
} catch (const YAML::Exception&) {
  return {};
}

std::string KubeconfigPaths(const Environment& environment) {
  const auto value = [&](const char* name) -> std::string {
    const char* text = environment(name);
    return text == nullptr ? "" : text;
  };
  if (auto paths = value("KUBECONFIG"); !paths.empty()) return paths;
  const auto home = value("HOME");
  return home.empty() ? "" : home + "/.kube/config";
}

std::unique_ptr<Authenticator> MakeAuthenticator(const Credentials& credentials,
                                                 const base::Clock& clock) {
  if (credentials.exec) return std::make_unique<ExecAuthenticator>(*credentials.exec, clock);
  if (!credentials.token_file.empty()) {
    return std::make_unique<TokenFile>(credentials.token_file);
  }
  return std::make_unique<FixedToken>(credentials.token);
}

}  // namespace sparkfit::kube
