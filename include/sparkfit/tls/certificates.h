// SPDX-License-Identifier: Apache-2.0
//
// Certificates for a server of our own and the authorities that vouch for it: made, checked and
// renewed. Pure but for randomness: time is an argument, and nothing is read or stored. PEM may be
// anybody's bytes: at most kLargestPem of them are looked at, nobody is asked for a passphrase, and
// no message contains any of a key.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/base/time.h"

namespace sparkfit::tls {

inline constexpr std::size_t kLargestPem = std::size_t{256} << 10;

// Clocks may differ by so much: certificates are valid from so long before they are made.
inline constexpr base::Duration kClockTolerance = std::chrono::hours(1);

// PEM texts that belong together. The certificate may be followed by those that sign it.
struct Pair {
  std::string certificate;
  std::string key;  // not encrypted

  friend bool operator==(const Pair&, const Pair&) = default;
};

// Both to the second; a certificate is good at `from` and no longer at `until`.
struct Validity {
  base::Time from{};
  base::Time until{};

  friend bool operator==(const Validity&, const Validity&) = default;
};

// An authority that vouches for itself and signs no further ones: EC P-256. The name has at most 64
// bytes; kInvalidArgument for others and for a validity that ends before it begins.
base::Result<Pair> MakeAuthority(const std::string& name, Validity validity);

// A server's certificate for these names (DNS names, `*.` too, or IP addresses), never valid
// outside the authority's own time. kInvalidArgument for no names, names that are none, an
// authority that is none; kMalformed for one that does not parse.
base::Result<Pair> SignLeaf(const Pair& authority, const std::vector<std::string>& names,
                            Validity validity);

// Of the first certificate. kMalformed where there is none.
base::Result<Validity> ReadValidity(std::string_view certificate);

// kMalformed where either does not parse, kInvalidArgument where the key is another certificate's.
base::Result<void> CheckPair(const Pair& pair);

// Authorities that overlap, so that nobody ever meets a certificate whose signer it does not trust
// yet or any more.
struct Authorities {
  std::string previous;  // its certificate, as long as one that it signed may be in use; else empty
  Pair current;          // signs
  Pair next;             // will sign; trusted long before

  friend bool operator==(const Authorities&, const Authorities&) = default;
};

// REQUIRES: leaf is at most a quarter of authority, so that no leaf is cut short.
struct Lifetimes {
  base::Duration authority = std::chrono::hours(365 * 24);
  base::Duration leaf = std::chrono::hours(7 * 24);
};

// All of them, as one PEM text: what a client trusts.
std::string Bundle(const Authorities& authorities);

// The successor of `authorities` where a change is due at `now`; nullopt: nothing to do. With L as
// the authority's lifetime:
//   none yet:                        current until now + L, next until now + 1.5 L
//   current has less than L/4 left:  next becomes current, current previous; next until now + 1.5 L
//   previous stopped signing a leaf's lifetime and twice the clocks' tolerance ago, or has expired:
//                                    it is dropped
// The next authority so is trusted for at least L/2 before it signs. What does not parse, is no
// authority, has expired or is not valid yet (somebody's clock was wrong) is as if it were not
// there: without a current one the next takes its place, without a next one there will be a new
// one.
base::Result<std::optional<Authorities>> Renew(const std::optional<Authorities>& authorities,
                                               const Lifetimes& lifetimes, base::Time now);

// A leaf is to be made anew once two thirds of its life have passed.
bool LeafDue(Validity leaf, base::Time now);

}  // namespace sparkfit::tls
