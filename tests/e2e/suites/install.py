# SPDX-License-Identifier: Apache-2.0
"""The chart as people install it: in both modes, upgraded, rolled back, with a dead leader, in one namespace, and gone again."""
import base64
import json
import os
import pathlib
import shutil
import time

import workloads
from release import CHART, NS, find_pods, helm, leader, nothing_of_ours, pods, ready, scrape, scraped_as_the_chart_asks, values, webhook
from sizing import APPLIED, learnt, sized
from testbed import CLUSTER, ROOT, build_tool, create, get, hog, kubectl, oom_waves, run, wait_until

FAILOVER = 17
GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"


def rights_are(golden):
    """All that its service account may do, as the API server sees it, held against a file that people read."""
    account = f"--as=system:serviceaccount:{NS}:sparkfit"
    lines = ""
    for namespace in ("jobs", NS):
        told = kubectl("auth", "can-i", "--list", account, "-n", namespace).splitlines()[1:]
        # Not what every account may: to ask about itself and for what the API server is.
        mine = sorted(" ".join(line.split()) for line in told if not line.startswith((" ", "self")))
        lines += f"# in namespace {namespace}: resource, URLs, names, verbs\n" + "\n".join(mine) + "\n"
    path = GOLDEN / golden
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines)
    assert lines == path.read_text(), lines


def test_install_in_monitoring_mode(bed):
    build_tool("helm")
    nothing_of_ours()
    bed.image_name = bed.image()
    kubectl("create", "namespace", NS)
    kubectl("label", "namespace", NS, "pod-security.kubernetes.io/enforce=restricted")
    begun = time.monotonic()
    helm("install", "sparkfit", CHART, "-n", NS, *values(bed.image_name), "--wait", "--timeout", "120s")
    took = time.monotonic() - begun
    assert len(pods()) == 2 and all(map(ready, pods()))
    bed.prometheus(scraped_as_the_chart_asks(bed))
    assert webhook() is None
    rights_are("rights-monitoring.txt")
    return f"two replicas ready after {took:.0f} s"


def test_helm_test(bed):
    return helm("test", "sparkfit", "-n", NS, "--timeout", "120s").strip().splitlines()[-1]


def test_a_spark_run_is_observed(bed):
    run_ = sized(bed, workloads.AGGREGATE.client("installed", "Initial"), "installed", mode="Off")
    learnt(bed, "installed", 1)
    assert {(e.limit, e.heap) for e in run_.executors} == {(1284, 900)}
    assert 'signature="installed"' in scrape(leader())
    return f"target {bed.target('jobs', 'installed')}"


def test_upgrade_to_autoscale_keeps_the_history(bed):
    """By a chart of another version, as a release is."""
    newer = bed.directory / "newer"
    shutil.rmtree(newer, ignore_errors=True)
    shutil.copytree(CHART, newer)
    text = (newer / "Chart.yaml").read_text().splitlines()
    (newer / "Chart.yaml").write_text("\n".join("version: 99.0.0" if line.startswith("version:") else line for line in text) + "\n")
    before = bed.recommendation("jobs", "installed")
    helm("upgrade", "sparkfit", newer, "-n", NS, *values(bed.image_name, mode="autoscale"), "--wait", "--timeout", "120s")
    after = bed.recommendation("jobs", "installed")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    find_pods(bed)
    wait_until("the webhook knows whom to trust", lambda: webhook()["clientConfig"].get("caBundle"), 30)
    rights_are("rights-autoscale.txt")
    run_ = sized(bed, workloads.AGGREGATE.client("installed", "Initial"), "installed")
    assert all(APPLIED in e.annotations and e.limit == bed.rows[-1]["target_mib"] for e in run_.executors), run_.executors
    wait_until("both runs are known", lambda: bed.observed("jobs", "installed", "applications") == 2, 30)
    return f"{bed.rows[0]['request_mib']:.0f}, then {run_.request:.0f} MiB"


def test_another_upgrade_leaves_the_trust(bed):
    bundle = webhook()["clientConfig"]["caBundle"]
    helm("upgrade", "sparkfit", CHART, "-n", NS, *values(bed.image_name, mode="autoscale", **{"podAnnotations.again": "yes"}),
         "--wait", "--timeout", "120s")
    assert webhook()["clientConfig"]["caBundle"] == bundle


def test_metrics_for_some_alone(bed):
    """Probes and `helm test` come by HTTPS and without a token, others need one."""
    chosen = {"mode": "autoscale", "podAnnotations.again": "yes"}
    helm("upgrade", "sparkfit", CHART, "-n", NS, *values(bed.image_name, **chosen, **{"metrics.secure": "true"}), "--wait", "--timeout", "120s")
    helm("test", "sparkfit", "-n", NS, "--timeout", "120s")
    pod, _ = wait_until("one leads", leader, 30)
    url = f"https://{pod['status']['podIP']}:8080/metrics"
    status = lambda *flags: run(CLUSTER, "exec", "curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", *flags, url)
    assert status() == "401"
    kubectl("create", "clusterrolebinding", "reader", "--clusterrole=sparkfit-metrics-reader", f"--serviceaccount={NS}:default")
    token = kubectl("create", "token", "-n", NS, "default").strip()
    assert status("-H", f"Authorization: Bearer {token}") == "200"
    kubectl("delete", "clusterrolebinding", "reader")
    helm("upgrade", "sparkfit", CHART, "-n", NS, *values(bed.image_name, **chosen), "--wait", "--timeout", "120s")
    find_pods(bed)


