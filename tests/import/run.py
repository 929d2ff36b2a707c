#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sparkfit import against a real Prometheus: tests/import/run.py build/release/sparkfit [--large]

Needs Debian's prometheus (tools/install-deps cluster), which brings promtool. A past is made up here, with what each
job needed, and written into the blocks of a Prometheus of our own on loopback, in a folder of its own; all ends with
the test. Without --large: 300 executors in three days, interrupted, gone on with, saved answers, what replay makes of
it. --large: 5,000 executors in thirty days, with time and memory.
"""
import argparse
import gzip
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

STEP = 30
START = 1_790_000_010 // STEP * STEP  # September 2026
CONTAINER = "spark-kubernetes-executor"
MIB = 1 << 20


class Checks:
    def __init__(self):
        self.failed = 0

    def that(self, fine, what, detail=""):
        print(f"{'ok    ' if fine else 'FAILED'} {what}{'' if fine else f': {detail}'}", flush=True)
        self.failed += not fine

    def same(self, seen, wanted, what):
        self.that(seen == wanted, what, f"{seen!r} is not {wanted!r}"[:2000])


class Executor:
    def __init__(self, draw, number, days):
        job = draw.randrange(12)
        self.namespace, self.signature = f"team-{job % 3}", f"job-{job}"
        run = draw.randrange(1 << 60, 1 << 63)
        self.selector, self.uid = f"spark-{run:x}", f"uid-{number}"
        self.pod = f"job-{job}-{run:x}-exec-{number}"
        life = min(max(draw.expovariate(1 / 1800), 4 * STEP), 4 * 3600)
        self.begin = START + draw.uniform(600, days * 86400 - life - 1200)
        self.end = self.begin + life
        self.limit = (job + 2) * 512 * MIB
        self.request = self.limit - 100 * MIB
        self.killed = draw.random() < 0.08
        self.usage = [(t, int(self.limit * draw.uniform(0.2, 0.9))) for t in scrapes(self.begin, self.end, 7.25)]

    @property
    def peak(self):
        # A container that was killed at its limit needed at least that.
        return max([used for _, used in self.usage] + [self.limit] * self.killed)


def scrapes(begin, end, offset):
    """When somebody who scrapes every STEP, so late after it began, saw what was there."""
    first = int((begin - offset) // STEP) + 1
    return [first_t for first_t in (STEP * i + offset for i in range(first, first + int((end - begin) // STEP) + 2))
            if begin < first_t < end]


def family(name, series):
    yield f"# TYPE {name} gauge\n"
    for labels, points in series:
        text = name + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "} "
        for t, value in points:
            yield f"{text}{value} {t:.3f}\n"


def write_past(path, executors):
    """As cAdvisor and kube-state-metrics show them, which look at other moments."""
    def pod(e):
        return {"namespace": e.namespace, "pod": e.pod, "uid": e.uid, "job": "kube-state-metrics"}

    def seen(e, value):
        return [(t, value) for t in scrapes(e.begin - 45, e.end, 13.5)]

    def resources(e, amount):
        return pod(e) | {"container": CONTAINER, "resource": "memory", "unit": "byte", "node": "n1"}, seen(e, amount)

    def others():
        """What is no executor of Spark, though it died of memory."""
        t = START + 3600
        for i in range(20):
            labels = {"namespace": "web", "pod": f"web-{i}", "container": "nginx", "uid": f"web-{i}", "reason": "OOMKilled"}
            yield labels, [(t + 13.5 + STEP * k, 1) for k in range(10)]

    with open(path, "w") as out:
        out.writelines(family("container_memory_working_set_bytes", (
            ({"namespace": e.namespace, "pod": e.pod, "container": CONTAINER, "image": "spark:4", "id": f"/kubepods/pod{e.uid}/x",
              "job": "kubelet"}, e.usage) for e in executors)))
        out.writelines(family("kube_pod_labels", (
            (pod(e) | {"label_spark_role": "executor", "label_spark_app_selector": e.selector,
                       "label_sparkfit_io_signature": e.signature}, seen(e, 1)) for e in executors)))
        out.writelines(family("kube_pod_container_resource_limits", (resources(e, e.limit) for e in executors)))
        out.writelines(family("kube_pod_container_resource_requests", (resources(e, e.request) for e in executors)))
        ends = [(pod(e) | {"container": CONTAINER, "reason": "OOMKilled"},
                 [(t, 1) for t in scrapes(e.end, e.end + 3 * STEP, 13.5)]) for e in executors if e.killed]
        out.writelines(family("kube_pod_container_status_terminated_reason", ends + list(others())))
        out.write("# EOF\n")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Prometheus:
    def __init__(self, folder, executors):
        past = folder / "past.txt"
        write_past(past, executors)
        subprocess.run(["promtool", "tsdb", "create-blocks-from", "--max-block-duration=480h", "openmetrics", past, folder / "data"],
                       check=True, stdout=subprocess.DEVNULL)
        past.unlink()
        (folder / "prometheus.yml").write_text("")
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}/prefix/"
        self.log = open(folder / "prometheus.log", "w")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             "--storage.tsdb.retention.time=100y", f"--web.listen-address={self.address}", "--web.route-prefix=/prefix"],
            stdout=self.log, stderr=self.log)
        for _ in range(300):
            try:
                if urllib.request.urlopen(self.url + "-/ready", timeout=2).status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"Prometheus did not start; see {folder}/prometheus.log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def ask(self, query, start, end):
        parameters = urllib.parse.urlencode({"query": query, "start": start, "end": end, "step": STEP})
        return urllib.request.urlopen(f"{self.url}api/v1/query_range?{parameters}", timeout=120).read()


# As docs/import.md has them.
QUERIES = {
    "usage": 'max_over_time(container_memory_working_set_bytes{container="spark-kubernetes-executor"}[29s999ms])',
    "labels": 'last_over_time(kube_pod_labels{label_spark_role=~"executor|driver"}[29s999ms])',
    "resources": 'last_over_time({__name__=~"kube_pod_container_resource_(limits|requests)",resource="memory",'
                 'container="spark-kubernetes-executor"}[29s999ms])',
    "ends": 'last_over_time({__name__=~"kube_pod_container_status_(last_)?terminated_reason",'
            'container="spark-kubernetes-executor"}[29s999ms]) > 0',
}


class Import:
    def __init__(self, binary, server, days, chunk="1h"):
        self.binary = binary
        self.times = ["--start", str_time(START), "--end", str_time(START + days * 86400)]
        self.arguments = ["import", "prometheus", "--url", server.url, "--chunk", chunk] + self.times

    def begin(self, output, *more):
        return subprocess.Popen([self.binary, *self.arguments, "--output", output, *more], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run(self, output, *more):
        process = self.begin(output, *more)
        _, told = process.communicate()
        return process.returncode, told


def str_time(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def text_of(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def wait_for_commits(process, resume, wanted):
    """Until the state was replaced so often; False where the process ended before."""
    seen, commits = None, 0
    while process.poll() is None:
        try:
            now = os.stat(resume).st_ino, os.stat(resume).st_mtime_ns
        except FileNotFoundError:
            continue
        commits += now != seen
        seen = now
        if commits > wanted:
            return True
    return False


def expected(executors):
    jobs = {}
    for e in executors:
        job = jobs.setdefault((e.namespace, e.signature), {"executors": 0, "containerOOMs": 0, "peakBytes": 0, "applications": 0})
        job["executors"] += 1
        job["applications"] += 1
        job["containerOOMs"] += e.killed
        job["peakBytes"] = max(job["peakBytes"], e.peak)
        if e.begin >= job.get("latest", (0, 0))[0]:
            job["latest"] = e.begin, e.request
    return {key: {name: value for name, value in job.items() if name != "latest"} | {"requestBytes": job["latest"][1]}
            for key, job in jobs.items()}


def check_replay(checks, binary, log, executors):
    done = subprocess.run([binary, "replay", log, "-o", "json", "--strict"], capture_output=True, text=True)
    checks.same(done.returncode, 0, "replay reads the log without a complaint")
    wanted = expected(executors)
    rows = {(row["namespace"], row["signature"]): row for row in json.loads(done.stdout)}
    checks.same(set(rows), set(wanted), "the jobs are those that ran")
    for name in ("executors", "applications", "containerOOMs", "peakBytes", "requestBytes"):
        checks.same({key: row[name] for key, row in rows.items()}, {key: job[name] for key, job in wanted.items()},
                    f"{name} of each job")
    checks.that(all(row["targetBytes"] for row in rows.values()), "each job has a target")
    checks.that("not used" not in done.stderr, "nothing of the log is left unused", done.stderr)


def check_interrupted(checks, past, whole, folder):
    for output in (folder / "again.ndjson.gz", folder / "again.ndjson"):
        resume = pathlib.Path(f"{output}.resume")
        for how, after in ((signal.SIGKILL, 5), (signal.SIGINT, 40), (signal.SIGKILL, 90)):
            process = past.begin(output)
            ended = not wait_for_commits(process, resume, after)
            process.send_signal(how)
            told = process.communicate()[1]
            checks.same((ended, process.returncode), (False, -how if how == signal.SIGKILL else 1),
                        f"{output.name}: ended by {how.name} after {after} commits")
            if how == signal.SIGINT:
                checks.that("goes on from here" in told, "it says that the same command goes on", told)
        code, told = past.run(output, "--matcher", 'job!="x"')
        checks.that(code == 2 and "was begun with" in told, "other arguments are refused", told)
        code, told = past.run(output)
        checks.same(code, 0, f"{output.name}: the fourth run ends it")
        checks.that(not resume.exists(), "nothing is left beside the log")
        reference = whole if output.suffix == ".gz" else None
        if reference:
            checks.that(output.read_bytes() == reference.read_bytes(), "byte for byte that of one run")
        checks.that(text_of(output) == text_of(whole), "the same text as that of one run")
    code, told = past.run(output)
    checks.that(code == 2 and "complete" in told, "a complete log is not written over", told)


def small(binary, folder, checks):
    draw = random.Random(20261127)
    days = 3
    executors = [Executor(draw, i, days) for i in range(300)]
    with Prometheus(folder, executors) as server:
        past = Import(binary, server, days, chunk="10m")
        whole = folder / "whole.ndjson.gz"
        code, told = past.run(whole)
        checks.same(code, 0, "an import of three days")
        killed = sum(e.killed for e in executors)
        samples = sum(len(e.usage) for e in executors)
        checks.that(f": 300 executors and 0 drivers, {samples:,} samples, {killed} container OOMs" in told,
                    f"its summary: {samples:,} samples, {killed} OOMs", told)
        checks.that("note" not in told and "warning" not in told, "nothing is left out", told)
        check_replay(checks, binary, whole, executors)
        check_interrupted(checks, past, whole, folder)
        for chunk in ("30s", "3h", "91h"):
            other = folder / f"{chunk}.ndjson"
            if chunk == "30s":  # a request for each time: of six hours only
                few = Import(binary, server, 0.25, chunk)
                few.run(folder / "six.ndjson")
                Import(binary, server, 0.25, "1h").run(other)
                checks.that(text_of(other) == text_of(folder / "six.ndjson"), "a chunk of one step gives the same log")
                continue
            Import(binary, server, days, chunk).run(other)
            checks.that(text_of(other) == text_of(whole), f"chunks of {chunk} give the same log")
        check_saved(checks, binary, server, past, whole, folder, days)
        check_wrong(checks, binary, server, past, folder)


def check_saved(checks, binary, server, past, whole, folder, days):
    files = []
    for name, query in QUERIES.items():
        files += ["--from-json", folder / f"{name}.json"]
        files[-1].write_bytes(server.ask(query, START, START + days * 86400))
    saved = folder / "saved.ndjson"
    done = subprocess.run([binary, "import", "prometheus", *files, *past.times, "--output", saved], capture_output=True, text=True)
    checks.same(done.returncode, 0, "an import of saved answers")
    checks.that(text_of(saved) == text_of(whole), "saved answers give the log of the server")


def check_wrong(checks, binary, server, past, folder):
    code, told = past.run(folder / "wrong.ndjson", "--matcher", 'cluster=="a"')
    checks.that(code == 2 and "bad_data" in told and "parse error" in told, "a matcher that is none, in the server's words", told)
    there = subprocess.run([binary, "import", "prometheus", "--url", f"http://{server.address}/elsewhere", "--output", folder / "x"],
                           capture_output=True, text=True)
    checks.that(there.returncode == 2 and "404" in there.stderr and "--url" in there.stderr, "a wrong path", there.stderr)
    none = folder / "none.ndjson"
    code, told = past.run(none, "--namespace", "nobody")
    checks.that(code == 0 and "no executor was found" in told, "a namespace without executors is no silent success", told)
    code, told = past.run(folder / "unlabelled.ndjson", "--matcher", 'job!="kube-state-metrics"', "--derived-signatures", "{pod-name}")
    checks.that(code == 0 and "--metric-labels-allowlist" in told, "without labels it says what to do", told)
    rows = json.loads(subprocess.run([binary, "replay", folder / "unlabelled.ndjson", "-o", "json"], capture_output=True).stdout)
    checks.same((len(rows), sum(row["executors"] for row in rows)), (12, 300), "and the names of pods tell the jobs")


def resident(process):
    """The most so far, in KiB. Not by getrusage, which counts what we were ourselves before the exec."""
    with open(f"/proc/{process.pid}/status") as status:
        return next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)


def large(binary, folder, checks):
    draw = random.Random(5000)
    days = 30
    executors = [Executor(draw, i, days) for i in range(5000)]
    with Prometheus(folder, executors) as server:
        log = folder / "large.ndjson.gz"
        began = time.monotonic()
        process = Import(binary, server, days).begin(log)
        most = 0
        while process.poll() is None:
            most = max(most, resident(process))
            time.sleep(0.05)
        seconds = time.monotonic() - began
        told = process.communicate()[1]
        checks.that(process.returncode == 0, "an import of 5,000 executors in 30 days", told)
        print(f"       {seconds:.1f} s, {most / 1024:.0f} MiB at most, {log.stat().st_size / 1e6:.1f} MB: {told.strip()}")
        checks.that(seconds <= 300, "within five minutes", f"{seconds:.0f} s")
        check_replay(checks, binary, log, executors)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="sparkfit-import-") as folder:
        (large if arguments.large else small)(arguments.binary.resolve(), pathlib.Path(folder), checks)
    print(f"{checks.failed} failed" if checks.failed else "all fine")
    sys.exit(checks.failed > 0)


main()
