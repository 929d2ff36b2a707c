#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures sparkfit and VPA (recommender and admission controller) on the same executors of a real API server, one after the other.

usage: run.py [--sizes 1000,5000,20000] [--subjects sparkfit,vpa,sparkfit-1m] [--seconds N] [--again]

Needs root, as it makes a network namespace. A part is one size and one subject, takes some ten minutes, and leaves
build/scale/SIZE/SUBJECT.json; one that is there is not measured again. tools/plot-scale makes a table and pictures of them.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bed as beds  # noqa: E402
from bed import ADDRESS, EXECUTORS_OF_A_JOB, PODS, ROOT, TOOLS, asking, executor, log, testbed, wait_until  # noqa: E402

QUESTIONS = 500  # of admission
SINGLE, SEVERAL = 1, 3  # executors of a job that run out of memory
OOM_JOBS = 5  # of each kind
OOM_PATIENCE = 240


class Sparkfit:
    """As the chart installs it in mode autoscale: usage of metrics.k8s.io, a webhook, a Lease. One process."""

    resource = "/apis/sparkfit.io/v1alpha1/{}executorrecommendations"
    webhook = "executors.sparkfit.io"
    sized = "sparkfit.io/applied-memory"
    users = ["sparkfit"]

    def __init__(self, *flags):
        self.flags = flags

    def start(self, bed, jobs):
        bed.apply(*(ROOT / "manifests" / name for name in ("crds.yaml", "rbac.yaml", "autoscale.yaml")))
        bed.known(self.resource.format(""))
        beds.must([["POST", "/apis/discovery.k8s.io/v1/namespaces/sparkfit/endpointslices", testbed.endpoints("sparkfit-webhook-9443", 9443)]])
        return [bed.start("sparkfit", testbed.BINARY, "controller", "--kubeconfig", bed.kubeconfig("sparkfit"), "--mode", "autoscale",
                          "--listen", "127.0.0.1:8080", "--webhook-listen", f"{ADDRESS}:9443", "--lease-namespace", "sparkfit", *self.flags)]

    def registered(self):
        hook = asking.ask(["GET", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sparkfit", None])[1]
        return bool(hook["webhooks"][0]["clientConfig"].get("caBundle"))

    def target(self, thing):
        """In bytes."""
        return testbed.quantity(thing.get("status", {}).get("recommendation", {}).get("memory", {}).get("target") or "0")

    def steps(self, bed):
        return bed.metrics("http://127.0.0.1:8080/metrics", "sparkfit_loop_duration_seconds_")

    def passes(self, before, after):
        """Seconds by step of one pass: asking for usage, learning from it, deciding what is to be written. Writing has its own thread."""
        grown = lambda what, step: after[f'sparkfit_loop_duration_seconds_{what}{{step="{step}"}}'] - before.get(f'sparkfit_loop_duration_seconds_{what}{{step="{step}"}}', 0)
        count = grown("count", "read")
        return count, {step: grown("sum", step) / count for step in ("read", "usage", "publish")}


class Vpa:
    """As its own manifests run it, and each job has a VPA in mode Initial for memory alone. Two processes."""

    resource = "/apis/autoscaling.k8s.io/v1/{}verticalpodautoscalers"
    webhook = "vpa.k8s.io"
    sized = "vpaUpdates"
    users = ["vpa-recommender", "vpa-admission-controller"]

    def start(self, bed, jobs):
        source = beds.source_of("vpa", "k8s.io/autoscaler/vertical-pod-autoscaler")
        bed.apply(f"{source}/deploy/vpa-v1-crd-gen.yaml")
        bed.known(self.resource.format(""))
        beds.must([["POST", self.resource.format(f"namespaces/{space}/"), self.vpa(name)] for space, name in jobs])
        keys = bed.keys
        recommender = bed.start("vpa-recommender", TOOLS / "vpa-recommender", "--kubeconfig", bed.kubeconfig("vpa-recommender"))
        admission = bed.start(
            "vpa-admission-controller", TOOLS / "vpa-admission-controller", "--kubeconfig", bed.kubeconfig("vpa-admission-controller"), "--v=4",
            "--stderrthreshold=info", "--reload-cert", "--register-by-url", f"--webhook-address=https://{ADDRESS}", "--webhook-port=8000",
            f"--client-ca-file={keys}/ca.crt", f"--tls-cert-file={keys}/admin.crt", f"--tls-private-key={keys}/admin.key", NAMESPACE="kube-system")
        return [recommender, admission]

    def vpa(self, job):
        return {"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler", "metadata": {"name": job}, "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": job}, "updatePolicy": {"updateMode": "Initial"},
            "resourcePolicy": {"containerPolicies": [{"containerName": "*", "controlledResources": ["memory"]}]}}}

    def registered(self):
        return asking.ask(["GET", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/vpa-webhook-config", None])[0] == 200

    def target(self, thing):
        containers = thing.get("status", {}).get("recommendation", {}).get("containerRecommendations")
        text = containers[0]["target"]["memory"] if containers else "0"
        return int(text[:-1]) * 1000 if text.endswith("k") else testbed.quantity(text)

    def steps(self, bed):
        return bed.metrics("http://127.0.0.1:8942/metrics", "vpa_recommender_execution_latency_seconds_")

    def passes(self, before, after):
        """Seconds by step of one pass; UpdateVPAs and MaintainCheckpoints are what is written."""
        grown = lambda name: after[name] - before.get(name, 0)
        sums = {re.search('step="(.*?)"', name)[1]: name for name in after if "_seconds_sum{" in name}
        count = grown(sums["total"].replace("_sum", "_count"))
        return count, {step: grown(name) / count for step, name in sums.items() if step != "total"}


SUBJECTS = {"sparkfit": Sparkfit(), "vpa": Vpa(), "sparkfit-1m": Sparkfit("--usage-interval", "60s")}


def idle_seconds():
    """Of all cores."""
    return int(pathlib.Path("/proc/stat").read_text().split()[4]) / beds.live.TICKS


def utc():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


def costs(bed, programs, seconds, steps):
    """Of `seconds` as they come: processes, bytes, requests."""
    meters = {program.name: (program, program.cpu()) for program in bed.programs}
    counted = {name: (wire.received, wire.sent) for name, wire in bed.wires.items()}
    begun, from_second, before, idle = time.monotonic(), utc(), steps(), idle_seconds()
    sizes = {program.name: [] for program in programs}
    while time.monotonic() < begun + seconds:
        for program in programs:
            sizes[program.name].append(program.memory())
        time.sleep(1)
    after, to_second, minutes = steps(), utc(), (time.monotonic() - begun) / 60
    cpu = {name: (program.cpu() - used) / minutes for name, (program, used) in meters.items()}
    return {
        "minutes": minutes, "idle_cores": (idle_seconds() - idle) / minutes / 60, "cpu_seconds_a_minute": cpu,
        "memory_mib": {name: {"mean": statistics.mean(values), "largest": max(values)} for name, values in sizes.items()},
        "bytes_a_minute": {name: {"received": (bed.wires[name].received - received) / minutes, "sent": (bed.wires[name].sent - sent) / minutes}
                           for name, (received, sent) in counted.items()},
        "window": [from_second, to_second]}, before, after


def ask_for_executors(size, sized=None):
    """Milliseconds that the creation of executors takes, none of them made; and how many were sized."""
    took, changed = [], 0
    for number in range(QUESTIONS):
        pod = executor(10 * size + number, size)
        begun = time.monotonic()
        code, answer = asking.ask(["POST", PODS.format(pod["metadata"]["namespace"]) + "?dryRun=All", pod])
        took.append((time.monotonic() - begun) * 1000)
        assert code == 201, answer
        changed += bool(sized) and sized in answer["metadata"].get("annotations", {})
    return {"median_ms": statistics.median(took), "p99_ms": statistics.quantiles(took, n=100)[98], "sized": changed, "asked": QUESTIONS}


def in_webhook(bed, name):
    """What the API server has waited for a webhook until now: seconds and calls."""
    found = bed.metrics(f"https://{ADDRESS}/metrics", "apiserver_admission_webhook_admission_duration_seconds_")
    one = lambda kind: sum(value for series, value in found.items() if f"_{kind}{{" in series and f'name="{name}"' in series)
    return one("sum"), one("count")


def admission(bed, subject, size):
    seconds, calls = in_webhook(bed, subject.webhook)
    figures = ask_for_executors(size, subject.sized)
    more_seconds, more_calls = in_webhook(bed, subject.webhook)
    return {**figures, "webhook_mean_ms": (more_seconds - seconds) / (more_calls - calls) * 1000, "calls": more_calls - calls}


def kill(pod):
    """As the kubelet tells of it."""
    name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]["name"]
    path = f"{PODS.format(pod['metadata']['namespace'])}/{name}"
    now = beds.live.NOW()
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "startedAt": now, "finishedAt": now, "containerID": f"containerd://{name}"}}
    code, answer = asking.ask(["PATCH", f"{path}/status", {"status": {"phase": "Failed", "containerStatuses": [
        {"name": container, "image": "none", "imageID": "none", "ready": False, "restartCount": 0, "containerID": f"containerd://{name}", "state": ended}]}}])
    assert code == 200, answer


