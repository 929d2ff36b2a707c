# SPDX-License-Identifier: Apache-2.0
"""The two examples published for EMR on EKS: provisioned memory more than halved, run time as it was; a job given half of its need."""
import statistics

import workloads
from sizing import learnt, sized

LEAST_SAVING = 0.52  # published: 56 %, less one bucket of the histogram
SAME_RUN_TIME = 0.10


def next_run(bed, workload, name, mode, **more):
    run = sized(bed, workload.client(name, mode), name, mode, more)
    learnt(bed, name, 1)
    return run


def two_off_three_initial(bed, workload, name):
    runs = {mode: [next_run(bed, workload, name, mode) for _ in range(times)] for mode, times in (("Off", 2), ("Initial", 3))}
    provisioned = {mode: statistics.mean(run.request for run in chosen) for mode, chosen in runs.items()}
    saving = 1 - provisioned["Initial"] / provisioned["Off"]
    ooms = sum(len(run.ooms) for chosen in runs.values() for run in chosen)
    peak = max(run.peak for run in runs["Off"])
    return saving, ooms, f"{provisioned['Off']:.0f} MiB, of which {peak:.0f} used, to {provisioned['Initial']:.0f} MiB: -{saving:.0%}, {ooms} OOMs"


def test_provisioned_memory(bed):
    bed.tables()
    bed.autoscale()
    saving, ooms, text = two_off_three_initial(bed, workloads.TPCDS, "tpcds")
    assert saving >= LEAST_SAVING and ooms == 0, text
    return text


def spread(values):
    return f"median {statistics.median(values):.1f} s ({min(values):.1f} to {max(values):.1f})"


def test_run_time(bed):
    runs = {"Off": [], "Initial": []}
    for _ in range(5):
        for mode, chosen in runs.items():
            chosen.append(next_run(bed, workloads.TPCDS, "tpcds", mode, alternating=True))
    times = {mode: [run.seconds for run in chosen] for mode, chosen in runs.items()}
    change = statistics.median(times["Initial"]) / statistics.median(times["Off"]) - 1
    text = f"Off {spread(times['Off'])}, Initial {spread(times['Initial'])}: {change:+.1%}"
    assert abs(change) <= SAME_RUN_TIME and not any(run.ooms for chosen in runs.values() for run in chosen), text
    return text


def test_with_the_default_collector(bed):
    """As it is: G1 touches as much of its heap as timing has it."""
    return two_off_three_initial(bed, workloads.TPCDS_G1, "tpcds-g1")[2]


def test_a_job_that_fills_its_heap(bed):
    """As it is: what it uses says little about what it needs."""
    return two_off_three_initial(bed, workloads.FILL, "fill")[2]


def test_half_of_what_it_needs(bed):
    first = next_run(bed, workloads.HALF, "half", "Initial")
    assert first.ooms, "nobody died: it was given enough"
    second = next_run(bed, workloads.HALF, "half", "Initial")
    text = (f"first run {len(first.ooms)} died at {first.executors[0].limit:.0f} MiB and it finished with "
            f"{first.executors[-1].limit:.0f}; second run {second.request:.0f} MiB, {len(second.ooms)} died")
    assert not second.ooms, text
    return text
