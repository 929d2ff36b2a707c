# SPDX-License-Identifier: Apache-2.0
"""Every way to submit a job, and what is switched while one runs."""
import concurrent.futures
import json
import signal
import threading
import time

import workloads
from sizing import APPLIED, learnt, sized
from testbed import get, kubectl, wait_until

PORT = 8080


def test_off_heap_memory_is_left_as_it_is(bed):
    bed.autoscale("controller", PORT)
    name = "off-heap"
    first = sized(bed, workloads.OFF_HEAP.client(name, "Initial"), name)
    learnt(bed, name, 1)
    second = sized(bed, workloads.OFF_HEAP.client(name, "Initial"), name)
    outside = {executor.limit - executor.heap for run in (first, second) for executor in run.executors}
    assert not second.ooms and min(outside) >= 512 + 384, outside
    return f"{first.request:.0f}, then {second.request:.0f} MiB"


def test_dynamic_allocation(bed):
    name = "dynamic"
    first = sized(bed, workloads.DYNAMIC.client(name, "Initial"), name)
    learnt(bed, name, 1)
    second = sized(bed, workloads.DYNAMIC.client(name, "Initial"), name)
    assert not second.ooms and all(APPLIED in executor.annotations for executor in second.executors), second.executors
    return f"{len(first.executors)} of {first.request:.0f}, then {len(second.executors)} of {second.request:.0f} MiB"


def test_two_signatures_at_once(bed):
    both = {"two-touched": workloads.TOUCHED, "two-plain": workloads.AGGREGATE}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = dict(zip(both, pool.map(lambda name: sized(bed, both[name].client(name, "Initial"), name), both)))
    assert runs["two-touched"].ooms and not runs["two-plain"].ooms
    assert {executor.limit for executor in runs["two-plain"].executors} == {1284}
    for name, run in runs.items():
        learnt(bed, name, 1)
        assert bed.observed("jobs", name, "containerOOMs") == len(run.ooms), name


def in_cluster_mode(bed, name, workload, version="3.5.8"):
    first = sized(bed, workload.cluster(name, "Initial"), name, version=version, timeout=400)
    learnt(bed, name, 1)
    second = sized(bed, workload.cluster(name, "Initial"), name, version=version, timeout=400)
    assert not second.ooms and all(APPLIED in executor.annotations for executor in second.executors), second.executors
    return f"{first.request:.0f}, then {second.request:.0f} MiB"


def test_emr_keys_on_the_driver_only_java(bed):
    return in_cluster_mode(bed, "emr-java", workloads.JAVA)


def test_emr_keys_on_the_driver_only_python(bed):
    """Python's overhead of 0.4 comes from the driver."""
    return in_cluster_mode(bed, "emr-python", workloads.PYTHON_ROOMY)


def test_emr_keys_on_the_driver_only_spark_4(bed):
    return in_cluster_mode(bed, "emr-four", workloads.AGGREGATE, version="4.0.2")


def meanwhile(bed, name, disturb):
    """A run whose executors are deleted after `disturb`; the sizes of those that Spark then makes."""
    def act():
        wait_until("two executors run", lambda: sum(
            pod["status"]["phase"] == "Running" for pod in executors(name)) == 2, 60)
        time.sleep(5)
        disturb()
        for pod in executors(name):
            kubectl("delete", "pod", "-n", "jobs", pod["metadata"]["name"], "--wait=false")

    actor = threading.Thread(target=act)
    actor.start()
    run = bed.spark(*workloads.AGGREGATE.but(job=("aggregate", 4e6, 40)).client(name, "Initial"))
    actor.join()
    return run.executors[:2], run.executors[2:]


def executors(name):
    return get("pods", "-n", "jobs", "-l", f"spark-role=executor,spark-app-name={name}")["items"]


def sizes(pods):
    return {(executor.limit, executor.heap) for executor in pods}


def test_mode_switched_off_in_mid_run(bed):
    name = "two-plain"
    before, after = meanwhile(bed, name, lambda: kubectl(
        "patch", "execrec", "-n", "jobs", bed.recommendation("jobs", name)["metadata"]["name"], "--type=merge",
        "-p", json.dumps({"spec": {"mode": "Off"}})))
    assert all(APPLIED in executor.annotations for executor in before), before
    assert sizes(after) == {(1284, 900)}, after


def test_controller_restarted_in_mid_run(bed):
    name = "dynamic"

    def restart():
        bed.started[0].kill(signal.SIGKILL)
        bed.started[0] = bed.autoscale("controller-2", PORT)

    before, after = meanwhile(bed, name, restart)
    assert after, "no replacement was needed"
    return f"{sizes(before)}, then {sizes(after)}"


def test_webhook_killed_in_mid_run(bed):
    """Pods are created, unsized."""
    before, after = meanwhile(bed, "dynamic", lambda: bed.started[0].kill(signal.SIGKILL))
    assert all(APPLIED in executor.annotations for executor in before), before
    assert sizes(after) == {(1284, 900)}, after