def after_oom(subject, dying, name):
    """Seconds from the end of the last of these executors of a job until its target is above the size at which they died; none: too long."""
    space = dying[0]["metadata"]["namespace"]
    found = [asking.ask(["GET", f"{PODS.format(space)}/{pod['metadata']['name']}", None])[1] for pod in dying]
    size = max(testbed.quantity(pod["spec"]["containers"][0]["resources"]["requests"]["memory"]) for pod in found)
    for pod in dying:
        kill(pod)
    begun = time.monotonic()
    while time.monotonic() < begun + OOM_PATIENCE:
        if subject.target(asking.ask(["GET", f"{subject.resource.format(f'namespaces/{space}/')}/{name}", None])[1]) > size:
            return time.monotonic() - begun
        time.sleep(0.25)
    return None


def after_ooms(subject, executors):
    """Of several jobs at once."""
    names, cases = names_of_jobs(subject), {SINGLE: [], SEVERAL: []}
    for key in range(2 * OOM_JOBS):
        count = SINGLE if key < OOM_JOBS else SEVERAL
        cases[count].append([executors.take(number) for number in executors.of_job(key)[:count]])
    with concurrent.futures.ThreadPoolExecutor(2 * OOM_JOBS) as threads:
        asked = {count: [threads.submit(after_oom, subject, dying, names[beds.job_of(dying[0])]) for dying in jobs] for count, jobs in cases.items()}
    raised = {count: [future.result() for future in futures] for count, futures in asked.items()}
    return {f"{count} of {EXECUTORS_OF_A_JOB}": {"jobs": OOM_JOBS, "raised_after": sorted(took for took in times if took is not None)}
            for count, times in raised.items()}


