# SPDX-License-Identifier: Apache-2.0
"""Jobs that opt in get executors of the recommended size, and those in trouble heal within the run."""
import concurrent.futures
import json
import signal
import threading
import time

import workloads
from sparkrun import mib
from testbed import get, kubectl, wait_until

PORT = 8080
RUNS = []
APPLIED = "sparkfit.io/applied-memory"


def sized(bed, arguments, signature, **options):
    """A run, and what was recommended for it before."""
    before = bed.target("jobs", signature)
    run = bed.spark(*arguments, **options)
    RUNS.append(run.row(mode="Initial", run=len(RUNS), target_mib=mib(before), version=options.get("version", "3.5.8")))
    bed.keep(RUNS)
    return run


def learnt(bed, signature, applications):
    wait_until(f"{signature} is known", lambda: (
        (bed.observed("jobs", signature, "applications") or 0) >= applications and bed.target("jobs", signature)), 30)


def heap_and_limit_moved(executor, submitted):
    assert executor.request == executor.limit, executor
    assert APPLIED in executor.annotations, executor
    assert executor.limit - executor.heap >= 70, f"no overhead left: {executor}"
    return (executor.limit, executor.heap) != (submitted.limit, submitted.heap)


def recovers_and_then_starts_right(bed, name, arguments, code=None, **options):
    """In the first run executors die and their replacements are bigger; in the second one nothing dies."""
    first = sized(bed, arguments, name, **options)
    assert first.ooms, f"{name}: nobody died, so nothing was shown"
    assert code is None or {executor.exit_code for executor in first.ooms} == {code}, first.ooms
    submitted = first.executors[0]
    assert all(executor.annotations.get(APPLIED) for executor in first.executors if executor.limit > submitted.limit)
    assert max(executor.limit for executor in first.executors) > submitted.limit
    learnt(bed, name, 1)
    second = sized(bed, arguments, name, **options)
    assert not second.ooms, second.ooms
    assert all(heap_and_limit_moved(executor, submitted) for executor in second.executors), second.executors
    return (f"{submitted.limit:.0f} MiB: {len(first.ooms)} died, then {max(e.limit for e in first.executors):.0f}; "
            f"second run {second.request:.0f} MiB, none died")


def test_skeleton_killed_in_their_first_second(bed):
    bed.autoscale("controller", PORT)
    return recovers_and_then_starts_right(bed, "touched", workloads.TOUCHED.client("touched", "Initial"), 137)


def test_a_job_that_did_not_opt_in_is_not_touched(bed):
    name = "watched"
    for _ in range(2):
        run = sized(bed, workloads.AGGREGATE.client(name, "Off"), name)
        assert {(executor.limit, executor.heap) for executor in run.executors} == {(1284, 900)}, run.executors
        assert not any(APPLIED in executor.annotations for executor in run.executors)
        learnt(bed, name, 1)


def test_memory_outside_of_the_heap(bed):
    return recovers_and_then_starts_right(bed, "direct", workloads.DIRECT.client("direct", "Initial"), 137)


def test_out_of_memory_on_the_heap(bed):
    return recovers_and_then_starts_right(bed, "heap", workloads.HEAP.client("heap", "Initial"), 52)


def test_out_of_memory_on_the_heap_twice(bed):
    return recovers_and_then_starts_right(bed, "heap-twice", workloads.HEAP_TWICE.client("heap-twice", "Initial"), 52)


def test_python_workers(bed):
    return recovers_and_then_starts_right(bed, "python", workloads.PYTHON.client("python", "Initial"), 137)


def test_a_python_worker_that_dies_alone(bed):
    """Where the kernel does not kill whole containers there is nothing to replace in the run; the next one starts right."""
    name = "python-worker"
    first = sized(bed, workloads.PYTHON_WORKER.client(name, "Initial"), name, check=False)
    wait_until("the OOM is known", lambda: bed.observed("jobs", name, "containerOOMs"), 30)
    second = sized(bed, workloads.PYTHON_WORKER.client(name, "Initial"), name)
    assert not second.ooms and second.request > first.executors[0].limit
    return f"{first.request:.0f}, then {second.request:.0f} MiB"


def test_off_heap_memory_is_left_as_it_is(bed):
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


def test_newest_spark_recovers(bed):
    return recovers_and_then_starts_right(
        bed, "newest", workloads.TOUCHED.client("newest", "Initial"), 137, version="4.2.0")


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
