// SPDX-License-Identifier: Apache-2.0
//
// Where the certificate of our own servers comes from, and how it is renewed without a restart.
//
// Our own: whoever comes first makes two authorities, in a Secret, and writes what clients trust
// into the MutatingWebhookConfiguration, where there is one; the leader keeps both. Every replica
// signs its own certificate, in memory. Nobody meets a certificate whose signer it does not trust:
// the next authority is trusted long before it signs, the previous one for as long as something
// that it signed may be in use.
//
// Or from files that somebody else renews (cert-manager, a mounted Secret).
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "sources.h"
#include "sparkfit/cluster/controller.h"
#include "sparkfit/kube/client.h"
#include "sparkfit/tls/certificates.h"

namespace sparkfit::cluster {

// Takes a certificate into use; fails where the key is another one's.
using Install = std::function<base::Result<void>(const tls::Pair&)>;

class OwnCertificates {
 public:
  // REQUIRES: what is referred to outlives this.
  OwnCertificates(const CertificateOptions& options, kube::Client& client,
                  const Surroundings& around, std::function<bool()> leads, Install install);

  // Looks after everything again and again until asked to stop.
  void Run(const std::stop_token& stop);
  // Once. False where something was in the way and is to be tried again soon.
  bool Round(const std::stop_token& stop);

 private:
  struct Stored {
    std::optional<tls::Authorities> authorities;  // as they are, whatever that is worth
    std::string bundle;                           // of all of them, as clients find it there
    std::string version;                          // empty: there is no Secret
  };
  base::Result<Stored> Read(const std::stop_token& stop);
  base::Result<void> Write(const Stored& stored, const std::stop_token& stop);
  base::Result<void> RenewAuthorities(Stored& stored, const std::stop_token& stop);
  base::Result<void> RenewLeaf(const tls::Authorities& authorities);
  base::Result<void> Publish(const tls::Authorities& authorities, const std::stop_token& stop);
  base::Result<void> Try(const std::stop_token& stop);

  const CertificateOptions& options_;
  kube::Client& client_;
  const Surroundings& around_;
  std::function<bool()> leads_;
  Install install_;
  std::string signer_;    // certificate of the authority that signed what is in use
  tls::Validity leaf_;    // of what is in use
  bool trusted_ = false;  // clients have known our authorities
  std::string trouble_;
};

class FileCertificates {
 public:
  FileCertificates(const CertificateOptions& options, const Surroundings& around, Install install);
  void Run(const std::stop_token& stop);
  // Reads the files, and takes them into use where they changed.
  void Round();

 private:
  const CertificateOptions& options_;
  const Surroundings& around_;
  Install install_;
  std::optional<tls::Pair> seen_;
};

}  // namespace sparkfit::cluster
