# SPDX-License-Identifier: Apache-2.0
"""The webhook as the API server sees it: answers that are valid pods, replicas, LimitRanges, rotation, nobody there."""
import json
import signal
import time

from testbed import create, get, hog, kubectl, wait_until

SMOKE = True
PORT = 8080
SIZE = ("1408Mi", "1024m")  # heap 1 GiB and Spark's default overhead


def executor(signature, mode="Initial", name="probe-1"):
    pod = hog(name, signature, 1408, 1, 0)
    pod["metadata"]["annotations"] = {"sparkfit.io/mode": mode} if mode else {}
    pod["spec"]["containers"][0]["env"][0]["value"] = SIZE[1]
    return pod


def recommend(signature, target):
    """An object as a leader would have published it; nothing else is known of the job."""
    create([{"apiVersion": "sparkfit.io/v1alpha1", "kind": "ExecutorRecommendation",
             "metadata": {"name": signature, "namespace": "hogs"}, "spec": {"signature": signature}}])
    kubectl("patch", "execrec", "-n", "hogs", signature, "--subresource=status", "--type=merge", "-p", json.dumps({"status": {
        "recommendation": {"memory": {"target": target}},
        "observed": {"shape": {"cores": "1", "overhead": "default 0.1"}},
        "conditions": [{"type": "LowConfidence", "status": "False", "lastTransitionTime": "2026-11-24T00:00:00Z"}]}}))


def asked(pod):
    """The pod that the API server would create; it validates all of it."""
    return json.loads(kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", text=json.dumps(pod)))


def size(pod, container=0):
    chosen = pod["spec"]["containers"][container]
    heap = [v["value"] for v in chosen["env"] if v["name"] == "SPARK_EXECUTOR_MEMORY"][-1]
    return chosen["resources"]["limits"]["memory"], chosen["resources"].get("requests", {}).get("memory"), heap


def test_it_is_ready_with_exactly_its_rights(bed):
    bed.autoscale()
    who = "--as=system:serviceaccount:sparkfit:sparkfit"
    for verb, what, namespace in (("create", "pods", "hogs"), ("patch", "pods", "hogs"), ("get", "secrets", "hogs"),
                                  ("list", "secrets", "sparkfit"), ("get", "secrets/another", "sparkfit"),
                                  ("update", "mutatingwebhookconfigurations/sparkfit", ""), ("create", "mutatingwebhookconfigurations", "")):
        answer = kubectl("auth", "can-i", verb, what, who, *(["-n", namespace] if namespace else []), check=False)
        assert answer.strip() == "no", f"it may {verb} {what}"
    bundle = lambda: get("mutatingwebhookconfiguration", "sparkfit")["webhooks"][0]["clientConfig"].get("caBundle")
    wait_until("clients trust it", bundle, 30)  # once it leads


def test_a_new_executor_is_sized_and_valid(bed):
    recommend("sized", "1000Mi")
    # The watch may be a moment behind.
    wait_until("it is sized", lambda: size(asked(executor("sized"))) == ("1000Mi", "1000Mi", "616m"), 30)
    made = asked(executor("sized"))["metadata"]["annotations"]
    assert made["sparkfit.io/original-memory"] == "1408Mi" and made["sparkfit.io/recommendation"] == "sized", made


def test_who_did_not_ask_is_as_submitted(bed):
    for pod in (executor("sized", mode=None), executor("sized", mode="Off"), executor("unknown")):
        created = asked(pod)
        assert size(created) == ("1408Mi", "1408Mi", "1024m"), created
        assert not any(key.startswith("sparkfit.io/applied") for key in created["metadata"].get("annotations", {}))


def test_pods_of_many_kinds_are_valid(bed):
    recommend("kinds", "2000Mi")
    wait_until("it is known", lambda: size(asked(executor("kinds")))[0] == "2000Mi", 30)
    side = {"name": "side", "image": "localhost/hog:1", "resources": {"limits": {"memory": "64Mi"}}}

    def with_sidecars(pod):
        pod["spec"]["containers"].insert(0, side)
        pod["spec"]["initContainers"] = [{**side, "name": "native", "restartPolicy": "Always"}]
        return 1

    def renamed(pod):
        pod["spec"]["containers"][0]["name"] = "main"
        return 0

    def burst(pod):
        pod["spec"]["containers"][0]["resources"]["requests"]["memory"] = "704Mi"
        return 0

    def no_request(pod):
        pod["spec"]["containers"][0]["resources"].pop("requests")
        return 0

    def nameless(pod):
        pod["metadata"]["generateName"] = pod["metadata"].pop("name")
        return 0

    def twice(pod):
        pod["spec"]["containers"][0]["env"].append({"name": "SPARK_EXECUTOR_MEMORY", "value": "1g"})
        return 0

    expected = {burst: "704Mi"}  # a request below the limit stays
    for change in (with_sidecars, renamed, burst, no_request, nameless, twice):
        pod = executor("kinds")
        container = change(pod)
        limit, request, heap = size(asked(pod), container)
        assert (limit, request, heap) == ("2000Mi", expected.get(change, "2000Mi"), "1616m"), (change.__name__, limit, request, heap)


def test_what_is_not_understood_is_created_and_told(bed):
    recommend("odd", "2000Mi")
    pod = executor("odd", name="odd-1")
    pod["metadata"]["labels"]["spark-app-selector"] = "app-odd"  # whose run keeps the size of its first executor
    pod["spec"]["containers"][0]["env"].append({"name": "_JAVA_OPTIONS", "value": "-Xmx1g"})
    wait_until("it is known", lambda: size(asked(executor("odd")))[0] == "2000Mi", 30)
    create([pod])  # a dry run tells nothing
    assert size(get("pod", "-n", "hogs", "odd-1"))[0] == "1408Mi"
    kubectl("delete", "pod", "-n", "hogs", "odd-1", "--grace-period=0", "--force")
    wait_until("an Event tells of it", lambda: "_JAVA_OPTIONS" in kubectl(
        "get", "events", "-n", "hogs", "--field-selector", "involvedObject.name=odd,reason=NotSized"), 10)
    assert bed.metric(PORT, 'sparkfit_admissions_total{reason="JavaOptions",result="refused"}') >= 1


def test_a_limit_range_is_kept(bed):
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small", "namespace": "hogs"},
              "spec": {"limits": [{"type": "Container", "max": {"memory": "1500Mi"}}]}}
    create([limits])
    wait_until("as large as it allows", lambda: size(asked(executor("kinds")))[0] == "1500Mi", 10)
    kubectl("delete", "limitrange", "-n", "hogs", "small")
    wait_until("as large as recommended", lambda: size(asked(executor("kinds")))[0] == "2000Mi", 10)


