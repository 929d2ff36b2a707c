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
import re

import spec
from histogram import DecayingHistogram, with_margin

MIB = 1 << 20
SMALLEST_HEAP = 512 * MIB           # D4: what admission would refuse
POLICY_LEAST = 100 * MIB            # D4: `percentile`, at least 100 MiB
IDLE_END_MS = 10 * 60_000           # D1: an application without executor
SEAL_MS = 60_000                    # D4: an ended executor stays in the overlay
RETENTION_MS = 90 * 86_400_000      # D3: retention
NODES_MS = 7 * 86_400_000           # a node that is gone is remembered
ESCALATION = 2.0                    # D4: second and later steps
FULL_CLEAN, ANY_CLEAN = 3, 10       # D4: expiry of an OOM floor

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


def overhead_for(heap, kind, explicit, least):
    """The overhead that goes with a heap: default recomputed, explicit kept."""
    own = explicit if kind == "explicit" else default_overhead(float(kind), heap)
    return max(own, least)


def split(total, kind, explicit, least):
    """Total -> (heap, overhead), or (None, None) when the heap would be too small."""
    if kind is None:
        return None, None
    if kind == "explicit":
        heap = floor_mib(total - max(explicit, least))
    else:
        heap = floor_mib(total)     # the largest h with h + overhead(h) <= total
        while heap > 0 and heap + overhead_for(heap, kind, explicit, least) > total:
            heap -= MIB
    if heap < SMALLEST_HEAP:
        return None, None
    return heap, total - heap


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
            self.request = self.submitted_limit
        if OWN + "original-heap" in annotations:
            self.submitted_heap = parse_heap(annotations[OWN + "original-heap"])

        # D1: shape = cores and overhead class of the submitted size.
        self.kind = overhead_class(self.submitted_limit, self.submitted_heap)
        self.shape = (env.get("SPARK_EXECUTOR_CORES"), self.kind)
        self.explicit = (None if self.kind is None else self.submitted_limit - self.submitted_heap)

        self.profile = int(labels.get("spark-exec-resourceprofile-id", "0") or "0")
        self.owner = next((o["uid"] for o in meta.get("ownerReferences", []) if "uid" in o), None)
        # D1: application = label, else the owner's UID, else the pod's.
        self.application = labels.get("spark-app-selector") or self.owner or meta["uid"]
        self.created = parse_time(meta["creationTimestamp"])

        self.deleted = event == "DELETED" or "deletionTimestamp" in meta
        self.disrupted = status.get("reason") in ("Evicted", "Preempting", "Preempted") or any(
            c.get("type") == "DisruptionTarget" and c.get("status") == "True"
            for c in status.get("conditions", []))
        own_status = next((s for s in status.get("containerStatuses", [])
                           if s.get("name") == self.container), {})
        self.container_id = own_status.get("containerID")
        self.terminated = own_status.get("state", {}).get("terminated")
        self.last_terminated = own_status.get("lastState", {}).get("terminated")
        phase = status.get("phase")
        self.restarts = pod.get("spec", {}).get("restartPolicy") == "Always"
        self.ran = ("running" in own_status.get("state", {}) or bool(self.terminated)
                    or phase in ("Running", "Succeeded", "Failed"))
        self.over = (event == "DELETED" or phase in ("Succeeded", "Failed")
                     or bool(self.terminated) and not self.restarts)
        self.exits_on_oom = any("-XX:+ExitOnOutOfMemoryError" in value for value in env.values())

    def oom_kind(self, terminated):
        """D1: 'container', 'heap' or None for one terminated state."""
        code = terminated.get("exitCode")
        if terminated.get("reason") == "OOMKilled":
            return "container"
        if code == 137 and not self.deleted and not self.disrupted:
            return "container"
        if code == 52 or code == 3 and self.exits_on_oom:
            return "heap"
        return None


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
        self.application = None
        self.samples = set()            # distinct time stamps: coverage
        self.highest = 0                # highest working set
        self.ooms = set()               # counted OOMs by container
        self.container_oom_limit = None
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
        self.ended = False
        self.counted = False            # for the floor
        self.ooms = 0
        self.step = 0                   # in-run escalation
        self.stretch = None             # (target at its start, executors) not judged yet
        self.over = False               # ended, and no executor since
        self.asked = (0, 0)             # largest (heap, overhead) that its OOMs asked for

    def alive(self):
        return any(e.ended_at is None for e in self.executors)


