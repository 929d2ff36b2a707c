// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace sparkfit::model {

// An application's id at rest. Tens of thousands of keys remember sixteen each, so that those that
// Spark makes, `spark-` and a UUID without dashes (KubernetesConf.getKubernetesAppId), take 16
// bytes; any other is kept as text, up to its first NUL.
class ApplicationId {
 public:
  ApplicationId() = default;
  explicit ApplicationId(std::string_view text);
  ApplicationId(const ApplicationId& other) : ApplicationId(other.Text()) {}
  ApplicationId(ApplicationId&&) noexcept = default;
  ApplicationId& operator=(ApplicationId other) noexcept {
    kept_.swap(other.kept_);
    return *this;
  }
  ~ApplicationId() = default;

  [[nodiscard]] std::string Text() const;

  friend bool operator==(const ApplicationId& a, std::string_view b);

 private:
  using Uuid = std::array<std::uint8_t, 16>;

  std::variant<std::unique_ptr<char[]>, Uuid> kept_;
};

}  // namespace sparkfit::model
