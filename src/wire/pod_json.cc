// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/pod_json.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "json.h"
#include "jvm_options.h"
#include "placement_json.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"

namespace sparkfit::wire {
namespace {

using base::Code;
using model::PodFacts;
using model::PodPhase;
using model::PodRole;
using model::Termination;
using simdjson::error_code;
using simdjson::SUCCESS;

constexpr std::string_view kExecutorContainer = "spark-kubernetes-executor";
constexpr std::string_view kHeapVariable = "SPARK_EXECUTOR_MEMORY";
constexpr std::string_view kOriginalMemory = "sparkfit.io/original-memory";
constexpr std::string_view kOriginalHeap = "sparkfit.io/original-heap";
constexpr std::string_view kOriginalRequest = "sparkfit.io/original-request";
constexpr std::string_view kTrial = "sparkfit.io/trial";
constexpr std::string_view kAppliedMemory = "sparkfit.io/applied-memory";
constexpr std::string_view kAppliedHeap = "sparkfit.io/applied-heap";
constexpr std::string_view kInactive = "spark-exec-inactive";
// Spark names the port of its UI so in the driver's container, whatever spark.ui.port is.
constexpr std::string_view kUiPort = "spark-ui";

// A container as far as it matters; views into the document's string buffer.
struct ContainerFacts {
  std::string_view name;
  std::string_view limit;
  std::string_view request;
  std::string_view heap;
  std::string_view cores;
  std::vector<int> heap_oom_exits;
  bool runs_executor = false;  // args: ["executor"]
  bool always = false;         // restartPolicy: an init container that is a sidecar
  std::uint16_t ui_port = 0;
  // For a patch.
  std::size_t variables = 0;
  std::optional<std::size_t> heap_variable;
  bool heap_from_elsewhere = false;
  bool java_options_set_heap = false;
  // Of the JVM's variables, by their places in kJvmVariables.
  std::array<bool, kJvmVariables.size()> in_env{};
  std::array<bool, kJvmVariables.size()> maybe_in_env_from{};

  // Nobody knows what they say.
  [[nodiscard]] bool MayHaveOtherJvmVariables() const {
    for (std::size_t i = 0; i < kJvmVariables.size(); ++i) {
      if (maybe_in_env_from.at(i) && !in_env.at(i)) return true;
    }
    return false;
  }
  [[nodiscard]] bool IsExecutor() const {
    return name == kExecutorContainer || heap_variable || runs_executor;
  }
};

struct StatusFacts {
  std::string_view name;
  base::Rare<Termination> ended;
  base::Rare<Termination> last;
};

// Everything on one pod, before it is put together: labels may follow what they explain.
struct Draft {
  PodFacts pod;
  std::string_view profile;
  std::string_view original_memory;
  std::string_view original_heap;
  std::string_view original_request;
  std::optional<ContainerFacts> container;
  std::vector<StatusFacts> statuses;
  model::PodPlaces* places = nullptr;  // null: nobody wants to patch
  const model::SignatureRules* rules = nullptr;
  model::SignatureRules::Labels labels;  // that the rules want
  bool host_network = false;

  void Problem(std::string_view what, const base::Error& error) {
    pod.problems.push_back(fmt::format("{}: {}", what, error.message));
  }

  void ReadTime(std::string_view what, std::string_view text, base::Time& out) {
    if (const auto time = base::ParseTime(text)) {
      out = *time;
    } else {
      Problem(what, time.error());
    }
  }

  base::Bytes Amount(std::string_view what, std::string_view text) {
    if (text.empty()) return {};
    const auto amount = base::ParseMemory(text);
    if (amount) return *amount;
    Problem(what, amount.error());
    return {};
  }

