#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the whole controller as a process, against an API server in memory (tests/fake_api).

usage: run.py BINARY [PART ...] [--executors N] [--keys N]

CPU time and memory are those of the controller's process, from /proc; durations are its own metrics. Prints a table and exits 0; there is nothing to fail but the controller itself.
"""
import argparse
import gc
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "fake_api"))
import fake_api  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
USAGE_INTERVAL = 15
NOW = lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def executor(number, keys):
    """A pod of the size that real ones have: most of it is what nobody reads."""
    key, name = number % keys, f"nightly-{number % keys}-9f1c2d3e4a5b6c7d-exec-{number}"
    environment = [{"name": f"SPARK_JAVA_OPT_{i}", "value": f"-Dspark.some.setting.{i}=value-of-a-usual-length-{i}"} for i in range(12)]
    return {
        "metadata": {"name": name, "namespace": f"team-{key % 20}", "uid": f"{number:08x}-b2c4-4d5e-9f6a-{number:012x}", "labels": {
            "spark-role": "executor", "spark-app-selector": f"spark-{key}", "spark-exec-id": str(number),
            "spark-exec-resourceprofile-id": "0", "spark-version": "3.5.8", "spark-app-name": f"nightly-{key}"},
            "annotations": {"sparkfit.io/signature": f"nightly-{key}"},
            "managedFields": [{"manager": "okhttp", "operation": "Update", "fieldsV1": {
                f"f:field-{i}": {f"f:part-{j}": {} for j in range(6)} for i in range(12)}}],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": f"driver-{key}", "uid": f"driver-{key}", "controller": True}]},
        "spec": {"nodeName": f"node-{number % 500}", "restartPolicy": "Never", "containers": [{
            "name": "spark-kubernetes-executor", "image": "registry/spark:3.5.8", "args": ["executor"],
            "env": environment + [{"name": "SPARK_EXECUTOR_MEMORY", "value": "4096m"}, {"name": "SPARK_EXECUTOR_CORES", "value": "1"}],
            "resources": {"requests": {"memory": "4505Mi", "cpu": "1"}, "limits": {"memory": "4505Mi"}}}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "spark-kubernetes-executor", "state": {"running": {}}}]}}


def usage_of(pods, moment, stamp):
    return {"kind": "PodMetricsList", "metadata": {}, "items": [{
        "metadata": {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"], "labels": pod["metadata"]["labels"]},
        "timestamp": stamp, "window": "15.1s", "containers": [{"name": "spark-kubernetes-executor", "usage": {
            "cpu": "912345678n", "memory": f"{1_500_000 + (i * 7919 + moment * 104729) % 1_500_000}Ki"}}]}
        for i, pod in enumerate(pods)]}


def cpu_of(pid):
    """In seconds, since its start."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_of(pid, what="VmRSS"):
    """In MiB."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+)", text).group(1)) / 1024


class Controller:
    def __init__(self, binary, kubeconfig, log, *flags):
        self.begun = time.monotonic()
        self.log = open(log, "wb")
        self.child = subprocess.Popen(
            [binary, "controller", "--kubeconfig", kubeconfig, "--leader-elect", "false", "--listen", "127.0.0.1:0",
             "--queries-per-second", "2000", *flags], stderr=self.log, stdout=self.log)
        self.path = log
        self.port = int(self.wait(lambda: re.search(rb'serves port="(\d+)"', pathlib.Path(log).read_bytes()), 10).group(1))

    def wait(self, condition, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                raise RuntimeError(f"the controller ended; see {self.path}")
            if value := condition():
                return value
            time.sleep(0.02)
        raise RuntimeError(f"not within {seconds} s; see {self.path}")

    def http(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as reply:
                return reply.read().decode()
        except urllib.error.URLError:
            return ""

    def metric(self, name):
        for line in self.http("/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    def cpu(self):
        return cpu_of(self.child.pid)

    def memory(self, what="VmRSS"):
        return memory_of(self.child.pid, what)

    def end(self):
        self.child.terminate()
        self.child.wait(20)
        self.log.close()


def settled(store, resource, wanted, field="status"):
    return lambda: sum(field in thing for thing in list(store.objects.get(resource, {}).values())) >= wanted


def row(what, figure, bound):
    print(f"| {what} | {figure} | {bound} |", flush=True)


def busy(arguments, directory):
    """Every executor runs and is sampled every 15 s."""
    store, kubeconfig = fake_api.start(directory)
    store.put("nodes", {"metadata": {"name": "node"}, "status": {"allocatable": {"memory": "256Gi"}}})
    pods = [store.put("pods", executor(number, arguments.keys)) for number in range(arguments.executors)]
    moment = [0]
    texts = [json.dumps(usage_of(pods, number, "STAMP")) for number in range(6)]  # made before anything is measured

    def usage():
        moment[0] += 1
        return texts[moment[0] % len(texts)].replace("STAMP", NOW()).encode()

    store.usage = usage
    gc.collect()
    gc.freeze()  # a collection looks at every pod; what this server takes for that is not what is measured
    controller = Controller(arguments.binary, kubeconfig, directory / "busy.log")
    controller.wait(settled(store, "executorrecommendations", arguments.keys), 300)
    time.sleep(20)
    passes, cpu, begun = moment[0], controller.cpu(), time.monotonic()
    step = lambda name, what: controller.metric(f'sparkfit_loop_duration_seconds_{what}{{step="{name}"}}')
    saved = lambda: controller.metric('sparkfit_checkpoint_writes_total{result="ok"}')
    saved_before = saved()
    steps = ("read", "usage", "publish")
    before = {name: (step(name, "sum"), step(name, "count")) for name in steps}
    time.sleep(4 * USAGE_INTERVAL)
    took, used, passes = time.monotonic() - begun, controller.cpu() - cpu, moment[0] - passes
    name = f"{arguments.executors:,} executors, {arguments.keys:,} keys, usage every {USAGE_INTERVAL} s"
    means = {}
    for part in steps:
        total, count = step(part, "sum") - before[part][0], step(part, "count") - before[part][1]
        # Usage is learnt a piece of the list at a time.
        means[part] = total / (passes if part == "usage" else count)
    row(f"{name}: one pass: reading the list, learning, one tick",
        f"{sum(means.values()) * 1000:.0f} ms ({', '.join(f'{part} {mean * 1000:.0f}' for part, mean in means.items())})", "≤ 1 s")
    row(f"{name}: CPU between two passes, all writes included", f"{used / passes:.2f} s", "")
    row(f"{name}: CPU", f"{used / took:.3f} of a core", "≤ 0.1")
    row(f"{name}: checkpoints written in a minute", f"{(saved() - saved_before) / took * 60:.0f}", "")
    row(f"{name}: resident memory (largest)", f"{controller.memory():.0f} MiB ({controller.memory('VmHWM'):.0f})", "≤ 120 MiB")
    controller.end()


def restart(arguments, directory, keys, bound):
    """One ended executor for each key: what they leave is taken up by the next process."""
    store, kubeconfig = fake_api.start(directory)
    store.put("nodes", {"metadata": {"name": "node"}, "status": {"allocatable": {"memory": "256Gi"}}})
    pods = [store.put("pods", executor(number, keys)) for number in range(keys)]
    store.usage = lambda: json.dumps(usage_of(pods, 1, NOW())).encode()
    controller = Controller(arguments.binary, kubeconfig, directory / "first.log")
    controller.wait(settled(store, "executorrecommendations", keys), 300)
    controller.wait(settled(store, fake_api.CHECKPOINTS, keys, "spec"), 60)
    for pod in pods:
        store.put("pods", pod, "DELETED")
    pods.clear()
    time.sleep(65)  # late samples are over
    controller.wait(lambda: controller.metric("sparkfit_leader") == 1, 10)
    controller.end()
    controller = Controller(arguments.binary, kubeconfig, directory / "second.log")
    controller.wait(lambda: controller.http("/recommendations").count('"signature"') == keys, 60)
    row(f"start until {keys:,} restored keys are served", f"{time.monotonic() - controller.begun:.2f} s", bound)
    return controller


def idle(arguments, directory):
    controller = restart(arguments, directory, 100, "")
    time.sleep(20)
    cpu, begun = controller.cpu(), time.monotonic()
    time.sleep(60)
    row("idle with 100 keys: CPU", f"{(controller.cpu() - cpu) / (time.monotonic() - begun) * 100:.2f} % of a core", "≤ 1 %")
    row("idle with 100 keys: resident memory", f"{controller.memory():.0f} MiB", "≤ 40 MiB")
    controller.end()


def start(arguments, directory):
    restart(arguments, directory, 1000, "≤ 3 s").end()


PARTS = {part.__name__: part for part in (idle, start, busy)}


def main(doc=__doc__, known=PARTS, more=lambda parser: (parser.add_argument("--executors", type=int, default=10000),
                                                        parser.add_argument("--keys", type=int, default=2000))):
    """The command line of a file of parts: `doc` is its help, `more` adds its own options."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(known)}; all without")
    more(parser)
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(known):
        parser.error(f"no part {', '.join(unknown)}")
    print("| what | measured | bound |\n|---|---|---|")
    for name in arguments.parts or known:
        with tempfile.TemporaryDirectory() as directory:
            known[name](arguments, pathlib.Path(directory))


if __name__ == "__main__":
    main()
