# SPDX-License-Identifier: Apache-2.0
"""Jobs that opt in get executors of the recommended size, and those in trouble heal within the run."""
import workloads
from sizing import APPLIED, learnt, recovers_and_then_starts_right, sized
from testbed import wait_until

PORT = 8080


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


def test_newest_spark_recovers(bed):
    return recovers_and_then_starts_right(
        bed, "newest", workloads.TOUCHED.client("newest", "Initial"), 137, version="4.2.0")
