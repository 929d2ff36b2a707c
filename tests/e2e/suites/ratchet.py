# SPDX-License-Identifier: Apache-2.0
"""Thirty runs of a job that fills whatever heap it is given: its size does not creep upwards."""
import statistics

import workloads
from sparkrun import mib
from testbed import wait_until

NAME = "ratchet"
TIMES = 30
NO_DRIFT = 0.02


def test_thirty_runs(bed):
    bed.autoscale()
    rows, requests, ooms = [], [], []
    for number in range(TIMES):
        before = bed.target("jobs", NAME)
        run = bed.spark(*workloads.FILL.client(NAME, "Initial"))
        rows.append(run.row(mode="Initial", run=number, target_mib=mib(before)))
        bed.keep(rows)
        requests.append(run.request)
        ooms.append(len(run.ooms))
        wait_until("a target", lambda: bed.target("jobs", NAME), 30)
    early, late = statistics.mean(requests[3:8]), statistics.mean(requests[-5:])
    text = (f"{requests[0]:.0f} MiB in the first run, {early:.0f} in the fourth to eighth, {late:.0f} in the last five, "
            f"highest {max(requests):.0f}; {sum(ooms)} OOMs; peaks {rows[0]['peak_mib']:.0f} to {rows[-1]['peak_mib']:.0f}")
    assert late <= early * (1 + NO_DRIFT) and max(requests) <= requests[0], text
    assert not any(ooms[3:]), text
    return text
