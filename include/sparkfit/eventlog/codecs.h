// SPDX-License-Identifier: Apache-2.0
//
// What Spark compresses event logs with, told by the first bytes: zstd, lz4 and snappy in Spark's
// own framings, gzip. Memory is bounded whatever the bytes say.
#pragma once

#include <memory>

#include "sparkfit/replay/line_reader.h"

namespace sparkfit::eventlog {

// The text of a log. A compressed one that breaks off is kMalformed where it does; what came before
// stays good. lzf, which Spark can write, too, is refused in words.
std::unique_ptr<replay::ByteSource> Decompress(std::unique_ptr<replay::ByteSource> inner);

}  // namespace sparkfit::eventlog
