# SPDX-License-Identifier: Apache-2.0
"""What the suites share: the cluster, a controller in it, Spark, memory hogs, Prometheus."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.parse

import sparkrun

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "tests/cluster/cluster.sh"
IMAGE = ROOT / "tests/cluster/image.sh"
SUBMIT = ROOT / "tests/cluster/spark/submit.sh"
JOBS = ROOT / "tests/cluster/spark/jobs.py"
NODE = "10.244.255.1"  # as in cluster.sh
STATE = pathlib.Path(os.environ.get("CLUSTER_DIR", os.environ.get("TMPDIR", "/tmp") + "/sparkfit-cluster"))
BINARY = ROOT / "build/release/sparkfit"
MIB = 1 << 20
SUFFIX = {"Ki": 1 << 10, "Mi": MIB, "Gi": 1 << 30, "Ti": 1 << 40}


def log(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


def run(*command, check=True, text=None, timeout=300):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, input=text, timeout=timeout)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.stderr.strip()[-800:]}")
    return done.stdout


def kubectl(*arguments, **options):
    return run(CLUSTER, "exec", "kubectl", *arguments, **options)


def build_tool(name):
    """One that only some suites need; at once where it is there."""
    run(CLUSTER, "build", name, timeout=1800)


def get(*arguments):
    return json.loads(kubectl("get", *arguments, "-o", "json"))


def wait_until(what, condition, seconds, pause=0.2):
    """The first true value of condition(), and the seconds that it took."""
    begun = time.monotonic()
    while True:
        value = condition()
        took = time.monotonic() - begun
        if value:
            log(f"{what}: after {took:.1f} s")
            return value, took
        assert took < seconds, f"not within {seconds} s: {what}"
        time.sleep(pause)


def quantity(text):
    """A Kubernetes quantity in bytes."""
    for suffix, factor in SUFFIX.items():
        if text.endswith(suffix):
            return int(text[:-2]) * factor
    return int(text)


class Process:
    """A program in the cluster's network, ended with the object."""

    def __init__(self, name, directory, *command):
        self.name, self.path = name, directory / f"{name}.log"
        self.out = open(self.path, "ab")
        self.child = subprocess.Popen(
            [str(CLUSTER), "exec", *map(str, command)], stdout=self.out, stderr=self.out, start_new_session=True)

    def kill(self, how=signal.SIGTERM):
        """Returns when all of it is gone: who answers admissions goes on for some seconds."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, how)
            self.child.wait(20)
        wait_until(f"{self.name} is gone", self.is_gone, 20)
        self.out.close()

    def is_gone(self):
        try:
            os.killpg(self.child.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def stop(self):
        """Asks the program itself to end, as the kubelet does, and waits."""
        run("pkill", "-TERM", "-g", str(self.child.pid), "sparkfit")
        self.child.wait(20)

    def running(self):
        return self.child.poll() is None


class Testbed:
    def __init__(self, directory):
        self.directory = directory
        (directory / "log.ndjson").unlink(missing_ok=True)  # an earlier run's would be continued
        self.started, self.rows = [], []
        self.https = set()  # ports that speak it

    def prepare(self):
        """The cluster up and empty of jobs, our objects and exactly our rights in it."""
        run(CLUSTER, "up", timeout=600)
        for manifest in ("crds.yaml", "rbac.yaml"):
            kubectl("apply", "-f", ROOT / "manifests" / manifest)
        kubectl("create", "namespace", "hogs", check=False)
        kubectl("wait", "--for=condition=Established", "crd/executorrecommendations.sparkfit.io", "--timeout=30s")
        # What an earlier suite left.
        kubectl("delete", "execrec,executorrecommendationcheckpoints", "--all", "-A")
        kubectl("delete", "pods", "--all", "-n", "hogs", "--grace-period=0", "--force")
        kubectl("delete", "mutatingwebhookconfiguration", "sparkfit", "--ignore-not-found")
        self.leaves()
        run(CLUSTER, "kubeconfig", "sparkfit", "sparkfit", self.directory / "kubeconfig")

    def controller(self, name="controller", port=8080, *flags):
        process = Process(name, self.directory, BINARY, "controller", "--kubeconfig", self.directory / "kubeconfig",
                          "--listen", f"0.0.0.0:{port}", *flags)
        self.started.append(process)
        wait_until(f"{name} is ready", lambda: self.http(port, "/readyz", check=False).endswith("ok\n"), 30)
        return process

    def http(self, port, path, check=True):
        scheme = "https" if port in self.https else "http"
        return run(CLUSTER, "exec", "curl", "-skf", f"{scheme}://127.0.0.1:{port}{path}", check=check)

    def metric(self, port, series):
        for line in self.http(port, "/metrics").splitlines():
            if line.startswith(series + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    def leads(self, port):
        return self.metric(port, "sparkfit_leader") == 1

    def prometheus(self, jobs):
        """Scrapes by these jobs, as of Prometheus' configuration, every two seconds."""
        config = self.directory / "prometheus.yml"
        shutil.rmtree(self.directory / "prometheus-data", ignore_errors=True)
        config.write_text(json.dumps({"scrape_configs": [{"scrape_interval": "2s", "scrape_timeout": "2s", **job} for job in jobs]}, indent=1))
        process = Process("prometheus", self.directory, "/usr/bin/prometheus", f"--config.file={config}",
                          f"--storage.tsdb.path={self.directory}/prometheus-data", "--web.listen-address=127.0.0.1:9090")
        self.started.append(process)
        wait_until("Prometheus is ready", lambda: self.http(9090, "/-/ready", check=False), 30)

    def query(self, text):
        answer = json.loads(self.http(9090, "/api/v1/query?query=" + urllib.parse.quote(text)))
        return answer["data"]["result"]

    def autoscale(self, name="controller", port=8080, *flags):
        """A controller that also sizes executors at admission; the kubelet as source, as our runs are short."""
        for manifest in ("rbac-kubelet.yaml", "autoscale.yaml"):
            kubectl("apply", "-f", ROOT / "manifests" / manifest)
        webhook = port - 8080 + 9443
        create([endpoints(f"sparkfit-webhook-{webhook}", webhook)])
        return self.controller(name, port, "--mode", "autoscale", "--webhook-listen", f"0.0.0.0:{webhook}",
                               "--usage-source", "kubelet", *flags)

    def image(self, *name):
        """Our image, of this checkout, in the cluster: its name, for pods with `imagePullPolicy: Never`."""
        run(ROOT / "tools/install-deps", "image", timeout=600)
        return run(IMAGE, "load", *name, timeout=3600).strip()

    def leaves(self, port=None):
        """The webhook's Service does not lead there any more, or nowhere."""
        chosen = ["-l", "kubernetes.io/service-name=sparkfit-webhook"] if port is None else [f"sparkfit-webhook-{port - 8080 + 9443}"]
        kubectl("delete", "endpointslice", "-n", "sparkfit", "--ignore-not-found", *chosen)

    def spark(self, *arguments, **options):
        """One application by submit.sh, as a sparkrun.Run."""
        cluster_mode = arguments[0] == "--cluster"
        return self.application(str(arguments[1 if cluster_mode else 0]), [SUBMIT, *arguments], cluster_mode, **options)

    def application(self, name, command, cluster_mode=False, version="3.5.8", timeout=300, check=True):
        """One application from its submission by this command to the end of its last executor, as a sparkrun.Run."""
        watch = sparkrun.Watch(CLUSTER, STATE / "pki", name)
        try:
            begun = time.monotonic()
            done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout,
                                  env={**os.environ, "SPARK_VERSION": version})
            seconds = time.monotonic() - begun
        finally:
            executors = watch.stop()
        with (self.directory / "spark.log").open("a") as file:
            file.write(done.stdout + done.stderr)
        # In cluster mode spark-submit ends well whatever the driver did.
        ok = done.returncode == 0 and (not cluster_mode or list(watch.drivers.values()) == ["Succeeded"])
        result = sparkrun.Run(name, ok, seconds, done.stdout, executors)
        log(f"{name}: {'ok' if ok else 'FAILED'} after {seconds:.1f} s; " + ", ".join(
            f"{e.request:.0f}/{e.heap:.0f}m{'' if not e.lost else f' exit {e.exit_code}'}" for e in executors))
        assert ok or not check, f"{name} failed; see spark.log"
        return result

    def tables(self, scale=1):
        """Those of TPC-DS, made if need be."""
        run(ROOT / "tests/cluster/spark/tpcds.sh", scale, timeout=1800)

    def keep(self, row):
        """What a suite measured of one run, for tools/plot-e2e."""
        self.rows.append(row)
        (self.directory / "runs.json").write_text(json.dumps(self.rows, indent=1) + "\n")

    def recommendation(self, namespace, signature, profile=0):
        for item in get("execrec", "-n", namespace)["items"]:
            if item["spec"]["signature"] == signature and item["spec"]["resourceProfile"] == profile:
                return item
        return None

    def observed(self, namespace, signature, field):
        item = self.recommendation(namespace, signature) or {}
        return item.get("status", {}).get("observed", {}).get(field)

    def target(self, namespace, signature):
        item = self.recommendation(namespace, signature) or {}
        return item.get("status", {}).get("recommendation", {}).get("memory", {}).get("target")

    def end(self):
        for process in reversed(self.started):
            process.kill()
        self.started.clear()


