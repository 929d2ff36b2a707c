#!/usr/bin/env python3
"""Seeded generator of observation logs (contract section 5) for differential tests.

    make_log.py --seed N --out FILE [--apps N]

FILE is gzipped when its name ends in .gz.  Lines are strictly in order of t.
Instants where two readings of a time limit could differ by a second (60 s
until sealing, 10 minutes without an executor) are kept a few seconds apart.
"""
import argparse
import copy
import datetime
import gzip
import io
import json
import random

MIB = 1 << 20
SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
START = 1_772_323_200_000           # 2026-03-01T00:00:00Z
OWN = "sparkfit.io/"
EMR = "emr-containers.amazonaws.com/"
CONTAINER = "spark-kubernetes-executor"


def stamp(ms, millis=True):
    moment = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ms % 1000:03d}Z" if millis else text + "Z"


def default_overhead(factor, heap):
    """Sizes in MiB here."""
    return max(int(factor * heap), 384)


# JVM options that end a JVM with a full heap, and the exit code; none for a script.
FULL_HEAP = {
    "-XX:+ExitOnOutOfMemoryError": 3, "-XX:+CrashOnOutOfMemoryError": 134,
    "-XX:OnOutOfMemoryError=kill -9 %p": 137, "-XX:OnOutOfMemoryError=sleep 1; /bin/kill -s KILL %p": 137,
    "-XX:OnOutOfMemoryError=kill %p": 143, "-XX:OnOutOfMemoryError=pkill -TERM java": 143,
    "-XX:OnOutOfMemoryError=kill -3 %p": 52, "-XX:OnOutOfMemoryError=/opt/oom.sh %p": 137,
}


class Job:
    """One recurring job: how it is submitted and how much it really needs."""

    def __init__(self, rng, namespace, name, profile):
        self.namespace, self.name, self.profile = namespace, name, profile
        self.place = rng.choice(["own-annotation", "own-label", "emr-annotation", "emr-label",
                                 "driver-own", "driver-emr", "both"])
        self.cores = rng.choice([1, 2, 4])
        self.heap = rng.choice([512, 640, 900, 1024, 2048, 3000, 4096, 8192, 16384, 24576])
        self.overhead_kind = rng.choice(["0.1", "0.1", "0.4", "explicit"])
        self.explicit = rng.choice([70, 200, 512, 1000, 2048, 3333, 8192, 20000])
        self.auto = rng.random() < 0.5              # sized at admission after an OOM
        self.fill = rng.uniform(0.2, 1.02)          # working set relative to the submitted limit
        self.trouble = rng.choice([0.0, 0.1, 0.1, 0.4, 0.8])
        self.calm_after = rng.randint(1, 9)         # applications until the trouble stops
        self.heap_trouble = rng.random()            # share of heap OOMs
        self.full_heap = rng.choice(sorted(FULL_HEAP) + ["-XX:+UseG1GC"])
        self.java_option = rng.random() < 0.7
        self.selector = rng.choice(["label"] * 6 + ["owner", "pod"])
        if self.place.startswith("driver") and self.selector == "pod":
            self.selector = "label"                 # without an owner nobody finds the driver
        self.driver = self.place.startswith("driver") or rng.random() < 0.6
        self.reuse_names = rng.random() < 0.4
        self.has_heap = rng.random() > 0.05
        self.keep_pods = rng.random() < 0.15
        self.sidecar = rng.random() < 0.15
        self.bounds = rng.choice([None, None, None, "own", "emr", "emr-alias", "driver"])
        self.request_share = rng.choice([1, 1, 1, 0.8, 0.4])
        self.calm = rng.random() < 0.4              # nothing but OOMs goes wrong
        self.sets = self.driver and self.selector == "label" and rng.random() < 0.4    # a StatefulSet owns executors
        self.resizes = rng.random() < 0.3           # limits change while executors run
        self.floor = None                           # (heap, limit) that replacements get
        # Two kinds of jobs of which each exercises a rule that chance rarely meets.
        self.creeps = rng.random() < 0.12           # every run is full and the next gets more
        if self.creeps:
            self.fill, self.trouble, self.auto, self.has_heap = 1.0, rng.choice([0.0, 0.1, 0.2]), True, True
            self.heap = rng.choice([512, 900, 2048])
        elif rng.random() < 0.2:                    # trouble in the first run, then little use
            self.fill, self.trouble, self.calm_after, self.auto = rng.uniform(0.1, 0.4), 0.7, 1, True
            self.heap = rng.choice([1024, 3000, 4096, 8192])

    def overhead(self, heap=None):
        heap = self.heap if heap is None else heap
        if self.overhead_kind == "explicit":
            return self.explicit
        return default_overhead(float(self.overhead_kind), heap)

    def limit(self):
        return self.heap + self.overhead()


