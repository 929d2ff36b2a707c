// SPDX-License-Identifier: Apache-2.0
//
// A TLS server on this machine that says, byte by byte, what a test wants.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "loopback.h"

namespace sparkfit::test {

// A certificate for 127.0.0.1 and "fake.test" that vouches for itself, unless told otherwise.
class Certificate {
 public:
  struct Options {
    std::string names = "IP:127.0.0.1,DNS:fake.test";
    long from = -3600;  // seconds from now
    long until = 3600;
  };

  Certificate() : Certificate(Options{}) {}
  explicit Certificate(const Options& options)
      : key_(EVP_RSA_gen(2048), EVP_PKEY_free), certificate_(X509_new(), X509_free) {
    auto* certificate = certificate_.get();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), options.from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), options.until);
    X509_set_pubkey(certificate, key_.get());
    auto* name = X509_get_subject_name(certificate);
    const auto* common = reinterpret_cast<const unsigned char*>("fake");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    auto* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, options.names.c_str());
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    if (X509_sign(certificate, key_.get(), EVP_sha256()) == 0) throw std::runtime_error("sign");
  }

  [[nodiscard]] std::string Pem() const {
    return Written([this](BIO* out) { PEM_write_bio_X509(out, certificate_.get()); });
  }
  [[nodiscard]] std::string KeyPem() const {
    return Written([this](BIO* out) {
      PEM_write_bio_PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  void Use(SSL_CTX* context) const {
    SSL_CTX_use_certificate(context, certificate_.get());
    SSL_CTX_use_PrivateKey(context, key_.get());
  }

  // Only who shows this certificate is let in.
  void Require(SSL_CTX* context) const {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate_.get());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }

 private:
  template <typename Write>
  static std::string Written(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), BIO_free_all);
    write(out.get());
    const char* text = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

// One connection to the server, on a thread of its own.
class TlsPeer {
 public:
  explicit TlsPeer(SSL* ssl) : ssl_(ssl) {}

  // The next request as it came, its body too where it has a length; empty: the client is gone.
  std::string Request() {
    while (rest_.find("\r\n\r\n") == std::string::npos) {
      if (!More()) return "";
    }
    auto end = rest_.find("\r\n\r\n") + 4;
    if (const auto length = rest_.find("Content-Length: "); length < end) {
      end += std::stoul(rest_.substr(length + 16));
    }
    while (rest_.size() < end) {
      if (!More()) return "";
    }
    auto request = rest_.substr(0, end);
    rest_.erase(0, end);
    return request;
  }

  // False where the client is gone.
  bool Say(std::string_view text) {
    for (std::size_t said = 0; said < text.size();) {
      const auto n = SSL_write(ssl_, text.data() + said, static_cast<int>(text.size() - said));
      if (n <= 0) return false;
      said += static_cast<std::size_t>(n);
    }
    return true;
  }

  // Nothing more, until the client goes away.
  void Wait() {
    while (More()) {
    }
  }

 private:
  bool More() {
    std::array<char, 4096> buffer;
    const auto n = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
    if (n > 0) rest_.append(buffer.data(), static_cast<std::size_t>(n));
    return n > 0;
  }

  SSL* ssl_;
  std::string rest_;
};

class TlsServer {
 public:
  using Script = std::function<void(TlsPeer&)>;

  explicit TlsServer(Script script, int newest_tls = 0, const Certificate::Options& options = {})
      : certificate(options),
        script_(std::move(script)),
        context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    certificate.Use(context_.get());
    if (newest_tls != 0) {
      SSL_CTX_set_security_level(context_.get(), 0);
      SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
      SSL_CTX_set_max_proto_version(context_.get(), newest_tls);
    }
    port = listener_.Port();
    acceptor_ = std::thread([this] { Accept(); });
  }

  ~TlsServer() {
    listener_.Shutdown();
    acceptor_.join();
    for (const int peer : peers_) ::shutdown(peer, SHUT_RDWR);
    for (auto& thread : threads_) thread.join();
    for (const int peer : peers_) ::close(peer);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // Before anybody connects.
  void LetInOnly(const Certificate& client) { client.Require(context_.get()); }

  [[nodiscard]] std::string Url() const { return "https://127.0.0.1:" + std::to_string(port); }

  Certificate certificate;
  int port = 0;
  std::atomic<int> connections{0};  // whose handshake succeeded
  std::atomic<int> ended{0};        // that we closed

 private:
  void Accept() {
    for (;;) {
      const int peer = listener_.Accept();
      if (peer < 0) return;
      peers_.push_back(peer);
      threads_.emplace_back([this, peer] { Serve(peer); });
    }
  }

  void Serve(int peer) {
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl.get(), peer);
    if (SSL_accept(ssl.get()) == 1) {
      ++connections;
      TlsPeer client(ssl.get());
      script_(client);
    }
    ::shutdown(peer, SHUT_RDWR);  // without TLS's own farewell: as a crash does
    ++ended;
  }

  Script script_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  Listener listener_;
  std::thread acceptor_;
  std::vector<int> peers_;  // of the acceptor, then of the destructor
  std::vector<std::thread> threads_;
};

}  // namespace sparkfit::test