  std::optional<base::Bytes> Heap(std::string_view what, std::string_view text) {
    if (text.empty()) return std::nullopt;
    const auto heap = base::ParseJvmMemory(text);
    if (heap && heap->value > 0) return *heap;
    if (!heap) Problem(what, heap.error());
    return std::nullopt;
  }
};

error_code ReadLabels(JsonValue labels, bool annotations, Draft& draft) {
  return ForEachMember(labels, [&](std::string_view key, JsonValue value) {
    std::string_view text;
    if (auto error = value.get_string().get(text)) return error;
    const auto source = model::FindSetting(key, annotations);
    if (!source) draft.pod.settings.Edit().OfferUnknown(key);
    if (source) {
      draft.pod.settings.Edit().Offer(*source, text);
    } else if (annotations) {
      if (key == kOriginalMemory) draft.original_memory = text;
      if (key == kOriginalHeap) draft.original_heap = text;
      if (key == kOriginalRequest) draft.original_request = text;
      if (key == kTrial) draft.pod.trial = model::ParsePart(text);
      if (draft.places != nullptr && key == kAppliedMemory) draft.places->applied_memory = text;
      if (draft.places != nullptr && key == kAppliedHeap) draft.places->applied_heap = text;
    } else if (key == "spark-role") {
      draft.pod.role = text == "executor" ? PodRole::kExecutor
                       : text == "driver" ? PodRole::kDriver
                                          : PodRole::kOther;
    } else if (key == "spark-app-selector") {
      draft.pod.app_selector = text;
    } else if (key == "spark-exec-id") {
      draft.pod.executor_id = text;
    } else if (key == "spark-exec-resourceprofile-id") {
      draft.profile = text;
    } else if (key == "spark-version") {
      draft.pod.spark = model::ParseSparkLine(text);
    } else if (key == kInactive && draft.places != nullptr) {
      draft.places->inactive = text == "true";
    }
    if (!annotations && draft.rules != nullptr && draft.rules->Wants(key)) {
      draft.labels.emplace_back(key, text);
    }
    return SUCCESS;
  });
}

error_code ReadOwners(JsonValue owners, PodFacts& pod) {
  return ForEachElement(owners, [&](JsonValue owner) {
    std::string_view uid;
    bool controller = false;
    const auto error =
        ForEachMember(owner, [&](std::string_view key, JsonValue value) -> error_code {
          if (key == "uid") return value.get_string().get(uid);
          if (key == "controller") return value.get_bool().get(controller);
          return SUCCESS;
        });
    if (controller || pod.owner_uid.empty()) pod.owner_uid = uid;
    return error;
  });
}

// Whether there is something, and not null.
error_code ReadPresence(JsonValue value, bool& present) {
  bool null = false;
  const auto error = ReadNull(value, null);
  present = !error && !null;
  return error;
}

// Null leaves `out` as it is.
error_code ReadTimeOrNull(JsonValue value, std::string_view what, Draft& draft, base::Time& out) {
  bool present = false;
  std::string_view text;
  if (auto error = ReadPresence(value, present)) return error;
  if (!present) return SUCCESS;
  if (auto error = value.get_string().get(text)) return error;
  draft.ReadTime(what, text, out);
  return SUCCESS;
}

error_code ReadMetadata(JsonValue metadata, Draft& draft) {
  auto& pod = draft.pod;
  return ForEachMember(metadata, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "name") return ReadString(value, pod.name);
    if (key == "namespace") return ReadString(value, pod.name_space);
    if (key == "uid") return ReadString(value, pod.uid);
    if (key == "labels") return ReadLabels(value, false, draft);
    if (key == "annotations") {
      bool present = false;
      if (auto error = ReadPresence(value, present)) return error;
      if (draft.places != nullptr) draft.places->has_annotations = present;
      return ReadLabels(value, true, draft);
    }
    if (key == "ownerReferences") return ReadOwners(value, pod);
    if (key == "creationTimestamp") {
      // A pod under review is not created yet.
      return ReadTimeOrNull(value, "creationTimestamp", draft, pod.created);
    }
    return key == "deletionTimestamp" ? ReadPresence(value, pod.deleted) : SUCCESS;
  });
}

