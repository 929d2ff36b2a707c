// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cluster/writer.h"
#include "fake_transport.h"
#include "sparkfit/kube/lease.h"

// What an API server might answer to a write and about the lease: the first byte is the status, all
// requests are answered alike.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  if (size == 0) return 0;
  constexpr int kStatus[] = {200, 201, 404, 409, 422, 500};
  const int status = kStatus[data[0] % std::size(kStatus)];
  const std::string body(reinterpret_cast<const char*>(data + 1), size - 1);
  constexpr std::size_t kShown = 320;
  if (kube::Reply{status, body}.Why().size() > kShown) std::abort();

  std::stop_source stop;
  int asked = 0;
  test::FakeApi api(
      [&](const kube::Request&) -> test::Answer {
        if (++asked > 4) stop.request_stop();
        return {status, body};
      },
      {.attempts = 1});
  kube::LeaseElector elector(api.client, api.time, api.time,
                             {.name_space = "ns", .name = "l", .identity = "me", .note = "n"});
  const auto nothing = [](const std::string&) {};
  elector.Run(
      stop.get_token(), [](bool) {}, nothing, nothing);

  cluster::Inbox inbox;
  std::stop_source done;
  // Asked before a checkpoint is written and before a status: one write, and a second begun.
  int may = 0;
  cluster::Writer writer(api.client, inbox, [&](std::uint64_t) {
    if (++may > 2) done.request_stop();
    return true;
  });
  const cluster::Write write{.key = {"jobs", "nightly", 0},
                             .what = cluster::Written::What::kPublish,
                             .object = {"jobs", "nightly-1", "uid-1", 3},
                             .checkpoint = "{}",
                             .data = "history",
                             .status = "{}"};
  for (int i = 0; i < 3; ++i) writer.Submit(write);
  writer.Run(done.get_token());
  return 0;
}