def hog(name, signature, limit_mib, use_mib, seconds=0, application="app-1", how=()):
    """A pod that looks like a Spark executor and uses memory; heap is two thirds of its limit."""
    heap = limit_mib * 2 // 3
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "hogs", "labels": {
            "spark-role": "executor", "spark-app-selector": application, "spark-exec-id": name.rsplit("-", 1)[-1],
            "spark-exec-resourceprofile-id": "0", "sparkfit.io/signature": signature}},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [{
            "name": "spark-kubernetes-executor", "image": "localhost/hog:1", "imagePullPolicy": "Never",
            "args": [str(use_mib), str(seconds), *how],
            "env": [{"name": "SPARK_EXECUTOR_MEMORY", "value": f"{heap}m"}, {"name": "SPARK_EXECUTOR_CORES", "value": "1"}],
            "resources": {"requests": {"memory": f"{limit_mib}Mi", "cpu": "1m"}, "limits": {"memory": f"{limit_mib}Mi"}}}]}}


def static_job(*ports):
    """Prometheus' job for controllers that are processes on the node."""
    return {"job_name": "sparkfit", "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}


def admins_job(name, port, path="/metrics"):
    """Prometheus' job for a part of the cluster that asks who wants to know."""
    keys = {"ca_file": str(STATE / "pki/ca.crt"), "cert_file": str(STATE / "pki/admin.crt"), "key_file": str(STATE / "pki/admin.key")}
    return {"job_name": name, "scheme": "https", "metrics_path": path, "tls_config": keys,
            "static_configs": [{"targets": [f"{NODE}:{port}"]}]}


def endpoints(name, port):
    """The Service of the webhook leads to a process on the node, as it would to a pod."""
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "namespace": "sparkfit", "labels": {"kubernetes.io/service-name": "sparkfit-webhook"}},
            "endpoints": [{"addresses": [NODE], "conditions": {"ready": True}}],
            "ports": [{"name": "webhook", "port": port, "protocol": "TCP"}]}


def create(objects):
    kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def is_oom_killed(pod):
    """In a burst of kills containerd now and then misses the event: then only the exit code is left."""
    ends = [status.get("state", {}).get("terminated") or {} for status in pod["status"].get("containerStatuses", [])]
    return any(end.get("reason") == "OOMKilled" or end.get("exitCode") == 137 for end in ends)


def oom_waves(signature, count, wave=10, application="app-1", on_wave=lambda number: None):
    """`count` hogs that are OOM-killed, each deleted as soon as the API server shows it."""
    for begin in range(0, count, wave):
        names = [f"{signature}-{i}" for i in range(begin, min(begin + wave, count))]
        create([hog(name, signature, 32, 300, application=application) for name in names])
        left, deadline = set(names), time.monotonic() + 120
        while left:
            assert time.monotonic() < deadline, f"not OOM-killed: {left}"
            for pod in get("pods", "-n", "hogs", "-l", f"sparkfit.io/signature={signature}")["items"]:
                if pod["metadata"]["name"] in left and is_oom_killed(pod):
                    kubectl("delete", "pod", "-n", "hogs", pod["metadata"]["name"], "--wait=false", "--grace-period=0", "--force")
                    left.discard(pod["metadata"]["name"])
        on_wave(begin // wave)
