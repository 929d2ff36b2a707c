// SPDX-License-Identifier: Apache-2.0
//
// Where the API server is and who we are: from the files that every pod has, or from a kubeconfig.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sparkfit/base/clock.h"
#include "sparkfit/base/result.h"
#include "sparkfit/kube/transport.h"

namespace sparkfit::kube {

// A program that prints an ExecCredential (client.authentication.k8s.io), as cloud vendors' kubectl
// logins are.
struct ExecPlugin {
  std::string command;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string api_version;
};

struct Credentials {
  std::string token;
  std::string token_file;  // read anew for every request: the kubelet rotates it
  std::optional<ExecPlugin> exec;
};

struct ClusterConfig {
  Endpoint endpoint;
  Credentials credentials;
  std::string name_space = "default";
};

using Environment = std::function<const char*(const std::string&)>;

// Of the pod that we run in. kNotFound outside of one. `root` is put before the paths of its files.
base::Result<ClusterConfig> InClusterConfig(const Environment& environment,
                                            const std::string& root = "");

// The named context of a kubeconfig, or its current one. Paths in it are relative to `directory`.
// kInvalidArgument with what is wrong.
base::Result<ClusterConfig> ParseKubeconfig(const std::string& text, const std::string& directory,
                                            const std::string& context = "");
// Of a file or, separated by colons, of several: the first that has an entry counts.
base::Result<ClusterConfig> ReadKubeconfig(const std::string& paths,
                                           const std::string& context = "");
// Where kubectl looks: KUBECONFIG, else ~/.kube/config. Empty where neither is to be had.
std::string KubeconfigPaths(const Environment& environment);

// What identifies us, as of now.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // The bearer token; empty where a certificate (or nothing) identifies us. `refused`: the server
  // did not accept the last one. Safe for concurrent use.
  virtual base::Result<std::string> Token(bool refused) = 0;
};

std::unique_ptr<Authenticator> MakeAuthenticator(const Credentials& credentials,
                                                 const base::Clock& clock);

// Runs the plugin and gives the token and, if it says so, until when it is good. For the command
// line: it may ask a person. One that takes longer than the limit in all is ended.
struct ExecToken {
  std::string token;
  std::optional<base::Time> expires;
};
base::Result<ExecToken> RunExecPlugin(const ExecPlugin& plugin,
                                      base::Duration limit = std::chrono::minutes(1));
base::Result<ExecToken> ParseExecCredential(const std::string& json);

}  // namespace sparkfit::kube
