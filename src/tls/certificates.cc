// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/tls/certificates.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <utility>

#include "sparkfit/base/text.h"

namespace sparkfit::tls {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;

using Bio = Owned<BIO, BIO_free_all>;
using Certificate = Owned<X509, X509_free>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Number = Owned<BIGNUM, BN_free>;
using Name = Owned<GENERAL_NAME, GENERAL_NAME_free>;
using Names = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using Address = Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;

constexpr int kSerialBits = 159;  // RFC 5280: at most 20 octets, positive
constexpr std::size_t kLongestCommonName = 64;
constexpr std::size_t kLongestDnsName = 253;

// OpenSSL's reason for what just failed; its queue is empty afterwards.
tl::unexpected<base::Error> Failed(base::Code code, const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return base::Fail(code, what + (reason == nullptr ? "" : std::string(": ") + reason));
}

// Without this, OpenSSL would ask on the terminal.
int NoPassphrase(char* /*text*/, int /*size*/, int /*writing*/, void* /*user*/) { return 0; }

base::Result<Bio> Open(std::string_view pem, const std::string& what) {
  if (pem.size() > kLargestPem) {
    return base::Fail(base::Code::kMalformed,
                      what + " has more than " + std::to_string(kLargestPem) + " bytes");
  }
  ERR_clear_error();
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return Failed(base::Code::kUnavailable, what);
  return bio;
}

// All of them, one at least.
base::Result<std::vector<Certificate>> ReadCertificates(std::string_view pem) {
  auto bio = Open(pem, "certificate");
  if (!bio) return tl::unexpected<base::Error>(bio.error());
  std::vector<Certificate> all;
  while (auto* one = PEM_read_bio_X509(bio->get(), nullptr, NoPassphrase, nullptr)) {
    all.emplace_back(one);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (all.empty() || !at_end) return Failed(base::Code::kMalformed, "certificate");
  ERR_clear_error();
  return all;
}

base::Result<Key> ReadKey(std::string_view pem) {
  auto bio = Open(pem, "key");
  if (!bio) return tl::unexpected<base::Error>(bio.error());
  Key key(PEM_read_bio_PrivateKey(bio->get(), nullptr, NoPassphrase, nullptr));
  if (!key) return Failed(base::Code::kMalformed, "key (one without a passphrase is wanted)");
  ERR_clear_error();
  return key;
}

struct Parsed {
  Certificate certificate;
  Key key;
};

base::Result<Parsed> Parse(const Pair& pair) {
  auto certificates = ReadCertificates(pair.certificate);
  if (!certificates) return tl::unexpected<base::Error>(certificates.error());
  auto key = ReadKey(pair.key);
  if (!key) return tl::unexpected<base::Error>(key.error());
  if (X509_check_private_key(certificates->front().get(), key->get()) != 1) {
    return Failed(base::Code::kInvalidArgument, "the key is not the certificate's");
  }
  return Parsed{std::move(certificates->front()), std::move(*key)};
}

base::Result<Parsed> ParseAuthority(const Pair& pair) {
  auto parsed = Parse(pair);
  if (parsed && X509_check_ca(parsed->certificate.get()) != 1) {
    return base::Fail(base::Code::kInvalidArgument, "the certificate is not an authority's");
  }
  return parsed;
}

base::Result<base::Time> ToTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return Failed(base::Code::kMalformed, "the certificate's time");
  }
  return base::Time(std::chrono::seconds(timegm(&parts)));
}

base::Result<Validity> ValidityOf(const X509* certificate) {
  const auto from = ToTime(X509_get0_notBefore(certificate));
  if (!from) return tl::unexpected<base::Error>(from.error());
  const auto until = ToTime(X509_get0_notAfter(certificate));
  if (!until) return tl::unexpected<base::Error>(until.error());
  return Validity{*from, *until};
}

bool SetTime(ASN1_TIME* to, base::Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  return ASN1_TIME_set(to, seconds.count()) != nullptr;
}

