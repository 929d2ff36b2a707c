// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fake_transport.h"
#include "sparkfit/kube/list_watch.h"
#include "sparkfit/wire/object_reader.h"

namespace {

using namespace sparkfit;

// Reads every object as each of our kinds.
class Reader final : public kube::CollectionHandler {
 public:
  void OnListBegin() override {}
  void OnListEnd() override {}
  void OnListed(const kube::Object& object) override { Read(object.json); }
  void OnChange(kube::Change, const kube::Object& object) override { Read(object.json); }
  void OnTrouble(const std::string&) override {}

 private:
  void Read(std::string_view object) {
    static_cast<void>(reader_.Pod(object));
    static_cast<void>(reader_.PodMetrics(object));
    static_cast<void>(reader_.Recommendation(object));
    static_cast<void>(reader_.Node(object));
    static_cast<void>(reader_.LimitRange(object));
    static_cast<void>(reader_.ResourceQuota(object));
  }

  model::SignatureRules rules_ = *model::SignatureRules::Parse("airflow,{a}-{b}");
  wire::ObjectReader reader_{&rules_};
};

}  // namespace

// What an API server might send: the first line is the list, the rest the watch. The first byte
// decides in which pieces it comes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto end = text.find('\n');
  const auto list = text.substr(0, end);
  const auto watch = end == std::string::npos ? "" : text.substr(end + 1);
  int asked = 0;
  std::stop_source stop;
  test::FakeTransport transport(
      [&](const kube::Request& request) -> test::Answer {
        if (++asked > 6) stop.request_stop();
        const bool watches = request.target.find("watch=") != std::string::npos;
        return {200, watches ? watch : list};
      },
      std::size_t{1} + data[0] % 64);
  test::FakeTime time;
  test::FakeToken token;
  kube::ClientOptions once;
  once.attempts = 1;
  kube::Client client(transport, token, time, time, once);
  Reader reader;
  kube::Reflector(client, time, {"pods", "/api/v1/pods", ""}, reader).Run(stop.get_token());
  return 0;
}
