# SPDX-License-Identifier: Apache-2.0
"""Kills and outages under load: nothing is lost that was acknowledged, nothing counted twice."""
import signal
import time

from testbed import CLUSTER, create, hog, kubectl, oom_waves, quantity, run, wait_until

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


def test_a_peak_that_is_a_minute_old_survives_a_kill(bed):
    """The executor is gone before the next process starts: only a checkpoint can tell of its peak."""
    create([hog("steady-1", "steady", 256, 128, 900)])
    # The first sample may come while it still fills its memory.
    peak = lambda: quantity(bed.observed("hogs", "steady", "peak") or "0")
    wait_until("the peak is seen", lambda: peak() >= 128 << 20, 90)
    seen = peak()
    time.sleep(60)
    bed.started[0].kill(signal.SIGKILL)
    kubectl("delete", "pod", "-n", "hogs", "steady-1", "--grace-period=0", "--force")
    bed.started[0] = bed.controller("controller-steady", PORT, "--leader-elect", "false")
    wait_until("it is restored", lambda: 'signature="steady"' in bed.http(PORT, "/metrics"), 10)
    time.sleep(5)
    assert peak() >= seen, f"{peak()} after {seen}"
    assert bed.observed("hogs", "steady", "executors") == 1
    return f"{seen >> 20}Mi before, {peak() >> 20}Mi after"


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


def test_metrics_server_is_gone_for_five_minutes(bed):
    up, staleness = 'sparkfit_source_up{source="podmetrics"}', "sparkfit_usage_staleness_seconds"
    create([hog("sampled-1", "sampled", 64, 16, 900)])
    wait_until("there is usage", lambda: bed.target("hogs", "sampled"), 90)
    before, begun = bed.target("hogs", "sampled"), time.monotonic()
    run(CLUSTER, "pause", "metrics-server")
    try:
        wait_until("the outage is a metric", lambda: bed.metric(PORT, up) == 0, 60)
        oom_waves("metrics", 2)  # OOMs need no metrics
        wait_until("2 OOMs", lambda: bed.observed("hogs", "metrics", "containerOOMs") == 2, 10)
        time.sleep(max(0, 300 - (time.monotonic() - begun)))
        assert bed.started[0].running()
        stale = bed.metric(PORT, staleness)
        assert stale >= 270, stale
        assert bed.target("hogs", "sampled") == before
    finally:
        run(CLUSTER, "resume", "metrics-server")
    _, took = wait_until("it is back", lambda: bed.metric(PORT, up) == 1, 90)
    wait_until("usage is fresh", lambda: bed.metric(PORT, staleness) < 60, 60)
    return f"usage was {stale:.0f} s old, back after {took:.0f} s"


def test_a_second_installation_is_noticed_and_nothing_counts_twice(bed):
    other = bed.controller("other-installation", 8090, "--leader-elect", "false")
    oom_waves("contested", 10)
    logs = lambda: "".join(path.read_text() for path in bed.directory.glob("*.log"))
    wait_until("it is noticed", lambda: "is there a second installation?" in logs(), 30)
    other.stop()
    bed.started.remove(other)
    wait_until("10 OOMs", lambda: bed.observed("hogs", "contested", "containerOOMs") == 10, 40)


def test_a_namespace_is_deleted_under_us(bed):
    kubectl("create", "namespace", "doomed")
    pod = hog("doomed-1", "doomed", 32, 300)
    pod["metadata"]["namespace"] = "doomed"
    create([pod])
    wait_until("it is observed", lambda: bed.observed("doomed", "doomed", "containerOOMs") == 1, 30)
    kubectl("delete", "namespace", "doomed", "--timeout=60s")
    wait_until("its metrics are gone", lambda: 'namespace="doomed"' not in bed.http(PORT, "/metrics"), 10)
    oom_waves("after", 1)
    wait_until("others go on", lambda: bed.observed("hogs", "after", "containerOOMs") == 1, 10)
