// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "review_pod.h"
#include "sparkfit/admission/admission.h"

namespace {

using namespace sparkfit;
using nlohmann::json;

// Reads decisions from the input, zeros at its end.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::size_t Below(std::size_t bound) {
    if (bound == 0) return 0;
    const std::size_t byte = at_ < size_ ? data_[at_] : 0;
    ++at_;
    return byte % bound;
  }
  [[nodiscard]] bool Done() const { return at_ >= size_; }
  std::string Text() {
    std::string text;
    for (std::size_t left = Below(12); left > 0; --left) text += static_cast<char>(Below(256));
    return text;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

// Everything that a pod has, in one: what is missing is taken away by the fuzzer.
json FullReview() {
  auto pod = test::ReviewedPod();
  pod["metadata"]["ownerReferences"] = {{{"uid", "d"}, {"controller", true}}};
  auto& containers = pod["spec"]["containers"];
  containers.push_back({{"name", "side"}, {"resources", {{"limits", {{"memory", "64Mi"}}}}}});
  pod["spec"]["initContainers"] = {{{"name", "i"}, {"restartPolicy", "Always"}}};
  pod["status"] = {{"phase", "Pending"}, {"containerStatuses", json::array()}};
  return test::ReviewOf(pod);
}

json AnyValue(Input& input) {
  static const char* const texts[] = {"",
                                      "1408Mi",
                                      "0",
                                      "-1",
                                      "1e3Gi",
                                      "9999999Pi",
                                      "900m",
                                      "1g",
                                      "executor",
                                      "driver",
                                      "true",
                                      "CREATE",
                                      "1.5",
                                      "Initial",
                                      "spark-kubernetes-executor",
                                      "SPARK_EXECUTOR_MEMORY",
                                      "_JAVA_OPTIONS",
                                      "envFrom",
                                      "-Xmx1g"};
  switch (input.Below(10)) {
    case 0:
      return nullptr;
    case 1:
      return json::array();
    case 2:
      return json::object();
    case 3:
      return static_cast<int>(input.Below(256)) - 128;
    case 4:
      return 1e300;
    case 5:
      return input.Below(2) == 0;
    case 6: {
      json nested;
      for (std::size_t depth = input.Below(200); depth > 0; --depth) nested = {{"a", nested}};
      return nested;
    }
    case 7:
      return input.Text();
    default:
      return texts[input.Below(std::size(texts))];
  }
}

// One change somewhere in the tree: a value, a removal, a doubling, a member more.
void Change(json& value, Input& input) {
  json* at = &value;
  while (at->is_structured() && !at->empty() && input.Below(8) != 0) {
    auto next = at->begin();
    std::advance(next, static_cast<std::ptrdiff_t>(input.Below(at->size())));
    at = &*next;
  }
  switch (input.Below(4)) {
    case 0:
      if (at->is_object()) {
        (*at)[AnyValue(input).dump(-1, ' ', false, json::error_handler_t::replace)] =
            AnyValue(input);
        return;
      }
      if (at->is_array()) return at->push_back(AnyValue(input));
      break;
    case 1:
      if (at->is_array() && !at->empty()) return at->push_back(at->front());
      break;
    case 2:
      if (at->is_structured() && !at->empty()) {
        auto gone = at->begin();
        std::advance(gone, static_cast<std::ptrdiff_t>(input.Below(at->size())));
        at->erase(gone);
        return;
      }
      break;
    default:
      break;
  }
  *at = AnyValue(input);
}

void Require(bool condition) {
  if (!condition) std::abort();
}

admission::Decision Decide(const wire::Review& review) {
  const admission::Advice advice{.object = "o",
                                 .mode = model::Mode::kInitial,
                                 .bounds = {},
                                 .target = base::MiB(2000),
                                 .target_request = {},
                                 .parts = {},
                                 .low_confidence = false,
                                 .latest_failed = false,
                                 .shape = {},
                                 .submitted = {},
                                 .trial = {}};
  admission::Limits limits{
      .configured_max = {}, .largest_node = base::GiB(64), .constraints = {}, .shrink_only = false};
  limits.constraints.container.max_ratio = 3000;
  limits.constraints.pod.min = base::MiB(100);
  limits.constraints.pod.max = base::MiB(1900);
  return admission::Decide({.pod = review.pod,
                            .places = review.places,
                            .driver = nullptr,
                            .advice = &advice,
                            .run = {},
                            .limits = limits});
}

// The answer is one whatever was asked; a patch fits what it was made for, and is made once.
void Ask(const std::string& body) {
  const auto [uid, review] = wire::ReadReview(body);
  const auto decision = review ? Decide(*review) : admission::Decision{};
  const auto answer = wire::WriteReview(uid, decision.patch, admission::Name(decision.reason));
  const auto parsed = json::parse(answer, nullptr, false);
  Require(parsed.is_object() && parsed["response"]["allowed"] == true);
  if (!decision.patch) return;
  const auto question = json::parse(body, nullptr, false);
  if (!question.is_object()) return;  // simdjson passes over damage in what nobody reads
  auto again = question;
  again["request"]["object"] = test::Patched(question["request"]["object"], answer);
  const auto second = wire::ReadReview(again.dump(-1, ' ', false, json::error_handler_t::replace));
  Require(second.review.has_value());
  Require(Decide(*second.review).reason == admission::Reason::kAlreadySized);
}

}  // namespace

// The first byte decides: bytes as they are, or a review that is changed here and there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  if (data[0] % 4 == 0) {
    Ask(std::string(reinterpret_cast<const char*>(data + 1), size - 1));
    return 0;
  }
  Input input(data + 1, size - 1);
  auto question = FullReview();
  for (int changes = 0; changes < 20 && !input.Done(); ++changes) Change(question, input);
  Ask(question.dump(-1, ' ', false, json::error_handler_t::replace));
  return 0;
}