error_code ReadVariable(JsonValue variable, ContainerFacts& container) {
  std::string_view name;
  std::string_view text;
  bool from_elsewhere = false;
  const auto error =
      ForEachMember(variable, [&](std::string_view key, JsonValue value) -> error_code {
        if (key == "name") return value.get_string().get(name);
        if (key == "value") return value.get_string().get(text);
        return key == "valueFrom" ? ReadPresence(value, from_elsewhere) : SUCCESS;
      });
  const auto index = container.variables++;
  if (name == kHeapVariable) {  // the last of a name counts
    container.heap = text;
    container.heap_variable = index;
    container.heap_from_elsewhere = from_elsewhere;
  }
  if (MaySetHeap(name, text)) container.java_options_set_heap = true;
  for (std::size_t i = 0; i < kJvmVariables.size(); ++i) {
    if (name != kJvmVariables.at(i)) continue;
    container.in_env.at(i) = true;
    if (from_elsewhere) container.java_options_set_heap = true;
  }
  if (name == "SPARK_EXECUTOR_CORES") container.cores = text;
  AddHeapOomExits(text, container.heap_oom_exits);
  return error;
}

// Variables of a ConfigMap or a Secret, whose names nobody knows but for what they begin with.
// Those of env win over them.
error_code ReadVariables(JsonValue source, ContainerFacts& container) {
  std::string_view prefix;
  const auto error = ForEachMember(source, [&](std::string_view key, JsonValue value) {
    if (key == "prefix" && value.get_string().get(prefix) != SUCCESS) prefix = {};
    return SUCCESS;
  });
  for (std::size_t i = 0; i < kJvmVariables.size(); ++i) {
    if (kJvmVariables.at(i).starts_with(prefix)) container.maybe_in_env_from.at(i) = true;
  }
  return error;
}

error_code ReadMemory(JsonValue amounts, std::string_view& out) {
  return ForEachMember(amounts, [&](std::string_view key, JsonValue value) -> error_code {
    return key == "memory" ? ReadQuantityText(value, out) : SUCCESS;
  });
}

error_code ReadPort(JsonValue json, ContainerFacts& container) {
  std::string_view name;
  std::uint64_t number = 0;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "name") return value.get_string().get(name);
    if (key == "containerPort") return value.get_uint64().get(number);
    return SUCCESS;
  });
  if (name == kUiPort && number <= UINT16_MAX) {
    container.ui_port = static_cast<std::uint16_t>(number);
  }
  return error;
}

error_code ReadContainer(JsonValue json, ContainerFacts& container) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "name") return value.get_string().get(container.name);
    if (key == "restartPolicy") {
      std::string_view policy;
      const auto error = value.get_string().get(policy);
      container.always = policy == "Always";
      return error;
    }
    if (key == "env") {
      return ForEachElement(value, [&](JsonValue v) { return ReadVariable(v, container); });
    }
    if (key == "envFrom") {
      return ForEachElement(value, [&](JsonValue v) { return ReadVariables(v, container); });
    }
    if (key == "command" || key == "args") {
      return ForEachElement(value, [&](JsonValue v) {
        std::string_view word;
        if (v.get_string().get(word) != SUCCESS) return SUCCESS;
        if (key == "args" && word == "executor") container.runs_executor = true;
        if (MaySetHeap(word)) container.java_options_set_heap = true;
        return SUCCESS;
      });
    }
    if (key == "ports") {
      return ForEachElement(value, [&](JsonValue v) { return ReadPort(v, container); });
    }
    if (key == "resources") {
      return ForEachMember(value, [&](std::string_view what, JsonValue amounts) -> error_code {
        if (what == "limits") return ReadMemory(amounts, container.limit);
        if (what == "requests") return ReadMemory(amounts, container.request);
        return SUCCESS;
      });
    }
    return SUCCESS;
  });
}

// The API server counts in thousandths of bytes, and so far no sum of ours goes.
void NoteUnclear(std::string_view text, model::PodPlaces& places) {
  if (text.empty()) return;
  const bool whole = base::ParseThousandths(text).value_or(1) % 1000 == 0;
  if (!whole || !base::ParseMemory(text)) places.unclear_amounts = true;
}

// An amount that the API server adds up.
base::Bytes SummedAmount(std::string_view what, std::string_view text, Draft& draft) {
  NoteUnclear(text, *draft.places);
  return draft.Amount(what, text);
}

// What the API server makes of a container's amounts.
model::Amounts AmountsOf(const ContainerFacts& container, Draft& draft) {
  const auto limit = SummedAmount("memory limit", container.limit, draft);
  const bool none = container.request.empty();
  return {none ? limit : SummedAmount("memory request", container.request, draft), limit};
}