class Log:
    def __init__(self):
        self.lines = []

    def add(self, t, **fields):
        self.lines.append((t, len(self.lines), fields))

    def pod(self, t, event, pod):
        self.add(t, type="pod", event=event, object=copy.deepcopy(pod))

    def text(self, end=None):
        """NDJSON with strictly increasing t."""
        out = io.StringIO()
        out.write(json.dumps({"type": "header", "version": 1, "source": "generated"}) + "\n")
        last = 0
        for t, _, fields in sorted(self.lines, key=lambda line: line[:2]):
            last = max(t, last + 1)
            if end is not None and last > end:
                break
            out.write(json.dumps({"t": stamp(last), **fields}, separators=(",", ":")) + "\n")
        return out.getvalue()


class Generator:
    def __init__(self, seed, apps):
        self.rng = random.Random(seed)
        self.apps = apps
        self.log = Log()
        self.name_free = {}         # (namespace, name) -> when it may be used again
        self.serial = 0

    def uid(self):
        return "%08x-%04x-4%03x-a%03x-%012x" % tuple(self.rng.getrandbits(n) for n in (32, 16, 12, 12, 48))

    # -- pods

    def settings(self, job, on_driver):
        """Labels and annotations of the executor's or the driver's pod (D2)."""
        labels, annotations = {}, {}
        place = job.place
        if on_driver:
            if place == "driver-own":
                annotations[OWN + "signature"] = job.name
            elif place == "driver-emr":
                annotations[EMR + "dynamic.sizing.signature"] = job.name
                labels[EMR + "dynamic.sizing"] = "true"
            else:
                annotations[OWN + "signature"] = "overruled-by-the-executor"
        else:
            if place == "own-annotation":
                annotations[OWN + "signature"] = job.name
            elif place == "own-label":
                labels[OWN + "signature"] = job.name
            elif place == "emr-annotation":
                annotations[EMR + "dynamic.sizing.signature"] = job.name
            elif place == "emr-label":
                labels[EMR + "dynamic.sizing.signature"] = job.name
                annotations[EMR + "dynamic.sizing"] = "true"
            elif place == "both":
                labels[OWN + "signature"] = job.name
                annotations[EMR + "dynamic.sizing.signature"] = "emr-" + job.name
        low, high = f"{job.limit() // 2}Mi", f"{job.limit() * 2}Mi"
        if job.bounds == "own" and not on_driver:
            annotations[OWN + "min-memory"], labels[OWN + "max-memory"] = low, high
            annotations[EMR + "dynamic.sizing.scale.memory.max"] = "1G"
        elif job.bounds == "emr" and not on_driver:
            annotations[EMR + "dynamic.sizing.scale.memory.min"] = "1500M"
            annotations[EMR + "dynamic.sizing.scale.memory.max"] = "6G"
        elif job.bounds == "emr-alias" and not on_driver:
            annotations[EMR + "dynamic.sizing.memory.max"] = "5Gi"
        elif job.bounds == "driver" and on_driver:
            annotations[OWN + "min-memory"] = low
        return labels, annotations

    def executor_pod(self, job, app, number, t, size):
        """size = (heap, limit) in MiB that the pod really gets."""
        rng = self.rng
        self.serial += 1
        name = f"{job.name}-exec-{number}" if job.reuse_names else f"{job.name}-{app['short']}-exec-{number}"
        if job.profile:
            name += f"-rp{job.profile}"
        if self.name_free.get((job.namespace, name), 0) > t:
            name += f"-{self.serial}"
        self.name_free[job.namespace, name] = float("inf")
        labels, annotations = self.settings(job, False)
        labels.update({"spark-role": "executor", "spark-exec-id": str(number), "spark-app-name": job.name})
        if job.selector == "label":
            labels["spark-app-selector"] = app["id"]
        if job.profile or rng.random() < 0.5:
            labels["spark-exec-resourceprofile-id"] = str(job.profile)
        heap, limit = size
        if size != (job.heap, job.limit()):
            annotations[OWN + "original-memory"] = f"{job.limit()}Mi"
            annotations[OWN + "applied-memory"] = f"{limit}Mi"
            if job.has_heap:
                annotations[OWN + "original-heap"] = f"{job.heap}m"
                annotations[OWN + "applied-heap"] = f"{heap}m"
        text = f"{limit // 1024}Gi" if limit % 1024 == 0 else f"{limit}Mi"
        cores = job.cores
        if job.cores > 1 and rng.random() < 0.03:
            cores = 1               # Spark 4.2's recovery mode: not comparable
        env = [{"name": "SPARK_EXECUTOR_CORES", "value": str(cores)}]
        if job.has_heap:
            value = f"{heap // 1024}g" if heap % 1024 == 0 and heap == job.heap and rng.random() < 0.3 else f"{heap}m"
            env.append({"name": "SPARK_EXECUTOR_MEMORY", "value": value})
        if job.java_option:
            variable, value = rng.choice([("SPARK_JAVA_OPT_0", job.full_heap),
                                          ("JAVA_TOOL_OPTIONS", f"-Xss4m '{job.full_heap}' -Dx=y")])
            env.append({"name": variable, "value": value})
        containers = [{"name": CONTAINER, "env": env,
                       "resources": {"limits": {"memory": text},
                                     "requests": {"cpu": "1", "memory": self.request(job, limit, text)}}}]
        if job.sidecar:
            containers.insert(rng.randrange(2), {"name": "sidecar", "resources": {"limits": {"memory": "256Mi"}}})
        meta = {"name": name, "namespace": job.namespace, "uid": self.uid(),
                "creationTimestamp": stamp(t, millis=False), "labels": labels}
        if annotations:
            meta["annotations"] = annotations
        if job.selector != "pod" and app["owner"]:
            version, kind, uid = ("apps/v1", "StatefulSet", app["set"]) if job.sets else ("v1", "Pod", app["owner"])
            meta["ownerReferences"] = [{"apiVersion": version, "kind": kind, "name": f"{job.name}-driver",
                                        "uid": uid, "controller": True}]
        return {"metadata": meta, "spec": {"restartPolicy": "Never", "containers": containers},
                "status": {"phase": "Pending"}}

    @staticmethod
    def request(job, limit, text):
        return text if job.request_share == 1 else f"{int(limit * job.request_share)}Mi"

    @staticmethod
    def container_state(pod, state):
        pod["status"]["containerStatuses"] = [{"name": CONTAINER, "state": state}]

    # -- one executor's life; returns (time its end was seen, how it ended)

    def executor(self, job, app, number, start, end, size, outcome):
        rng, log = self.rng, self.log
        pod = self.executor_pod(job, app, number, start, size)
        log.pod(start, "ADDED", pod)
        started = start + rng.randint(200, 6000)
        if rng.random() < 0.7:
            self.container_state(pod, {"waiting": {"reason": "ContainerCreating"}})
            log.pod(start + rng.randint(10, 190), "MODIFIED", pod)
        pod["status"]["phase"] = "Running"
        running = {"running": {"startedAt": stamp(started, millis=False)}}
        self.container_state(pod, running)
        log.pod(started, "MODIFIED", pod)
        end = max(end, started + 2 * SECOND)
        if job.resizes and rng.random() < 0.3:
            self.resize(job, pod, size, started, end)
        seen = self.end(job, pod, started, end, outcome)
        self.samples(job, pod, started, end, size, outcome)
        self.name_free[job.namespace, pod["metadata"]["name"]] = seen + 8 * SECOND
        return seen

    def resize(self, job, pod, size, started, end):
        """In place: early, half-way or late; now and then below the heap."""
        limit = size[1] * self.rng.choice([2, 3, 5, 6]) // 4
        container = next(c for c in pod["spec"]["containers"] if c["name"] == CONTAINER)
        container["resources"] = {"limits": {"memory": f"{limit}Mi"},
                                  "requests": {"cpu": "1", "memory": self.request(job, limit, f"{limit}Mi")}}
        self.log.pod(started + int((end - started) * self.rng.choice([0.02, 0.5, 0.95, 0.98])), "MODIFIED", pod)

    def end(self, job, pod, started, end, outcome):
        """The last events of a pod; `end` is the real end, the events come a little later."""
        rng, log = self.rng, self.log
        t = end + rng.randint(20, 900)
        meta, status = pod["metadata"], pod["status"]

        def terminated(code, reason):
            state = {"exitCode": code, "startedAt": stamp(started, millis=False),
                     "finishedAt": stamp(end, millis=False)}
            if reason:
                state["reason"] = reason
            self.container_state(pod, {"terminated": state})

        def delete_mark(when):
            meta["deletionTimestamp"] = stamp(when + 30 * SECOND, millis=False)

        if outcome == "completed":
            terminated(0, "Completed")
            status["phase"] = "Succeeded"
            log.pod(t, "MODIFIED", pod)
        elif outcome == "deleted":                   # 143 after the driver deleted it
            delete_mark(t)
            log.pod(t - 15, "MODIFIED", pod)
            terminated(143, "Error")
            if rng.random() < 0.5:
                status["phase"] = "Failed"
            log.pod(t, "MODIFIED", pod)
        elif outcome == "lost":                      # the node is gone: no terminated state ever
            log.pod(t, "DELETED", pod)
            return t
        elif outcome == "evicted":
            status.update(phase="Failed", reason="Evicted")
            if rng.random() < 0.5:
                terminated(137, None)
            else:
                status.pop("containerStatuses", None)
            log.pod(t, "MODIFIED", pod)
        elif outcome == "preempted":
            how = rng.random()
            if how < 0.4:                            # by the scheduler: marked, then deleted
                reason = "PreemptionByScheduler"
                delete_mark(t)
            elif how < 0.8:                          # by the kubelet, for a critical pod
                reason, status["reason"] = "TerminationByKubelet", "Preempting"
            else:                                    # the node shuts down
                reason, status["reason"] = "TerminationByKubelet", "Terminated"
            status["conditions"] = [{"type": "DisruptionTarget", "status": "True", "reason": reason}]
            terminated(137, "Error")
            status["phase"] = "Failed"
            log.pod(t, "MODIFIED", pod)
        elif outcome == "vanished":                  # the kubelet does not find it any more
            terminated(137, "ContainerStatusUnknown")
            if rng.random() < 0.7:
                status["containerStatuses"][0]["state"]["terminated"]["finishedAt"] = None
            if rng.random() < 0.3:
                delete_mark(t)
            status["phase"] = "Failed"
            log.pod(t, "MODIFIED", pod)
        elif outcome == "reasoned":                  # taken down, and only the pod's reason says so
            status.update(phase="Failed", reason=rng.choice(
                ["NodeLost", "Shutdown", "NodeShutdown", "DeadlineExceeded", "UnheardOf"]))
            terminated(rng.choice([137, 143]), "Error")
            log.pod(t, "MODIFIED", pod)
        elif outcome == "killed-deleted":            # 137, but because it was deleted
            delete_mark(t)
            terminated(137, "Error" if rng.random() < 0.5 else None)
            log.pod(t, "MODIFIED", pod)
        else:
            code, reason = {"oomkilled": (137, "OOMKilled"), "oomkilled-0": (0, "OOMKilled"),
                            "oomkilled-deleted": (137, "OOMKilled"), "137": (137, None),
                            "52": (52, "Error"), "3": (3, "Error"), "56": (56, "Error"),
                            "1": (1, "Error"), "134": (134, "Error"), "139": (139, "Error"),
                            "143": (143, "Error"), "start-error": (128, "StartError"),
                            "by-option": (FULL_HEAP.get(job.full_heap, 52), "Error")}[outcome]
            terminated(code, reason)
            if outcome == "oomkilled-deleted":
                delete_mark(t)
            if rng.random() < 0.6:
                log.pod(t, "MODIFIED", pod)          # phase is still Running
                if rng.random() < 0.5:
                    delete_mark(t)
                    log.pod(t + 2, "MODIFIED", pod)
            status["phase"] = "Failed"
            log.pod(t + 5, "MODIFIED", pod)
        gone = t + rng.randint(600, 2500)
        if job.keep_pods:
            gone = t + rng.choice([20 * MINUTE, 3 * HOUR])
            meta["labels"]["spark-exec-inactive"] = "true"
        delete_mark(gone)
        if rng.random() < 0.5:
            log.pod(gone - 3, "MODIFIED", pod)
        log.pod(gone, "DELETED", pod)
        return gone

    def samples(self, job, pod, started, end, size, outcome):
        rng, log = self.rng, self.log
        count = rng.choice([0, 1, 2, 3, 5, 8, 13, 20])
        if job.trouble >= 0.8 and rng.random() < 0.3:
            count = 0
        heap, limit = size
        # A JVM fills what it gets: partly need, partly 0.6 of the heap.
        top = min(job.fill * job.limit() * rng.uniform(0.8, 1.1) * 0.6 + 0.4 * heap * job.fill, limit * 0.999)
        if rng.random() < (0.7 if job.creeps else 0.08):
            top = limit * rng.uniform(0.93, 0.999)
        if outcome in ("oomkilled", "137") and rng.random() < 0.3:
            top = limit
        meta = {k: pod["metadata"][k] for k in ("name", "namespace")}
        for i in range(count):
            at = started + (end - started) * (i + 1) // (count + 1)
            if rng.random() < 0.05:
                at = end - end % SECOND + rng.choice([0, 400, 999, 2500, 9000])   # at or after the end
            if rng.random() < 0.3:
                at -= at % SECOND
            if rng.random() < 0.02:
                at = started - 20 * SECOND                                      # before the pod
            used = top * rng.uniform(0.5, 1.0) if rng.random() < 0.7 else top
            memory = f"{int(used * 1024)}Ki"
            containers = [{"name": CONTAINER, "usage": {"memory": memory, "cpu": "5n"}}]
            if job.sidecar:
                containers.insert(0, {"name": "sidecar", "usage": {"memory": "64000Mi"}})
            arrival = at + rng.randint(5, 1500)
            late = rng.random()
            if late < 0.03:
                arrival = end + rng.randint(3, 45) * SECOND
            elif late < 0.05:
                arrival = end + rng.randint(75, 200) * SECOND
            elif end + 50 * SECOND < arrival < end + 70 * SECOND:
                continue
            line = {"metadata": meta, "timestamp": stamp(at), "window": "10s", "containers": containers}
            log.add(max(arrival, started + 1), type="usage", object=line)
            if rng.random() < 0.05:                                             # the same reading again
                log.add(max(arrival, started + 1) + 700, type="usage", object=line)

    # -- one application; returns when its last executor's end was seen

    def outcome(self, job, index, attempt):
        rng = self.rng
        trouble = job.trouble if index < job.calm_after else 0.0
        if attempt and job.auto:
            trouble *= 0.6
        if rng.random() < trouble:
            if rng.random() < job.heap_trouble:
                return rng.choice(["52", "52", "by-option"])
            return rng.choice(["oomkilled"] * 4 + ["oomkilled-0", "oomkilled-deleted", "137"])
        if job.calm:
            return rng.choice(["completed", "deleted"])
        return rng.choice(["completed"] * 8 + ["deleted"] * 8 + ["evicted"] * 2 + ["preempted"] * 2 +
                          ["lost", "killed-deleted", "56", "1", "3", "134", "139", "143", "137", "vanished",
                           "start-error", "reasoned"])

    def grown(self, job, size, outcome):
        """What an admission would give to the replacement of a dead executor."""
        heap, limit = size
        if outcome in ("52", "by-option"):
            heap = max(-(-heap * 6 // 5), heap + 100)
            overhead = limit - size[0]
            limit = heap + max(overhead, job.overhead(heap))
        else:
            limit = max(-(-limit * 6 // 5), limit + 100)
        if self.rng.random() < 0.2:
            limit += 300
        return heap, limit

    @staticmethod
    def both(first, second):
        """The smallest size with the heap and the overhead of both."""
        if first is None:
            return second
        heap = max(first[0], second[0])
        return heap, heap + max(first[1] - first[0], second[1] - second[0])

    def application(self, job, index, start):
        rng, log = self.rng, self.log
        serial = "%016x" % rng.getrandbits(64)
        app = {"id": "spark-" + serial * 2, "short": serial, "owner": None, "set": self.uid()}
        if job.driver or job.selector == "owner" or rng.random() < 0.5:
            app["owner"] = self.uid()
        driver = None
        if job.driver and app["owner"]:
            labels, annotations = self.settings(job, True)
            labels.update({"spark-role": "driver", "spark-app-selector": app["id"]})
            driver = {"metadata": {"name": f"{job.name}-{serial}-driver", "namespace": job.namespace,
                                   "uid": app["owner"], "creationTimestamp": stamp(start, millis=False),
                                   "labels": labels, "annotations": annotations},
                      "spec": {"containers": [{"name": "spark-kubernetes-driver"}]},
                      "status": {"phase": "Pending"}}
            log.pod(start, "ADDED", driver)
            driver["status"]["phase"] = "Running"
            log.pod(start + 900, "MODIFIED", driver)
            if rng.random() < 0.5:
                log.add(start + 1500, type="usage", object={
                    "metadata": {"name": driver["metadata"]["name"], "namespace": job.namespace},
                    "timestamp": stamp(start + 1200), "containers": [
                        {"name": "spark-kubernetes-driver", "usage": {"memory": "3Gi"}}]})
        number, last = 0, start
        slots = rng.randint(1, 4)
        length = rng.choice([20, 45, 90, 240, 1200]) * SECOND
        waves = 2 if rng.random() < 0.08 else 1
        for wave in range(waves):
            begin = start + 2 * SECOND if wave == 0 else last + rng.randint(11, 25) * MINUTE
            for _ in range(slots):
                t = begin + rng.randint(0, 4000)
                size = (job.heap, job.limit())
                if job.auto and job.floor:
                    size = job.floor
                for attempt in range(5):
                    number += 1
                    outcome = self.outcome(job, index, attempt)
                    oom = outcome in ("oomkilled", "oomkilled-0", "oomkilled-deleted", "137", "52", "by-option")
                    end = t + (rng.randint(4, 25) * SECOND if oom else int(length * rng.uniform(0.7, 1.0)))
                    if outcome == "deleted":
                        end = begin + length
                    t = self.executor(job, app, number, t, end, size, outcome)
                    last = max(last, t)
                    if not oom:
                        break
                    if job.keep_pods:
                        t = end + 2 * SECOND
                    t += rng.randint(500, 3000)
                    if job.auto:
                        size = self.grown(job, size, outcome)
                        if size[1] > 40 * 1024:
                            break
                        job.floor = self.both(job.floor, size)
        if job.creeps and (job.floor or (0, 0))[1] < 30 * 1024 and rng.random() < 0.7:
            job.floor = self.grown(job, job.floor or (job.heap, job.limit()), "oomkilled")
        if driver:
            t = last + rng.randint(300, 2500)
            how = rng.choice(["Succeeded"] * 7 + ["Failed", "deleted", "lives"])
            if how in ("Succeeded", "Failed"):
                driver["status"]["phase"] = how
                log.pod(t, "MODIFIED", driver)
            if how == "deleted" or how != "lives" and rng.random() < 0.7:
                log.pod(t + rng.randint(1, 5) * SECOND, "DELETED", driver)
        return last

    def change(self, job):
        """Now and then the job is submitted differently."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.07:
            job.cores = rng.choice([1, 2, 4])
        elif kind < 0.12:
            job.overhead_kind = rng.choice(["0.1", "0.4", "explicit"])
        elif kind < 0.22:
            job.heap = rng.choice([768, 1024, 2048, 4096, 6000, 12288])
        elif kind < 0.25:
            job.explicit = rng.choice([384, 600, 1500, 10000])
        else:
            return
        job.floor = None

    # -- a job over its applications

    def job(self, job):
        rng = self.rng
        t = START + rng.randint(0, 2 * HOUR)
        count = self.apps or rng.choice([2, 4, 7, 10, 18])
        objects = []
        for index in range(count):
            last = self.application(job, index, t)
            if rng.random() < 0.15 and job.selector != "pod":
                t = rng.randint(t + 10 * SECOND, max(last, t + 11 * SECOND))    # overlaps the next one
            else:
                t = last + rng.choice([20 * SECOND, 90 * SECOND, 400 * SECOND, 15 * MINUTE, 2 * HOUR, 24 * HOUR])
                t += rng.randint(0, 5000)
            self.change(job)
            self.user(job, objects, t - rng.randint(2, 9) * SECOND, index < count - 1)

    def user(self, job, objects, t, more):
        """Edits, duplicates and purges of the recommendation object."""
        rng = self.rng
        action = rng.random()

        def emit(event, obj, when=t):
            self.log.add(when, type="recommendation", event=event, object=copy.deepcopy(obj))

        if action < 0.10 or not objects and action < 0.2:
            obj = {"metadata": {"name": f"{job.name}-{len(objects)}-{self.serial}", "namespace": job.namespace,
                                "uid": self.uid(), "creationTimestamp": stamp(t, millis=False)},
                   "spec": {"signature": job.name, "resourceProfile": job.profile}}
            objects.append(obj)
            emit("ADDED", obj)
        elif action < 0.25 and objects:
            obj = rng.choice(objects)
            memory = {}
            if rng.random() < 0.6:
                memory["min"] = rng.choice(["1Gi", "2000M", f"{job.limit() + 111}Mi"])
            if rng.random() < 0.6:
                memory["max"] = rng.choice(["3Gi", "8G", f"{job.limit() * 3 // 2}Mi"])
            obj["spec"]["memory"] = memory
            emit("MODIFIED", obj)
        elif action < 0.29 and objects and more:
            emit("DELETED", objects.pop(rng.randrange(len(objects))))

    def run(self):
        rng = self.rng
        names = ["daily-revenue", "sort-events", "ml-scoring", "user-profiles", "Sessionize_v2", "feature.cache"]
        for namespace in ("analytics", "jobs", "spark"):
            for name in rng.sample(names, 3):
                self.job(Job(rng, namespace, name, 0))
                if rng.random() < 0.3:
                    self.job(Job(rng, namespace, name, rng.randint(1, 11)))
        times = sorted(line[0] for line in self.log.lines)
        if rng.random() < 0.6:
            for i in range(rng.randint(1, 3)):
                node = {"metadata": {"name": f"node-{i}"},
                        "status": {"allocatable": {"memory": f"{rng.choice([1, 3, 6, 14, 30, 60]) * 1024 * 1000}Ki"}}}
                self.log.add(START - 1000 + i, type="node", event="ADDED", object=node)
                action = rng.random()
                if action < 0.2:
                    self.log.add(rng.choice(times), type="node", event="DELETED", object=node)
                elif action < 0.4:
                    self.log.add(rng.choice(times), type="node", event="MODIFIED", object={
                        **node, "status": {"allocatable": {"memory": "9000000Ki"}}})
        for _ in range(10):                         # samples of pods that nobody knows
            t = rng.choice(times)
            self.log.add(t, type="usage", object={
                "metadata": {"name": "unknown-exec-1", "namespace": "jobs"}, "timestamp": stamp(t - 300),
                "containers": [{"name": CONTAINER, "usage": {"memory": "123456Ki"}}]})
        self.log.add(rng.choice(times), type="weather", object={"sky": "blue"})     # skipped and counted
        end = rng.choice(times[len(times) * 2 // 3:]) if rng.random() < 0.4 else None
        return self.log.text(end)


def generate(seed, apps=None):
    return Generator(seed, apps).run()


def write(text, path):
    if path.endswith(".gz"):
        with open(path, "wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as out:
            out.write(text.encode())
    else:
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--apps", type=int, help="applications per key; random without it")
    arguments = parser.parse_args()
    write(generate(arguments.seed, arguments.apps), arguments.out)


if __name__ == "__main__":
    main()
