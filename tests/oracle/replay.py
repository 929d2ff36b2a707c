#!/usr/bin/env python3
"""Independent, slow and plain reading of `sparkfit replay -o json`.

    replay.py FILE... [--at TIME] [--policy SPEC]

Reads observation logs (contract section 5) and prints one JSON object per key
(namespace + signature + profile).  `explanation` is always "".  Comments name
the rule of the contract that a piece follows: D1 = words, D2 = names and
opt-in, D3 = objects, D4 = history, policies, guards, split, D5 = formats.
"""
import argparse
import datetime
import gzip
import heapq
import json
import math
import os
import re
import struct

import spec
from histogram import DecayingHistogram, with_margin

MIB = 1 << 20
SMALLEST_HEAP = 512 * MIB           # D4: what admission would refuse
POLICY_LEAST = 100 * MIB            # D4: `percentile`, at least 100 MiB
IDLE_END_MS = 10 * 60_000           # D1: an application without executor
SEAL_MS = 60_000                    # D4: an ended executor stays in the overlay
RETENTION_MS = 90 * 86_400_000      # D3: retention
ESCALATION = 2.0                    # D4: second and later steps
CRASHES = (4, 5, 6, 7, 8, 11, 31)   # signals by a process's own fault
TAKEN_DOWN = re.compile(r"Evicted|Preempt|Terminated|Shutdown|NodeShutdown|NodeLost|DeadlineExceeded|OutOf|NodeAffinity")
REFUTATIONS = 3                     # runs that end a bracket
BESIDE_A_HEAP = 120 * MIB           # what a JVM uses at least outside of its heap
REMEMBERED_RUNS = 40
NODES_MS = 7 * 86_400_000           # nodes that are gone

OWN = "sparkfit.io/"
EMR = "emr-containers.amazonaws.com/dynamic.sizing."
# D2: own key before EMR's; EMR's alias after its documented key.
SETTINGS = {
    "signature": [OWN + "signature", EMR + "signature"],
    "min": [OWN + "min-memory", EMR + "scale.memory.min", EMR + "memory.min"],
    "max": [OWN + "max-memory", EMR + "scale.memory.max", EMR + "memory.max"],
    "policy": [OWN + "policy"],
}


# ------------------------------------------------------------------ small helpers

def parse_time(text):
    """RFC 3339 -> integer milliseconds since the epoch."""
    match = re.fullmatch(r"(\d+-\d+-\d+T\d+:\d+:\d+)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    whole, fraction, zone = match.groups()
    moment = datetime.datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone))
    return int(moment.timestamp()) * 1000 + int(((fraction or "") + "000")[:3])


def ceil_mib(size):
    return math.ceil(size / MIB) * MIB


def floor_mib(size):
    return size // MIB * MIB


def parse_heap(text):
    """A JVM size (`2048m`, `4g`, MiB without a unit) or a Kubernetes quantity."""
    match = re.fullmatch(r"(\d+)\s*([kmgtKMGT]?)[bB]?", text.strip())
    if not match:
        return spec.parse_bytes(text)
    scale = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "": 1 << 20}
    return int(match[1]) * scale[match[2].lower()]


def full_heap_exits(variable):
    """The exit codes by which the JVM options in one variable end a JVM with a full heap."""
    exits = set()
    if re.search(r"-XX:\+ExitOnOutOfMemoryError(?![\w])", variable):
        exits.add(3)
    if re.search(r"-XX:\+CrashOnOutOfMemoryError(?![\w])", variable):
        exits.add(134)
    for commands in re.findall(r"-XX:OnOutOfMemoryError=(.*?)(?=[\s'\"]-[XD]|$)", variable, re.DOTALL):
        for command in re.split(r"[;|&\n]", commands):
            words = re.sub(r"['\"]", " ", command).split()
            names = [os.path.basename(word) for word in words]
            if not {"kill", "pkill", "killall"} & set(names):
                continue
            signal = re.search(r" -(?:-signal[ =]|[sn] +)?(?:SIG)?(9|KILL|15|TERM|3|QUIT)(?= |$)", " ".join(words))
            code = {"9": 137, "KILL": 137, "3": None, "QUIT": None}.get(signal[1] if signal else "TERM", 143)
            exits |= {code} - {None}
    return exits


def quantity_or_none(text):
    try:
        return spec.parse_bytes(text)
    except (ValueError, ZeroDivisionError):
        return None


# ------------------------------------------------------------------ overhead and split (D4)

