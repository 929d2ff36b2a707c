#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One namespace does its worst, and another one's executors run out of memory: how long until that is in a status, and how much memory the controller takes.

usage: attack.py BINARY [PART ...] [--pods N]

An API server in memory (tests/fake_api) on this machine's loopback. Each part begins with 1,000 honest executors of 100 keys, attacks with so
many pods, and tells the largest time and the largest resident memory. It is over when all pods have been told and thirty OOMs were published.
"""
import copy
import json
import pathlib
import random
import string
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run  # noqa: E402
from run import fake_api, row  # noqa: E402

HONEST = 1000
OOMS = 30


def hostile(number, signature, application):
    pod = run.executor(number, 1)
    metadata = pod["metadata"]
    metadata["namespace"], metadata["name"], metadata["uid"] = "evil", f"evil-{number}", f"evil-{number:032x}"
    metadata["labels"]["spark-app-selector"] = application
    metadata["annotations"]["sparkfit.io/signature"] = signature
    metadata["ownerReferences"][0]["uid"] = f"evil-driver-{application}"
    return pod


def killed(pod, number=0):
    """It ran out of memory."""
    pod = copy.deepcopy(pod)
    pod["status"] = {"phase": "Failed", "containerStatuses": [{"name": "spark-kubernetes-executor", "state": {"terminated": {
        "containerID": f"containerd://{number}", "exitCode": 137, "reason": "OOMKilled", "finishedAt": run.NOW()}}}]}
    return pod


def driver(number):
    pod = run.executor(number, 1)
    metadata = pod["metadata"]
    metadata["namespace"], metadata["name"], metadata["uid"] = "evil", f"driver-{number}", f"driver-{number:030x}"
    metadata["labels"] = {"spark-role": "driver", "spark-app-selector": f"spark-{number}"}
    return pod


def demanding(number):
    pod = hostile(number, "one", "spark-one")
    pod["spec"]["nodeSelector"] = {f"key-{number}-{i}": "x" * 63 for i in range(110)}
    return pod


def runs(store, pods):
    """Each pod is a run of one key, and its driver ends."""
    for number in range(pods):
        store.put("pods", driver(number))
        store.put("pods", hostile(number, "one", f"spark-{number}"))
    for number in range(pods):
        store.put("pods", driver(number), "DELETED")


def signatures(store, pods):
    """Each pod is a key of its own."""
    for number in range(pods):
        store.put("pods", hostile(number, f"job-{number}", f"spark-{number}"))


def demands(store, pods):
    """Each pod demands other nodes, in 16 KiB."""
    for number in range(pods):
        store.put("pods", demanding(number))


def ooms(store, pods):
    """Of 1,000 keys each runs out of memory, again and again."""
    for number in range(pods):
        pod = hostile(number, f"job-{number % 1000}", f"spark-{number}")
        store.put("pods", pod)
        store.put("pods", killed(pod, number))


def texts(store, pods):
    """Each pod has six settings of 253 bytes and an annotation of 100 KB."""
    noise = "".join(random.choices(string.ascii_letters, k=100_000))
    for number in range(pods):
        pod = hostile(number, "one", f"spark-{number}")
        for name in ("family", "mode", "policy", "min-memory", "max-memory", "driver-metrics"):
            pod["metadata"]["annotations"][f"sparkfit.io/{name}"] = f"{number}-" + noise[:240]
        pod["metadata"]["annotations"]["noise"] = noise
        store.put("pods", pod)


def ooms_of(store, key):
    for thing in list(store.objects.get("executorrecommendations", {}).values()):
        if thing["spec"]["signature"] == key and thing["metadata"]["namespace"].startswith("team-"):
            return thing.get("status", {}).get("observed", {}).get("containerOOMs", 0)
    return 0


def measure(arguments, directory, attack):
    store, kubeconfig = fake_api.start(directory)
    store.put("nodes", {"metadata": {"name": "node"}, "status": {"allocatable": {"memory": "256Gi"}}})
    pods = [store.put("pods", run.executor(number, HONEST // 10)) for number in range(HONEST)]
    store.usage = lambda: json.dumps(run.usage_of(pods, 1, run.NOW())).encode()
    controller = run.Controller(arguments.binary, kubeconfig, directory / "attack.log")
    controller.wait(run.settled(store, "executorrecommendations", HONEST // 10), 60)
    before = controller.memory()
    attacker = threading.Thread(target=attack, args=(store, arguments.pods), daemon=True)
    attacker.start()
    latencies = []
    for i in range(OOMS):
        pod = pods[i]
        begun = time.monotonic()
        store.put("pods", killed(pod))
        controller.wait(lambda: ooms_of(store, pod["metadata"]["annotations"]["sparkfit.io/signature"]) > 0, 120)
        latencies.append(time.monotonic() - begun)
        time.sleep(0.5)
    attacker.join()
    time.sleep(5)
    row(f"{attack.__name__}: {attack.__doc__} Another namespace's OOM until its status: median, largest",
        f"{sorted(latencies)[OOMS // 2]:.2f}, {max(latencies):.2f} s", "≤ 2 s")
    row(f"{attack.__name__}: resident memory before, most", f"{before:.0f}, {controller.memory('VmHWM'):.0f} MiB", "≤ 256 MiB")
    controller.end()


PARTS = {attack.__name__: lambda arguments, directory, attack=attack: measure(arguments, directory, attack)
         for attack in (runs, signatures, demands, ooms, texts)}

if __name__ == "__main__":
    run.main(__doc__, PARTS, lambda parser: parser.add_argument("--pods", type=int, default=8000))
