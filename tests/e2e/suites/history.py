# SPDX-License-Identifier: Apache-2.0
"""What a Prometheus remembers of real runs is, imported, what the controller saw of them itself."""
import json
import time

import workloads
from sizing import learnt, sized
from testbed import BINARY, CLUSTER, ROOT, STATE, Process, admins_job, build_tool, create, hog, kubectl, run, static_job, wait_until

PORT = 8080
STATE_METRICS = 8090
STEP = "5s"
# Two that look at a number which the kubelet renews every ten seconds or so see other moments of it.
SAME_PEAK = 0.10


def scraped():
    """As kube-prometheus-stack scrapes them, but more often, as our runs are short."""
    return [{**admins_job("kubelet", 10250, "/metrics/cadvisor"), "honor_timestamps": False},
            {**static_job(STATE_METRICS), "job_name": "kube-state-metrics", "honor_labels": True}]


def replayed(log):
    rows = json.loads(run(BINARY, "replay", log, "-o", "json"))
    return {(row["namespace"], row["signature"]): row for row in rows}


def imported(bed, name, *more):
    log = bed.directory / name
    for left in bed.directory.glob(f"{name}*"):
        left.unlink()
    run(CLUSTER, "exec", BINARY, "import", "prometheus", "--url", "http://127.0.0.1:9090", "--output", log, "--step", STEP, *more)
    return log


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def test_a_past_to_import(bed):
    build_tool("kube-state-metrics")
    bed.started.append(Process("kube-state-metrics", bed.directory, "kube-state-metrics", "--kubeconfig", STATE / "admin.kubeconfig",
                               "--resources=pods", "--metric-labels-allowlist=pods=[*]", "--host=127.0.0.1",
                               f"--port={STATE_METRICS}", "--telemetry-host=127.0.0.1", f"--telemetry-port={STATE_METRICS + 1}"))
    bed.prometheus(scraped())
    wait_until("it is scraped", lambda: len(bed.query("up == 1")) == 2, 60)
    kubectl("apply", "-f", ROOT / "manifests/rbac-kubelet.yaml")
    bed.begun = now()
    bed.log = bed.directory / "log.ndjson"
    bed.controller("controller", PORT, "--usage-source", "kubelet", "--record", bed.log)
    for name in ("nightly", "hourly"):
        sized(bed, workloads.AGGREGATE.client(name), name, mode="Off")
        learnt(bed, name, 1)
    create([hog("lone-0", "lone", 32, 300), hog("fine-0", "fine", 400, 200, 40)])
    wait_until("Prometheus knows of the kill", lambda: bed.query(
        'kube_pod_container_status_terminated_reason{reason="OOMKilled",pod="lone-0"} == 1'), 60)
    wait_until("the other one ends", lambda: bed.query('kube_pod_container_status_terminated_reason{pod="fine-0"} == 1'), 90)


def test_the_import_says_what_the_controller_saw(bed):
    seen = replayed(bed.log)
    past = replayed(imported(bed, "imported.ndjson", "--start", "1h"))
    assert set(past) == set(seen), (set(past), set(seen))
    told = []
    for key, row in sorted(seen.items()):
        other = past[key]
        for what in ("applications", "executors", "containerOOMs", "requestBytes"):
            assert other[what] == row[what], (key, what, other[what], row[what])
        off = other["peakBytes"] / row["peakBytes"] - 1
        told.append(f"{key[1]} {other['executors']} executors, {other['containerOOMs']} OOMs, peak {off:+.1%}")
        assert abs(off) <= SAME_PEAK, told
    assert past["hogs", "lone"]["containerOOMs"] == 1
    return "; ".join(told)


def test_however_it_is_cut_the_past_is_one(bed):
    span = ("--start", bed.begun, "--end", now())
    whole = run("zcat", imported(bed, "whole.ndjson.gz", *span))
    assert whole == run("zcat", imported(bed, "parts.ndjson.gz", *span, "--chunk", "45s"))
    return f"{len(whole.splitlines())} lines"