def test_a_replica_that_does_not_lead_answers(bed):
    bed.autoscale("standby", PORT + 1)
    bed.leaves(PORT)
    patched = 'sparkfit_admissions_total{reason="Sized",result="patched"}'

    def answered():
        # The API server keeps its connection to the other one while it has questions; half a minute without one ends it.
        assert size(asked(executor("kinds")))[0] == "2000Mi"
        return bed.metric(PORT + 1, patched)

    wait_until("it has answered", answered, 120, pause=35)
    assert not bed.leads(PORT + 1)


def test_the_leader_is_killed_and_the_other_answers(bed):
    leader, _ = bed.started[0], bed.started[0].kill(signal.SIGKILL)
    bed.started.remove(leader)
    wait_until("sized by the other", lambda: size(asked(executor("kinds")))[0] == "2000Mi", 15)
    _, took = wait_until("it leads", lambda: bed.leads(PORT + 1), 17)
    return f"led {took:.1f} s later"


def test_nobody_answers(bed):
    for process in bed.started:
        process.kill(signal.SIGKILL)
    begun = time.monotonic()
    created = asked(executor("kinds"))
    took = time.monotonic() - begun
    assert size(created) == ("1408Mi", "1408Mi", "1024m")
    assert took < 4, took
    return f"created unsized after {took:.1f} s"


def test_authorities_are_renewed_under_load(bed):
    """Authorities of a minute, certificates of ten seconds; every pod is sized."""
    kubectl("delete", "secret", "-n", "sparkfit", "sparkfit-webhook-ca")
    bed.leaves()
    bed.autoscale("short-lived", PORT, "--webhook-authority-lifetime", "60s", "--webhook-certificate-lifetime", "10s")
    bundle = lambda: get("mutatingwebhookconfiguration", "sparkfit")["webhooks"][0]["clientConfig"].get("caBundle")
    wait_until("it is sized", lambda: size(asked(executor("kinds")))[0] == "2000Mi", 20)
    bundles, sized, begun = set(), 0, time.monotonic()
    while time.monotonic() < begun + 80:
        bundles.add(bundle())
        assert size(asked(executor("kinds")))[0] == "2000Mi"
        sized += 1
    assert len(bundles) >= 2
    kubectl("delete", "secret", "-n", "sparkfit", "sparkfit-webhook-ca")  # for whoever comes next
    reloads = bed.metric(PORT, 'sparkfit_certificate_reloads_total{result="ok"}')
    return f"{sized} pods, {len(bundles)} bundles, {reloads:.0f} certificates"