bool SetSerial(X509* certificate) {
  const Number number(BN_new());
  return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool Extend(X509* certificate, X509* issuer, int what, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, what, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// What both kinds have; signed by nobody yet. Null where OpenSSL fails.
Certificate Blank(EVP_PKEY* key, Validity validity) {
  Certificate certificate(X509_new());
  auto* raw = certificate.get();
  const bool made = certificate && X509_set_version(raw, X509_VERSION_3) == 1 && SetSerial(raw) &&
                    SetTime(X509_getm_notBefore(raw), validity.from) &&
                    SetTime(X509_getm_notAfter(raw), validity.until) &&
                    X509_set_pubkey(raw, key) == 1;
  if (!made) certificate.reset();
  return certificate;
}

std::string Text(BIO* bio) {
  const char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

base::Result<Pair> Write(X509* certificate, EVP_PKEY* key) {
  const Bio public_part(BIO_new(BIO_s_mem()));
  const Bio private_part(BIO_new(BIO_s_mem()));
  if (!public_part || !private_part || PEM_write_bio_X509(public_part.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(private_part.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return Failed(base::Code::kUnavailable, "cannot write a certificate");
  }
  return Pair{Text(public_part.get()), Text(private_part.get())};
}

bool IsDnsName(const std::string& name) {
  const auto usual = [](char c) {
    return base::IsAlphanumeric(c) || c == '-' || c == '.' || c == '*';
  };
  return !name.empty() && name.size() <= kLongestDnsName &&
         std::all_of(name.begin(), name.end(), usual);
}

// Null where the text is neither a DNS name nor an IP address.
Name ToGeneralName(const std::string& text) {
  Name name(GENERAL_NAME_new());
  if (!name) return name;
  if (Address address(a2i_IPADDRESS(text.c_str())); address) {
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, address.release());
    return name;
  }
  ERR_clear_error();
  auto* dns = IsDnsName(text) ? ASN1_IA5STRING_new() : nullptr;
  if (dns == nullptr) return nullptr;
  GENERAL_NAME_set0_value(name.get(), GEN_DNS, dns);
  const bool set = ASN1_STRING_set(dns, text.data(), static_cast<int>(text.size())) == 1;
  return set ? std::move(name) : nullptr;
}

base::Result<Names> ToGeneralNames(const std::vector<std::string>& texts) {
  if (texts.empty()) return base::Fail(base::Code::kInvalidArgument, "no name for a certificate");
  Names names(GENERAL_NAMES_new());
  for (const auto& text : texts) {
    auto name = ToGeneralName(text);
    if (!name) {
      return base::Fail(base::Code::kInvalidArgument, "no name for a certificate: " + text);
    }
    if (!names || sk_GENERAL_NAME_push(names.get(), name.get()) == 0) {
      return Failed(base::Code::kUnavailable, "cannot name a certificate");
    }
    (void)name.release();
  }
  return names;
}

// The authority of a set, where it may be used at `now`.
std::optional<Validity> Usable(const Pair& authority, base::Time now) {
  const auto parsed = ParseAuthority(authority);
  if (!parsed) return std::nullopt;
  const auto validity = ValidityOf(parsed->certificate.get());
  if (!validity || now < validity->from || now >= validity->until) return std::nullopt;
  return *validity;
}

base::Result<Pair> NewAuthority(base::Time now, base::Duration lifetime) {
  return MakeAuthority("sparkfit", {now - kClockTolerance, now + lifetime});
}

base::Result<std::optional<Authorities>> WithNewNext(Authorities authorities,
                                                     const Lifetimes& lifetimes, base::Time now) {
  auto next = NewAuthority(now, lifetimes.authority * 3 / 2);
  if (!next) return tl::unexpected<base::Error>(next.error());
  authorities.next = std::move(*next);
  return authorities;
}

// The next authority is made when the previous one stops signing, so its age tells how long ago
// that was. Twice the tolerance: a replica may be late to notice, and its clock be slow.
bool PreviousIsOver(const std::string& previous, Validity next, const Lifetimes& lifetimes,
                    base::Time now) {
  const auto validity = ReadValidity(previous);
  const auto stopped = next.from + kClockTolerance;
  return !validity || now >= validity->until ||
         now >= stopped + lifetimes.leaf + 2 * kClockTolerance;
}

}  // namespace

base::Result<Pair> MakeAuthority(const std::string& name, Validity validity) {
  if (name.empty() || name.size() > kLongestCommonName) {
    return base::Fail(base::Code::kInvalidArgument, "no name for an authority: " + name);
  }
  if (validity.from >= validity.until) {
    return base::Fail(base::Code::kInvalidArgument, "an authority that ends before it begins");
  }
  ERR_clear_error();
  const Key key(EVP_EC_gen("P-256"));
  const auto certificate = key ? Blank(key.get(), validity) : nullptr;
  auto* raw = certificate.get();
  const auto* common = reinterpret_cast<const unsigned char*>(name.data());
  const bool made =
      certificate &&
      X509_NAME_add_entry_by_NID(X509_get_subject_name(raw), NID_commonName, MBSTRING_UTF8, common,
                                 static_cast<int>(name.size()), -1, 0) == 1 &&
      X509_set_issuer_name(raw, X509_get_subject_name(raw)) == 1 &&
      Extend(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      Extend(raw, raw, NID_key_usage, "critical,keyCertSign") &&
      Extend(raw, raw, NID_subject_key_identifier, "hash") &&
      X509_sign(raw, key.get(), EVP_sha256()) != 0;
  if (!made) return Failed(base::Code::kUnavailable, "cannot make an authority");
  return Write(raw, key.get());
}

base::Result<Pair> SignLeaf(const Pair& authority, const std::vector<std::string>& names,
                            Validity validity) {
  const auto issuer = ParseAuthority(authority);
  if (!issuer) return base::Fail("authority", issuer.error());
  const auto bounds = ValidityOf(issuer->certificate.get());
  if (!bounds) return base::Fail("authority", bounds.error());
  validity = {std::max(validity.from, bounds->from), std::min(validity.until, bounds->until)};
  if (validity.from >= validity.until) {
    return base::Fail(base::Code::kInvalidArgument,
                      "the authority is not valid when the certificate would be");
  }
  const auto general_names = ToGeneralNames(names);
  if (!general_names) return tl::unexpected<base::Error>(general_names.error());
  const Key key(EVP_EC_gen("P-256"));
  const auto certificate = key ? Blank(key.get(), validity) : nullptr;
  auto* raw = certificate.get();
  auto* signer = issuer->certificate.get();
  // A service's name may be longer than a subject takes: it has none, so the names are critical.
  const bool made = certificate && X509_set_issuer_name(raw, X509_get_subject_name(signer)) == 1 &&
                    Extend(raw, signer, NID_basic_constraints, "critical,CA:FALSE") &&
                    Extend(raw, signer, NID_key_usage, "critical,digitalSignature") &&
                    Extend(raw, signer, NID_ext_key_usage, "serverAuth") &&
                    Extend(raw, signer, NID_subject_key_identifier, "hash") &&
                    Extend(raw, signer, NID_authority_key_identifier, "keyid:always") &&
                    X509_add1_ext_i2d(raw, NID_subject_alt_name, general_names->get(), 1, 0) == 1 &&
                    X509_sign(raw, issuer->key.get(), EVP_sha256()) != 0;
  if (!made) return Failed(base::Code::kUnavailable, "cannot sign a certificate");
  return Write(raw, key.get());
}

base::Result<Validity> ReadValidity(std::string_view certificate) {
  const auto certificates = ReadCertificates(certificate);
  if (!certificates) return tl::unexpected<base::Error>(certificates.error());
  return ValidityOf(certificates->front().get());
}

base::Result<void> CheckPair(const Pair& pair) {
  const auto parsed = Parse(pair);
  if (!parsed) return tl::unexpected<base::Error>(parsed.error());
  return {};
}

std::string Bundle(const Authorities& authorities) {
  std::string all;
  for (const auto* one :
       {&authorities.previous, &authorities.current.certificate, &authorities.next.certificate}) {
    all += *one;
    if (!one->empty() && one->back() != '\n') all += '\n';
  }
  return all;
}

base::Result<std::optional<Authorities>> Renew(const std::optional<Authorities>& authorities,
                                               const Lifetimes& lifetimes, base::Time now) {
  const auto old = authorities.value_or(Authorities{});
  const auto current = Usable(old.current, now);
  const auto next = Usable(old.next, now);
  if (!current && !next) {
    auto made = NewAuthority(now, lifetimes.authority);
    if (!made) return tl::unexpected<base::Error>(made.error());
    return WithNewNext({"", std::move(*made), {}}, lifetimes, now);
  }
  if (!next) return WithNewNext(old, lifetimes, now);
  if (!current || current->until - now < lifetimes.authority / 4) {
    return WithNewNext({current ? old.current.certificate : "", old.next, {}}, lifetimes, now);
  }
  if (!old.previous.empty() && PreviousIsOver(old.previous, *next, lifetimes, now)) {
    return Authorities{"", old.current, old.next};
  }
  return std::nullopt;
}

bool LeafDue(Validity leaf, base::Time now) {
  return now >= leaf.from + (leaf.until - leaf.from) * 2 / 3;
}

}  // namespace sparkfit::tls
