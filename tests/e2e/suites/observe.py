# SPDX-License-Identifier: Apache-2.0
"""Real Spark and real OOM kills are seen, recommended, recorded and scraped."""
import json
import os
import signal

import sparkrun
from testbed import BINARY, CLUSTER, JOBS, STATE, create, get, hog, is_oom_killed, kubectl, oom_waves, quantity, run, static_job, wait_until

SMOKE = True
PORT = 8080


def replayed(bed, signature):
    rows = json.loads(run(BINARY, "replay", bed.directory / "log.ndjson", "-o", "json", "--signature", signature))
    return rows[0]


def test_controller_starts_with_exactly_its_rights(bed):
    bed.controller("controller", PORT, "--record", bed.directory / "log.ndjson")
    bed.prometheus([static_job(PORT)])
    assert "yes" in kubectl("auth", "can-i", "list", "pods", "--as=system:serviceaccount:sparkfit:sparkfit")
    for verb, what in (("create", "pods"), ("patch", "pods"), ("delete", "pods"), ("get", "secrets"), ("list", "secrets")):
        answer = kubectl("auth", "can-i", verb, what, "--as=system:serviceaccount:sparkfit:sparkfit", "-A", check=False)
        assert answer.strip() == "no", f"it may {verb} {what}"


def test_spark_run_leads_to_a_recommendation(bed):
    """Label on the executors, client mode."""
    bed.spark("nightly", "900m", "--conf", "spark.executor.instances=2",
              JOBS, "aggregate", "4e6", "30")
    wait_until("a target", lambda: bed.target("jobs", "nightly"), 30)
    return f"target {bed.target('jobs', 'nightly')}"


def test_recommendation_equals_replay_of_the_record(bed):
    # Executors are sealed a minute after their end, which moves nothing here; the numbers are compared as they stand.
    row = replayed(bed, "nightly")
    item = bed.recommendation("jobs", "nightly")["status"]
    memory = item["recommendation"]["memory"]
    assert quantity(memory["target"]) == row["targetBytes"], (memory, row)
    assert quantity(memory["lower"]) == row["lowerBytes"]
    assert quantity(memory["upper"]) == row["upperBytes"]
    assert quantity(item["recommendation"]["heap"]) == row["heapBytes"]
    assert item["observed"]["executors"] == row["executors"] == 2, (item["observed"], row["executors"])
    return memory["target"]


def test_prometheus_has_scraped_the_recommendation(bed):
    target = quantity(bed.target("jobs", "nightly"))
    for text in ('sparkfit_recommendation_memory_bytes{signature="nightly",bound="target"}',
                 'kube_customresource_vpa_spark_rec_memory_target{signature="nightly"}'):
        result, _ = wait_until(text, lambda text=text: bed.query(text), 20)
        assert float(result[0]["value"][1]) == target, result


def test_all_recommendations_in_one_answer(bed):
    rows = json.loads(bed.http(PORT, "/recommendations"))
    row = next(row for row in rows if row["signature"] == "nightly")
    assert row["targetBytes"] == quantity(bed.target("jobs", "nightly")), row
    assert row["explanation"]


def test_a_second_object_of_a_job_does_nothing_and_says_so(bed):
    before = bed.target("jobs", "nightly")
    create([{"apiVersion": "sparkfit.io/v1alpha1", "kind": "ExecutorRecommendation",
             "metadata": {"name": "by-hand", "namespace": "jobs"}, "spec": {"signature": "nightly"}}])
    def duplicate():
        item = get("execrec", "-n", "jobs", "by-hand")
        return [c for c in item.get("status", {}).get("conditions", []) if c["type"] == "Duplicate" and c["status"] == "True"]
    wait_until("it says so", duplicate, 10)
    kubectl("delete", "execrec", "-n", "jobs", "by-hand")
    assert bed.target("jobs", "nightly") == before


def test_an_oom_raises_the_target_within_two_seconds(bed):
    create([hog("lone-0", "lone", 32, 300)])
    wait_until("the kill is shown", lambda: is_oom_killed(get("pod", "-n", "hogs", "lone-0")), 60, pause=0.05)
    # max(1.2 x 32, 32 + 100) = 132 MiB, and never below 512 MiB of heap and its overhead.
    target, took = wait_until("a target", lambda: bed.target("hogs", "lone"), 2, pause=0.05)
    kubectl("delete", "pod", "-n", "hogs", "lone-0", "--wait=false")
    assert quantity(target) >= 132 << 20
    name = bed.recommendation("hogs", "lone")["metadata"]["name"]
    wait_until("an Event tells of it", lambda: "ran out of memory" in kubectl(
        "get", "events", "-n", "hogs", "--field-selector", f"involvedObject.name={name},reason=OutOfMemory"), 5)
    return f"{target} after {took:.2f} s"


def test_every_oom_is_counted_once_though_pods_are_deleted_at_once(bed):
    oom_waves("wave", 20)
    wait_until("20 OOMs", lambda: bed.observed("hogs", "wave", "containerOOMs") == 20, 10)
    series = 'sparkfit_executor_ooms_total{namespace="hogs",signature="wave",profile="0",kind="container"}'
    wait_until("and in the metrics", lambda: bed.metric(PORT, series) == 20, 5)


def sparkfit(bed, *arguments, **options):
    """`kubectl sparkfit …`, as people type it."""
    plugins = bed.directory / "plugins"
    plugins.mkdir(exist_ok=True)
    if not (plugins / "kubectl-sparkfit").exists():
        (plugins / "kubectl-sparkfit").symlink_to(BINARY)
    return run(CLUSTER, "exec", "env", f"PATH={plugins}:{os.environ['PATH']}:{STATE}/bin", "kubectl", "sparkfit", *arguments, **options)


