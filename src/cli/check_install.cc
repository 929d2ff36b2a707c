// SPDX-License-Identifier: Apache-2.0
//
// What `helm test` runs, with the controller's own rights: whether an installation works as seen
// from a pod of the cluster.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.h"
#include "connection.h"
#include "sparkfit/base/base64.h"
#include "sparkfit/base/json.h"
#include "sparkfit/base/text.h"
#include "sparkfit/kube/config.h"

namespace sparkfit::cli {
namespace {

using base::Code;
using base::Result;
using nlohmann::json;

constexpr const char* kUid = "sparkfit-check-install";

Result<void> Unlike(std::string what) { return base::Fail(Code::kUnavailable, std::move(what)); }

// The body of a good answer.
Result<std::string> Ask(Connection& server, const std::string& target,
                        const std::string& body = "") {
  kube::Call call{.verb = "get", .resource = "check", .target = target};
  call.body = body;
  if (!body.empty()) call.method = "POST";
  auto reply = server.Client().Send(call, {});
  if (!reply) return tl::unexpected<base::Error>(reply.error());
  if (!reply->Ok()) return base::Fail(Code::kUnavailable, reply->Why());
  return std::move(reply->body);
}

Result<void> HasOurResources(Connection& api) {
  const auto body = Ask(api, "/apis/sparkfit.io/v1alpha1");
  if (!body) return tl::unexpected<base::Error>(body.error());
  for (const auto* resource : {"executorrecommendations", "executorrecommendationcheckpoints"}) {
    if (body->find(fmt::format("\"{}\"", resource)) == std::string::npos) {
      return Unlike(fmt::format("the API server has no {}: are the CRDs installed?", resource));
    }
  }
  return {};
}

Result<void> IsReady(const std::string& url, const Process& process) {
  const auto path = url.find('/', url.find("://") + 3);
  if (path == std::string::npos) return Unlike("it has no path");
  kube::Endpoint endpoint;
  endpoint.server = url.substr(0, path);
  endpoint.insecure = true;  // as the kubelet's probe: health is no secret
  auto server = Connection::To(endpoint, {}, process);
  if (!server) return tl::unexpected<base::Error>(server.error());
  const auto body = Ask(**server, url.substr(path));
  if (!body) return tl::unexpected<base::Error>(body.error());
  return {};
}

// The first webhook's Service as the API server reaches it, trusting what it trusts; and the path.
Result<std::pair<kube::Endpoint, std::string>> WebhookOf(const json& configuration) try {
  const auto& client = configuration.at("webhooks").at(0).at("clientConfig");
  const auto& service = client.at("service");
  const auto bundle = base::DecodeBase64(client.value("caBundle", ""));
  if (!bundle || bundle->empty()) {
    return base::Fail(Code::kUnavailable,
                      "its caBundle is empty: nobody has made certificates yet");
  }
  kube::Endpoint endpoint;
  endpoint.server =
      fmt::format("https://{}.{}.svc:{}", service.at("name").get<std::string>(),
                  service.at("namespace").get<std::string>(), service.value("port", 443));
  endpoint.certificate_authority.data = *bundle;
  return std::pair(endpoint, service.value("path", "/"));
} catch (const json::exception& error) {
  return base::Fail(Code::kMalformed, error.what());
}

std::string Review() {
  const json pod{
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata", {{"name", "check-install"}, {"labels", {{"spark-role", "executor"}}}}},
      {"spec", {{"containers", json::array()}}}};
  json request{{"uid", kUid},
               {"operation", "CREATE"},
               {"namespace", "default"},
               {"dryRun", true},
               {"object", pod},
               {"kind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}}};
  return json{{"apiVersion", "admission.k8s.io/v1"},
              {"kind", "AdmissionReview"},
              {"request", std::move(request)}}
      .dump();
}

bool IsAdmission(const json& review) try {
  const auto& response = review.at("response");
  return response.at("uid") == kUid && response.at("allowed").get<bool>();
} catch (const json::exception&) {
  return false;
}

Result<void> AnswersReviews(Connection& api, const std::string& name, const Process& process) {
  const auto object =
      Ask(api, "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/" +
                   kube::Encode(name));
  if (!object) return tl::unexpected<base::Error>(object.error());
  const auto where = WebhookOf(base::ParseJson(*object));
  if (!where) return tl::unexpected<base::Error>(where.error());
  auto server = Connection::To(where->first, {}, process);
  if (!server) return tl::unexpected<base::Error>(server.error());
  const auto answer = Ask(**server, where->second, Review());
  if (!answer) return tl::unexpected<base::Error>(answer.error());
  if (!IsAdmission(base::ParseJson(*answer))) {
    return Unlike("its answer is no admission: " + std::string(base::Beginning(*answer, 200)));
  }
  return {};
}

bool Tell(std::string_view what, const Result<void>& result, const Process& process) {
  process.out << fmt::format(
      "{:<7} {}\n", result ? "ok" : "FAILED",
      result ? std::string(what) : fmt::format("{}: {}", what, result.error().message));
  return result.has_value();
}

}  // namespace

int RunCheckInstall(const CheckInstallFlags& flags, const Process& process) {
  const auto where = flags.kubeconfig.empty() ? kube::InClusterConfig(process.environment)
                                              : kube::ReadKubeconfig(flags.kubeconfig);
  if (!where) return Fail(where.error().message, process, kExitUsage);
  const auto endpoint = flags.kubeconfig.empty()
                            ? where->endpoint
                            : kube::WithProxy(where->endpoint, process.environment);
  auto api = Connection::To(endpoint, where->credentials, process);
  if (!api) return Fail(api.error().message, process, kExitUsage);
  bool fine = Tell("the API server knows our resources", HasOurResources(**api), process);
  if (!flags.ready.empty()) {
    fine &= Tell("a replica is ready at " + flags.ready, IsReady(flags.ready, process), process);
  }
  if (!flags.webhook.empty()) {
    fine &= Tell("the webhook of " + flags.webhook + " answers",
                 AnswersReviews(**api, flags.webhook, process), process);
  }
  process.out << std::flush;
  return fine ? kExitFine : kExitFailed;
}

}  // namespace sparkfit::cli
