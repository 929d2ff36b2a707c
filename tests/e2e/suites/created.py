# SPDX-License-Identifier: Apache-2.0
"""A pod that would have been created is created: drawn LimitRanges, ResourceQuotas, recommendations and pods, asked of the API server."""
import json
import random
import sys
import time

from testbed import CLUSTER, ROOT, STATE, get, kubectl, quantity, run, wait_until

SEED = 20261129
NAMES = [f"drawn-{int(time.time())}-{i}" for i in range(110)]  # of this run
PODS = 16_500
PORT = 8080
APPLIED = "sparkfit.io/applied-memory"
SIGNATURES = ("s0", "s1", "s2", "s3")


def ask(questions):
    """[method, path, body] each; [status, body] of each."""
    lines = "\n".join(map(json.dumps, questions))
    answers = run(CLUSTER, "exec", sys.executable, ROOT / "tests/e2e/asking.py", STATE / "pki", text=lines, timeout=2400)
    return [json.loads(line) for line in answers.splitlines()]


def mib(draw, low, high):
    return f"{draw.randrange(low, high)}{draw.choice(('Mi', 'Mi', 'M'))}"


def limit(draw):
    """A row of a LimitRange. Of a container it may have defaults, which the API server writes into pods before it asks us."""
    of = draw.choice(("Container", "Pod"))
    row = {"type": of}
    if draw.random() < 0.5:
        row["min"] = {"memory": mib(draw, 1, 1500 if of == "Pod" else draw.choice((80, 80, 1300)))}
    if draw.random() < 0.5:
        row["max"] = {"memory": mib(draw, 1400, 6000 if of == "Pod" else 4000)}
    if draw.random() < 0.4:
        row["maxLimitRequestRatio"] = {"memory": draw.choice(("1", "1100m", "1.5", "2", "3", "8"))}
    if of == "Container" and draw.random() < 0.3 and "min" not in row:
        row["default"], row["defaultRequest"] = {"memory": "200Mi"}, {"memory": "100Mi"}
    return row


def constraints(draw):
    objects = []
    for i in range(draw.choice((0, 1, 1, 1, 2))):
        objects.append(("limitranges", {"metadata": {"name": f"range-{i}"}, "spec": {
            "limits": [limit(draw) for _ in range(draw.choice((1, 1, 2)))]}}))
    for i in range(draw.choice((0, 0, 1, 2))):
        hard = {what: mib(draw, 900, 7000) for what in ("memory", "requests.memory", "limits.memory") if draw.random() < 0.5}
        objects.append(("resourcequotas", {"metadata": {"name": f"quota-{i}"}, "spec": {"hard": hard or {"pods": "100"}}}))
    return objects


def status(draw):
    """As a leader would have published it."""
    memory = {"target": f"{draw.randrange(896, 5000)}Mi"}
    if draw.random() < 0.5:
        memory["targetRequest"] = f"{draw.randrange(1, 5000)}Mi"
    recommendation = {"memory": memory}
    if draw.random() < 0.5:  # it ran out of memory
        recommendation.update(leastHeap=f"{draw.randrange(600, 4000)}Mi", leastOverhead=f"{draw.randrange(384, 1000)}Mi")
    return {"recommendation": recommendation, "observed": {"shape": {"cores": "1", "overhead": "default 0.1"}},
            "conditions": [{"type": "LowConfidence", "status": "False", "lastTransitionTime": "2026-11-24T00:00:00Z"}]}


def other(draw, name, init):
    most = draw.randrange(1, 3000 if init else 900)
    resources = {}
    if draw.random() < 0.8:
        resources["limits"] = {"memory": f"{most}Mi"}
    if draw.random() < 0.5:
        resources["requests"] = {"memory": f"{draw.randrange(0, most + 1)}Mi"}
    container = {"name": name, "image": "none", "resources": resources}
    if init and draw.random() < 0.5:
        container["restartPolicy"] = "Always"
    return container


def executor(draw):
    heap = draw.randrange(600, 3000)
    most = heap + 384
    resources = {"limits": {"memory": f"{most}Mi"}}
    if draw.random() < 0.5:
        resources["requests"] = {"memory": f"{draw.randrange(1, most + 1)}Mi"}
    spark = {"name": "spark-kubernetes-executor", "image": "none", "args": ["executor"], "resources": resources,
             "env": [{"name": "SPARK_EXECUTOR_CORES", "value": "1"}, {"name": "SPARK_EXECUTOR_MEMORY", "value": f"{heap}m"}]}
    spec = {"restartPolicy": "Never", "containers": [spark]}
    for i in range(max(0, draw.randrange(-2, 3))):
        spec["containers"].insert(draw.randrange(0, 2), other(draw, f"side-{i}", False))
    for i in range(max(0, draw.randrange(-2, 4))):
        spec.setdefault("initContainers", []).append(other(draw, f"init-{i}", True))
    if draw.random() < 0.03:
        spec["resources"] = {"limits": {"memory": f"{draw.randrange(most, 9000)}Mi"}}
    return {"apiVersion": "v1", "kind": "Pod", "spec": spec, "metadata": {
        "generateName": "drawn-", "labels": {"spark-role": "executor", "spark-app-selector": f"app-{draw.randrange(9)}",
                                             "spark-exec-id": str(draw.randrange(1, 9))},
        "annotations": {"sparkfit.io/signature": draw.choice(SIGNATURES), "sparkfit.io/mode": "Initial"}}}