def test_people_ask_kubectl(bed):
    listed = sparkfit(bed, "list", "-A", "--sort-by", "ooms")
    item = bed.recommendation("hogs", "wave")
    assert bed.target("hogs", "wave") in next(line for line in listed.splitlines() if " wave " in line)
    assert len(json.loads(sparkfit(bed, "list", "-A", "-o", "json"))["items"]) == len(get("execrec", "-A")["items"])
    assert item["status"]["explanation"].split()[0] in sparkfit(bed, "explain", "wave", "-n", "hogs")
    conf = dict(setting.split("=") for setting in sparkfit(bed, "conf", "wave", "-n", "hogs").split() if "=" in setting)
    recommended = item["status"]["recommendation"]
    assert sparkrun.mib(conf["spark.executor.memory"]) == sparkrun.mib(recommended["heap"])
    if "spark.executor.memoryOverhead" in conf:
        assert sparkrun.mib(conf["spark.executor.memoryOverhead"]) == sparkrun.mib(recommended["overhead"])
    assert sparkfit(bed, "purge", "wave", "-n", "hogs", "--dry-run") == "hogs/wave would be purged\n"
    assert sparkfit(bed, "explain", "no-such-job", "-n", "hogs", check=False) == ""


def test_purging_by_command(bed):
    assert sparkfit(bed, "purge", "wave", "-n", "hogs") == "hogs/wave purged\n"
    wait_until("it is gone", lambda: bed.recommendation("hogs", "wave") is None, 10)
    oom_waves("wave", 1, application="app-0")
    wait_until("it starts anew", lambda: bed.observed("hogs", "wave", "containerOOMs") == 1, 15)


def test_deleting_the_object_purges(bed):
    name = bed.recommendation("hogs", "wave")["metadata"]["name"]
    kubectl("delete", "execrec", "-n", "hogs", name)
    wait_until("no checkpoint", lambda: name not in kubectl("get", "executorrecommendationcheckpoints", "-n", "hogs"), 30)
    wait_until("no metric", lambda: 'signature="wave"' not in bed.http(PORT, "/metrics"), 5)
    assert bed.recommendation("hogs", "wave") is None
    oom_waves("wave", 1, application="app-2")
    wait_until("it starts anew", lambda: bed.observed("hogs", "wave", "containerOOMs") == 1, 15)


def purge_is_kept(bed, port, signature):
    wait_until("metrics are there", lambda: 'signature="nightly"' in bed.http(port, "/metrics"), 10)
    assert f'signature="{signature}"' not in bed.http(port, "/metrics")
    assert bed.recommendation("hogs", signature) is None


def test_a_purge_with_a_running_executor(bed):
    name = bed.recommendation("hogs", "lone")["metadata"]["name"]
    create([hog("lone-1", "lone", 64, 16, 20)])
    running = 'sparkfit_executors{namespace="hogs",signature="lone",profile="0"}'
    wait_until("it is seen", lambda: bed.metric(PORT, running) == 1, 30)
    kubectl("delete", "execrec", "-n", "hogs", name)
    wait_until("no metric", lambda: 'signature="lone"' not in bed.http(PORT, "/metrics"), 5)
    wait_until("it has ended", lambda: get("pod", "-n", "hogs", "lone-1")["status"]["phase"] == "Succeeded", 60)
    purge_is_kept(bed, PORT, "lone")


def test_a_kill_loses_and_doubles_nothing(bed):
    oom_waves("wave", 4, application="app-3")
    wait_until("5 OOMs", lambda: bed.observed("hogs", "wave", "containerOOMs") == 5, 15)
    before = bed.recommendation("hogs", "wave")["status"]["observed"]
    bed.started[0].kill(signal.SIGKILL)
    bed.started[0] = bed.controller("controller-2", PORT)
    wait_until("it leads", lambda: bed.leads(PORT), 20)
    wait_until("metrics are back", lambda: bed.metric(
        PORT, 'sparkfit_executor_ooms_total{namespace="hogs",signature="wave",profile="0",kind="container"}') == 5, 10)
    purge_is_kept(bed, PORT, "lone")
    after = bed.recommendation("hogs", "wave")["status"]["observed"]
    assert {k: before[k] for k in ("containerOOMs", "executors")} == {k: after[k] for k in ("containerOOMs", "executors")}


def test_an_orderly_end_gives_the_lease_back(bed):
    process = bed.started[0]
    process.stop()
    assert "stopped" in process.path.read_text()
    holder = kubectl("get", "lease", "-n", "sparkfit", "sparkfit", "-o", "jsonpath={.spec.holderIdentity}")
    assert holder == "", holder
    bed.started[0] = bed.controller("controller-3", PORT)
    _, took = wait_until("the next one leads", lambda: bed.leads(PORT), 5)
    return f"{took:.1f} s"


def test_a_standby_takes_over(bed):
    bed.controller("standby", 8081)
    assert not bed.leads(8081)
    bed.started[0].kill(signal.SIGKILL)
    oom_waves("wave", 3, application="app-4")  # nobody leads
    _, took = wait_until("the standby leads", lambda: bed.leads(8081), 17)
    wait_until("8 OOMs", lambda: bed.observed("hogs", "wave", "containerOOMs") == 8, 15)
    purge_is_kept(bed, 8081, "lone")
    oom_waves("lone", 1, application="app-5")
    wait_until("what was purged starts anew", lambda: bed.observed("hogs", "lone", "containerOOMs") == 1, 15)
    assert bed.observed("hogs", "lone", "executors") == 1
    return f"{took:.1f} s after the OOMs"
