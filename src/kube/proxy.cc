// SPDX-License-Identifier: Apache-2.0
//
// Which proxy leads to a server, by the environment: the rules of Go's x/net/http/httpproxy.
#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <string_view>

#include "sparkfit/kube/config.h"

namespace sparkfit::kube {
namespace {

namespace ip = boost::asio::ip;
using Error = boost::system::error_code;

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = std::min(text.find_first_not_of(kSpace), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

struct HostPort {
  std::string host;  // without brackets, in small letters
  std::string port;  // empty: none
};

HostPort Split(std::string_view authority) {
  const auto bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
  if (bracket != std::string_view::npos) {
    const auto rest = authority.substr(bracket + 1);
    return {Lower(authority.substr(1, bracket - 1)),
            std::string(rest.starts_with(':') ? rest.substr(1) : "")};
  }
  const auto colon = authority.find(':');
  // Two colons: an IPv6 address without brackets.
  if (colon == std::string_view::npos || authority.find(':', colon + 1) != std::string_view::npos) {
    return {Lower(authority), ""};
  }
  return {Lower(authority.substr(0, colon)), std::string(authority.substr(colon + 1))};
}

bool InNetwork(const std::string& network, const ip::address& address) {
  Error error;
  if (address.is_v4()) {
    const auto range = ip::make_network_v4(network, error);
    return !error &&
           ip::network_v4(address.to_v4(), range.prefix_length()).canonical() == range.canonical();
  }
  const auto range = ip::make_network_v6(network, error);
  return !error &&
         ip::network_v6(address.to_v6(), range.prefix_length()).canonical() == range.canonical();
}

// One entry of NO_PROXY: *, a network, an address or a domain, the last two with a port or without.
bool Spares(std::string_view entry, const HostPort& server) {
  if (entry == "*") return true;
  Error error;
  const auto address = ip::make_address(server.host, error);
  const bool numeric = !error;
  if (entry.find('/') != std::string_view::npos) {
    return numeric && InNetwork(std::string(entry), address);
  }
  auto [host, port] = Split(entry);
  if (host.empty() || (!port.empty() && port != server.port)) return false;
  const auto spared = ip::make_address(host, error);
  if (!error) return numeric && spared == address;
  if (host.starts_with("*.")) host.erase(0, 1);
  const bool domains_only = host.starts_with('.');
  if (!domains_only && server.host == host) return true;
  return server.host.ends_with(domains_only ? host : "." + host);
}

bool IsHere(const std::string& host) {
  Error error;
  const auto address = ip::make_address(host, error);
  return host == "localhost" || (!error && address.is_loopback());
}

}  // namespace

std::string ProxyFor(const std::string& server, const Environment& environment) {
  const auto value = [&](const char* name, const char* other) -> std::string {
    const char* text = environment(name);
    if (text == nullptr || *text == '\0') text = environment(other);
    return text == nullptr ? "" : text;
  };
  const bool tls = server.starts_with("https://");
  auto proxy = tls ? value("HTTPS_PROXY", "https_proxy") : value("HTTP_PROXY", "http_proxy");
  if (proxy.empty()) return "";
  auto authority = std::string_view(server);
  authority.remove_prefix(std::min(authority.find("://") + 3, authority.size()));
  auto where = Split(authority.substr(0, authority.find('/')));
  if (where.port.empty()) where.port = tls ? "443" : "80";
  if (IsHere(where.host)) return "";
  const auto spared = Lower(value("NO_PROXY", "no_proxy"));
  for (std::string_view rest = spared; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (Spares(Trimmed(rest.substr(0, comma)), where)) return "";
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return proxy;
}

Endpoint WithProxy(Endpoint endpoint, const Environment& environment) {
  if (endpoint.proxy.empty()) endpoint.proxy = ProxyFor(endpoint.server, environment);
  return endpoint;
}

}  // namespace sparkfit::kube
