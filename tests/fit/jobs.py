# SPDX-License-Identifier: Apache-2.0
"""The jobs of the grid: real Spark applications whose smallest sizes differ, and the sizes that each is run in."""
import dataclasses

import workloads
from workloads import JAVA_OPTIONS, Workload

SMALL = (512, 640, 768, 1024, 1536, 3072)
MIDDLE = (768, 1024, 1536, 2048, 3072, 4608)
LARGE = (1536, 2304, 3072, 4096, 5120, 7168)
SPARKS = ("3.5.8", "4.0.2")


@dataclasses.dataclass(frozen=True)
class Job:
    """`heaps` in MiB; beside each is Spark's default for Python, and at the middle one each of `beside`, too."""
    workload: Workload
    heaps: tuple = SMALL
    beside: tuple = ()
    versions: tuple = SPARKS[:1]


def query(number, **conf):
    return Workload("3g", (f"tpcds-{number}", 1, 1), conf=conf)


JOBS = {
    # Spark SQL spills: most of it runs in little.
    "query-2": Job(query(2), versions=SPARKS),
    "query-4": Job(query(4)),
    "query-18": Job(query(18)),
    "query-67": Job(workloads.QUERY_67, versions=SPARKS),
    "query-95": Job(query(95)),
    "query-67-regions": Job(workloads.QUERY_67.but(conf={JAVA_OPTIONS: "-XX:+UseG1GC -XX:G1HeapRegionSize=16m"})),
    "query-2-parallel": Job(query(2, **{JAVA_OPTIONS: "-XX:+UseParallelGC"})),
    "sort": Job(Workload("3g", ("sort", 6e6, 2))),
    "sessions": Job(workloads.SESSIONS, versions=SPARKS),
    # Iterates over what is cached.
    "als": Job(workloads.ALS, versions=SPARKS),
    "k-means": Job(workloads.K_MEANS),
    "trees": Job(Workload("3g", ("trees", 400_000, 1))),
    # Needs room: cached objects and columns, a broadcast table, collected groups, one task that needs more.
    "objects": Job(workloads.OBJECTS, MIDDLE),
    "objects-large": Job(workloads.OBJECTS.but(job=("fill", 5000, 8)), LARGE),
    "columns": Job(Workload("3g", ("cache", 3e7, 8)), LARGE),
    "broadcast": Job(Workload("3g", ("broadcast", 2.5e6, 2), conf={"spark.driver.memory": "3g"}), MIDDLE),
    "groups": Job(Workload("3g", ("collect", 8e6, 2)), MIDDLE),
    "skew": Job(Workload("3g", ("skew", 300, 4)), MIDDLE),
    # Outside of the heap.
    "python": Job(workloads.PYTHON_ROOMY.but(job=("python", 300, 4), heap="1g"), (512, 768, 1024, 1536, 2048, 3072), (400, 700, 1400)),
    "off-heap": Job(workloads.OFF_HEAP, SMALL, (700, 1000, 1600)),
    "stream": Job(Workload("3g", ("stream", 20_000, 1))),
}