void AddTo(model::Amounts& sum, const model::Amounts& amounts, Draft& draft) {
  const auto add = [&](base::Bytes& to, base::Bytes amount) {
    to = std::min(to + amount, base::kLargestPlausible);
    if (to == base::kLargestPlausible) draft.places->unclear_amounts = true;
  };
  add(sum.request, amounts.request);
  add(sum.limit, amounts.limit);
}

void CountOther(const ContainerFacts& container, Draft& draft) {
  AddTo(draft.places->others.beside, AmountsOf(container, draft), draft);
}

// The name Spark gives wins over a container that merely looks like an executor.
void TakeContainer(const ContainerFacts& container, std::size_t index, Draft& draft) {
  const bool looks_like_it = container.IsExecutor();
  const bool named = container.name == kExecutorContainer;
  const bool chosen = looks_like_it && (!draft.container || named);
  if (draft.places != nullptr) {
    auto& places = *draft.places;
    if (!chosen) CountOther(container, draft);
    if (chosen && draft.container) CountOther(*draft.container, draft);
    const bool decided = draft.container && draft.container->name == kExecutorContainer;
    if (looks_like_it && !decided) places.candidates = named ? 1 : places.candidates + 1;
    if (chosen) places.container = index;
  }
  if (chosen) draft.container = container;
}

// One after the other: a sidecar stays, any other one ends before the next begins.
error_code ReadInitContainers(JsonValue containers, Draft& draft) {
  auto& beside = draft.places->others.beside;
  auto& before = draft.places->others.before;
  model::Amounts sidecars;
  return ForEachElement(containers, [&](JsonValue json) {
    ContainerFacts container;
    const auto error = ReadContainer(json, container);
    const auto amounts = AmountsOf(container, draft);
    auto running = sidecars;
    AddTo(running, amounts, draft);
    if (container.always) {
      sidecars = running;
      AddTo(beside, amounts, draft);
    }
    before.request = std::max(before.request, running.request);
    before.limit = std::max(before.limit, running.limit);
    return error;
  });
}

// Limits and requests that the pod's containers share (KEP-2837), of whatever resource.
error_code ReadPodResources(JsonValue json, model::PodPlaces& places) {
  return ForEachMember(json, [&](std::string_view what, JsonValue amounts) -> error_code {
    if (what != "limits" && what != "requests") return SUCCESS;
    return ForEachMember(amounts, [&](std::string_view, JsonValue) {
      places.pod_level_resources = true;
      return SUCCESS;
    });
  });
}

error_code ReadOverhead(JsonValue json, Draft& draft) {
  std::string_view text;
  const auto error = ReadMemory(json, text);
  draft.places->others.overhead = SummedAmount("overhead", text, draft);
  return error;
}

error_code ReadSpec(JsonValue spec, Draft& draft) {
  return ForEachMember(spec, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "restartPolicy") {
      std::string_view policy;
      if (auto error = value.get_string().get(policy)) return error;
      draft.pod.restarts = policy == "Always";
    }
    if (key == "nodeName") return ReadString(value, draft.pod.node);
    if (key == "hostNetwork") return value.get_bool().get(draft.host_network);
    if (key == "nodeSelector" || key == "affinity" || key == "tolerations") {
      const auto odd = ReadPlacement(key, value, draft.pod.placement.Edit());
      if (!IsMerelyOdd(odd)) return odd;
      draft.pod.problems.push_back(fmt::format("{}: not as Kubernetes writes it", key));
      return SUCCESS;
    }
    if (key == "resources" && draft.places != nullptr) {
      return ReadPodResources(value, *draft.places);
    }
    if (key == "overhead" && draft.places != nullptr) return ReadOverhead(value, draft);
    if (key == "initContainers" && draft.places != nullptr) return ReadInitContainers(value, draft);
    if (key != "containers") return SUCCESS;
    std::size_t index = 0;
    return ForEachElement(value, [&](JsonValue json) {
      ContainerFacts container;
      const auto error = ReadContainer(json, container);
      TakeContainer(container, index++, draft);
      if (container.ui_port != 0) draft.pod.ui_port = container.ui_port;
      return error;
    });
  });
}