def without_us(pod):
    """The same, of a kind that the webhook is not asked about."""
    labels = {key: value for key, value in pod["metadata"]["labels"].items() if key != "spark-role"}
    return {**pod, "metadata": {**pod["metadata"], "labels": labels}}


def test_drawn_namespaces(bed):
    bed.autoscale()
    draw = random.Random(SEED)
    in_namespace = {name: constraints(draw) for name in NAMES}
    ask([["POST", "/api/v1/namespaces", {"metadata": {"name": name}}] for name in NAMES])
    ask([["POST", f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}}] for name in NAMES])
    made = ask([["POST", f"/api/v1/namespaces/{name}/{kind}", body] for name in NAMES for kind, body in in_namespace[name]])
    refused = [answer for code, answer in made if code != 201]
    assert len(refused) < len(made) / 4, refused[:3]  # whose min is above their max
    kind = "/apis/sparkfit.io/v1alpha1/namespaces/{}/executorrecommendations"
    ask([["POST", kind.format(name), {"apiVersion": "sparkfit.io/v1alpha1", "kind": "ExecutorRecommendation", "metadata": {"name": of},
                                      "spec": {"signature": of}}] for name in NAMES for of in SIGNATURES])
    told = ask([["PATCH", f"{kind.format(name)}/{of}/status", {"status": status(draw)}] for name in NAMES for of in SIGNATURES])
    assert all(code == 200 for code, _ in told), [answer for code, answer in told if code != 200][:3]
    counted = lambda: all(quota.get("status", {}).get("hard") == quota["spec"]["hard"] for quota in get("resourcequotas", "-A")["items"])
    wait_until("quotas are counted", counted, 120)
    wait_until("the API server trusts the webhook", lambda: get("mutatingwebhookconfiguration", "sparkfit")["webhooks"][0][
        "clientConfig"].get("caBundle"), 30)
    time.sleep(5)  # for everybody's watches
    return f"{len(made) - len(refused)} LimitRanges and ResourceQuotas in {len(NAMES)} namespaces"


def test_who_is_created_without_us_is_created_with_us(bed):
    draw = random.Random(SEED + 1)
    drawn = [(NAMES[i % len(NAMES)], executor(draw)) for i in range(PODS)]
    path = "/api/v1/namespaces/{}/pods?dryRun=All"
    begun = time.monotonic()
    without = ask([["POST", path.format(name), without_us(pod)] for name, pod in drawn])
    answers = ask([["POST", path.format(name), pod] for name, pod in drawn])
    took = time.monotonic() - begun
    accepted = [code == 201 for code, _ in without]
    sized = [code == 201 and APPLIED in answer["metadata"].get("annotations", {}) for code, answer in answers]
    assert all(code in (201, 403, 422) for code, _ in without + answers), [a for a in without + answers if a[0] not in (201, 403, 422)][:3]
    harmed = [{"namespace": name, "pod": pod, "why": answer["message"], "constraints": get("limitrange,resourcequota", "-n", name)["items"]}
              for (name, pod), (code, answer), ok in zip(drawn, answers, accepted) if ok and code != 201]
    (bed.directory / "harmed.json").write_text(json.dumps(harmed[:20], indent=1) + "\n")
    assert not harmed, f"{len(harmed)} of {sum(accepted)} refused because of us, the first: {harmed[0]['why']}"
    assert sum(accepted) >= 5000 and sum(sized) >= sum(accepted) / 3, (sum(accepted), sum(sized))
    larger = sum(is_sized and grew(answer) for is_sized, (_, answer) in zip(sized, answers))
    return (f"{len(drawn)} pods, seed {SEED}: {sum(accepted)} accepted without us, all of these with us, {sum(sized)} of another size "
            f"({larger} larger); {took:.0f} s")


def grew(pod):
    spark = next(c for c in pod["spec"]["containers"] if c["name"] == "spark-kubernetes-executor")
    return quantity(spark["resources"]["limits"]["memory"]) > quantity(pod["metadata"]["annotations"]["sparkfit.io/original-memory"])


def test_dry_runs_wrote_nothing(bed):
    refused = sum(float(line.rsplit(" ", 1)[1]) for line in bed.http(PORT, "/metrics").splitlines()
                  if line.startswith("sparkfit_admissions_total") and 'result="refused"' in line)
    assert refused > 0  # of pods with resources of their own, about which an Event would tell
    events = kubectl("get", "events", "-A", "--field-selector", "reason=NotSized", "-o", "name").split()
    assert not events, events
    kubectl("delete", "namespace", "--wait=false", *NAMES)
    return f"{refused:.0f} refused, no Event"
