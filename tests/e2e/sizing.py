# SPDX-License-Identifier: Apache-2.0
"""Runs of jobs that opted in, and what suites expect of them."""
from sparkrun import mib
from testbed import wait_until

APPLIED = "sparkfit.io/applied-memory"


def sized(bed, arguments, signature, mode="Initial", more=None, **options):
    """A run, kept beside what was recommended for it before."""
    before = bed.target("jobs", signature)
    run = bed.spark(*arguments, **options)
    bed.keep(run.row(mode=mode, target_mib=mib(before), version=options.get("version", "3.5.8"), **(more or {})))
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
