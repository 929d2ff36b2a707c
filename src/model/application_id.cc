// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/application_id.h"

#include <algorithm>

namespace sparkfit::model {
namespace {

constexpr std::string_view kPrefix = "spark-";
constexpr std::string_view kDigits = "0123456789abcdef";

char High(std::uint8_t byte) { return kDigits[byte >> 4U]; }
char Low(std::uint8_t byte) { return kDigits[byte & 0xFU]; }

bool IsMade(std::string_view text, std::size_t bytes) {
  return text.size() == kPrefix.size() + 2 * bytes && text.substr(0, kPrefix.size()) == kPrefix &&
         text.find_first_not_of(kDigits, kPrefix.size()) == std::string_view::npos;
}

}  // namespace

ApplicationId::ApplicationId(std::string_view text) {
  Uuid uuid{};
  if (IsMade(text, uuid.size())) {
    auto digit = text.begin() + kPrefix.size();
    for (auto& byte : uuid) {
      byte = static_cast<std::uint8_t>(kDigits.find(*digit++) << 4U);
      byte = static_cast<std::uint8_t>(byte | kDigits.find(*digit++));
    }
    kept_ = uuid;
  } else if (!text.empty()) {
    auto copy = std::make_unique<char[]>(text.size() + 1);
    std::copy(text.begin(), text.end(), copy.get());
    kept_ = std::move(copy);
  }
}

std::string ApplicationId::Text() const {
  const auto* uuid = std::get_if<Uuid>(&kept_);
  if (uuid == nullptr) {
    const auto& text = std::get<0>(kept_);
    return text ? text.get() : std::string{};
  }
  std::string text(kPrefix);
  for (const auto byte : *uuid) {
    text += High(byte);
    text += Low(byte);
  }
  return text;
}

bool operator==(const ApplicationId& a, std::string_view b) {
  const auto* uuid = std::get_if<ApplicationId::Uuid>(&a.kept_);
  if (uuid == nullptr) {
    const auto& text = std::get<0>(a.kept_);
    return b == (text ? std::string_view(text.get()) : std::string_view{});
  }
  // As a rule the first digits tell: this is asked of every remembered application, often.
  if (b.size() != kPrefix.size() + 2 * uuid->size()) return false;
  auto digit = b.begin() + kPrefix.size();
  for (const auto byte : *uuid) {
    if (*digit++ != High(byte) || *digit++ != Low(byte)) return false;
  }
  return b.substr(0, kPrefix.size()) == kPrefix;
}

}  // namespace sparkfit::model
