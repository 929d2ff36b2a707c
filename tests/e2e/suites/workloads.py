# SPDX-License-Identifier: Apache-2.0
"""What the Spark applications of the other suites need, and that those in trouble do not help themselves."""

import workloads


def measure(bed, name, arguments, version="3.5.8"):
    run = bed.spark(*arguments, version=version, check=False)
    bed.keep(run.row(mode="Off", version=version))
    return run


def summary(run):
    ends = sorted({str(executor.exit_code) for executor in run.executors if executor.lost})
    return (f"{'ok' if run.ok else 'failed'}, {run.seconds:.0f} s, {len(run.executors)} executors of {run.request:.0f} MiB, "
            f"peak {run.peak or 0:.0f}, lost {sum(e.lost for e in run.executors)}{' exit ' + ','.join(ends) if ends else ''}")


def goes_well(bed, name, arguments, **options):
    run = measure(bed, name, arguments, **options)
    assert run.ok and not run.ooms, summary(run)
    return summary(run)


def dies(bed, name, arguments, code):
    run = measure(bed, name, arguments)
    assert not run.ok and run.ooms, summary(run)
    assert all(executor.exit_code == code for executor in run.ooms), summary(run)
    return summary(run)


def test_tpcds(bed):
    bed.tables()
    return goes_well(bed, "tpcds", workloads.TPCDS.client("tpcds"))


def test_fill(bed):
    return goes_well(bed, "fill", workloads.FILL.client("fill"))


def test_touched_heap_and_little_overhead(bed):
    return dies(bed, "touched", workloads.TOUCHED.client("touched"), 137)


def test_direct_memory(bed):
    return dies(bed, "direct", workloads.DIRECT.client("direct"), 137)


def test_heap(bed):
    return dies(bed, "heap", workloads.HEAP.client("heap"), 52)


def test_heap_twice(bed):
    return dies(bed, "heap-twice", workloads.HEAP_TWICE.client("heap-twice"), 52)


def test_half(bed):
    return dies(bed, "half", workloads.HALF.client("half"), 137)


def test_python_beside_a_touched_heap(bed):
    return dies(bed, "python", workloads.PYTHON.client("python"), 137)


def test_python_worker(bed):
    run = measure(bed, "python-worker", workloads.PYTHON_WORKER.client("python-worker"))
    assert not run.ok and run.ooms, summary(run)
    return summary(run)


def test_python_in_cluster_mode_has_an_overhead_of_four_tenths(bed):
    run = measure(bed, "python-roomy", workloads.PYTHON_ROOMY.but(heap="1g").cluster("python-roomy"))
    assert run.ok and {executor.limit for executor in run.executors} == {1024 + 409}, summary(run)
    return summary(run)


def test_off_heap(bed):
    return goes_well(bed, "off-heap", workloads.OFF_HEAP.client("off-heap"))


def test_dynamic_allocation(bed):
    return goes_well(bed, "dynamic", workloads.DYNAMIC.client("dynamic"))


def test_java_in_cluster_mode(bed):
    return goes_well(bed, "java", workloads.JAVA.cluster("java"))


def test_newest_spark(bed):
    return goes_well(bed, "newest", workloads.AGGREGATE.client("newest"), version="4.2.0")
