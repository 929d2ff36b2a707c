// SPDX-License-Identifier: Apache-2.0
//
// What executors need, by what their driver told of the heap. A working set says which heap a JVM
// was given; how long it collects says how crowded that heap was. docs/algorithm.md derives it.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/history.h"
#include "sparkfit/recommend/split.h"

namespace sparkfit::recommend {

// Collections may take this share of the other time of tasks: a little below a tenth of all their
// time, from where on Spark's UI paints an executor's GC time red (executorspage.js).
inline constexpr double kCollecting = 0.10;

// How a run went, and the heap that it needed.
struct HeapPoint {
  model::Run run;
  model::HeapUse use;
  base::Bytes retained;  // what the heap holds and cannot give up, as collections tell
  base::Bytes needed;    // the heap in which collecting would take kCollecting, with room for what
                         // it executed with and stored
};

// What the drivers of the latest runs told; runs that are under way do not count, nor those of
// another shape.
struct HeapEvidence {
  std::vector<HeapPoint> points;  // oldest first, at least one
  // Of the law: collecting = (scale × retained / (heap − retained))².
  double scale = 0;
  base::Bytes neediest;     // the largest heap that a run needed
  base::Bytes cached;       // the heap in which the most that a run cached has room
  base::Bytes outgrown;     // more than a heap that was too small for one of the remembered runs
  OverheadBounds overhead;  // by what runs with about the latest heap used outside of it
};

// Nothing where none of the latest four runs has a driver that told.
std::optional<HeapEvidence> FindHeapEvidence(const model::KeyHistory& history);

// The runs that count, with the size in which each would only just have lived in place of its peak.
std::vector<model::Run> RunsAsNeeded(const HeapEvidence& evidence, const SplitRule& rule);

// So that no run is slow, this share of the heap of the neediest run is given on top: 0.11 × √risk,
// at most a half.
double RoomAt(double risk);

// What decided on a size.
enum class RoomFor {
  kLife,      // it was large enough
  kNeediest,  // the heap of the neediest run, and RoomAt
  kCached,    // what was cached
  kOutgrown,  // the heap that a run died in is not gone back to
  kDepth,     // at once no less than a third of the latest run's heap
};
struct Roomy {
  base::Bytes size;
  base::Bytes heap;  // that decided; 0 with kLife
  RoomFor reason = RoomFor::kLife;
};

// The size, or what is needed that executors are not only alive.
Roomy WithRoom(base::Bytes size, const HeapEvidence& evidence, const SplitRule& rule, double risk);

// What of a total that was cut is for the heap before it is for what is in use outside of it: the
// heap of the neediest run, at most the latest one and at least a third of that. In whole MiB.
base::Bytes HeapFirst(const HeapEvidence& evidence);

// Growth guard: what an executor may grow to where its latest run collected for longer than it may,
// at most half as large again and twice what was submitted; 0 where it did not, and where a larger
// heap was no help before.
base::Bytes RaisedByCrowding(const HeapEvidence& evidence, const SplitRule& rule,
                             base::Bytes submitted);

}  // namespace sparkfit::recommend
