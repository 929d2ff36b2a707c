# SPDX-License-Identifier: Apache-2.0
"""What users write: labels of every length, odd pods, objects edited, made by hand and in the way."""
import json
import signal
import time

from testbed import create, get, hog, kubectl, oom_waves, quantity, wait_until

SMOKE = True
PORT = 8080
KEY = "sparkfit.io/signature"
OOM = "containerOOMs"


def start(bed, name):
    return bed.controller(name, PORT, "--leader-elect", "false", "--log-format", "json")


def log_lines(bed):
    """Every line of every controller's log, read as JSON."""
    text = "".join(path.read_text() for path in sorted(bed.directory.glob("*.log")))
    return [json.loads(line) for line in text.splitlines()]


def signed(name, value, where="annotations"):
    pod = hog(name, "", 64, 8, 90)
    del pod["metadata"]["labels"][KEY]
    pod["metadata"].setdefault(where, {})[KEY] = value
    return pod


def refused(what, *arguments, **options):
    answer = kubectl(*arguments, "-o", "name", check=False, **options)
    assert answer == "", f"{what}: {answer}"


def edit(name, patch, *more):
    kubectl("patch", "execrec", "-n", "hogs", name, "--type=merge", "-p", json.dumps(patch), *more)


def condition(bed, signature, kind):
    status = bed.recommendation("hogs", signature).get("status", {})
    return next((c for c in status.get("conditions", []) if c["type"] == kind), None)


def test_signatures_of_every_length_and_character(bed):
    start(bed, "controller")
    lengths = [str(n % 10) * n for n in (1, 62, 63, 64, 253)]
    texts = lengths + ["Größe 日本語", "a\tb\nc\u0001\u007f", "/:|,;{}[]()='\"\\\\%", "-", "ä" * 126]
    pods = [signed(f"text-{i}", text) for i, text in enumerate(texts)]
    pods += [signed(f"label-{n}", "L" * n, "labels") for n in (0, 1, 62, 63)]
    pods += [signed("long-1", "x" * 254), signed("long-2", "ä" * 127), signed("empty-1", "")]
    create(pods)
    wanted = set(texts) | {"L", "L" * 62, "L" * 63}
    found = lambda: {item["spec"]["signature"] for item in get("execrec", "-n", "hogs")["items"]}
    wait_until("each has its object", lambda: found() >= wanted, 60)
    assert found() == wanted, found() ^ wanted
    refused("a label of 64 characters", "create", "-f", "-", text=json.dumps(signed("label-64", "L" * 64, "labels")))
    # Objects are written as they change; what is scraped is put together once a second.
    told = lambda text: f'signature="{text}"' in bed.http(PORT, "/metrics")
    wait_until("each is scraped", lambda: all(map(told, lengths)), 10)
    rows = {row["signature"] for row in json.loads(bed.http(PORT, "/recommendations")) if row["namespace"] == "hogs"}
    assert rows == wanted, rows ^ wanted
    wait_until("what is too long is told", lambda: any("more than 253 bytes" in str(line) for line in log_lines(bed)), 10)
    kubectl("delete", "pods", "--all", "-n", "hogs", "--grace-period=0", "--force")
    return f"{len(wanted)} signatures"


def test_pods_out_of_the_ordinary(bed):
    bare = hog("bare-1", "bare", 64, 24, 120)
    bare["spec"]["containers"][0]["resources"] = {}
    two = hog("two-1", "two", 64, 24, 120)
    two["spec"]["containers"].append({**two["spec"]["containers"][0], "name": "side", "env": [], "args": ["100", "120"],
                                      "resources": {"limits": {"memory": "256Mi"}}})
    renamed = hog("renamed-1", "renamed", 64, 24, 120)
    renamed["spec"]["containers"][0]["name"] = "main"
    create([bare, two, renamed])
    peaks = {}
    for name in ("bare", "two", "renamed"):
        peak = lambda name=name: quantity(bed.observed("hogs", name, "peak") or "0")
        wait_until(f"{name} was sampled", lambda peak=peak: peak() >= 24 << 20, 90)
        assert peak() < 64 << 20, f"{name}: {peak()}"
        peaks[name] = f"{peak() >> 20}Mi"
    assert "request" not in bed.recommendation("hogs", "bare")["status"]["observed"]
    assert quantity(bed.target("hogs", "bare")) >= 24 << 20
    kubectl("delete", "pods", "--all", "-n", "hogs", "--grace-period=0", "--force")
    return peaks


