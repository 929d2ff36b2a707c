# SPDX-License-Identifier: Apache-2.0
"""What a run of a Spark application looked like from outside: its executors, their ends, what they used."""
import calendar
import dataclasses
import json
import os
import re
import signal
import subprocess
import threading
import time

CONTAINER = "spark-kubernetes-executor"
OURS = ("sparkfit.io/", "emr-containers.amazonaws.com/")
WORKING_SET = re.compile(
    r'^container_memory_working_set_bytes\{container="' + CONTAINER + r'",namespace="jobs",pod="([^"]+)"\} (\S+)', re.MULTILINE)
MIB = 1 << 20


def seconds_since_epoch(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) if text else None


def mib(text):
    """Of a quantity or a Spark size as Spark itself writes them."""
    if text is None:
        return None
    factor = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024, "m": 1, "g": 1024, "k": 1 / 1024}
    number, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", text).groups()
    return int(number) * factor[unit] if unit else int(number) / MIB


@dataclasses.dataclass
class Executor:
    """One executor pod; sizes in MiB, times in seconds since the epoch."""
    name: str
    uid: str
    application: str
    request: float
    limit: float
    heap: float
    annotations: dict
    created: float
    ended: float = None
    exit_code: int = None
    reason: str = None
    deleted_first: bool = False
    peak: float = None

    @property
    def lost(self):
        """Died of itself. 143 after a deletion is normal: the driver had ended."""
        return self.exit_code not in (None, 0) and not (self.deleted_first and self.exit_code == 143)

    @property
    def out_of_memory(self):
        return self.reason == "OOMKilled" or self.exit_code in (52, 137) and not self.deleted_first

    @property
    def gib_hours(self):
        return self.request / 1024 * (self.ended - self.created) / 3600


@dataclasses.dataclass
class Run:
    """A run of an application: how long from submission to end, and whether it did what it should."""
    name: str
    ok: bool
    seconds: float
    output: str
    executors: list

    @property
    def gib_hours(self):
        return sum(executor.gib_hours for executor in self.executors)

    @property
    def ooms(self):
        return [executor for executor in self.executors if executor.out_of_memory]

    @property
    def request(self):
        """The largest request, MiB: in a job without trouble all are equal."""
        return max((executor.request for executor in self.executors), default=None)

    @property
    def peak(self):
        return max((executor.peak for executor in self.executors if executor.peak), default=None)

    @property
    def work_seconds(self):
        """Without the time that Spark takes to start: what the job says itself (client mode)."""
        said = re.search(r"^OK .* (\S+)$", self.output, re.MULTILINE)
        return float(said.group(1)) if said else None

    def row(self, **more):
        """For the record in build/e2e, from which tools/plot-e2e draws."""
        return {"job": self.name, "ok": self.ok, "seconds": round(self.seconds, 1), "work_seconds": self.work_seconds,
                "gib_hours": round(self.gib_hours, 4), "request_mib": self.request, "peak_mib": self.peak,
                "ooms": len(self.ooms), "lost": sum(executor.lost for executor in self.executors), **more,
                "executors": [dataclasses.asdict(executor) for executor in self.executors]}


def executor_of(pod):
    container = next(c for c in pod["spec"]["containers"] if any(e["name"] == "SPARK_EXECUTOR_MEMORY" for e in c.get("env", [])))
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    resources = container.get("resources", {})
    meta = pod["metadata"]
    return Executor(
        meta["name"], meta["uid"], meta["labels"].get("spark-app-selector"), mib(resources.get("requests", {}).get("memory")),
        mib(resources.get("limits", {}).get("memory")), mib(env["SPARK_EXECUTOR_MEMORY"]),
        {k: v for k, v in meta.get("annotations", {}).items() if k.startswith(OURS)}, seconds_since_epoch(meta["creationTimestamp"]))


class Watch:
    """The executors and the driver of the applications of one name, from now until stop()."""

    def __init__(self, cluster, keys, name):
        self.executors, self.drivers, self.peaks, self.children = {}, {}, {}, []
        self.begun = int(time.time())
        self.follow(self.pods, [cluster, "exec", "kubectl", "get", "pods", "-n", "jobs", "-l", f"spark-app-name={name}",
                                "--watch", "--output-watch-events", "-o", "json"])
        kubelet = (f"while sleep 1; do curl -s --cacert {keys}/ca.crt --cert {keys}/admin.crt --key {keys}/admin.key "
                   "https://10.244.255.1:10250/metrics/resource; done")
        self.follow(self.usage, [cluster, "exec", "bash", "-c", kubelet])

    def follow(self, consume, command):
        child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True, start_new_session=True)
        thread = threading.Thread(target=consume, args=(child.stdout,), daemon=True)
        thread.start()
        self.children.append((child, thread))

    def pods(self, stream):
        for line in stream:
            event = json.loads(line)
            self.see(event["type"], event["object"])

    def see(self, kind, pod):
        meta, role = pod["metadata"], pod["metadata"]["labels"].get("spark-role")
        if seconds_since_epoch(meta["creationTimestamp"]) < self.begun:
            return  # an earlier run's
        if role == "driver":
            self.drivers[meta["uid"]] = pod["status"].get("phase")
            return
        executor = self.executors.get(meta["uid"])
        if executor is None:
            executor = self.executors[meta["uid"]] = executor_of(pod)
        for status in pod["status"].get("containerStatuses", []):
            end = status.get("state", {}).get("terminated")
            if end and executor.exit_code is None and status["name"] == CONTAINER:
                executor.exit_code, executor.reason = end["exitCode"], end.get("reason")
                executor.ended = seconds_since_epoch(end.get("finishedAt")) or time.time()
        if executor.exit_code is None and meta.get("deletionTimestamp"):
            executor.deleted_first = True
        if kind == "DELETED" and executor.ended is None:
            executor.ended = time.time()

    def usage(self, stream):
        for line in stream:
            seen = WORKING_SET.match(line)
            if seen:
                pod, value = seen.group(1), float(seen.group(2)) / MIB
                self.peaks[pod] = max(self.peaks.get(pod, 0), value)

    def stop(self, patience=45):
        """The executors seen, all ended or the patience over."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and any(executor.ended is None for executor in list(self.executors.values())):
            time.sleep(0.2)
        for child, thread in self.children:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait(10)
            thread.join(10)
        for executor in self.executors.values():
            executor.ended = executor.ended or time.time()
            executor.peak = round(self.peaks[executor.name], 1) if executor.name in self.peaks else None
        return sorted(self.executors.values(), key=lambda executor: (executor.created, executor.name))
