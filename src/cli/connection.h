// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "sparkfit/base/result.h"
#include "sparkfit/base/wait.h"
#include "sparkfit/cli/app.h"
#include "sparkfit/kube/client.h"
#include "sparkfit/kube/config.h"
#include "sparkfit/kube/transport.h"

namespace sparkfit::cli {

// A client and all that it needs, for a command that asks one server and ends.
class Connection {
 public:
  static base::Result<std::unique_ptr<Connection>> To(const kube::Endpoint& endpoint,
                                                      const kube::Credentials& credentials,
                                                      const Process& process) {
    auto transport = kube::MakeHttpTransport(endpoint, process.clock);
    if (!transport) return tl::unexpected<base::Error>(transport.error());
    return std::unique_ptr<Connection>(new Connection(*std::move(transport), credentials, process));
  }

  kube::Client& Client() { return client_; }

 private:
  Connection(std::unique_ptr<kube::Transport> transport, const kube::Credentials& credentials,
             const Process& process)
      : transport_(std::move(transport)),
        authenticator_(kube::MakeAuthenticator(credentials, process.clock)),
        client_(*transport_, *authenticator_, process.clock, waiter_, {}) {}

  base::SystemWaiter waiter_;
  std::unique_ptr<kube::Transport> transport_;
  std::unique_ptr<kube::Authenticator> authenticator_;
  kube::Client client_;
};

}  // namespace sparkfit::cli