def test_an_overwritten_status_is_put_right(bed):
    oom_waves("edited", 1)
    wait_until("a target", lambda: bed.target("hogs", "edited"), 10)
    ours = lambda status: [status.get(k) for k in ("recommendation", "explanation", "conditions", "mine")] + [
        status.get("observed", {}).get(OOM)]
    item = bed.recommendation("hogs", "edited")
    name, before = item["metadata"]["name"], ours(item["status"])
    slowest = 0
    for change in ({"recommendation": {"memory": {"target": "1Mi"}}}, {"explanation": "mine", "observed": {"containerOOMs": 99}},
                   {"conditions": None}, {"mine": {"a": [1]}}):
        edit(name, {"status": change}, "--subresource=status")
        right = lambda: ours(bed.recommendation("hogs", "edited").get("status", {})) == before
        slowest = max(slowest, wait_until(f"{change} is put right", right, 15)[1])
    edit(name, {"metadata": {"labels": {"mine": "1"}}})  # somebody else's label stays
    time.sleep(12)
    assert bed.recommendation("hogs", "edited")["metadata"]["labels"]["mine"] == "1"
    return f"after {slowest:.0f} s at the latest"


def test_a_spec_that_the_schema_refuses(bed):
    name = bed.recommendation("hogs", "edited")["metadata"]["name"]
    for spec in ({"mode": "Sometimes"}, {"signature": "another"}, {"resourceProfile": 1}, {"memory": {"min": "-1"}},
                 {"memory": {"min": "lots"}}, {"memory": {"min": "2Gi", "max": "1Gi"}}, {"memory": {"max": "4096m"}}, {"memory": {"max": 4096}},
                 {"memory": {"max": "6442450944000m"}}, {"memory": {"min": "0"}}, {"policy": {"margin": 1}}, {"policy": 7}):
        refused(spec, "patch", "execrec", "-n", "hogs", name, "--type=merge", "-p", json.dumps({"spec": spec}))


def test_a_spec_that_makes_no_sense_is_named_and_costs_no_history(bed):
    name = bed.recommendation("hogs", "edited")["metadata"]["name"]
    before = bed.target("hogs", "edited")
    for spec in ({"policy": {"name": "magic"}}, {"policy": {"name": "percentile", "margin": {"x": 1}}}, {"memory": {"max": "9999E"}}):
        edit(name, {"spec": {"policy": None, "memory": None, **spec}})
        field = f"spec.{next(iter(spec))}"
        wait_until(f"{field} is named", lambda field=field: field in (
            condition(bed, "edited", "InvalidSpec") or {}).get("message", ""), 10)
        assert bed.target("hogs", "edited") == before
    edit(name, {"spec": {"policy": {"name": "percentile", "margin": {"x": 1}}, "memory": None}})
    bed.started[0].kill(signal.SIGKILL)
    bed.started[0] = start(bed, "controller-2")
    wait_until("it is restored", lambda: 'signature="edited"' in bed.http(PORT, "/metrics"), 10)
    time.sleep(3)
    assert bed.observed("hogs", "edited", OOM) == 1
    assert len([i for i in get("execrec", "-n", "hogs")["items"] if i["spec"]["signature"] == "edited"]) == 1
    edit(name, {"spec": {"policy": None}})
    wait_until("all is well", lambda: condition(bed, "edited", "InvalidSpec") is None, 10)


def test_an_object_made_by_hand_before_the_job_ran(bed):
    create([{"apiVersion": "sparkfit.io/v1alpha1", "kind": "ExecutorRecommendation",
             "metadata": {"name": "by-hand", "namespace": "hogs"}, "spec": {"signature": "early", "memory": {"min": "1Gi"}}}])
    oom_waves("early", 1)
    wait_until("it is used", lambda: bed.observed("hogs", "early", OOM) == 1, 10)
    assert bed.recommendation("hogs", "early")["metadata"]["name"] == "by-hand"
    assert quantity(bed.target("hogs", "early")) == 1 << 30


def test_an_object_of_the_name_that_ours_would_have(bed):
    oom_waves("clash", 1)
    wait_until("it has an object", lambda: bed.observed("hogs", "clash", OOM) == 1, 10)
    name = bed.recommendation("hogs", "clash")["metadata"]["name"]
    kubectl("delete", "execrec", "-n", "hogs", name)
    create([{"apiVersion": "sparkfit.io/v1alpha1", "kind": "ExecutorRecommendation",
             "metadata": {"name": name, "namespace": "hogs"}, "spec": {"signature": "in the way"}}])
    oom_waves("clash", 1, application="app-2")
    wait_until("it has another", lambda: bed.observed("hogs", "clash", OOM) == 1, 20)
    assert bed.recommendation("hogs", "clash")["metadata"]["name"] != name
    assert "recommendation" not in bed.recommendation("hogs", "in the way").get("status", {})


def test_every_line_of_the_log_is_json(bed):
    lines = log_lines(bed)
    assert all({"ts", "level", "msg"} <= line.keys() for line in lines)
    return f"{len(lines)} lines"
