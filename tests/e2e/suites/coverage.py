# SPDX-License-Identifier: Apache-2.0
"""How many short executors each usage source sees, and how well: against a 100 ms sampler."""
import glob
import json
import os
import re
import statistics
import threading
import time

from testbed import BINARY, MIB, ROOT, Process, create, get, hog, kubectl, log, quantity, wait_until

LIVES = (5, 15, 30, 60, 120)
EACH = 12
USE_MIB = 96
PODS = "/sys/fs/cgroup/memory/kubepods*/**/pod*/"
SOURCES = ("metrics-server", "kubelet")


def working_set(directory):
    """As the kubelet has it: usage less inactive file pages."""
    with open(directory + "/memory.usage_in_bytes", encoding="ascii") as file:
        usage = int(file.read())
    with open(directory + "/memory.stat", encoding="ascii") as file:
        inactive = int(re.search(r"^total_inactive_file (\d+)$", file.read(), re.MULTILINE).group(1))
    return max(usage - inactive, 0)


class Sampler(threading.Thread):
    """The highest working set of every container on this machine, every 100 ms."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peaks, self.ended = {}, threading.Event()

    def run(self):
        while not self.ended.wait(0.1):
            for directory in glob.glob(PODS, recursive=True):
                uid = directory.rstrip("/").rsplit("/pod", 1)[1].replace("_", "-")
                for container in os.scandir(directory) if os.path.isdir(directory) else ():
                    if not container.is_dir():
                        continue
                    try:
                        seen = working_set(container.path)
                    except OSError:  # it ended
                        continue
                    # Of the two containers the sandbox uses next to nothing.
                    self.peaks[uid] = max(self.peaks.get(uid, 0), seen)


def test_the_kubelet_source_needs_its_own_right(bed):
    kubectl("delete", "-f", ROOT / "manifests/rbac-kubelet.yaml", check=False)
    create([hog("refused-1", "refused", 64, 16, 60)])
    process = bed.controller("refused", 8080, "--usage-source", "kubelet")
    wait_until("it is refused", lambda: bed.metric(8080, 'sparkfit_source_up{source="kubelets"}') == 0, 60)
    assert "Forbidden" in process.path.read_text()
    process.stop()
    bed.started.remove(process)
    kubectl("delete", "pod", "-n", "hogs", "refused-1", "--wait=false", "--grace-period=0", "--force")
    kubectl("apply", "-f", ROOT / "manifests/rbac-kubelet.yaml")


def record(bed, source, port):
    process = Process(f"record-{source}", bed.directory, BINARY, "record", "--kubeconfig", bed.directory / "kubeconfig",
                      "--usage-source", source, "--listen", f"127.0.0.1:{port}", "--output", bed.directory / f"{source}.ndjson")
    bed.started.append(process)
    wait_until(f"{source} is recorded", lambda: bed.http(port, "/readyz", check=False).endswith("ok\n"), 30)


def usage_by_pod(path):
    seen = {}
    for line in path.read_text().splitlines():
        line = json.loads(line)
        if line["type"] != "usage":
            continue
        sample = line["object"]
        for container in sample["containers"]:
            stamps = seen.setdefault(sample["metadata"]["name"], {})
            stamps[sample["timestamp"]] = quantity(container["usage"]["memory"])
    return seen


def test_share_seen_and_error_of_the_peak(bed):
    for port, source in enumerate(SOURCES, 8082):
        record(bed, source, port)
    # The kubelet remembers for half a minute that it refused us a moment ago.
    create([hog("warm-1", "warm", 64, 16, 120)])
    wait_until("the kubelet answers", lambda: bed.metric(8083, 'sparkfit_source_up{source="kubelets"}') == 1, 120)
    sampler = Sampler()
    sampler.start()
    uids = {}
    for number in range(EACH):  # spread over the rhythm of metrics-server
        create([hog(f"live{life}-{number}", f"live{life}", 2 * USE_MIB, USE_MIB, life, how=("swing",)) for life in LIVES])
        time.sleep(3.7)
        uids.update({pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in get("pods", "-n", "hogs")["items"]})
    names = [f"live{life}-{number}" for life in LIVES for number in range(EACH)]
    wait_until("all have ended", lambda: all(
        pod["status"]["phase"] == "Succeeded" for pod in get("pods", "-n", "hogs")["items"]
        if pod["metadata"]["name"] in names), 240, pause=2)
    time.sleep(20)  # late samples
    sampler.ended.set()
    kubectl("delete", "pods", "-n", "hogs", "--all", "--wait=false", "--grace-period=0", "--force")
    rows = []
    for source in SOURCES:
        seen = usage_by_pod(bed.directory / f"{source}.ndjson")
        for life in LIVES:
            samples, errors = [], []
            for number in range(EACH):
                name = f"live{life}-{number}"
                peak = sampler.peaks[uids[name]]
                assert peak > USE_MIB * MIB * 0.9, (name, peak)
                samples.append(len(seen.get(name, {})))
                if samples[-1]:
                    errors.append(1 - max(seen[name].values()) / peak)
            rows.append({"source": source, "life": life, "seen": sum(n > 0 for n in samples) / EACH,
                         "many": sum(n >= 3 for n in samples) / EACH, "samples": statistics.median(samples),
                         "error": round(statistics.median(errors), 3) if errors else None,
                         "worst": round(max(errors), 3) if errors else None})
    (bed.directory / "coverage.json").write_text(json.dumps(rows, indent=1) + "\n")
    for row in rows:
        log(json.dumps(row))
    share = {(row["source"], row["life"]): row["seen"] for row in rows}
    for life in LIVES:
        assert share["kubelet", life] >= share["metrics-server", life], life
        assert life < 15 or share["kubelet", life] == 1, rows
    return {f"{source} {life} s": share[source, life] for source, life in share}
