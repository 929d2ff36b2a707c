// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http_socket.h"

namespace sparkfit::test {

struct TlsWishes {
  std::string trust{};  // PEM; empty: anybody
  std::string name = "127.0.0.1";
  std::string server_name{};  // SNI; empty: none
  int newest = 0;             // TLS1_1_VERSION and the like
};

// A TLS connection to this machine, blocking.
class TlsSocket {
 public:
  explicit TlsSocket(std::uint16_t port, const TlsWishes& wishes = {})
      : socket_(port),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
        ssl_(nullptr, SSL_free) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    if (wishes.newest != 0) {
      SSL_CTX_set_security_level(context_.get(), 0);
      SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
      SSL_CTX_set_max_proto_version(context_.get(), wishes.newest);
    }
    Trust(wishes.trust);
    ssl_.reset(SSL_new(context_.get()));
    if (!wishes.trust.empty()) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), wishes.name.c_str());
    }
    if (!wishes.server_name.empty()) {
      SSL_set_tlsext_host_name(ssl_.get(), wishes.server_name.c_str());
    }
    SSL_set_fd(ssl_.get(), socket_.Descriptor());
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  [[nodiscard]] bool Connected() const { return connected_; }
  [[nodiscard]] SSL* Handle() const { return ssl_.get(); }

  void Send(const std::string& text) const {
    if (connected_ && !text.empty()) {
      SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    }
  }

  // False where the other side has left.
  [[nodiscard]] bool Offer(std::string_view text) const {
    return connected_ && SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0;
  }

  // Everything until the other side closes.
  [[nodiscard]] std::string ReadAll() const {
    std::string text;
    std::array<char, 4096> buffer;
    while (connected_) {
      const auto n = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
      if (n <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

  // The other side said farewell, rather than just went away.
  [[nodiscard]] bool SaidFarewell() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }

  std::string Ask(const std::string& text) const {
    Send(text);
    return ReadAll();
  }

 private:
  void Trust(const std::string& pem) const {
    if (pem.empty()) return;
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> in(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all);
    while (auto* one = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), one);
      X509_free(one);
    }
  }

  HttpSocket socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool connected_ = false;
};

}  // namespace sparkfit::test
