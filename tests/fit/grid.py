#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The grid: real Spark jobs, each run at many sizes on the test cluster, so that the smallest one is known by trial.

usage: grid.py record [--minutes N] [JOB ...]     run what is not there yet, each size once before any twice
       grid.py table [JOB ...]                    the smallest size of each job, and what decides it
       grid.py list                               the jobs, and how much of each is recorded

In tests/fit/grid/ there are, for each job, a line of JSON for each run (JOB.ndjson), and for each run the observation log
(usage from the kubelet every 2 s, what the driver told) and Spark's event log. A run that is there is not made again: delete
its line for that. A run takes about a minute; the whole is 468 of them: `grid.py list` counts them.
"""
import argparse
import gzip
import json
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import testbed  # noqa: E402
import workloads  # noqa: E402
from jobs import JOBS  # noqa: E402
from testbed import BINARY, ROOT, STATE, kubectl, log  # noqa: E402

RESULTS = HERE / "grid"
TIMES = 3
PYTHON_FACTOR, LEAST_BESIDE = 0.4, 384  # Spark's defaults for the overhead of Python jobs
# Of a size that is enough: what equal runs differ by.
SLOWEST, MORE_COLLECTED, HELD = 1.15, 0.05, 0.8


def points(job):
    """(version, heap, outside, repetition), MiB: all sizes once, then all of them again."""
    for repetition in range(1, TIMES + 1):
        for version in job.versions:
            for heap in job.heaps:
                yield version, heap, max(int(heap * PYTHON_FACTOR), LEAST_BESIDE), repetition
            for outside in job.beside:
                yield version, job.heaps[len(job.heaps) // 2], outside, repetition


def rows_of(name):
    path = RESULTS / f"{name}.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def missing(name):
    known = {(row["version"], row["heap"], row["outside"], row["repetition"]) for row in rows_of(name)}
    return [point for point in points(JOBS[name]) if point not in known]


def told(events):
    """What Spark's event log says of all tasks together, and how much was cached at most."""
    sums = {"tasks": 0, "failed_tasks": 0, "task_ms": 0, "gc_ms": 0, "spilled_memory": 0, "spilled_disk": 0, "input": 0, "shuffle_read": 0}
    blocks, cached = {}, 0
    for line in events:
        if line.startswith('{"Event":"SparkListenerTaskEnd"'):
            event = json.loads(line)
            metrics = event.get("Task Metrics") or {}
            ok = event["Task End Reason"]["Reason"] == "Success"
            sums["tasks" if ok else "failed_tasks"] += 1
            sums["task_ms"] += metrics.get("Executor Run Time", 0)
            sums["gc_ms"] += metrics.get("JVM GC Time", 0)
            sums["spilled_memory"] += metrics.get("Memory Bytes Spilled", 0)
            sums["spilled_disk"] += metrics.get("Disk Bytes Spilled", 0)
            sums["input"] += metrics.get("Input Metrics", {}).get("Bytes Read", 0)
            shuffle = metrics.get("Shuffle Read Metrics", {})
            sums["shuffle_read"] += shuffle.get("Remote Bytes Read", 0) + shuffle.get("Local Bytes Read", 0)
        elif line.startswith('{"Event":"SparkListenerBlockUpdated"'):
            info = json.loads(line)["Block Updated Info"]
            if info["Block ID"].startswith("rdd_"):
                key = (info["Block Manager ID"]["Executor ID"], info["Block ID"])
                blocks[key] = info["Memory Size"]
                cached = max(cached, sum(blocks.values()))
    return {**sums, "cached": cached}


class Recorder:
    """`sparkfit record` beside one run."""

    def __init__(self, bed, path):
        path.unlink(missing_ok=True)
        self.process = testbed.Process("record", bed.directory, BINARY, "record", "--output", path, "--kubeconfig",
                                       bed.directory / "kubeconfig", "--usage-source", "kubelet", "--usage-interval", "2s",
                                       "--driver-metrics", "observed")
        time.sleep(2)  # it lists what is there

    def stop(self):
        self.process.stop()


def compressed(source, target):
    """Smaller than gzip at its best, and what Spark itself writes."""
    subprocess.run(["zstd", "-q", "-19", "-f", str(source), "-o", str(target)], check=True)