def names_of_jobs(subject):
    """Which object recommends for a job; ours are named after the signature, which is the job's name here."""
    items = asking.ask(["GET", subject.resource.format(""), None])[1]["items"]
    return {(item["metadata"]["namespace"], item.get("spec", {}).get("signature", item["metadata"]["name"])): item["metadata"]["name"] for item in items}


def part(name, size, seconds, directory):
    subject = SUBJECTS[name]
    state = beds.make(directory, size)
    bed = beds.Bed(directory / name, state)
    executors = beds.Executors(size)
    usage = None
    try:
        jobs = sorted({beds.job_of(pod) for pod in executors.all()})
        result = {"size": size, "jobs": len(jobs), "subject": name, "commit": testbed.run("git", "-C", ROOT, "rev-parse", "HEAD").strip()}
        bed.serve(subject.users)
        usage = beds.serve_usage(executors, bed.keys)
        bed.kwok()
        bed.known("/apis/metrics.k8s.io/v1beta1/pods")
        result["admission_without"] = ask_for_executors(size)
        programs = subject.start(bed, jobs)
        begun = time.monotonic()
        recommended = lambda: sum(subject.target(item) > 0 for item in asking.ask(["GET", subject.resource.format(""), None])[1]["items"])
        wait_until("the webhook is registered", subject.registered, 60)
        wait_until("every job has a target", lambda: recommended() == len(jobs), 600, 3)
        result["seconds_until_all_recommended"] = time.monotonic() - begun
        executors.churn()
        time.sleep(90)  # a pass of everybody's, checkpoints included
        replaced = executors.replaced
        log(f"measuring for {seconds} s")
        measured, before, after = costs(bed, programs, seconds, lambda: subject.steps(bed))
        result.update(measured)
        result["replaced_a_minute"] = (executors.replaced - replaced) / measured["minutes"]
        result["passes"], result["pass_seconds"] = subject.passes(before, after)
        requests = bed.requests(*measured["window"])
        result["requests_a_minute"] = {user: {what: count / measured["minutes"] for what, count in sorted(of.items(), key=lambda x: -x[1])}
                                       for user, of in requests.items()}
        result["admission"] = admission(bed, subject, size)
        executors.stop()
        result["oom"] = after_ooms(subject, executors)
        result["memory_at_most_mib"] = {program.name: program.memory("VmHWM") for program in programs}
    finally:
        bed.end()
        if usage:  # the next part has its own
            usage.shutdown()
            usage.server_close()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,5000,20000")
    parser.add_argument("--subjects", default=",".join(SUBJECTS))
    parser.add_argument("--seconds", type=int, default=240, help="of steady state that are measured")
    parser.add_argument("--again", action="store_true", help="also what was measured before")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "build/scale")
    arguments = parser.parse_args()
    beds.enter_network()
    for size in map(int, arguments.sizes.split(",")):
        for name in arguments.subjects.split(","):
            directory = arguments.results / str(size)
            path = directory / f"{name}.json"
            if path.exists() and not arguments.again:
                log(f"{path} is there")
                continue
            log(f"--- {size} executors, {name}")
            path.write_text(json.dumps(part(name, size, arguments.seconds, directory), indent=1) + "\n")
            log(path)


if __name__ == "__main__":
    main()
