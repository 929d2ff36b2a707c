// SPDX-License-Identifier: Apache-2.0
//
// A value that is kept once however many hold it: copies share it, and none of them can change it
// for another. A default value takes a pointer's room alone.
#pragma once

#include <memory>
#include <utility>

namespace sparkfit::base {

template <typename T>
class Shared {
 public:
  Shared() = default;
  Shared(T value) : value_(std::make_shared<T>(std::move(value))) {}  // NOLINT: as good as a T

  const T& operator*() const { return value_ ? *value_ : Default(); }
  const T* operator->() const { return &**this; }
  operator const T&() const { return **this; }  // NOLINT: as good as a T

  // For this holder alone from now on: copied first, where others have it.
  T& Edit() {
    if (!value_ || value_.use_count() > 1) value_ = std::make_shared<T>(**this);
    return *value_;
  }

  // A default value that nobody made.
  [[nodiscard]] bool IsDefault() const { return value_ == nullptr; }
  [[nodiscard]] bool IsHeldByOthers() const { return value_.use_count() > 1; }

  friend bool operator==(const Shared& a, const Shared& b) {
    return a.value_ == b.value_ || *a == *b;
  }
  friend bool operator==(const Shared& a, const T& b) { return *a == b; }

 private:
  static const T& Default() {
    static const T value{};
    return value;
  }

  std::shared_ptr<T> value_;
};

}  // namespace sparkfit::base