def record(bed, name, version, heap, outside, repetition):
    job = JOBS[name]
    events = STATE / "scratch/events"
    events.mkdir(parents=True, exist_ok=True)
    events.chmod(0o1777)
    for left in events.iterdir():
        left.unlink()
    conf = {**job.workload.conf, workloads.OVERHEAD: f"{outside}m", "spark.eventLog.enabled": "true", "spark.eventLog.dir": f"file://{events}",
            "spark.eventLog.logStageExecutorMetrics": "true", "spark.executor.processTreeMetrics.enabled": "true", "spark.eventLog.logBlockUpdates.enabled": "true"}
    workload = job.workload.but(heap=f"{heap}m", conf=conf)
    seen = bed.directory / "log.ndjson"
    recorder = Recorder(bed, seen)
    try:
        run = bed.spark("--cluster", *workload.arguments(name, {
            "spark.kubernetes.driver.annotation.sparkfit.io/signature": name}), version=version, timeout=900, check=False)
    finally:
        recorder.stop()
    kept = f"{version}-{heap}+{outside}-{repetition}"
    (RESULTS / name).mkdir(parents=True, exist_ok=True)
    with gzip.GzipFile(RESULTS / name / f"{kept}.ndjson.gz", "wb", mtime=0) as file:
        file.write(seen.read_bytes())
    written = sorted(events.iterdir())
    said = told(written[0].open(encoding="utf-8")) if written else {}
    if written:
        compressed(written[0], RESULTS / name / f"{kept}.events.zst")
    row = {"version": version, "heap": heap, "outside": outside, "repetition": repetition, "ok": run.ok,
           "seconds": round(max(e.ended for e in run.executors) - min(e.created for e in run.executors), 1) if run.executors else None,
           "lost": sum(e.lost for e in run.executors), "ends": sorted({e.exit_code for e in run.executors if e.lost}, key=str),
           "executors": len(run.executors), "peak": run.peak, **said}
    with (RESULTS / f"{name}.ndjson").open("a") as file:
        file.write(json.dumps(row) + "\n")
    log(f"{name} {kept}: {row}")


def record_all(names, minutes):
    RESULTS.mkdir(exist_ok=True)
    directory = ROOT / "build/fit"
    directory.mkdir(parents=True, exist_ok=True)
    bed = testbed.Testbed(directory)
    bed.prepare()
    kubectl("apply", "-f", ROOT / "manifests/rbac-kubelet.yaml")
    bed.tables()
    deadline = time.monotonic() + 60 * minutes
    todo = sorted(((point[3], name, point) for name in names for point in missing(name)), key=lambda item: item[0])
    for done, (_, name, point) in enumerate(todo):
        if time.monotonic() > deadline:
            log(f"{len(todo) - done} runs are left")
            return
        record(bed, name, *point)


def sizes_of(rows):
    """The runs of each size, the smallest heap first; of one version, and with the usual part outside of the heap."""
    sizes = {}
    for row in rows:
        if row["outside"] == max(int(row["heap"] * PYTHON_FACTOR), LEAST_BESIDE):
            sizes.setdefault(row["heap"], []).append(row)
    return dict(sorted(sizes.items()))


def collected(runs):
    shares = [run["gc_ms"] / run["task_ms"] for run in runs if run.get("task_ms")]
    return statistics.median(shares) if shares else 0


def why_not(runs, roomiest, best):
    """What speaks against a size: the four ways in which less memory hurts, and the clock."""
    if not all(run["ok"] for run in runs):
        return "fails"
    if any(run["lost"] for run in runs):
        return "dies"
    if collected(runs) > collected(roomiest) + MORE_COLLECTED:
        return "collects more"
    if statistics.median(r["cached"] for r in runs) < HELD * statistics.median(r["cached"] for r in roomiest):
        return "loses what is cached"
    if statistics.median(r["spilled_disk"] for r in runs) > 0 and not any(r["spilled_disk"] for r in roomiest):
        return "spills"
    if statistics.median(r["seconds"] for r in runs) > SLOWEST * best:
        return "slower"
    return None


def judged(rows):
    """(heap, runs, why not or None) of each size."""
    sizes = sizes_of(rows)
    well = [runs for runs in sizes.values() if all(r["ok"] and not r["lost"] for r in runs)]
    if not well:
        return [(heap, runs, "fails") for heap, runs in sizes.items()]
    best = min(statistics.median(r["seconds"] for r in runs) for runs in well)
    return [(heap, runs, why_not(runs, well[-1], best)) for heap, runs in sizes.items()]


def smallest(judgements):
    """The smallest heap from which on nothing speaks against any."""
    fine = None
    for heap, runs, why in reversed(judgements):
        if why:
            break
        fine = heap, runs
    return fine


def print_table(names):
    print("| job | Spark | smallest heap + outside, MiB | highest working set | at each heap: seconds, collections, what speaks against it |")
    print("|---|---|---|---|---|")
    for name in names:
        for version in JOBS[name].versions:
            judgements = judged([row for row in rows_of(name) if row["version"] == version])
            if not judgements:
                continue
            found = smallest(judgements)
            size, peak = "more than all", ""
            if found:
                size = f"{found[0]} + {found[1][0]['outside']}"
                peak = f"{max(r['peak'] or 0 for r in found[1]):.0f}"
            cells = "; ".join(f"{heap}: {statistics.median(r['seconds'] or 0 for r in runs):.0f} s, {collected(runs):.1%}{', ' + why if why else ''}"
                              for heap, runs, why in judgements)
            print(f"| {name} | {version} | {size} | {peak} | {cells} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("record", "table", "list"))
    parser.add_argument("jobs", nargs="*", metavar="JOB")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no further run after so long")
    arguments = parser.parse_args()
    unknown = set(arguments.jobs) - set(JOBS)
    if unknown:
        parser.error(f"no job {', '.join(sorted(unknown))}; there are {', '.join(JOBS)}")
    names = arguments.jobs or list(JOBS)
    if arguments.what == "record":
        record_all(names, arguments.minutes)
    elif arguments.what == "table":
        print_table(names)
    else:
        for name in names:
            every = len(list(points(JOBS[name])))
            print(f"{name:20} {every - len(missing(name))} of {every} runs")


if __name__ == "__main__":
    main()
