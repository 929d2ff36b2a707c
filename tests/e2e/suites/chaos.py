# SPDX-License-Identifier: Apache-2.0
"""Kills and outages under load: nothing is lost that was acknowledged, nothing counted twice."""
import signal
import time

from testbed import CLUSTER, kubectl, oom_waves, run, wait_until

PORT = 8080


def test_a_hundred_ooms_in_waves_are_a_hundred(bed):
    bed.controller("controller-0", PORT)
    wait_until("it leads", lambda: bed.leads(PORT), 20)
    oom_waves("hundred", 100, wave=10)
    wait_until("100 OOMs", lambda: bed.observed("hogs", "hundred", "containerOOMs") == 100, 10)
    time.sleep(5)
    assert bed.observed("hogs", "hundred", "containerOOMs") == 100
    assert bed.observed("hogs", "hundred", "executors") == 100


def test_twenty_kills_under_load(bed):
    """After each kill -9 the next process goes on from what was acknowledged: the published count never falls, and in the
    end every OOM was counted once."""
    kills = 0
    acknowledged = 0

    def kill(number):
        nonlocal kills, acknowledged
        seen = bed.observed("hogs", "killed", "containerOOMs") or 0
        assert seen >= acknowledged, f"{seen} after {acknowledged}"
        acknowledged = seen
        bed.started[0].kill(signal.SIGKILL)
        kills += 1
        bed.started[0] = bed.controller(f"controller-{kills}", PORT, "--leader-elect", "false")

    oom_waves("killed", 60, wave=3, on_wave=kill)
    assert kills == 20
    count, _ = wait_until("OOMs", lambda: bed.observed("hogs", "killed", "containerOOMs"), 10)
    time.sleep(5)
    count = bed.observed("hogs", "killed", "containerOOMs")
    # Each wave is over when its controller is killed: what it did not acknowledge by then is at most that wave's.
    assert acknowledged <= count <= 60
    return f"{count} of 60 counted, {kills} kills"


def test_api_server_restarts(bed):
    run(CLUSTER, "pause", "kube-apiserver")
    time.sleep(10)
    assert bed.started[0].running()
    run(CLUSTER, "resume", "kube-apiserver")
    wait_until("the API is back", lambda: "ok" in kubectl("get", "--raw", "/readyz", check=False), 60)
    before = bed.observed("hogs", "hundred", "containerOOMs")
    oom_waves("api", 3)
    wait_until("3 OOMs", lambda: bed.observed("hogs", "api", "containerOOMs") == 3, 60)
    assert bed.observed("hogs", "hundred", "containerOOMs") == before == 100


def test_etcd_stops_for_a_minute(bed):
    run(CLUSTER, "pause", "etcd")
    time.sleep(60)
    assert bed.started[0].running()
    run(CLUSTER, "resume", "etcd")
    wait_until("the API is back", lambda: kubectl("get", "nodes", check=False), 90)
    oom_waves("etcd", 3)
    wait_until("3 OOMs", lambda: bed.observed("hogs", "etcd", "containerOOMs") == 3, 90)


def test_metrics_server_is_gone_for_a_while(bed):
    run(CLUSTER, "pause", "metrics-server")
    wait_until("the outage is a metric", lambda: bed.metric(PORT, 'sparkfit_source_up{source="podmetrics"}') == 0, 60)
    time.sleep(60)
    oom_waves("metrics", 2)  # OOMs need no metrics
    wait_until("2 OOMs", lambda: bed.observed("hogs", "metrics", "containerOOMs") == 2, 10)
    run(CLUSTER, "resume", "metrics-server")
    wait_until("it is back", lambda: bed.metric(PORT, 'sparkfit_source_up{source="podmetrics"}') == 1, 90)