def test_the_leader_dies(bed):
    first = wait_until("one leads", leader, 30)[0]["metadata"]["name"]
    begun = time.monotonic()
    kubectl("delete", "pod", "-n", NS, first, "--grace-period=0", "--force")
    wait_until("another one leads", lambda: (leader() or {"metadata": {"name": first}})["metadata"]["name"] != first, 30)
    took = time.monotonic() - begun
    assert took <= FAILOVER, took
    run_ = sized(bed, workloads.AGGREGATE.client("installed", "Initial"), "installed")
    assert all(APPLIED in e.annotations for e in run_.executors)
    return f"after {took:.1f} s"


def test_every_query_of_the_dashboards_has_data(bed):
    """In Prometheus; Grafana is not here. What begins with an event that may not have happened is excused."""
    find_pods(bed)
    for number in (1, 2):  # a counter that is born has not increased yet
        name = f"panels-run-{number}"
        create([hog(name, "panels", 2000, 100, 15, application=f"run-{number}")])
        wait_until("it has run", lambda name=name: get("pod", "-n", "hogs", name)["status"]["phase"] == "Succeeded", 60)
        kubectl("delete", "pod", "-n", "hogs", name)
        oom_waves("panels", 1, application=f"oom-{number}")
        wait_until("the OOM is known", lambda number=number: bed.observed("hogs", "panels", "containerOOMs") == number, 15)
    deadline = time.monotonic() + 60
    while True:  # a rate needs two scrapes
        said = run(CLUSTER, "exec", ROOT / "tests/e2e/dashboard_queries.py", "http://127.0.0.1:9090", "--since", "10m",
                   "--set", "namespace=hogs", "--set", "signature=panels", "--all", check=False)
        if ", 0 that should" in said:
            return said.strip().splitlines()[-1]
        assert time.monotonic() < deadline, said


def test_rollback_to_monitoring(bed):
    helm("rollback", "sparkfit", "1", "-n", NS, "--wait", "--timeout", "120s")
    wait_until("no webhook", lambda: webhook() is None, 30)
    wait_until("the history is there", lambda: bed.observed("jobs", "installed", "applications") == 3, 30)
    assert not [s for s in get("secrets", "-n", NS)["items"] if s["metadata"]["name"].endswith("webhook-tls")]


def test_uninstall_keeps_what_was_learnt(bed):
    helm("uninstall", "sparkfit", "-n", NS, "--wait")
    wait_until("no pod", lambda: not pods(), 60)
    left = kubectl("get", "clusterroles,clusterrolebindings,mutatingwebhookconfigurations", "-o", "name")
    assert "sparkfit" not in left.replace("sparkfit-view", "").replace("sparkfit-edit", ""), left
    assert bed.recommendation("jobs", "installed")
    helm("install", "sparkfit", CHART, "-n", NS, *values(bed.image_name, mode="autoscale"), "--wait", "--timeout", "120s")
    wait_until("it leads", leader, 30)
    run_ = sized(bed, workloads.AGGREGATE.client("installed", "Initial"), "installed")
    assert all(APPLIED in e.annotations for e in run_.executors)
    helm("uninstall", "sparkfit", "-n", NS, "--wait")
    assert webhook() is None


def test_rights_in_one_namespace_and_a_long_name(bed):
    name = "a-release-whose-name-is-as-long-as-helm-allows-it-to"
    helm("install", name, CHART, "-n", NS, *values(bed.image_name, **{
        "watchNamespaces": "{hogs}", "crds.enabled": "false", "config.maxMemory": "8Gi", "config.usageSource": "metrics-server"}),
        "--wait", "--timeout", "120s")
    mine = json.loads(kubectl("get", "clusterroles,clusterrolebindings", "-l", f"app.kubernetes.io/instance={name}", "-o", "json"))
    assert not mine["items"], mine
    oom_waves("narrow", 1)
    wait_until("a target", lambda: bed.target("hogs", "narrow"), 15)
    helm("uninstall", name, "-n", NS, "--wait")


def test_a_certificate_that_somebody_else_renews(bed):
    name = "sparkfit-webhook.sparkfit.svc"
    key, certificate = bed.directory / "tls.key", bed.directory / "tls.crt"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
        "-keyout", key, "-out", certificate)
    kubectl("create", "secret", "tls", "somebodys", "-n", NS, "--cert", certificate, "--key", key)
    helm("install", "sparkfit", CHART, "-n", NS, *values(bed.image_name, mode="autoscale", **{
        "webhook.certificates.mode": "secret", "webhook.certificates.secretName": "somebodys",
        "webhook.certificates.caBundle": base64.b64encode(certificate.read_bytes()).decode()}), "--wait", "--timeout", "120s")
    pod = hog("narrow-trusted", "narrow", 64, 10)
    pod["metadata"]["annotations"] = {"sparkfit.io/mode": "Initial"}
    create([pod])
    annotations = get("pod", "-n", "hogs", "narrow-trusted")["metadata"]["annotations"]
    assert annotations.get(APPLIED) == bed.target("hogs", "narrow"), annotations
    kubectl("delete", "pod", "-n", "hogs", "narrow-trusted", "--grace-period=0", "--force")
    helm("uninstall", "sparkfit", "-n", NS, "--wait")
    return f"64 MiB, then {annotations[APPLIED]}"


def test_nothing_is_left(bed):
    for crd in ("executorrecommendations", "executorrecommendationcheckpoints"):
        kubectl("delete", "crd", f"{crd}.sparkfit.io", "--wait")
    kubectl("delete", "namespace", NS, "--wait")
    left = kubectl("get", "clusterroles,clusterrolebindings,mutatingwebhookconfigurations,flowschemas", "-o", "name")
    assert "sparkfit" not in left, left
