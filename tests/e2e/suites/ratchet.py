# SPDX-License-Identifier: Apache-2.0
"""Thirty runs of a job that fills whatever heap it is given: its size does not creep upwards."""
import statistics

import workloads
from sizing import learnt, sized

NAME = "ratchet"
TIMES = 30
NO_DRIFT = 0.02


def test_thirty_runs(bed):
    bed.autoscale()
    requests, ooms, peaks = [], [], []
    for _ in range(TIMES):
        run = sized(bed, workloads.FILL.client(NAME, "Initial"), NAME)
        requests.append(run.request)
        ooms.append(len(run.ooms))
        peaks.append(run.peak)
        learnt(bed, NAME, 1)
    early, late = statistics.mean(requests[3:8]), statistics.mean(requests[-5:])
    text = (f"{requests[0]:.0f} MiB in the first run, {early:.0f} in the fourth to eighth, {late:.0f} in the last five, "
            f"highest {max(requests):.0f}; {sum(ooms)} OOMs; peaks {peaks[0]:.0f} to {peaks[-1]:.0f}")
    assert late <= early * (1 + NO_DRIFT) and max(requests) <= requests[0], text
    assert not any(ooms[3:]), text
    return text
