// SPDX-License-Identifier: Apache-2.0
//
// Objects of the Kubernetes API as they come by.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace sparkfit::kube {

// What metadata says of which object it is; empty where it does not, or not in plain text.
struct Identity {
  std::string name_space;
  std::string name;
  std::string uid;
  std::string version;  // resourceVersion
};

// Of the JSON of an object, as far as it can be found in whatever the text is.
Identity Identify(std::string_view json);

// In etcd an object has at most 1.5 MiB. As JSON one may have six times as much.
inline constexpr std::size_t kLargestObject = std::size_t{2} << 20;

struct Object {
  // With 64 readable bytes behind it, valid during the call. Empty where it has more than
  // kLargestObject bytes, or no end: then only which one it is is known.
  std::string_view json;
  Identity id;
};

using OnObject = std::function<void(const Object&)>;

}  // namespace sparkfit::kube
