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
  std::string install_hint;  // for a person who does not have it
  std::string cluster;       // the ExecCredential's spec.cluster, JSON; empty: it is not told
  base::Duration limit = std::chrono::minutes(1);  // in all; it may ask a person
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
// Of a file or, separated by colons, of several: the first that has an entry counts. Of several
// some may be missing, and any may be empty.
base::Result<ClusterConfig> ReadKubeconfig(const std::string& paths,
                                           const std::string& context = "");
// Where kubectl looks: KUBECONFIG, else ~/.kube/config. Empty where neither is to be had.
std::string KubeconfigPaths(const Environment& environment);
// The names of all contexts of these files, as far as they can be read.
std::vector<std::string> ContextNames(const std::string& paths);

// The proxy that HTTPS_PROXY (HTTP_PROXY for http servers) and NO_PROXY name for a server, by the
// rules of Go's golang.org/x/net/http/httpproxy, as of kubectl; empty: none.
std::string ProxyFor(const std::string& server, const Environment& environment);
// The endpoint by that proxy, unless it has one of its own.
Endpoint WithProxy(Endpoint endpoint, const Environment& environment);

// What identifies us, as of now.
struct Login {
  std::string token;                                   // empty: none
  std::shared_ptr<const ClientPair> client = nullptr;  // the same object as long as it is the same
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Both are empty where the endpoint's certificate (or nothing) identifies us. `refused`: the
  // server did not accept the last one. Safe for concurrent use.
  virtual base::Result<Login> Authenticate(bool refused) = 0;
};

std::unique_ptr<Authenticator> MakeAuthenticator(const Credentials& credentials,
                                                 const base::Clock& clock);

// Runs the plugin and gives the token or the certificate, or both, and, if it says so, until when
// they are good. For the command line. One that takes longer than its limit is ended.
struct ExecCredential {
  Login login;
  std::optional<base::Time> expires;
};
base::Result<ExecCredential> RunExecPlugin(const ExecPlugin& plugin);
base::Result<ExecCredential> ParseExecCredential(const std::string& json);

}  // namespace sparkfit::kube
