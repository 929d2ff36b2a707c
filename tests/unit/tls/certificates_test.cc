// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/tls/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

namespace sparkfit::tls {
namespace {

using base::Time;
using namespace std::chrono_literals;

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

const Time kNow = *base::ParseTime("2026-11-23T10:00:00Z");
const Lifetimes kYearAndWeek{};

Owned<X509> Read(BIO* bio) {
  return {PEM_read_bio_X509(bio, nullptr, nullptr, nullptr), X509_free};
}
Owned<BIO> Open(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free_all};
}

// What a client does with a server's certificate: empty where it is content, else OpenSSL's reason.
std::string Objection(const std::string& bundle, const std::string& leaf, const std::string& name,
                      Time now) {
  const Owned<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  const auto authorities = Open(bundle);
  while (const auto one = Read(authorities.get())) X509_STORE_add_cert(store.get(), one.get());
  const auto certificate = Read(Open(leaf).get());
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new(), X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  auto* how = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_purpose(how, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_time(
      how, std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_X509_STRICT);
  if (X509_VERIFY_PARAM_set1_ip_asc(how, name.c_str()) != 1) {
    X509_VERIFY_PARAM_set1_host(how, name.c_str(), name.size());
  }
  if (X509_verify_cert(context.get()) == 1) return "";
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

Pair Authority(Time from = kNow - 1h, Time until = kNow + 240h) {
  return *MakeAuthority("test", {from, until});
}

template <typename T>
void CheckFails(const base::Result<T>& result, base::Code code, const std::string& message) {
  REQUIRE(!result);
  CHECK(result.error().code == code);
  CHECK_THAT(result.error().message, Catch::Contains(message));
}

std::string EncryptedKey() {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Owned<BIO> out(BIO_new(BIO_s_mem()), BIO_free_all);
  const std::string pass = "secret";
  PEM_write_bio_PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(),
                           reinterpret_cast<const unsigned char*>(pass.data()),
                           static_cast<int>(pass.size()), nullptr, nullptr);
  const char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

TEST_CASE("a leaf is good for its names, while it and its authority are valid", "[tls]") {
  const auto authority = Authority();
  const auto leaf = *SignLeaf(
      authority, {"sparkfit.spark.svc", "*.example.com", "127.0.0.1", "::1"}, {kNow, kNow + 24h});
  const auto objection = [&](const std::string& name, Time now) {
    return Objection(authority.certificate, leaf.certificate, name, now);
  };
  for (const auto* name : {"sparkfit.spark.svc", "a.example.com", "127.0.0.1", "::1"}) {
    CHECK(objection(name, kNow).empty());
  }
  CHECK_THAT(objection("other.spark.svc", kNow), Catch::Contains("ostname mismatch"));
  CHECK_THAT(objection("127.0.0.2", kNow), Catch::Contains("IP address mismatch"));
  CHECK(objection("::1", kNow + 24h - 1s).empty());
  CHECK_THAT(objection("::1", kNow + 24h + 1s), Catch::Contains("expired"));
  CHECK_THAT(objection("::1", kNow - 1s), Catch::Contains("not yet valid"));
  CHECK(!Objection(Authority().certificate, leaf.certificate, "::1", kNow).empty());
  CHECK(CheckPair(authority));
  CHECK(CheckPair(leaf));
}

TEST_CASE("a service's name may be longer than a subject", "[tls]") {
  const auto authority = Authority();
  const auto name = std::string(63, 'a') + "." + std::string(63, 'b') + ".svc";
  const auto leaf = *SignLeaf(authority, {name}, {kNow, kNow + 24h});
  CHECK(Objection(authority.certificate, leaf.certificate, name, kNow).empty());
}

TEST_CASE("a leaf is never valid when its authority is not", "[tls]") {
  const auto authority = Authority(kNow - 1h, kNow + 10h);
  const auto leaf = *SignLeaf(authority, {"a"}, {kNow - 2h, kNow + 24h});
  CHECK(*ReadValidity(leaf.certificate) == Validity{kNow - 1h, kNow + 10h});
  CheckFails(SignLeaf(authority, {"a"}, {kNow + 10h, kNow + 11h}), base::Code::kInvalidArgument,
             "the authority is not valid when the certificate would be");
}

TEST_CASE("validity is read to the second, far away too", "[tls]") {
  for (const auto* text :
       {"1970-01-01T00:00:00Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z"}) {
    const auto from = *base::ParseTime(text);
    const auto pair = *MakeAuthority("a", {from, from + 24h * 36500});
    CHECK(*ReadValidity(pair.certificate) == Validity{from, from + 24h * 36500});
  }
}

TEST_CASE("two authorities share neither key nor serial", "[tls]") {
  const auto one = Authority();
  const auto two = Authority();
  CHECK(one.key != two.key);
  const auto serial = [](const Pair& pair) {
    const auto certificate = Read(Open(pair.certificate).get());
    const auto* number = X509_get0_serialNumber(certificate.get());
    return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(number)),
                       static_cast<std::size_t>(ASN1_STRING_length(number)));
  };
  CHECK(serial(one) != serial(two));
}

TEST_CASE("what cannot be a certificate's name or time is refused", "[tls]") {
  const auto kArgument = base::Code::kInvalidArgument;
  const Validity day{kNow, kNow + 24h};
  CheckFails(MakeAuthority("", day), kArgument, "no name");
  CheckFails(MakeAuthority(std::string(65, 'a'), day), kArgument, "no name");
  CheckFails(MakeAuthority("a", {kNow, kNow}), kArgument, "ends before it begins");
  const auto authority = Authority();
  CheckFails(SignLeaf(authority, {}, day), kArgument, "no name");
  for (const auto* name : {"", "a b", "a,DNS:b", "a/b", "a\n"}) {
    CheckFails(SignLeaf(authority, {"good", name}, day), kArgument, "no name");
  }
  CheckFails(SignLeaf(authority, {std::string(254, 'a')}, day), kArgument, "no name");
  const auto leaf = *SignLeaf(authority, {"a"}, day);
  CheckFails(SignLeaf(leaf, {"b"}, day), kArgument,
             "authority: the certificate is not an authority");
  CheckFails(SignLeaf({}, {"b"}, day), base::Code::kMalformed, "authority: certificate");
}

TEST_CASE("a pair is checked, whatever it is, without a word of its key", "[tls]") {
  const auto kMalformed = base::Code::kMalformed;
  const auto one = Authority();
  const auto two = Authority();
  CheckFails(CheckPair({one.certificate, two.key}), base::Code::kInvalidArgument,
             "the key is not the certificate's");
  CHECK(CheckPair({one.certificate + two.certificate, one.key}));
  CheckFails(CheckPair({one.certificate + two.certificate, two.key}), base::Code::kInvalidArgument,
             "the key is not the certificate's");
  CheckFails(CheckPair({"", one.key}), kMalformed, "certificate");
  CheckFails(CheckPair({one.key, one.key}), kMalformed, "certificate");
  CheckFails(CheckPair({"garbage", one.key}), kMalformed, "certificate: no start line");
  CheckFails(CheckPair({one.certificate, ""}), kMalformed, "key");
  CheckFails(CheckPair({one.certificate, one.certificate}), kMalformed, "key");
  CheckFails(CheckPair({one.certificate, std::string(100, '\0')}), kMalformed, "key");
  CheckFails(CheckPair({one.certificate, EncryptedKey()}), kMalformed, "without a passphrase");
  const auto half = one.certificate.substr(0, one.certificate.size() / 2);
  CheckFails(CheckPair({half, one.key}), kMalformed, "certificate");
  CheckFails(CheckPair({one.certificate + half, one.key}), kMalformed, "certificate");
  auto damaged = one.key;
  damaged.replace(60, 8, "AAAAAAAA");
  const auto checked = CheckPair({one.certificate, damaged});
  REQUIRE(!checked);
  CHECK_THAT(checked.error().message, !Catch::Contains(damaged.substr(40, 10)));
  const std::string huge(kLargestPem + 1, 'x');
  CheckFails(CheckPair({huge, one.key}), kMalformed, "certificate has more than 262144 bytes");
  CheckFails(CheckPair({one.certificate, huge}), kMalformed, "key has more than 262144 bytes");
}

TEST_CASE("a damaged pair at any byte is an error or a pair, never a crash", "[tls]") {
  const auto pair = Authority();
  for (std::size_t i = 0; i < pair.certificate.size(); ++i) {
    auto certificate = pair.certificate;
    certificate[i] = static_cast<char>(certificate[i] ^ 0x15);
    (void)CheckPair({certificate, pair.key});
    (void)ReadValidity(certificate);
  }
  for (std::size_t i = 0; i < pair.key.size(); ++i) {
    (void)CheckPair({pair.certificate, pair.key.substr(0, i)});
  }
}

TEST_CASE("where there are no authorities, two are made", "[tls]") {
  const auto made = **Renew(std::nullopt, kYearAndWeek, kNow);
  CHECK(made.previous.empty());
  CHECK(*ReadValidity(made.current.certificate) == Validity{kNow - 1h, kNow + 24h * 365});
  // 365 days × 1.5 = 13,140 hours
  CHECK(*ReadValidity(made.next.certificate) == Validity{kNow - 1h, kNow + 13140h});
  CHECK(!*Renew(made, kYearAndWeek, kNow));
  // A quarter of 8,760 hours is 2,190: the change is due after 6,570.
  CHECK(!*Renew(made, kYearAndWeek, kNow + 6570h));
  CHECK(*Renew(made, kYearAndWeek, kNow + 6570h + 1s));
}

TEST_CASE("the next authority takes over, and the previous one goes a leaf's life later", "[tls]") {
  const auto made = **Renew(std::nullopt, kYearAndWeek, kNow);
  const auto turn = kNow + 6571h;
  const auto turned = **Renew(made, kYearAndWeek, turn);
  CHECK(turned.previous == made.current.certificate);
  CHECK(turned.current == made.next);
  CHECK(ReadValidity(turned.next.certificate)->until == turn + 13140h);
  CHECK(Bundle(turned) ==
        made.current.certificate + made.next.certificate + turned.next.certificate);
  // 168 hours, and twice the tolerance of one.
  CHECK(!*Renew(turned, kYearAndWeek, turn + 170h - 1s));
  CHECK(**Renew(turned, kYearAndWeek, turn + 170h) == Authorities{"", turned.current, turned.next});
}

TEST_CASE("what is damaged or expired of the authorities is replaced, and no more than that",
          "[tls]") {
  const auto good = **Renew(std::nullopt, kYearAndWeek, kNow);
  auto no_next = good;
  no_next.next.key = "garbage";
  auto renewed = **Renew(no_next, kYearAndWeek, kNow);
  CHECK(renewed.current == good.current);
  CHECK(CheckPair(renewed.next));

  auto no_current = good;
  no_current.current = *SignLeaf(good.current, {"a"}, {kNow, kNow + 24h});
  renewed = **Renew(no_current, kYearAndWeek, kNow);
  CHECK(renewed.current == good.next);
  CHECK(renewed.previous.empty());

  auto bad_previous = good;
  bad_previous.previous = "garbage";
  CHECK(**Renew(bad_previous, kYearAndWeek, kNow) == good);

  // Ten years of standstill, and a clock that was ten years ahead.
  for (const auto now : {kNow + 87600h, kNow - 87600h}) {
    renewed = **Renew(good, kYearAndWeek, now);
    CHECK(renewed.previous.empty());
    CHECK(ReadValidity(renewed.current.certificate)->from == now - 1h);
  }
}

TEST_CASE("a bundle's parts stand on lines of their own", "[tls]") {
  CHECK(Bundle({"a", {"b\n", "key"}, {"c", "key"}}) == "a\nb\nc\n");
  CHECK(Bundle({"", {"b", ""}, {"c", ""}}) == "b\nc\n");
}

TEST_CASE("a leaf is due after two thirds of its life", "[tls]") {
  const Validity leaf{kNow, kNow + 9h};
  CHECK(!LeafDue(leaf, kNow + 6h - 1s));
  CHECK(LeafDue(leaf, kNow + 6h));
}

// A controller checks hourly; each replica signs with what it read now or an hour ago; a client
// trusts what was published now or an hour ago. All leaves live for half a day.
TEST_CASE("through all rotations, a leaf in use is trusted by whatever is published", "[tls]") {
  const Lifetimes lifetimes{.authority = 4 * 24h, .leaf = 12h};
  const auto step = 1h;
  struct Stage {
    Time now;
    std::string bundle;
    std::vector<std::string> leaves;  // signed at that time
  };
  std::vector<Stage> stages;
  std::optional<Authorities> authorities;
  int changes = 0;
  for (auto now = kNow; now < kNow + 5 * lifetimes.authority; now += step) {
    const auto before = authorities;
    if (auto renewed = *Renew(authorities, lifetimes, now)) {
      authorities = renewed;
      ++changes;
    }
    std::vector<std::string> leaves;
    for (const auto& signer : {authorities, before ? before : authorities}) {
      leaves.push_back(
          SignLeaf(signer->current, {"a"}, {now - kClockTolerance, now + lifetimes.leaf})
              ->certificate);
      REQUIRE(ReadValidity(leaves.back())->until == now + lifetimes.leaf);  // not cut short
      if (before == authorities) break;
    }
    stages.push_back({now, Bundle(*authorities), leaves});
  }
  // The first, then one turn at 3/4, 5/4, 8/4, 10/4, 13/4, 15/4 and 18/4 of a lifetime, each with
  // its previous one dropped later.
  CHECK(changes == 1 + 2 * 7);
  std::size_t checked = 0;
  for (std::size_t signed_at = 0; signed_at < stages.size(); ++signed_at) {
    for (const std::size_t age : {0, 1, 6, 11}) {
      for (const auto& leaf : stages[signed_at].leaves) {
        const auto used = std::min(signed_at + age, stages.size() - 1);
        for (const auto published : {used, used == 0 ? used : used - 1}) {
          const auto why = Objection(stages[published].bundle, leaf, "a", stages[used].now);
          if (!why.empty()) FAIL(base::FormatTime(stages[used].now) << ": " << why);
          ++checked;
        }
      }
    }
  }
  CHECK(checked >= 8 * stages.size());
}

}  // namespace
}  // namespace sparkfit::tls
