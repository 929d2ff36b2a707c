// SPDX-License-Identifier: Apache-2.0
//
// ExecutorRecommendationCheckpoint: what survives a restart. Its data is one JSON text with a
// version and a checksum beside it, so that damage is seen and never becomes a zero.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sparkfit/base/result.h"
#include "sparkfit/model/checkpoint.h"

namespace sparkfit::wire {

// Version 1 had an OOM floor for a key in place of brackets for each part, version 2 judged past
// advice in all alone. Both are still read.
inline constexpr int kCheckpointVersion = 3;
inline constexpr int kOldestCheckpointVersion = 1;
// etcd refuses objects of more than 1.5 MiB.
inline constexpr std::size_t kLargestCheckpoint = std::size_t{1} << 20;
// UIDs and names that differ do not get smaller: no checkpoint of ours that fits its object has
// more than 13 times its data.
inline constexpr std::size_t kLargestInflated = std::size_t{16} << 20;

// The spec of such an object.
struct CheckpointSpec {
  std::string encoding;  // "json", or "gzip+base64" of it where it is large
  std::string checksum;  // of the data, in hexadecimal
  std::string data;
};

// The same checkpoint gives the same data, and other data is another checkpoint.
CheckpointSpec WriteCheckpoint(const model::KeyCheckpoint& checkpoint);
// With the checksum that fits its data.
CheckpointSpec Sealed(CheckpointSpec spec);
std::string SpecText(const CheckpointSpec& spec);

// From an object with such a spec. kMalformed where it is damaged; kInvalidArgument for a version
// that this sparkfit does not know. Of each text in it at most model::kLongestSetting bytes are
// kept. `inflated`, if given, grows by the bytes of data that were read: at most kLargestInflated,
// and by more than `most` where that was given up because of `most`.
base::Result<model::KeyCheckpoint> ReadCheckpoint(std::string_view object,
                                                  std::size_t* inflated = nullptr,
                                                  std::size_t most = kLargestInflated);

// Whose a checkpoint in the cluster says to be. Of these each is empty where it is not said.
struct CheckpointHead {
  std::string name_space;
  std::string name;
  std::string version;    // metadata.resourceVersion
  std::string owner_uid;  // of the recommendation that it belongs to
};

// A copy of such an object under another name, to be created: set aside for a person to look at.
base::Result<std::string> SetAside(std::string_view object);

}  // namespace sparkfit::wire