error_code ReadTerminated(JsonValue json, Draft& draft, Termination& termination) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "reason") return ReadString(value, termination.reason);
    if (key == "containerID") return ReadString(value, termination.container_id);
    if (key == "exitCode") {
      std::int64_t code = 0;
      if (auto error = value.get_int64().get(code)) return error;
      termination.exit_code = static_cast<int>(std::clamp<std::int64_t>(code, -1, 256));
    }
    if (key != "finishedAt") return SUCCESS;
    base::Time finished{};
    const auto error = ReadTimeOrNull(value, "finishedAt", draft, finished);
    if (finished != base::Time{}) termination.finished_at = finished;
    return error;
  });
}

// state or lastState of a container.
error_code ReadState(JsonValue json, Draft& draft, base::Rare<Termination>& out) {
  return ForEachMember(json, [&](std::string_view state, JsonValue details) -> error_code {
    if (state != "terminated") return SUCCESS;
    return ReadTerminated(details, draft, out.emplace());
  });
}

error_code ReadContainerStatus(JsonValue json, Draft& draft) {
  StatusFacts facts;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "name") return value.get_string().get(facts.name);
    if (key == "state") return ReadState(value, draft, facts.ended);
    if (key == "lastState") return ReadState(value, draft, facts.last);
    return SUCCESS;
  });
  draft.statuses.push_back(std::move(facts));
  return error;
}

// Condition DisruptionTarget: the scheduler, the eviction API or the node took the pod down.
error_code ReadConditions(JsonValue json, PodFacts& pod) {
  return ForEachElement(json, [&](JsonValue condition) {
    std::string_view type;
    std::string_view status;
    const auto error =
        ForEachMember(condition, [&](std::string_view key, JsonValue value) -> error_code {
          if (key == "type") return value.get_string().get(type);
          if (key == "status") return value.get_string().get(status);
          return SUCCESS;
        });
    if (type == "DisruptionTarget" && status == "True") pod.disrupted = true;
    return error;
  });
}

PodPhase ParsePhase(std::string_view name) {
  if (name == "Pending") return PodPhase::kPending;
  if (name == "Running") return PodPhase::kRunning;
  if (name == "Succeeded") return PodPhase::kSucceeded;
  return name == "Failed" ? PodPhase::kFailed : PodPhase::kUnknown;
}

// Text that is an IP address, and one that a pod may have: a request to the machine that we run on,
// a cloud's metadata or a whole network is nobody's to ask for.
bool IsPodAddress(const std::string& text) {
  in6_addr v6{};
  in_addr v4{};
  if (text.find('\0') != std::string::npos) return false;
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    const auto address = ntohl(v4.s_addr);
    const auto first = address >> 24;
    const bool link_local = address >> 16 == 0xa9fe;  // 169.254.0.0/16
    return first != 0 && first != 127 && first < 224 && !link_local;
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  // ::/32 holds the unspecified address, loopback and IPv4 in disguise.
  const auto& bytes = v6.s6_addr;
  const bool special = bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 0 && bytes[3] == 0;
  const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  return !special && !link_local && bytes[0] != 0xff;
}

error_code ReadStatus(JsonValue json, Draft& draft) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "conditions") return ReadConditions(value, draft.pod);
    if (key == "containerStatuses") {
      return ForEachElement(value, [&](JsonValue v) { return ReadContainerStatus(v, draft); });
    }
    if (key == "podIP") {
      std::string_view address;
      if (value.get_string().get(address) == SUCCESS) draft.pod.address = address;
      return SUCCESS;
    }
    if (key != "phase" && key != "reason") return SUCCESS;
    std::string_view text;
    if (auto error = value.get_string().get(text)) return error;
    if (key == "phase") draft.pod.phase = ParsePhase(text);
    if (key == "reason" && model::IsDisruption(text)) draft.pod.disrupted = true;
    return SUCCESS;
  });
}

// A heap that does not fit its limit says nothing about the overhead.
model::ExecutorSize MakeSize(base::Bytes limit, std::optional<base::Bytes> heap) {
  if (heap && *heap > limit) heap.reset();
  return {limit, heap};
}

