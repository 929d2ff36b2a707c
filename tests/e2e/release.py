# SPDX-License-Identifier: Apache-2.0
"""The chart as a release in the cluster, and what suites look at of it."""
import json

from testbed import CLUSTER, ROOT, admins_job, get, kubectl, run

CHART = ROOT / "charts/sparkfit"
NS = "sparkfit"


def helm(*arguments, **options):
    return run(CLUSTER, "exec", "helm", *arguments, **options)


def values(image, **more):
    repository, tag = image.rsplit(":", 1)
    registry, repository = repository.split("/", 1)
    chosen = {"image.registry": registry, "image.repository": repository, "image.tag": tag, "image.pullPolicy": "Never",
              # The cluster's kubelet has a certificate of the cluster's own authority.
              "config.usageSource": "kubelet", **more}
    return [part for key, value in chosen.items() for part in ("--set", f"{key}={value}")]


def pods(selector="app.kubernetes.io/name=sparkfit,app.kubernetes.io/component=controller", namespace=NS):
    return get("pods", "-n", namespace, "-l", selector)["items"]


def ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def scrape(pod, path="/metrics"):
    return run(CLUSTER, "exec", "curl", "-sf", f"http://{pod['status']['podIP']}:8080{path}")


def leader():
    holder = get("lease", "-n", NS, "sparkfit")["spec"].get("holderIdentity") or ""
    return next((pod for pod in pods() if holder.startswith(pod["metadata"]["name"] + "_")), None)


def webhook():
    found = get("mutatingwebhookconfigurations", "-l", "app.kubernetes.io/name=sparkfit")["items"]
    return found[0]["webhooks"][0] if found else None


def nothing_of_ours():
    for manifest in ("autoscale.yaml", "rbac-secure-metrics.yaml", "rbac-kubelet.yaml", "rbac.yaml", "crds.yaml"):
        kubectl("delete", "-f", ROOT / "manifests" / manifest, "--ignore-not-found", "--wait")


def scraped_as_the_chart_asks(bed):
    """Prometheus' jobs: what its operator makes of our ServiceMonitor; the kubelet and the API server, which dashboards look at, too.

    Debian's Prometheus has no Kubernetes in it: find_pods() tells it where they are."""
    find_pods(bed)
    return [{"job_name": "sparkfit", "honor_labels": True, "file_sd_configs": [{"files": [str(bed.directory / "pods.json")]}]},
            admins_job("kubelet", 10250, "/metrics/resource"), admins_job("apiserver", 443)]


def find_pods(bed):
    (bed.directory / "pods.json").write_text(json.dumps([
        {"targets": [f"{pod['status']['podIP']}:8080"],
         "labels": {"job": "sparkfit", "namespace": NS, "service": "sparkfit-metrics", "container": "sparkfit", "pod": pod["metadata"]["name"]}}
        for pod in pods() if pod["status"].get("podIP")]))
