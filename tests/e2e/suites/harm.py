# SPDX-License-Identifier: Apache-2.0
"""Jobs whose submitted size works do not fail because they are sized: explicit overheads, off-heap memory, Python workers.

Each job runs several times in mode Initial; after the first run its executors are made smaller. In no run may the application
fail or an executor run out of memory, unless the job does so as submitted."""
import workloads
from sizing import learnt, sized
from testbed import create, get, hog, kubectl, wait_until
from workloads import JAVA_OPTIONS, OVERHEAD, Workload

PORT = 8080
TIMES = 3
# 2 of 3 GiB of heap are live, and 6 GiB are outside of it.
LARGE_OVERHEAD = Workload("3g", ("heap", 2000, 3), conf={OVERHEAD: "6g"})
# Three times the heap outside of it, hardly any of which is used.
THREE_TIMES = Workload("1g", ("heap", 620, 3), conf={OVERHEAD: "3g"})
HALF_OFF_HEAP = workloads.OFF_HEAP.but(conf={"spark.memory.offHeap.enabled": "true", "spark.memory.offHeap.size": "1g"})
PYTHON_BESIDE = Workload("700m", ("python", 500, 3), conf={OVERHEAD: "2g"})
# Memory grows in the last of ten stages only.
LATE = Workload("2g", ("late", 1100, 10))
# Eight executors, and from the sixth run on one task that needs three times as much as the others.
EIGHT = Workload("1500m", ("skew", 200, 1), executors=8)
SKEWED = EIGHT.but(job=("skew", 200, 3))
# A full heap that a JVM option ends: with SIGKILL, exit 137, which is no container OOM; 52 where Spark's own handler is faster.
KILL_9 = workloads.HEAP.but(conf={JAVA_OPTIONS: "-XX:OnOutOfMemoryError='kill -9 %p'"})


def plays_without_harm(bed, name, workload, times=TIMES):
    runs = []
    for number in range(1, times + 1):
        runs.append(sized(bed, workload.client(name, "Initial"), name))
        learnt(bed, name, number)
    sizes = [(max(e.heap for e in run.executors), max(e.limit for e in run.executors)) for run in runs]
    text = ", ".join(f"{heap:.0f} + {limit - heap:.0f}" for heap, limit in sizes) + " MiB"
    assert not any(run.ooms for run in runs), text
    assert all(limit <= sizes[0][1] for _, limit in sizes), text
    return text


def test_controller_starts(bed):
    bed.autoscale("controller", PORT)


def test_a_heap_that_is_needed_beside_a_large_overhead(bed):
    return plays_without_harm(bed, "large-overhead", LARGE_OVERHEAD, 4)


def test_an_overhead_three_times_the_heap(bed):
    return plays_without_harm(bed, "three-times", THREE_TIMES)


def test_off_heap_memory_that_is_half_used(bed):
    return plays_without_harm(bed, "off-heap", HALF_OFF_HEAP)


def test_python_workers_beside_a_small_heap(bed):
    return plays_without_harm(bed, "python-beside", PYTHON_BESIDE)


def test_a_full_heap_that_is_killed_by_an_option(bed):
    """The heap grows, and what is outside of it stays."""
    name = "kill-9"
    first = sized(bed, KILL_9.client(name, "Initial"), name)
    lost = [executor for executor in first.executors if executor.exit_code in (52, 137)]
    assert lost and not bed.observed("jobs", name, "containerOOMs"), first.executors
    assert bed.observed("jobs", name, "heapOOMs") == len(lost), first.executors
    second = sized(bed, KILL_9.client(name, "Initial"), name)
    assert not any(executor.exit_code in (52, 137) for executor in second.executors), second.executors
    heap = max(executor.heap for executor in second.executors)
    assert heap > first.executors[0].heap, second.executors
    return f"{len(lost)} ended with {lost[0].exit_code}; heap {first.executors[0].heap:.0f}, then {heap:.0f} MiB"


def test_memory_that_grows_in_the_last_stage(bed):
    return plays_without_harm(bed, "late", LATE)


def test_one_task_of_eight_small_executors_grows(bed):
    """The need changes. The task is tried again at once, and may meet four small executors (spark.task.maxFailures) before a
    larger one is there; then the next run is as submitted."""
    before = plays_without_harm(bed, "eight", EIGHT, 5)
    run = sized(bed, SKEWED.client("eight", "Initial"), "eight", check=False)
    after = sized(bed, SKEWED.client("eight", "Initial"), "eight")
    assert not after.ooms, after.executors
    assert run.ok or {executor.heap for executor in after.executors} == {1500}, after.executors
    return (f"{before}; with three times as much {len(run.ooms)} of {len(run.executors)} executors died, and the run "
            f"{'went on' if run.ok else 'failed'}; in the next one nobody dies")


def burst(name, application):
    pod = hog(name, "burst", 1408, 600, 30, application=application)
    pod["metadata"]["annotations"] = {"sparkfit.io/mode": "Initial"}
    container = pod["spec"]["containers"][0]
    container["env"][0]["value"] = "1024m"
    container["resources"]["requests"]["memory"] = "500Mi"
    return pod


def memory_of(name):
    resources = get("pod", "-n", "hogs", name)["spec"]["containers"][0]["resources"]
    return resources["requests"]["memory"], resources["limits"]["memory"]


def test_a_request_below_the_limit_is_never_below_what_is_used(bed):
    sizes = []
    for number in range(1, 4):
        names = [f"burst-{number}-{executor}" for executor in (1, 2)]
        create([burst(name, f"burst-{number}") for name in names])
        for name in names:
            wait_until("it ends", lambda name=name: get("pod", "-n", "hogs", name)["status"]["phase"] == "Succeeded", 90)
        sizes.append(memory_of(names[0]))
        kubectl("delete", "pods", "-n", "hogs", *names, "--grace-period=0", "--force")
    assert sizes[0] == ("500Mi", "1408Mi"), sizes
    mib = [tuple(int(text[:-2]) for text in size) for size in sizes]
    # What is used is a little more than what the program holds.
    assert all(600 <= request <= 700 and 600 <= limit <= 1408 for request, limit in mib[1:]), sizes
    return ", ".join(f"{request} of {limit}" for request, limit in mib)