void PutTogether(Draft& draft) {
  auto& pod = draft.pod;
  if (pod.role != PodRole::kDriver || !IsPodAddress(pod.address)) pod.address.clear();
  // The address of such a pod is its node's: what listens there is not for a pod to choose.
  if (pod.role != PodRole::kDriver || draft.host_network) pod.ui_port = 0;
  if (pod.role != PodRole::kExecutor) pod.placement = {};
  if (!draft.container) return;
  const auto& container = *draft.container;
  pod.container = std::string(container.name);
  pod.cores = container.cores;
  pod.heap_oom_exits = container.heap_oom_exits;
  const auto request = draft.Amount("memory request", container.request);
  auto limit = draft.Amount("memory limit", container.limit);
  if (limit.value == 0) limit = request;
  pod.size = MakeSize(limit, draft.Heap(kHeapVariable, container.heap));
  pod.submitted = pod.size;
  pod.request = request.value > 0 ? request : limit;
  const auto original = draft.Amount(kOriginalMemory, draft.original_memory);
  if (original.value > 0) {
    pod.submitted = MakeSize(original, draft.Heap(kOriginalHeap, draft.original_heap));
    const auto below = draft.Amount(kOriginalRequest, draft.original_request);
    pod.request = below.value > 0 ? std::min(below, original) : original;
  }
  if (draft.places != nullptr) {
    auto& places = *draft.places;
    places.heap_variable = container.heap_variable;
    places.heap_from_elsewhere = container.heap_from_elsewhere;
    places.java_options_set_heap =
        container.java_options_set_heap || container.MayHaveOtherJvmVariables();
    places.limit_text = container.limit;
    for (const auto text : {container.limit, container.request}) NoteUnclear(text, places);
    places.heap_text = container.heap;
    if (!container.request.empty()) places.request = request;
  }
  for (auto& status : draft.statuses) {
    if (status.name != container.name) continue;
    pod.ended = std::move(status.ended);
    pod.last_restart = std::move(status.last);
  }
}

base::Result<int> ParseProfile(std::string_view text) {
  if (text.empty()) return 0;
  int profile = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, profile);
  if (error != std::errc{} || stop != end || profile < 0) {
    return base::Fail(Code::kMalformed,
                      fmt::format("spark-exec-resourceprofile-id \"{}\" is no number",
                                  base::Beginning(text, 63)));
  }
  return profile;
}

}  // namespace

base::Result<PodFacts> ReadPodToPatch(JsonObject object, const model::SignatureRules* rules,
                                      model::PodPlaces* places) {
  Draft draft;
  draft.rules = rules;
  draft.places = places;
  const auto error =
      ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
        if (key == "metadata") return ReadMetadata(value, draft);
        if (key == "spec") return ReadSpec(value, draft);
        if (key == "status") return ReadStatus(value, draft);
        return SUCCESS;
      });
  if (error) return Malformed(error);
  const auto profile = ParseProfile(draft.profile);
  if (!profile) return tl::unexpected<base::Error>(profile.error());
  draft.pod.profile = *profile;
  if (!draft.labels.empty()) {
    draft.pod.settings.Edit().Offer({model::Setting::kDerivedSignature, 0},
                                    rules->Derive(draft.labels));
  }
  PutTogether(draft);
  model::Cut(draft.pod);
  return std::move(draft.pod);
}

base::Result<PodFacts> ReadPod(JsonObject object, const model::SignatureRules* rules) {
  auto pod = ReadPodToPatch(object, rules, nullptr);
  if (pod && (pod->name_space.empty() || pod->name.empty() || pod->uid.empty())) {
    return base::Fail(Code::kMalformed, "pod without namespace, name or uid");
  }
  return pod;
}

base::Result<PodFacts> ParsePod(std::string_view json, const model::SignatureRules* rules) {
  simdjson::padded_string padded(json);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  JsonObject object;
  if (auto error = parser.iterate(padded).get(document)) return Malformed(error);
  if (auto error = document.get_object().get(object)) return Malformed(error);
  return ReadPod(object, rules);
}

}  // namespace sparkfit::wire
