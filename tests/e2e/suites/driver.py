# SPDX-License-Identifier: Apache-2.0
"""Real Spark drivers are asked for their executors' heaps, where their jobs allow it; others do no harm."""
import json

from testbed import BINARY, JOBS, create, hog, kubectl, quantity, run, wait_until

PORT = 8080
ON_DRIVER = "spark.kubernetes.driver.annotation.sparkfit.io"
ON_EXECUTOR = "spark.kubernetes.executor.annotation.sparkfit.io"
# What stands where a driver's UI should, in Python: each gets a socket, and whether it was the one of port 4041.
FAKES = {
    "refused": "s.sendall(b'HTTP/1.1 302 Found\\r\\nLocation: http://' + ip.encode() + b':4041/\\r\\nContent-Length: 0\\r\\n\\r\\n')",
    "timeout": "time.sleep(60)",
    "too_large": "s.sendall(b'HTTP/1.1 200 OK\\r\\n' + b'X: ' + b'x' * 100000)",
    "malformed": "s.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 6\\r\\n\\r\\n<html>')",
    "error": "s.sendall(b'no HTTP\\r\\n\\r\\n')",
}
SERVER = """
import os, socket, threading, time
ip = os.environ["IP"]
def serve(port):
    listener = socket.create_server(("", port))
    while True:
        s = listener.accept()[0]
        try:
            print(port, s.recv(65536).decode(), flush=True)
            if port == 4040:
                {answer}
            s.close()
        except OSError:
            pass
threading.Thread(target=serve, args=(4041,), daemon=True).start()
serve(4040)
"""


def fake_driver(result):
    """A pod that says it is a driver, and allows to be asked; of the host's programs, as the Spark of this cluster is."""
    mounts = {"usr": "/usr", "etc": "/etc", "bin": "/usr/bin", "lib": "/usr/lib", "lib64": "/usr/lib64"}
    name = result.replace("_", "-")
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": f"{name}-driver", "namespace": "hogs", "labels": {
            "spark-role": "driver", "spark-app-selector": f"spark-{name}", "sparkfit.io/driver-metrics": "true"}},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [{
            "name": "spark-kubernetes-driver", "image": "localhost/spark:1", "imagePullPolicy": "Never",
            "command": ["/usr/bin/python3", "-c", SERVER.format(answer=FAKES[result])],
            "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "volumeMounts": [{"name": n, "mountPath": f"/{n}", "readOnly": True} for n in mounts]}],
            "volumes": [{"name": n, "hostPath": {"path": path}} for n, path in mounts.items()]}}


def requests(bed, result):
    return bed.metric(PORT, f'sparkfit_driver_requests_total{{result="{result}"}}') or 0


def readings(bed, signature):
    """What was recorded of the drivers of a job, with the highest of each figure by executor."""
    applications, executors, lines = set(), {}, 0
    for text in (bed.directory / "log.ndjson").read_text().splitlines():
        line = json.loads(text)
        if line["type"] == "pod":
            meta = line["object"]["metadata"]
            if meta.get("annotations", {}).get("sparkfit.io/signature") == signature:
                applications.add(meta["labels"]["spark-app-selector"])
        elif line["type"] == "driver" and line["object"]["application"] in applications:
            lines += 1
            for executor in line["object"]["executors"]:
                executors[executor["id"]] = executor
    return lines, executors


def summary(executors):
    mib = lambda value: f"{value / (1 << 20):.0f}"
    return "; ".join(
        f"{e['id']}: heap {mib(e['peakMemoryMetrics']['JVMHeapMemory'])} unified {mib(e['peakMemoryMetrics']['OnHeapUnifiedMemory'])} "
        f"of {mib(e['memoryMetrics']['totalOnHeapStorageMemory'])} MiB, gc {e['totalGCTime']} of {e['totalDuration']} ms"
        for e in executors.values())


def spark(bed, name, *conf, version="3.5.8", rounds=60):
    settings = [part for setting in (f"{ON_DRIVER}/signature={name}", *conf) for part in ("--conf", setting)]
    bed.spark("--cluster", name, "900m", "--conf", "spark.executor.instances=2", *settings, JOBS, "aggregate", "4e6", str(rounds),
              version=version, timeout=900)
    wait_until("a target", lambda: bed.target("jobs", name), 30)


def was_read(bed, name):
    lines, executors = readings(bed, name)
    assert lines > 0 and len(executors) == 2, (lines, executors)
    for executor in executors.values():
        assert executor["peakMemoryMetrics"]["JVMHeapMemory"] > 0, executor
        assert executor["memoryMetrics"]["totalOnHeapStorageMemory"] > 0, executor
        assert 0 < executor["totalGCTime"] < executor["totalDuration"], executor
    return f"{lines} readings; {summary(executors)}"


def test_a_driver_that_allows_it_is_read(bed):
    bed.controller("controller", PORT, "--driver-metrics", "true", "--record", bed.directory / "log.ndjson")
    spark(bed, "told", f"{ON_DRIVER}/driver-metrics=true")
    assert requests(bed, "ok") > 0
    return was_read(bed, "told")


def test_a_driver_that_does_not_is_left_alone(bed):
    before = {result: requests(bed, result) for result in ("ok", *FAKES)}
    spark(bed, "silent", rounds=30)
    assert readings(bed, "silent") == (0, {})
    assert before == {result: requests(bed, result) for result in before}


def test_drivers_that_do_not_tell_are_counted(bed):
    create([fake_driver(result) for result in FAKES])
    create([hog(f"{result.replace('_', '-')}-1", "fakes", 32, 8, 600, application=f"spark-{result.replace('_', '-')}") for result in FAKES])
    for result in FAKES:
        wait_until(result, lambda result=result: requests(bed, result) > 0, 120)
    asked = kubectl("logs", "-n", "hogs", "refused-driver")
    assert "4040 GET /api/v1/applications/spark-refused/allexecutors HTTP/1.1" in asked, asked
    assert "4041" not in asked, "the redirect was followed"
    assert "uthorization" not in asked and "Bearer" not in asked, asked


def test_and_nothing_else_suffers(bed):
    """Permission on the executors this time, Spark 4."""
    spark(bed, "told-too", f"{ON_EXECUTOR}/driver-metrics=true", version="4.2.0")
    kubectl("delete", "pods", "--all", "-n", "hogs", "--grace-period=0", "--force")
    log = bed.started[0].path.read_text().rsplit("info: serves", 1)[1]  # an earlier run's stays before it
    for result in FAKES:
        told = [line for line in log.splitlines() if "does not tell" in line and f'result="{result}"' in line and "hogs" in line]
        assert len(told) == 1, (result, told)
    return was_read(bed, "told-too")


def test_replay_of_the_record_says_the_same(bed):
    for name in ("told", "silent", "told-too"):
        row = json.loads(run(BINARY, "replay", bed.directory / "log.ndjson", "-o", "json", "--signature", name))[0]
        item = bed.recommendation("jobs", name)["status"]
        memory = item["recommendation"]["memory"]
        assert quantity(memory["target"]) == row["targetBytes"], (name, memory, row)
        assert quantity(memory["lower"]) == row["lowerBytes"], (name, memory, row)
        assert quantity(memory["upper"]) == row["upperBytes"], (name, memory, row)
        assert item["observed"]["executors"] == row["executors"] == 2
