# SPDX-License-Identifier: Apache-2.0
"""The Spark applications that suites run; the suite `workloads` measures what each needs."""
import dataclasses

from testbed import JOBS, ROOT

OVERHEAD = "spark.executor.memoryOverhead"
JAVA_OPTIONS = "spark.executor.extraJavaOptions"
EMR = "spark.kubernetes.driver.annotation.emr-containers.amazonaws.com/dynamic.sizing"
MODE = "spark.kubernetes.executor.annotation.sparkfit.io/mode"


@dataclasses.dataclass(frozen=True)
class Workload:
    heap: str
    job: tuple
    executors: int = 2
    conf: dict = dataclasses.field(default_factory=dict)
    main: object = JOBS

    def client(self, name, mode="Off"):
        """Signature and mode on the executors."""
        return self.arguments(name, {MODE: mode})

    def cluster(self, name, mode="Off"):
        """EMR's keys, on the driver only."""
        return ["--cluster", *self.arguments(name, {EMR: "true", f"{EMR}.signature": name, f"{EMR}.mode": mode})]

    def arguments(self, name, more):
        conf = {"spark.executor.instances": self.executors, **self.conf, **more}
        return [name, self.heap, *(part for key, value in conf.items() for part in ("--conf", f"{key}={value}")),
                self.main, *map(str, self.job)]

    def but(self, **changes):
        return dataclasses.replace(self, **changes)


# The published example: TPC-DS query 2, provisioned 3.2 times what it uses. Its young generation is a third of the heap:
# RSS 1590 and 1612 MiB with this heap, 834 with one of 1230, measured outside of a cluster.
TPCDS = Workload("4g", ("tpcds", 1, 12), conf={OVERHEAD: "1g", JAVA_OPTIONS: "-XX:+UseParallelGC"})
# The same with Java's default collector, which touches as much of its heap as timing has it: from 1022 to 1669 MiB in
# equal runs.
TPCDS_G1 = Workload("5g", ("tpcds", 1, 12))
# More cached objects than fit into any heap that it may get here.
FILL = Workload("4g", ("fill", 7000, 2))
# Caches 750 MiB of objects in each executor, a third of the room for them, and goes through them often.
CACHE = FILL.but(job=("fill", 1500, 20))
# Dies in its first second: the whole heap is touched, and the rest of a JVM does not fit into 70 MiB.
TOUCHED = Workload("900m", ("aggregate", 4e6, 10), conf={OVERHEAD: "70m", JAVA_OPTIONS: "-XX:+AlwaysPreTouch"})
# Keeps 1150 MiB outside of the heap; with the rest of a JVM that hardly touches its heap, 1410 in 1284.
DIRECT = Workload("900m", ("direct", 2048, 3), conf={JAVA_OPTIONS: "-XX:MaxDirectMemorySize=1150m"})
# Exit 52: 660 MiB live in a heap of 700; 840 are enough.
HEAP = Workload("700m", ("heap", 660, 3))
# Exit 52 again with a first replacement of 840.
HEAP_TWICE = HEAP.but(job=("heap", 900, 3))
# The second published example, scaled down: 900 of some 1760 MiB (1500 and the 260 of the JVM in DIRECT), by memory outside of the heap.
HALF = Workload("600m", ("direct", 2560, 3), conf={OVERHEAD: "300m", JAVA_OPTIONS: "-XX:MaxDirectMemorySize=1500m"})
# A Python worker that holds 300 MiB beside a fully touched heap: the kernel kills the larger process, the JVM.
PYTHON = Workload("900m", ("python", 300, 3), conf={JAVA_OPTIONS: "-XX:+AlwaysPreTouch"})
# The worker is the larger one. Without memory.oom.group (cgroup v1) it dies alone, again and again, and no executor is
# replaced; that the container saw an OOM shows only at its end.
PYTHON_WORKER = Workload("600m", ("python", 830, 3))
PYTHON_ROOMY = Workload("900m", ("python", 150, 3))
OFF_HEAP = Workload("900m", ("off-heap", 6e6, 10), conf={"spark.memory.offHeap.enabled": "true", "spark.memory.offHeap.size": "512m"})
DYNAMIC = Workload("900m", ("aggregate", 4e6, 10), conf={
    "spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.shuffleTracking.enabled": "true",
    "spark.dynamicAllocation.maxExecutors": 3, "spark.dynamicAllocation.schedulerBacklogTimeout": "1s"})
# Jobs as people submit them, with ten times the memory that they need or three: Python's overhead factor makes 4300 MiB of 3g.
QUERY_67 = Workload("3g", ("tpcds-67", 1, 2))
ALS = Workload("3g", ("als", 600_000, 1))
SESSIONS = Workload("3g", ("sessions", 3e6, 2))
K_MEANS = Workload("3g", ("k-means", 1_000_000, 1))
# 1500 MiB of cached objects; more than 1,200 MiB of heap hold what one of two executors gets of them.
OBJECTS = Workload("3g", ("fill", 1500, 20))
AGGREGATE = Workload("900m", ("aggregate", 4e6, 10))
JAVA = Workload("900m", (4e6, 10), main=ROOT / "tests/cluster/spark/Aggregate.java")