def default_overhead(factor, heap):
    """max(floor(f x heap), 384 MiB) in whole MiB, as Spark computes it."""
    return max(int(factor * (heap // MIB)), 384) * MIB


def overhead_class(limit, heap):
    """'0.1', '0.4' or 'explicit'; None when the pod shows no heap."""
    if heap is None or limit is None:
        return None
    for name in ("0.1", "0.4"):
        if limit - heap == default_overhead(float(name), heap):
            return name
    return "explicit"


def beside(heap, kind, explicit, least):
    """The overhead that belongs beside a heap: default recomputed, of an explicit one as much as
    Spark would give; and what an OOM asked for."""
    if kind is None:
        return least
    if kind == "explicit":
        own = min(explicit, default_overhead(0.1, heap))
    else:
        own = default_overhead(float(kind), heap)
    return max(own, least)


def split(total, kind, explicit, least, wanted):
    """Total -> (heap, overhead), or (None, None) when the heap would be too small.  `wanted`: the
    most that the heap gets where the overhead is explicit."""
    if kind is None:
        return None, None
    heap = floor_mib(total if kind != "explicit" else min(total, max(wanted, SMALLEST_HEAP)))
    while heap > 0 and heap + beside(heap, kind, explicit, least) > total:
        heap -= MIB
    if heap < SMALLEST_HEAP:
        return None, None
    return heap, total - heap


def as_float_up(size):
    """The smallest 32-bit float that is no less: what a run remembers of its peak."""
    (near,) = struct.unpack("<f", struct.pack("<f", size))
    if near < size:
        (bits,) = struct.unpack("<I", struct.pack("<f", near))
        (near,) = struct.unpack("<f", struct.pack("<I", bits + 1))
    return int(near)


# ------------------------------------------------------------------ pods

def find_container(pod):
    """The executor's container: by name, else by SPARK_EXECUTOR_MEMORY, else the first."""
    containers = pod.get("spec", {}).get("containers", [])
    for container in containers:
        if container.get("name") == "spark-kubernetes-executor":
            return container
    for container in containers:
        if any(e.get("name") == "SPARK_EXECUTOR_MEMORY" for e in container.get("env", [])):
            return container
    return containers[0] if containers else {}


def lookup(setting, pods):
    """D2: executor before driver, own key before EMR's, annotation before label."""
    for pod in pods:
        for key in SETTINGS[setting]:
            for kind in ("annotations", "labels"):
                value = pod.get("metadata", {}).get(kind, {}).get(key)
                if value:
                    return value
    return None


class PodFacts:
    """What one event says about an executor's pod."""

    def __init__(self, pod, event):
        meta, status = pod["metadata"], pod.get("status", {})
        annotations = meta.get("annotations", {})
        labels = meta.get("labels", {})
        container = find_container(pod)
        self.container = container.get("name")
        resources = container.get("resources", {})
        env = {e["name"]: e.get("value", "") for e in container.get("env", [])}

        limit = resources.get("limits", {}).get("memory")
        request = resources.get("requests", {}).get("memory")
        self.limit = spec.parse_bytes(limit or request) if limit or request else None
        self.request = spec.parse_bytes(request or limit) if limit or request else None
        self.heap = parse_heap(env["SPARK_EXECUTOR_MEMORY"]) if "SPARK_EXECUTOR_MEMORY" in env else None

        # The submitted size: what admission wrote down before patching, else the live one.
        self.submitted_limit, self.submitted_heap = self.limit, self.heap
        if OWN + "original-memory" in annotations:
            self.submitted_limit = spec.parse_bytes(annotations[OWN + "original-memory"])
            below = annotations.get(OWN + "original-request")
            self.request = min(spec.parse_bytes(below), self.submitted_limit) if below else self.submitted_limit
        if OWN + "original-heap" in annotations:
            self.submitted_heap = parse_heap(annotations[OWN + "original-heap"])

        # D1: shape = cores, overhead class of the submitted size and release line of Spark.
        self.kind = overhead_class(self.submitted_limit, self.submitted_heap)
        line = ".".join(labels.get("spark-version", "").split(".")[:2])
        self.shape = (env.get("SPARK_EXECUTOR_CORES"), self.kind, line)
        self.explicit = (None if self.kind is None else self.submitted_limit - self.submitted_heap)

        self.profile = int(labels.get("spark-exec-resourceprofile-id", "0") or "0")
        self.owner = next((o["uid"] for o in meta.get("ownerReferences", []) if "uid" in o), None)
        # D1: application = label, else the owner's UID, else the pod's.
        self.application = labels.get("spark-app-selector") or self.owner or meta["uid"]
        self.created = parse_time(meta["creationTimestamp"])

        self.deleted = bool(meta.get("deletionTimestamp"))
        self.disrupted = bool(TAKEN_DOWN.match(status.get("reason") or "")) or any(
            c.get("type") == "DisruptionTarget" and c.get("status") == "True"
            for c in status.get("conditions", []))
        own_status = next((s for s in status.get("containerStatuses", [])
                           if s.get("name") == self.container), {})
        self.container_id = own_status.get("containerID")
        self.terminated = own_status.get("state", {}).get("terminated")
        self.last_terminated = own_status.get("lastState", {}).get("terminated")
        self.phase = phase = status.get("phase")
        self.restarts = pod.get("spec", {}).get("restartPolicy") == "Always"
        self.ran = ("running" in own_status.get("state", {}) or bool(self.terminated)
                    or phase in ("Running", "Succeeded", "Failed"))
        self.over = (event == "DELETED" or phase in ("Succeeded", "Failed")
                     or bool(self.terminated) and not self.restarts)
        self.full_heap_exits = set().union({52}, *(full_heap_exits(value) for value in env.values()))

    def end_kind(self, terminated, full):
        """docs/behaviour.md, "How an executor ended", for one terminated state: 'container',
        'heap', 'unknown', or None for whatever raises and counts nothing.  `full`: its latest
        sample was within a minute of the end and at 95 % of the limit."""
        code, reason = terminated.get("exitCode"), terminated.get("reason") or ""
        if reason == "OOMKilled":
            return "container"
        if reason in ("StartError", "ContainerCannotRun"):
            return None
        taken_down = self.deleted or self.disrupted or TAKEN_DOWN.match(reason)
        if reason == "ContainerStatusUnknown":
            return None if taken_down else "unknown"
        from_outside = 128 < code <= 192 and code - 128 not in CRASHES
        if code in self.full_heap_exits and not (from_outside and taken_down):
            return "heap"
        if taken_down or not from_outside:
            return None
        return "container" if code == 137 and full else "unknown"

    def lost(self):
        """docs/behaviour.md: its end has another cause than `done` (OOMs aside)."""
        end = self.terminated
        taken_down = self.disrupted or end and bool(TAKEN_DOWN.match(end.get("reason") or ""))
        if end is None:
            return taken_down or self.phase == "Failed" and not self.deleted
        code, reason = end.get("exitCode"), end.get("reason") or ""
        if reason in ("StartError", "ContainerCannotRun") or 128 < code <= 192 and code - 128 in CRASHES:
            return True
        if taken_down or self.deleted:
            return taken_down
        return code != 0 or reason == "ContainerStatusUnknown"


# ------------------------------------------------------------------ history

class Executor:
    def __init__(self, pod, facts, order):
        meta = pod["metadata"]
        self.uid, self.namespace, self.name = meta["uid"], meta.get("namespace", ""), meta["name"]
        self.order = order
        self.pod, self.facts = pod, facts
        self.shape, self.kind = facts.shape, facts.kind
        self.created = facts.created
        self.limit, self.heap = facts.limit, facts.heap
        # What it was submitted with does not change while it runs.
        self.submitted_limit, self.submitted_heap = facts.submitted_limit, facts.submitted_heap
        self.request, self.explicit = facts.request, facts.explicit
        self.sizes = []                 # (since, (limit, heap)), from when it was seen to run
        self.ran = self.lost = False
        self.application = None
        self.samples = set()            # distinct time stamps: coverage
        self.highest = 0                # highest working set
        self.ooms = set()               # counted OOMs by container
        self.unclear = set()            # counted ends of unknown cause by container
        self.last_use = None            # (time, working set) of the latest sample
        self.container_oom_limit = None
        self.died_of = None             # the kind of its latest OOM
        self.ended_at = None            # when the end was seen
        self.end_time = None            # D4: finishedAt, else the event's
        self.sealed = False

    @property
    def sampled(self):
        return bool(self.samples)

    @property
    def comparable(self):
        """D1: other executors than those of the application's shape are not sampled."""
        return self.shape == self.application.shape

    def peak(self):
        """D1: highest working set; after a container OOM at least the limit."""
        if self.container_oom_limit is not None:
            return max(self.highest, self.container_oom_limit)
        return self.highest if self.sampled else None

    def often(self):
        """At least three samples tell."""
        return len(self.samples) >= 3

    def full(self, end):
        """Its latest sample, if of the last minute before the end, is at 95 % of its limit."""
        if self.last_use is None or not self.limit:
            return False
        at, used = self.last_use
        return end - at <= 60_000 and used >= self.limit - self.limit // 20

    def time(self):
        """D4: an ended one's finishedAt, a live one's latest sample."""
        if self.end_time is not None:
            return self.end_time
        return max(self.samples, default=None)


class Application:
    def __init__(self, identity, shape, started, order):
        self.identity, self.shape = identity, shape
        self.started, self.order = started, order
        self.executors = []
        self.owners = set()
        self.idle_since = None
        self.steps = 0                  # in-run escalation
        self.finished = False           # it told which size is enough
        self.stretch = None             # ((target, heap) at its start, executors) not judged yet
        self.over = False               # ended, and no executor since

    def alive(self):
        return any(e.ended_at is None for e in self.executors)


class Bracket:
    """What was too small of one part."""

    def __init__(self):
        self.too_small = 0              # the largest size that was
        self.enough = 0                 # what is given instead
        self.use = 0                    # who uses no more in all did not need more of the part
        self.kept_heap = 0              # after a container OOM: the dead executor's heap
        self.roomiest = 0               # the largest size of the part that a run went well with
        self.refuted = 0
        self.forgotten = 0              # how often it was: each time it takes twice as many runs

    def killed(self, size, use, kept_heap, asked):
        if size >= self.too_small:      # of the executor that had the most of the part
            self.too_small, self.use, self.kept_heap = size, use, kept_heap
        self.enough = max(self.enough, asked)
        self.refuted = 0
        if self.roomiest <= size:
            self.roomiest = 0

    def ask(self, asked):
        """Who died says nothing of the part."""
        self.enough = max(self.enough, asked)
        self.refuted = 0

    def went_well(self, size, used):
        self.roomiest = max(self.roomiest, size)
        refutes = size <= self.too_small or used <= self.use if self.too_small else self.enough
        if refutes:
            self.refuted += 1
            if self.refuted >= REFUTATIONS << self.forgotten:
                self.forgotten = min(4, self.forgotten + bool(self.too_small))
                self.too_small = self.enough = self.use = self.kept_heap = self.refuted = 0


PARTS = "heap", "outside"


def part_of(part, size):
    """An executor without a known heap is all outside."""
    limit, heap = size
    return (heap or 0) if part == "heap" else limit - (heap or 0)


class ShapeState:
    """What is remembered of one shape of one key."""

    def __init__(self):
        self.largest = 0                # B
        self.submitted = None           # (limit, heap) of the latest executor
        self.well = None                # W: the smallest (limit, heap) that a run went well with
        self.brackets = {"heap": Bracket(), "outside": Bracket()}

    def submit(self, size):
        """Whoever changes the size knows something of the job."""
        if self.submitted not in (None, size):
            self.well = None
            for bracket in self.brackets.values():
                bracket.roomiest = bracket.forgotten = 0
        self.submitted = size

    def least_heap(self):
        return max(self.brackets["heap"].enough, self.brackets["outside"].kept_heap)

    def least_outside(self):
        return self.brackets["outside"].enough

    def asks(self):
        return bool(self.least_heap() or self.least_outside())


class Key:
    def __init__(self, identity):
        self.identity = identity
        self.applications = {}
        self.executors = {}
        self.shapes = {}
        self.container_ooms = self.heap_ooms = self.unknown_ends = 0
        self.sealed = []                # executors in the order they were sealed
        self.last_seen = None
        self.asking = None              # an executor that is about to join
        self.judged = []                # (target, executors) of runs that are over
        self.settled = set()            # shapes of which an application ended with a sampled executor
        self.runs = []                  # [application, shape, highest use, sampled often], oldest first

    def shape(self, shape):
        return self.shapes.setdefault(shape, ShapeState())


# ------------------------------------------------------------------ the pipeline

class Replay:
    def __init__(self, policy):
        self.default_policy = policy
        self.keys = {}
        self.executors = {}             # uid -> Executor
        self.names = {}                 # (namespace, name) -> [Executor]
        self.ignored = set()            # UIDs known at a purge
        self.drivers = {}               # uid -> latest pod
        self.gone_drivers = set()
        self.objects = {}               # key -> {name: object}
        self.nodes = {}                 # name -> bytes
        self.former_nodes = []          # (until when it counts, bytes)
        self.now = 0
        self.order = 0

    def driver_of(self, pod, facts):
        """The owner, else the only driver of its namespace with its selector; a running one first."""
        meta = pod["metadata"]
        here = {uid: driver["metadata"] for uid, driver in self.drivers.items()
                if driver["metadata"].get("namespace") == meta.get("namespace")}
        if facts.owner in here:
            return self.drivers[facts.owner]
        selector = meta.get("labels", {}).get("spark-app-selector")
        alike = [uid for uid, driver in here.items()
                 if selector and driver.get("labels", {}).get("spark-app-selector") == selector]
        alike = [uid for uid in alike if uid not in self.gone_drivers] or alike
        return self.drivers[alike[0]] if len(alike) == 1 else {}

    # -- options

    def policy_of(self, key):
        """The user's policy, else the job's, else the default (D3)."""
        user = self.user_spec(key.identity).get("policy") or {}
        text = None
        if user.get("name"):
            options = ",".join(f"{k}={v}" for k, v in user.items() if k != "name")
            text = user["name"] + (":" + options if options else "")
        else:
            text = self.job_setting(key, "policy")
        try:
            return spec.parse(text) if text else self.default_policy
        except ValueError:
            return self.default_policy

    def user_spec(self, identity):
        winner = self.winner(identity)
        return (winner or {}).get("spec", {})

    def winner(self, identity):
        """D3: the oldest object for a key wins, equal ages by name."""
        objects = self.objects.get(identity, {}).values()
        return min(objects, default=None, key=lambda o: (
            parse_time(o["metadata"]["creationTimestamp"]) if "creationTimestamp" in o["metadata"] else 0,
            o["metadata"]["name"]))

    def newest(self, key):
        return max(key.executors.values(), key=lambda e: (e.created, e.order))

    def job_setting(self, key, setting):
        executor = key.asking or self.newest(key)
        return lookup(setting, [executor.pod, self.driver_of(executor.pod, executor.facts)])

    def bump(self, key, size, factor=None):
        """max(oomBump x size, size + oomBumpMin), rounded up to a whole MiB."""
        options = self.policy_of(key)[1]
        factor = options["oomBump"] if factor is None else factor
        return ceil_mib(max(factor * size, size + options["oomBumpMin"]))

    # -- time

    def advance(self, now):
        """Everything that happens by the passing of time alone, up to `now`."""
        self.now = max(self.now, now)
        for identity, key in list(self.keys.items()):
            # In due order: what a run shows can hang on what an earlier one showed.
            due = [(app.idle_since + IDLE_END_MS, 0, app.order, app) for app in key.applications.values()
                   if not app.over and app.idle_since is not None]
            due += [(e.end_time + SEAL_MS, 1, e.order, e) for e in key.executors.values()
                    if e.ended_at is not None and not e.sealed]
            for at, _, _, what in sorted(due, key=lambda d: d[:3]):
                if at > now:
                    break
                if isinstance(what, Application):
                    self.end_application(key, what)
                else:
                    self.seal(key, what)
            alive = any(e.ended_at is None for e in key.executors.values())
            if not alive and key.last_seen + RETENTION_MS <= now:
                del self.keys[identity]

    def seal(self, key, executor):
        executor.sealed = True
        key.sealed.append(executor)
        self.remember(key, executor)
        self.judge(key, executor.application)

    @staticmethod
    def remember(key, executor):
        """The latest 40 runs, by when each first sealed an executor."""
        app = executor.application
        if not executor.comparable or executor.peak() is None:
            return
        run = next((r for r in key.runs if r[0] == app.identity), None)
        if run is None:
            run = [app.identity, app.shape, 0, False]
            key.runs = (key.runs + [run])[-REMEMBERED_RUNS:]
        run[2] = max(run[2], as_float_up(executor.highest))
        run[3] = run[3] or executor.often()

    # -- pods

    def on_pod(self, t, event, pod):
        role = pod.get("metadata", {}).get("labels", {}).get("spark-role")
        if role == "driver":
            self.on_driver(t, event, pod)
        elif role == "executor":
            self.on_executor(t, event, pod)

    def on_driver(self, t, event, pod):
        uid = pod["metadata"]["uid"]
        self.drivers[uid] = pod
        phase = pod.get("status", {}).get("phase")
        if event == "DELETED" or phase in ("Succeeded", "Failed"):
            self.gone_drivers.add(uid)
            for key in list(self.keys.values()):
                for app in sorted(key.applications.values(), key=lambda a: a.order):
                    if uid in app.owners and not app.over:
                        self.end_application(key, app)

    def on_executor(self, t, event, pod):
        uid = pod["metadata"]["uid"]
        if uid in self.ignored:
            return
        facts = PodFacts(pod, event)
        executor = self.executors.get(uid)
        if executor is None:
            executor = self.new_executor(t, pod, facts)
            if executor is None:
                return                   # D2: no signature, not ours
        key = executor.application.key
        key.last_seen = t
        executor.pod, executor.facts = pod, facts
        if executor.ended_at is None:
            executor.limit, executor.heap = facts.limit, facts.heap

        # D4: B is the largest limit under which executors of this shape ran.
        shape = key.shape(executor.application.shape)
        executor.ran = executor.ran or facts.ran
        size = facts.limit, facts.heap
        if executor.ran and executor.ended_at is None and size not in [had for _, had in executor.sizes[-1:]]:
            executor.sizes.append((t, size))
        if facts.ran and executor.comparable and executor.limit is not None:
            shape.largest = max(shape.largest, executor.limit)

        for terminated in (facts.last_terminated, facts.terminated):
            if terminated:
                self.on_terminated(t, key, executor, facts, terminated)
        if facts.over and executor.ended_at is None:
            self.end_executor(t, key, executor, facts)

    def new_executor(self, t, pod, facts):
        signature = lookup("signature", [pod, self.driver_of(pod, facts)])
        if signature is None:
            return None
        self.order += 1
        executor = Executor(pod, facts, self.order)
        identity = (executor.namespace, signature, facts.profile)
        key = self.keys.get(identity)
        advised = None, None
        if key:                          # with the settings of the job as it is now
            key.asking = executor
            row = self.row(key)
            advised = row["targetBytes"], row["heapBytes"]
            key.asking = None
        if key is None:
            key = self.keys[identity] = Key(identity)
        app = key.applications.get(facts.application)
        if app is None:
            app = Application(facts.application, facts.shape, t, self.order)
            app.key = key
            key.applications[app.identity] = app
        executor.application = app
        app.executors.append(executor)
        app.over = False
        app.stretch = app.stretch or (advised, [])
        app.stretch[1].append(executor)
        app.idle_since = None
        driver = self.driver_of(pod, facts)
        app.owners |= {facts.owner, driver["metadata"]["uid"] if driver else None} - {None}
        key.executors[executor.uid] = executor
        self.executors[executor.uid] = executor
        self.names.setdefault((executor.namespace, executor.name), []).append(executor)
        if executor.comparable:
            key.shape(app.shape).submit((executor.submitted_limit, executor.submitted_heap))
        self.end_left_behind(key)
        return executor

    def end_executor(self, t, key, executor, facts):
        executor.ended_at = executor.end_time = t
        finished = (facts.terminated or {}).get("finishedAt")
        if finished:
            executor.end_time = parse_time(finished)
        executor.lost = facts.lost()
        app = executor.application
        if not app.alive():
            app.idle_since = max(e.end_time for e in app.executors)
        self.end_left_behind(key)
        self.learn_if_over(key, app)

    def end_left_behind(self, key):
        """D1: ended when a later application has started and it has no executor left."""
        latest = max(a.order for a in key.applications.values())
        for app in sorted(key.applications.values(), key=lambda a: a.order):
            if not app.over and app.order < latest and not app.alive():
                self.end_application(key, app)

    def end_application(self, key, app):
        app.over = True
        self.settle(key, app)
        self.judge(key, app)

    @staticmethod
    def settle(key, app):
        """A late sample may come after the end."""
        if app.over and any(e.sampled and e.comparable for e in app.executors):
            key.settled.add(app.shape)

    # -- past advice

    def judge(self, key, app):
        """A run is judged when it is over and all of its executors are sealed."""
        if app.over and app.stretch and all(e.sealed for e in app.stretch[1]):
            key.judged.append(app.stretch)
            app.stretch = None
        self.learn_if_over(key, app)

    def learn_if_over(self, key, app):
        """A run tells once which size is enough: when its driver was seen to end, else with its last late sample."""
        if not app.over or app.finished:
            return
        seen = self.outcome(app) and not app.alive() and any(e.often() for e in app.executors if e.comparable)
        if seen or all(e.sealed for e in app.executors):
            app.finished = True
            self.learn(key, app, app.executors)

    # -- what went well

    def outcome(self, app):
        """Of the run's driver: 'succeeded', 'failed', 'interrupted' or None."""
        for uid in app.owners & self.drivers.keys():
            phase = self.drivers[uid].get("status", {}).get("phase")
            if phase in ("Succeeded", "Failed"):
                return phase.lower()
            if uid in self.gone_drivers:
                return "interrupted"
        return None

    def learn(self, key, app, executors):
        """docs/algorithm.md, "What is proven": a run that went well."""
        ran = [e for e in executors if e.sizes]
        if not ran or self.outcome(app) in ("failed", "interrupted"):
            return
        size = next(s for e in ran[:1] for _, s in e.sizes)
        if size[0] is None or any(e.ooms or e.lost for e in executors):
            return
        if not any(e.comparable and e.often() for e in ran):
            return
        at_size = elsewhere = 0
        for e in (e for e in ran if e.comparable):
            since = [e.created] + [t for t, _ in e.sizes[1:]] + [e.end_time]
            for begin, end, (_, had) in zip(since, since[1:], e.sizes):
                lived = max(0, end - begin)
                at_size, elsewhere = at_size + lived * (had == size), elsewhere + lived * (had != size)
        if at_size < 9 * elsewhere:
            return
        shape = key.shape(app.shape)
        used = max(e.highest for e in ran if e.comparable)
        if used > size[0]:              # another one had more, and used it
            return
        for part, bracket in shape.brackets.items():
            bracket.went_well(part_of(part, size), used)
        enough = all(not b.too_small or part_of(part, size) > b.too_small for part, b in shape.brackets.items())
        if enough and (shape.well is None or size[0] < shape.well[0]):
            shape.well = size

    def accuracy(self, key):
        """The definitions of docs/algorithm.md, run by run."""
        counts = dict.fromkeys("runs coveredRuns sizedRuns coveredSizedRuns unknownRuns unadvisedRuns".split(), 0)
        hours = dict.fromkeys("wasteGiBHours missingGiBHours regretGiBHours".split(), 0.0)
        lacking = dict.fromkeys(PARTS, 0)
        waste = dict.fromkeys(PARTS, 0.0)
        for (target, heap), executors in key.judged:
            if target is None:
                counts["unadvisedRuns"] += 1
                continue
            executors = [e for e in executors if e.comparable]
            needs, undecided = [], False         # (need, hours)
            lacks, over = set(), dict.fromkeys(PARTS, 0.0)
            for e in executors:
                lived = max(0, e.end_time - e.created) / 3_600_000
                # A heap that does not fit its limit says nothing of the overhead.
                had = e.limit or 0, e.heap if e.heap is not None and e.heap <= (e.limit or 0) else None
                resized = len(e.sizes) > 1 and not e.ooms  # it may have used that with another size
                parts = PARTS if None not in (heap, had[1]) and not resized else ()
                advised = {part: part_of(part, (target, heap)) for part in parts}
                if e.ooms:
                    died = "heap" if e.died_of == "heap" else "outside"
                    of, enough = (part_of(died, had), advised[died]) if parts else (had[0], target)
                    if ceil_mib(of) < enough:
                        undecided = True
                        continue
                    lacks |= {died} & set(parts)
                    needs.append((target + max(0, of - enough) + 1, lived))
                elif e.peak() is not None:
                    peak, missing = e.peak(), 0
                    for part in parts:
                        other = next(p for p in PARTS if p != part)
                        lacked = max(0, peak - part_of(other, had) - advised[part])
                        if lacked:
                            lacks.add(part)
                        missing += lacked
                        over[part] += max(0, advised[part] - min(peak, part_of(part, had))) * lived
                    missing = max(missing, peak - target)
                    needs.append((target + missing if missing > 0 else peak, lived))
            covered = all(need <= target for need, _ in needs)
            if covered and (undecided or not needs):
                counts["unknownRuns"] += 1
                continue
            sized = any((e.limit, e.heap) != (e.submitted_limit, e.submitted_heap) for e in executors)
            counts["runs"] += 1
            counts["coveredRuns"] += covered
            counts["sizedRuns"] += sized
            counts["coveredSizedRuns"] += covered and sized
            if covered:
                for part in PARTS:
                    waste[part] += over[part]
                best = max(need for need, _ in needs)
                hours["wasteGiBHours"] += sum((target - need) * lived for need, lived in needs)
                hours["regretGiBHours"] += sum((target - best) * lived for _, lived in needs)
            else:
                for part in lacks:
                    lacking[part] += 1
                hours["missingGiBHours"] += sum(max(0, need - target) * lived for need, lived in needs)
                hours["regretGiBHours"] += sum(target * lived for need, lived in needs if need > target)
        if counts["runs"] == 0:
            return None
        counts |= {"lackingHeapRuns": lacking["heap"], "lackingOutsideRuns": lacking["outside"]}
        hours |= {"wasteHeapGiBHours": waste["heap"], "wasteOutsideGiBHours": waste["outside"]}
        return {**counts, **{name: value / (1 << 30) for name, value in hours.items()}}

    # -- out of memory

    def on_terminated(self, t, key, executor, facts, terminated):
        finished = terminated.get("finishedAt")
        kind = facts.end_kind(terminated, executor.full(parse_time(finished) if finished else t))
        # D3: counted by UID + container; without a restart there is only one.
        container = (terminated.get("containerID") or terminated.get("startedAt")) if facts.restarts else "only"
        if kind is None or container in executor.ooms:
            return
        if kind == "unknown":
            key.unknown_ends += container not in executor.unclear
            executor.unclear.add(container)
            return
        executor.ooms.add(container)
        self.on_oom(t, key, executor, kind)

    @staticmethod
    def with_fewer_cores(executor, shape):
        """Submitted with the same memory, all else alike: with more cores it would have died, too."""
        cores, kind, line = executor.shape
        others, their_kind, their_line = executor.application.shape
        return ((cores or "").isdigit() and (others or "").isdigit() and 1 <= int(cores) <= int(others)
                and kind == their_kind and line == their_line
                and shape.submitted == (executor.submitted_limit, executor.submitted_heap))

    def on_oom(self, t, key, executor, kind):
        # D1: the shape is the application's, also for an executor that is not sampled.
        app, shape = executor.application, key.shape(executor.application.shape)
        limit, heap = executor.limit, executor.heap
        executor.died_of = kind
        if kind == "container":
            key.container_ooms += 1
            executor.container_oom_limit = limit
        else:
            key.heap_ooms += 1
        if limit is None or not (executor.comparable or self.with_fewer_cores(executor, shape)):
            return

        if heap is not None and limit <= heap and (executor.submitted_limit or 0) > executor.submitted_heap:
            # Its limit was lowered below its heap: too little in all, and nothing of the parts.
            for name, asking in shape.brackets.items():
                asking.ask(part_of(name, (executor.submitted_limit, executor.submitted_heap)))
            if shape.well and shape.well[0] <= limit:
                shape.well = None
            return

        part = "heap" if kind == "heap" and heap is not None else "outside"
        bracket = shape.brackets[part]
        size = part_of(part, (limit, heap))
        roomy = bracket.roomiest
        if executor.submitted_limit is not None:
            roomy = max(roomy, part_of(part, (executor.submitted_limit, executor.submitted_heap)))
        asked = 0
        if size < bracket.enough:
            pass                        # it did not have what an earlier one asked for
        elif size < roomy:
            asked = roomy
        else:
            app.steps += 1
            factor = ESCALATION if app.steps > 1 else None
            asked = self.bump(key, heap if part == "heap" else limit, factor)
            if part == "outside":
                asked -= heap or 0
        if part == "heap":
            bracket.killed(size, heap, 0, asked)
        else:
            bracket.killed(size, limit, heap or 0, asked)
        # What went well with as little of the part is forgotten.
        if shape.well and part_of(part, shape.well) <= size:
            shape.well = None

    # -- usage

    def on_usage(self, t, metrics):
        """D4: a sample belongs to the pod running under that name at its time."""
        meta = metrics["metadata"]
        timestamp = parse_time(metrics["timestamp"])
        candidates = [e for e in self.names.get((meta.get("namespace", ""), meta["name"]), [])
                      if e.uid not in self.ignored and e.created <= timestamp
                      and (e.end_time is None or timestamp < e.end_time + 1000)]
        if not candidates:
            return
        executor = max(candidates, key=lambda e: (e.created, e.order))
        if executor.sealed or not executor.comparable:
            return
        usage = next((c.get("usage", {}).get("memory") for c in metrics.get("containers", [])
                      if c.get("name") == executor.facts.container), None)
        if usage is None:
            return
        key = executor.application.key
        key.last_seen = t
        executor.samples.add(timestamp)
        executor.highest = max(executor.highest, spec.parse_bytes(usage))
        if executor.last_use is None or timestamp >= executor.last_use[0]:
            executor.last_use = (timestamp, spec.parse_bytes(usage))

        self.settle(key, executor.application)
        # What has a sample has run.
        if executor.limit is not None:
            shape = key.shape(executor.shape)
            shape.largest = max(shape.largest, executor.limit)

    # -- recommendation objects and nodes

    def on_recommendation(self, t, event, obj):
        meta, fields = obj["metadata"], obj.get("spec", {})
        identity = (meta.get("namespace", ""), fields.get("signature", ""), int(fields.get("resourceProfile", 0)))
        objects = self.objects.setdefault(identity, {})
        objects[meta["name"]] = obj
        if event == "DELETED":
            purge = self.winner(identity)["metadata"]["name"] == meta["name"]
            del objects[meta["name"]]
            if purge and identity in self.keys:
                self.ignored.update(self.keys[identity].executors)
                del self.keys[identity]

    def on_node(self, t, event, node):
        name = node["metadata"]["name"]
        memory = node.get("status", {}).get("allocatable", {}).get("memory")
        size = spec.parse_bytes(memory) if event != "DELETED" and memory else None
        before = self.nodes.pop(name, None)
        if before is not None and before != size:
            self.former_nodes.append((t + NODES_MS, before))
        if size is not None:
            self.nodes[name] = size

    def largest_node(self, now):
        """Those that are there, and those of the last seven days."""
        return max([*self.nodes.values(), *(size for until, size in self.former_nodes if now <= until)], default=None)

    def on_line(self, t, line):
        kind = line.get("type")
        self.advance(t)
        if kind == "pod":
            self.on_pod(t, line["event"], line["object"])
        elif kind == "usage":
            self.on_usage(t, line["object"])
        elif kind == "recommendation":
            self.on_recommendation(t, line["event"], line["object"])
        elif kind == "node":
            self.on_node(t, line["event"], line["object"])

    # -- the recommendation

    def policy_numbers(self, key, counted, reference):
        """(target, lower, upper) of the policy in whole MiB, or None without history."""
        name, options = self.policy_of(key)
        peaks = [(e.peak(), e.time()) for e in counted]
        if name == "request":
            numbers = (reference.request,) * 3
        elif not peaks:
            return None
        elif name == "max":
            numbers = (int(max(p for p, _ in peaks) * (1 + options["margin"])),) * 3
        else:
            histogram = DecayingHistogram(options["halfLife"])
            for peak, time in peaks:
                histogram.add(peak, time)
            target, low, high = (with_margin(histogram.percentile(p), options["margin"])
                                 for p in (options["percentile"], 0.5, 0.95))
            target = max(target, POLICY_LEAST)
            numbers = (target, max(min(target, low), POLICY_LEAST), max(target, high))
        return tuple(ceil_mib(n) for n in numbers)

    def row(self, key):
        applications = sorted(key.applications.values(), key=lambda a: a.order)
        executors = list(key.executors.values())

        # D1 shape: that of the latest started application.
        shape = applications[-1].shape
        changed = any(a.shape != shape for a in applications)
        settled = shape in key.settled
        reference = max((e for e in executors if e.shape == shape), key=lambda e: (e.created, e.order))
        state = key.shape(shape)

        in_order = key.sealed + [e for e in executors if not e.sealed]
        with_peak = [e for e in in_order if e.comparable and e.peak() is not None]
        counted = [e for e in with_peak if not changed or not settled or e.shape == shape]

        numbers = self.policy_numbers(key, counted, reference)
        target = lower = upper = heap = overhead = None
        proven = self.proven_peak(key, shape if changed and settled else None)
        if numbers is not None or state.asks():
            target, lower, upper = (self.stages(key, n, state, reference, proven, changed and not settled)
                                    for n in (numbers or (0, 0, 0)))
            heap, overhead = self.split(target, state, reference, proven)
        namespace, signature, profile = key.identity
        return {
            "namespace": namespace, "signature": signature, "resourceProfile": profile,
            "applications": len(applications), "executors": len(executors),
            "containerOOMs": key.container_ooms, "heapOOMs": key.heap_ooms, "unknownEnds": key.unknown_ends,
            "peakBytes": max((e.peak() for e in with_peak), default=None),
            "requestBytes": reference.request,
            "targetBytes": target, "targetRequestBytes": self.request_for(target, reference, proven), "lowerBytes": lower, "upperBytes": upper,
            "heapBytes": heap, "overheadBytes": overhead, "accuracy": self.accuracy(key), "explanation": "",
        }

    @staticmethod
    def proven_peak(key, shape):
        """P of the remembered runs, live executors included; of one shape or of all. 0: unknown."""
        known = [(peak, often) for _, of, peak, often in key.runs if shape in (None, of)]
        known += [(e.highest, e.often()) for e in key.executors.values()
                  if not e.sealed and e.comparable and shape in (None, e.shape)]
        return max(peak for peak, _ in known) if any(often for _, often in known) else 0

    @staticmethod
    def well(state, reference):
        """W: the smallest size that a run went well with, else the submitted one."""
        return state.well or (reference.submitted_limit, reference.submitted_heap)

    @staticmethod
    def ran_out_of_memory(key, shape, state):
        """The latest run that is over: executors died in it, and those that lived had what is asked for since."""
        latest = max((a for a in key.applications.values() if a.over), key=lambda a: a.order, default=None)
        return state.asks() and latest and latest.shape == shape and any(e.ooms for e in latest.executors)

    def proof(self, key, state, reference, proven):
        limit, heap = self.well(state, reference)
        if limit is not None and self.ran_out_of_memory(key, reference.shape, state):
            return ceil_mib(max(limit, reference.submitted_limit))
        if not proven or limit is None:
            return 0
        if heap is None:
            return ceil_mib(min(limit, max(proven, state.least_outside())))
        heap = max(0, min(heap, proven - BESIDE_A_HEAP))
        return ceil_mib(min(limit, max(proven, heap + self.beside(heap, state, reference))))

    def asked_heap(self, state, reference, proven):
        """The heap that OOMs ask for; never less than is known to be enough where they ask at all."""
        heap = self.well(state, reference)[1]
        if heap is None or not state.asks():
            return state.least_heap()
        if proven:
            heap = min(heap, max(0, proven - BESIDE_A_HEAP))
        return max(state.least_heap(), ceil_mib(max(heap, SMALLEST_HEAP)))

    @staticmethod
    def beside(heap, state, reference):
        return math.ceil(beside(heap, reference.kind, reference.explicit, state.least_outside()))

    def split(self, total, state, reference, proven):
        wanted = self.well(state, reference)[1] or 0
        if proven:
            wanted = min(wanted, ceil_mib(proven * 11 / 10))    # rounded up: nothing smaller is proven
        wanted = max(wanted, self.asked_heap(state, reference, proven))
        return split(total, reference.kind, reference.explicit, state.least_outside(), wanted)

    @staticmethod
    def request_for(target, reference, proven):
        """One equal to the limit stays equal; one below it stays, at least P, at most the target."""
        if target is None or reference.request is None:
            return target
        if reference.request == reference.submitted_limit:
            return target
        return min(target, max(reference.request, ceil_mib(proven)))

    def stages(self, key, size, state, reference, proven, at_least_submitted):
        """In this order: policy, (step,) proof, guard, smallest, shape, OOM, user's min, ceiling."""
        size = max(size, self.proof(key, state, reference, proven))
        if state.largest:
            size = min(size, state.largest)
        if reference.kind is not None:
            size = max(size, SMALLEST_HEAP + self.beside(SMALLEST_HEAP, state, reference))
        if at_least_submitted and reference.submitted_limit is not None:
            size = max(size, reference.submitted_limit)
        if state.asks():
            least = self.asked_heap(state, reference, proven)
            size = max(size, least + self.beside(least, state, reference))
        low, high = self.bounds(key)
        if low is not None:
            size = max(size, low)
        if high is not None:
            # A ceiling counts in whole MiB: heap and overhead are given in these.
            return min(size, high // MIB * MIB if high >= MIB else high)
        node = self.largest_node(self.now)
        if node is not None:            # nodes limit growth alone
            size = min(size, max(floor_mib(node), state.largest))
        return size

    def bounds(self, key):
        """The user's min and max.  Of two in one place that contradict neither holds; the object's
        win over the job's."""
        memory = self.user_spec(key.identity).get("memory") or {}
        user, job = ([quantity_or_none(memory["min"]) if "min" in memory else None,
                      quantity_or_none(memory["max"]) if "max" in memory else None],
                     [self.asked_bound(key, "min"), self.asked_bound(key, "max")])
        for place in (user, job):
            if None not in place and place[0] > place[1]:
                place[:] = [None, None]
        low, high = (u if u is not None else j for u, j in zip(user, job))
        if None not in (low, high) and low > high:
            return user
        return low, high

    def asked_bound(self, key, setting):
        text = self.job_setting(key, setting)
        return quantity_or_none(text) if text else None

    def rows(self):
        return [self.row(self.keys[identity]) for identity in sorted(self.keys)]


# ------------------------------------------------------------------ files

def read_log(path):
    """(t, line) in file order; a header is checked, lines without t are skipped."""
    opener = gzip.open if open(path, "rb").read(2) == b"\x1f\x8b" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for text in lines:
            if not text.strip():
                continue
            line = json.loads(text)
            if line.get("type") == "header":
                if line.get("version") != 1:
                    raise SystemExit(f"{path}: version {line.get('version')} is not understood")
            elif "t" in line:
                yield parse_time(line["t"]), line


def replay_at(paths, moments, policy="percentile"):
    """The rows at each moment, in one pass; None stands for the end of the logs.

    Several logs are merged by t, ties in file order (D5).  Lines after a moment
    are not part of what is known then.
    """
    pipeline = Replay(spec.parse(policy))
    waiting = sorted(m for m in set(moments) if m is not None)
    found = {}
    now = None
    for t, line in heapq.merge(*(read_log(path) for path in paths), key=lambda pair: pair[0]):
        while waiting and waiting[0] < t:
            pipeline.advance(waiting[0])
            found[waiting.pop(0)] = pipeline.rows()
        if not waiting and None not in moments:
            break
        now = t
        pipeline.on_line(t, line)
    if None in moments and now is not None:
        found[None] = pipeline.rows()
    for moment in waiting:
        pipeline.advance(moment)
        found[moment] = pipeline.rows()
    return [found.get(moment, []) for moment in moments]


def replay(paths, at=None, policy="percentile"):
    return replay_at(paths, [at], policy)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--at", type=parse_time, metavar="TIME")
    parser.add_argument("--policy", default="percentile", metavar="SPEC")
    arguments = parser.parse_args()
    print(json.dumps(replay(arguments.files, arguments.at, arguments.policy), indent=2))


if __name__ == "__main__":
    main()
