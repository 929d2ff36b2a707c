#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes an observation log of a made-up fleet: the same for the same arguments.

    tests/html/make_fleet.py fleet.ndjson.gz --signatures 3000 --executors 100000 [--hostile]

Jobs run daily or hourly over some days; a few grow, a few are OOM-killed and come back larger, a few
live too short to be sampled. --hostile adds jobs whose names are attacks on a page.
"""
import argparse
import datetime
import gzip
import json
import random

START = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
TEAMS = ["etl", "ml", "marketing", "finance", "search", "risk"]
WORDS = ["orders", "revenue", "sessions", "features", "clicks", "invoices", "users", "inventory", "events", "scores"]
HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror=\"window.hacked = 1\">",
    "\u202egnp.drowssap\u202c rtl override",
    "שלום עולם nightly",
    "{{data}} &lt;b&gt; %00 ' \" `${window.hacked = 1}`",
    "w" * 253,
]
KINDS = ["steady"] * 7 + ["growing", "oom", "short"]


def stamp(ms):
    return (START + datetime.timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pod(executor, phase, ended=None):
    status = {"phase": phase}
    if ended:
        reason, code, at = ended
        status["containerStatuses"] = [{"name": "spark-kubernetes-executor", "state": {"terminated": {
            "reason": reason, "exitCode": code, "finishedAt": stamp(at - at % 1000).replace(".000Z", "Z"), "containerID": executor["uid"]}}}]
    memory = f"{executor['size']}Mi"
    return {"metadata": {"name": executor["uid"], "namespace": executor["namespace"], "uid": executor["uid"],
                         "creationTimestamp": stamp(executor["created"]).replace(".000Z", "Z"),
                         "labels": {"spark-role": "executor", "spark-app-selector": executor["run"]},
                         "annotations": {"sparkfit.io/signature": executor["signature"]}},
            "spec": {"containers": [{"name": "spark-kubernetes-executor",
                                     "resources": {"limits": {"memory": memory}, "requests": {"memory": memory}},
                                     "env": [{"name": "SPARK_EXECUTOR_MEMORY", "value": f"{executor['heap']}m"},
                                             {"name": "SPARK_EXECUTOR_CORES", "value": "2"}]}]},
            "status": status}


class Fleet:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.events = []  # (ms, order, kind, executor, value)

    def add(self, at, kind, executor, value=None):
        self.events.append((at, len(self.events), kind, executor, value))

    def job(self, index, name, executors, days):
        r = self.random
        namespace = TEAMS[index % len(TEAMS)]
        kind = KINDS[index % len(KINDS)]
        heap = r.choice([1024, 2048, 4096, 8192, 16384])
        need = heap * r.uniform(0.25, 0.95)
        per_run = max(1, min(6, executors // 8))
        runs = -(-executors // per_run)
        for run in range(runs):
            at = int((run + r.uniform(0, 0.1)) * days * 86_400_000 / runs) // 1000 * 1000
            factor = 1 + 0.6 * run / runs if kind == "growing" else r.uniform(0.93, 1.05)
            for number in range(min(per_run, executors - run * per_run)):
                size = heap + max(heap // 10, 384)
                executor = {"uid": f"{index}-{run}-{number}", "run": f"spark-{index}-{run}", "namespace": namespace, "signature": name,
                            "created": at + number * 1000, "heap": heap, "size": size}
                self.executor(executor, kind, need * factor * r.uniform(0.85, 1), run == 0)
            if kind == "oom" and run == 0:
                heap = int(heap * 1.5)

    def executor(self, executor, kind, need, first):
        r = self.random
        begin = executor["created"]
        life = r.randrange(5, 20) if kind == "short" else r.randrange(120, 2400)
        end = begin + life * 1000
        self.add(begin, "new", executor)
        self.add(begin + 700, "run", executor)
        samples = 0 if kind == "short" else min(8, 2 + life // 120)
        for i in range(1, samples + 1):
            level = need * (0.55 + 0.45 * min(1, i / 4)) * r.uniform(0.94, 1)
            self.add(begin + life * 1000 * i // (samples + 1), "use", executor, int(level * 1024))
        killed = kind == "oom" and first
        self.add(end, "end", executor, ("OOMKilled", 137, end) if killed else ("Completed", 0, end))

    def write(self, path):
        with gzip.open(path, "wt", compresslevel=1) as file:
            def line(value):
                file.write(json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n")

            line({"type": "header", "version": 1})
            for at, _, kind, executor, value in sorted(self.events, key=lambda event: event[:2]):
                if kind == "use":
                    line({"t": stamp(at), "type": "usage", "object": {"metadata": {"name": executor["uid"], "namespace": executor["namespace"]},
                          "timestamp": stamp(at), "containers": [{"name": "spark-kubernetes-executor", "usage": {"memory": f"{value}Ki"}}]}})
                elif kind == "new":
                    line({"t": stamp(at), "type": "pod", "event": "ADDED", "object": pod(executor, "Pending")})
                elif kind == "run":
                    line({"t": stamp(at), "type": "pod", "event": "MODIFIED", "object": pod(executor, "Running")})
                else:
                    line({"t": stamp(at), "type": "pod", "event": "DELETED", "object": pod(executor, "Failed" if value[1] else "Succeeded", value)})


def make(path, signatures, executors, days=14, hostile=False, seed=1):
    fleet = Fleet(seed)
    names = [f"{WORDS[i % len(WORDS)]}-{WORDS[(i * 7 + 3) % len(WORDS)]}-{i:04d}" for i in range(signatures)]
    for index, name in enumerate(names + (HOSTILE if hostile else [])):
        fleet.job(index, name, max(1, executors // signatures + (index < executors % signatures)), days)
    fleet.write(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--signatures", type=int, default=3000)
    parser.add_argument("--executors", type=int, default=100000)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--hostile", action="store_true")
    arguments = parser.parse_args()
    make(arguments.output, arguments.signatures, arguments.executors, arguments.days, arguments.hostile)


if __name__ == "__main__":
    main()