class ShapeState:
    """What the guard and the split remember of one shape of one key."""

    def __init__(self):
        self.largest = 0                # B
        self.raised_by_peak = False
        self.least_overhead = 0


class Floor:
    def __init__(self):
        self.heap = self.overhead = 0
        self.kind = self.since = None
        self.full = self.any = 0

    def total(self, least):
        return self.heap + max(self.overhead, least)

    def total_for(self, reference, least):
        """D4: after a heap OOM the heap is at least what it asked for, whatever the shape."""
        total = self.total(least)
        if self.kind != "heap" or not self.heap or reference.kind is None:
            return total
        return max(total, self.heap + overhead_for(self.heap, reference.kind, reference.facts.explicit, least))


class Key:
    def __init__(self, identity):
        self.identity = identity
        self.applications = {}
        self.executors = {}
        self.shapes = {}
        self.floor = None
        self.container_ooms = self.heap_ooms = 0
        self.sealed = []                # executors in the order they were sealed
        self.last_seen = None
        self.asking = None              # an executor that is about to join
        self.judged = []                # (target, executors) of runs that are over

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
        self.gone_nodes = []            # (when, bytes)
        self.now = 0
        self.order = 0

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
        return lookup(setting, [executor.pod, self.drivers.get(executor.facts.owner, {})])

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
            for app in sorted(key.applications.values(), key=lambda a: a.idle_since or 0):
                if not app.over and app.idle_since is not None and app.idle_since + IDLE_END_MS <= now:
                    self.end_application(key, app)
            ripe = [e for e in key.executors.values()
                    if e.ended_at is not None and not e.sealed and e.end_time + SEAL_MS <= now]
            for executor in sorted(ripe, key=lambda e: (e.end_time, e.order)):
                executor.sealed = True
                key.sealed.append(executor)
                self.judge(key, executor.application)
            alive = any(e.ended_at is None for e in key.executors.values())
            if not alive and key.last_seen + RETENTION_MS <= now:
                del self.keys[identity]

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
        executor.limit, executor.heap = facts.limit, facts.heap

        # D4: B is the largest limit under which executors of this shape ran.
        shape = key.shape(executor.application.shape)
        if facts.ran and executor.comparable and executor.limit is not None:
            shape.largest = max(shape.largest, executor.limit)

        for terminated in (facts.last_terminated, facts.terminated):
            if terminated:
                self.on_terminated(t, key, executor, facts, terminated)
        if facts.over and executor.ended_at is None:
            self.end_executor(t, key, executor, facts)

    def new_executor(self, t, pod, facts):
        signature = lookup("signature", [pod, self.drivers.get(facts.owner, {})])
        if signature is None:
            return None
        self.order += 1
        executor = Executor(pod, facts, self.order)
        identity = (executor.namespace, signature, facts.profile)
        key = self.keys.get(identity)
        target = None
        if key:                          # with the settings of the job as it is now
            key.asking = executor
            target = self.row(key)["targetBytes"]
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
        app.stretch = app.stretch or (target, [])
        app.stretch[1].append(executor)
        app.idle_since = None
        if facts.owner:
            app.owners.add(facts.owner)
        key.executors[executor.uid] = executor
        self.executors[executor.uid] = executor
        self.names.setdefault((executor.namespace, executor.name), []).append(executor)
        self.end_left_behind(key)
        return executor

    def end_executor(self, t, key, executor, facts):
        executor.ended_at = executor.end_time = t
        finished = (facts.terminated or {}).get("finishedAt")
        if finished:
            executor.end_time = parse_time(finished)
        app = executor.application
        if not app.alive():
            app.idle_since = max(e.end_time for e in app.executors)
        self.end_left_behind(key)

    def end_left_behind(self, key):
        """D1: ended when a later application has started and it has no executor left."""
        latest = max(a.order for a in key.applications.values())
        for app in sorted(key.applications.values(), key=lambda a: a.order):
            if not app.over and app.order < latest and not app.alive():
                self.end_application(key, app)

    def end_application(self, key, app):
        app.ended = app.over = True
        self.count_application(key, app)
        self.judge(key, app)

    # -- past advice

    def judge(self, key, app):
        """A run is judged when it is over and all of its executors are sealed."""
        if app.over and app.stretch and all(e.sealed for e in app.stretch[1]):
            key.judged.append(app.stretch)
            app.stretch = None

    def accuracy(self, key):
        """The definitions of docs/algorithm.md, run by run."""
        counts = dict.fromkeys("runs coveredRuns sizedRuns coveredSizedRuns unknownRuns unadvisedRuns".split(), 0)
        hours = dict.fromkeys("wasteGiBHours missingGiBHours regretGiBHours".split(), 0.0)
        for target, executors in key.judged:
            if target is None:
                counts["unadvisedRuns"] += 1
                continue
            executors = [e for e in executors if e.comparable]
            needs, undecided = [], False         # (need, hours)
            for e in executors:
                lived = max(0, e.end_time - e.created) / 3_600_000
                if e.ooms and ceil_mib(e.limit or 0) < target:
                    undecided = True
                elif e.ooms:
                    needs.append((max(e.limit, target) + 1, lived))
                elif e.peak() is not None:
                    needs.append((e.peak(), lived))
            covered = all(need <= target for need, _ in needs)
            if covered and (undecided or not needs):
                counts["unknownRuns"] += 1
                continue
            sized = any((e.limit, e.heap) != (e.facts.submitted_limit, e.facts.submitted_heap) for e in executors)
            counts["runs"] += 1
            counts["coveredRuns"] += covered
            counts["sizedRuns"] += sized
            counts["coveredSizedRuns"] += covered and sized
            if covered:
                best = max(need for need, _ in needs)
                hours["wasteGiBHours"] += sum((target - need) * lived for need, lived in needs)
                hours["regretGiBHours"] += sum((target - best) * lived for _, lived in needs)
            else:
                hours["missingGiBHours"] += sum(max(0, need - target) * lived for need, lived in needs)
                hours["regretGiBHours"] += sum(target * lived for need, lived in needs if need > target)
        if counts["runs"] == 0:
            return None
        return {**counts, **{name: value / (1 << 30) for name, value in hours.items()}}

    def count_application(self, key, app):
        """D4: the floor's expiry counts, once for an application that ended with a sampled
        executor; a late sample may come after its end."""
        if not app.ended or app.counted or not any(e.sampled and e.comparable for e in app.executors):
            return
        app.counted = True
        floor = key.floor
        if floor is None or app.started <= floor.since or app.ooms:
            return
        total = floor.total(key.shape(app.shape).least_overhead)
        floor.any += 1
        if all(e.limit is not None and e.limit >= total for e in app.executors):
            floor.full += 1
        if floor.full >= FULL_CLEAN or floor.any >= ANY_CLEAN:
            key.floor = None

    # -- out of memory

    def on_terminated(self, t, key, executor, facts, terminated):
        kind = facts.oom_kind(terminated)
        # D3: counted by UID + container; without a restart there is only one.
        container = (terminated.get("containerID") or terminated.get("startedAt")) if facts.restarts else "only"
        if kind is None or container in executor.ooms:
            return
        executor.ooms.add(container)
        self.on_oom(t, key, executor, kind)

    def on_oom(self, t, key, executor, kind):
        # D1: the shape is the application's, also for an executor that is not sampled.
        app, shape = executor.application, key.shape(executor.application.shape)
        limit, heap = executor.limit, executor.heap
        app.ooms += 1
        if kind == "container":
            key.container_ooms += 1
            executor.container_oom_limit = limit
        else:
            key.heap_ooms += 1
        if limit is None:
            return

        # D4 in-run escalation: a new step only if the dead executor had what was asked for,
        # by an OOM of this application or by the floor in force.
        factor = None
        asked_heap = max(app.asked[0], key.floor.heap if key.floor else 0)
        asked_overhead = max(app.asked[1], key.floor.overhead if key.floor else 0, shape.least_overhead)
        if app.step == 0:
            app.step = 1
        elif limit >= asked_heap + asked_overhead and (heap is None or heap >= asked_heap):
            app.step += 1
            factor = ESCALATION

        if kind == "heap" and heap is not None:
            new_heap = self.bump(key, heap, factor)
            if executor.kind == "explicit":
                asked = (new_heap, limit - heap)
            else:
                asked = (new_heap, default_overhead(float(executor.kind), new_heap))
        else:
            # D4 split: a container OOM grows the overhead, relative to the dead pod's sizes.
            kept = ceil_mib(heap or 0)
            asked = (kept, self.bump(key, limit, factor) - kept)
            if heap is not None:
                shape.least_overhead = max(shape.least_overhead, asked[1])
        app.asked = (max(app.asked[0], asked[0]), max(app.asked[1], asked[1]))

        # D4 guard: an OOM raises B to its F, and lets a peak raise it again.
        shape.largest = max(shape.largest, asked[0] + max(asked[1], shape.least_overhead))
        shape.raised_by_peak = False

        # D4 floor: componentwise; it restarts its count when it grows or did not help.
        floor = key.floor or Floor()
        helped = floor.since is not None and limit < floor.total(shape.least_overhead)
        grown = asked[0] > floor.heap or asked[1] > floor.overhead
        floor.heap, floor.overhead = max(floor.heap, asked[0]), max(floor.overhead, asked[1])
        if grown:
            floor.kind = kind
        if grown or not helped:
            floor.since, floor.full, floor.any = t, 0, 0
        key.floor = floor

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
        self.count_application(key, executor.application)

        # D4 guard: a peak in the last tenth of the overhead, without an OOM, once (used up
        # only when it raises B); what has a sample has run.
        shape, limit, heap = key.shape(executor.shape), executor.limit, executor.heap
        if limit is not None:
            shape.largest = max(shape.largest, limit)
        if executor.ooms or limit is None or heap is None or shape.raised_by_peak:
            return
        if 10 * (executor.highest - heap) > 9 * (limit - heap) and self.bump(key, limit) > shape.largest:
            shape.largest = self.bump(key, limit)
            shape.raised_by_peak = True

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
        if name in self.nodes:
            self.gone_nodes.append((self.now, self.nodes.pop(name)))
        memory = node.get("status", {}).get("allocatable", {}).get("memory")
        if event != "DELETED" and memory:
            self.nodes[name] = spec.parse_bytes(memory)

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
            numbers = (reference.facts.request,) * 3
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
        settled = any(a.shape == shape and a.ended and any(e.sampled and e.comparable for e in a.executors)
                      for a in applications)
        reference = max((e for e in executors if e.shape == shape), key=lambda e: (e.created, e.order))
        state = key.shape(shape)

        in_order = key.sealed + [e for e in executors if not e.sealed]
        with_peak = [e for e in in_order if e.comparable and e.peak() is not None]
        counted = [e for e in with_peak if not changed or not settled or e.shape == shape]

        numbers = self.policy_numbers(key, counted, reference)
        target = lower = upper = heap = overhead = None
        if numbers is not None or key.floor is not None:
            target, lower, upper = (self.stages(key, n, shape, state, reference, changed and not settled)
                                    for n in (numbers or (0, 0, 0)))
            heap, overhead = split(target, reference.kind, reference.facts.explicit, state.least_overhead)
        namespace, signature, profile = key.identity
        return {
            "namespace": namespace, "signature": signature, "resourceProfile": profile,
            "applications": len(applications), "executors": len(executors),
            "containerOOMs": key.container_ooms, "heapOOMs": key.heap_ooms,
            "peakBytes": max((e.peak() for e in with_peak), default=None),
            "requestBytes": reference.facts.request,
            "targetBytes": target, "lowerBytes": lower, "upperBytes": upper,
            "heapBytes": heap, "overheadBytes": overhead, "accuracy": self.accuracy(key), "explanation": "",
        }

    def stages(self, key, size, shape, state, reference, at_least_submitted):
        """D4 order: policy, (step,) guard, smallest, shape, floor, user's min, ceiling."""
        if state.largest:
            size = min(size, state.largest)
        if reference.kind is not None:
            size = max(size, SMALLEST_HEAP + overhead_for(
                SMALLEST_HEAP, reference.kind, reference.facts.explicit, state.least_overhead))
        if at_least_submitted and reference.facts.submitted_limit is not None:
            size = max(size, reference.facts.submitted_limit)
        if key.floor is not None:
            size = max(size, key.floor.total_for(reference, state.least_overhead))
        bounds = self.user_spec(key.identity).get("memory") or {}
        low = quantity_or_none(bounds["min"]) if "min" in bounds else self.asked_bound(key, "min")
        high = quantity_or_none(bounds["max"]) if "max" in bounds else self.asked_bound(key, "max")
        if low is not None:
            size = max(size, low)
        if high is None:
            remembered = [size for when, size in self.gone_nodes if self.now < when + NODES_MS]
            high = max([*self.nodes.values(), *remembered], default=None)
        if high is not None:
            # A ceiling counts in whole MiB: heap and overhead are given in these.
            size = min(size, high // MIB * MIB if high >= MIB else high)
        return size

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
