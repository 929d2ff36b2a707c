# SPDX-License-Identifier: Apache-2.0
"""`adaptive` with the driver's evidence against `percentile`: memory and run time, and no OOM."""
import statistics

import workloads
from sizing import learnt, sized

ON_DRIVER = "spark.kubernetes.driver.annotation.sparkfit.io"
POLICIES = ("percentile", "adaptive")
TIMES = 5
SAME_RUN_TIME = 0.10


def submitted(workload, name, policy):
    return ["--cluster", *workload.arguments(name, {
        f"{ON_DRIVER}/signature": name, f"{ON_DRIVER}/mode": "Initial", f"{ON_DRIVER}/policy": policy,
        f"{ON_DRIVER}/driver-metrics": "true"})]


def play(bed, workload, job):
    """Five runs of each policy, by turns: what else the machine does hits both."""
    runs = {policy: [] for policy in POLICIES}
    for number in range(1, TIMES + 1):
        for policy, chosen in runs.items():
            name = f"{job}-{policy}"
            chosen.append(sized(bed, submitted(workload, name, policy), name, more={"policy": policy, "job": job}))
            learnt(bed, name, number)
    return runs


def seconds_of(runs):
    """From the first executor to the last one's end, without the time that submission takes; the first run is as submitted."""
    return statistics.median(max(e.ended for e in run.executors) - min(e.created for e in run.executors) for run in runs[1:])


def text_of(runs):
    return f"{' '.join(f'{run.request:.0f}' for run in runs)} MiB, {seconds_of(runs):.1f} s"


def takes_less_than_by_percentile(bed, workload, job):
    """By the mean of each policy's runs but the first, as submitted; at equal run time and without an OOM."""
    runs = play(bed, workload, job)
    memory = {policy: statistics.mean(run.request for run in chosen[1:]) for policy, chosen in runs.items()}
    seconds = {policy: seconds_of(chosen) for policy, chosen in runs.items()}
    change = seconds["adaptive"] / seconds["percentile"] - 1
    text = "; ".join(f"{policy} {text_of(chosen)}" for policy, chosen in runs.items())
    text += f": {memory['adaptive'] / memory['percentile'] - 1:+.0%} memory, {change:+.1%} time"
    assert not any(run.ooms for chosen in runs.values() for run in chosen), text
    assert change <= SAME_RUN_TIME, text
    assert memory["adaptive"] < memory["percentile"], text
    return text


def test_controller_starts(bed):
    bed.tables()
    bed.autoscale("controller", 8080, "--driver-metrics", "true")


def test_tpcds_takes_less_than_by_percentile(bed):
    return takes_less_than_by_percentile(bed, workloads.TPCDS, "tpcds")
