# SPDX-License-Identifier: Apache-2.0
"""`adaptive` tries smaller sizes in one executor of each run: seven runs of real jobs that sort and group."""
import statistics

import workloads
from sizing import learnt, sized
from sparkrun import mib

ON_DRIVER = "spark.kubernetes.driver.annotation.sparkfit.io"
TIMES = 7
MOST_LOST = 1
NEAR = 1.3
# Of the runs on the way down, against the first one, which is as submitted.
SLOWEST = 1.1


def submitted(workload, name, mode="Initial"):
    return ["--cluster", *workload.arguments(name, {
        f"{ON_DRIVER}/signature": name, f"{ON_DRIVER}/mode": mode, f"{ON_DRIVER}/policy": "adaptive",
        f"{ON_DRIVER}/driver-metrics": "true"})]


def seconds_of(run):
    """From the first executor to the last one's end, without the time that submission takes."""
    return max(e.ended for e in run.executors) - min(e.created for e in run.executors)


def goes_down(bed, name, workload, smallest):
    """`smallest` is the limit, MiB, that the job is known to do with; found by trial, at fixed sizes."""
    runs = []
    for number in range(1, TIMES + 1):
        runs.append(sized(bed, submitted(workload, name), name, more={"smallest": smallest}))
        learnt(bed, name, number)
    reached = mib(bed.target("jobs", name))
    lost = sum(len(run.ooms) for run in runs)
    seconds = [seconds_of(run) for run in runs]
    slower = statistics.median(seconds[1:]) / seconds[0]
    sizes = ", ".join("/".join(f"{e.heap:.0f}+{e.limit - e.heap:.0f}" for e in run.executors) for run in runs)
    text = (f"{sizes}, then {reached:.0f} MiB, {reached / smallest:.2f} times the smallest; {lost} lost; "
            f"{' '.join(f'{s:.0f}' for s in seconds)} s")
    assert lost <= MOST_LOST and reached <= NEAR * smallest, text
    assert slower <= SLOWEST, text
    return text


def test_controller_starts(bed):
    bed.tables()
    bed.autoscale("controller", 8080, "--driver-metrics", "true", "--record", bed.directory / "log.ndjson")


def test_query_67(bed):
    return goes_down(bed, "query-67", workloads.QUERY_67, 896)


def test_sessions(bed):
    return goes_down(bed, "sessions", workloads.SESSIONS, 896)
