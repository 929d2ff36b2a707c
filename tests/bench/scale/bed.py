# SPDX-License-Identifier: Apache-2.0
"""What is measured on: etcd, kube-apiserver and kwok in a network namespace of their own, executors, a stub for metrics.k8s.io."""
import gzip
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/bench/live"), str(ROOT / "tests/e2e")]
import asking  # noqa: E402
import run as live  # noqa: E402
import testbed  # noqa: E402
from testbed import log, wait_until  # noqa: E402

ADDRESS = testbed.NODE
TOOLS = testbed.STATE / "bin"
EXECUTORS_OF_A_JOB = 10
EXECUTORS_OF_A_NODE = 100
LIFETIME = 1800  # seconds that an executor lives, on average
USAGE_PORT = 4443
PODS = "/api/v1/namespaces/{}/pods"


def enter_network():
    """A network of this process' own, as root: whatever is started here ends and is forgotten with it."""
    if "SCALE_NETWORK" not in os.environ:
        os.environ["SCALE_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    testbed.run("ip", "link", "set", "lo", "up")
    testbed.run("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")  # as the API server refuses endpoints on 127.0.0.1


def source_of(tool, module):
    """Where the sources of what cluster.sh built are."""
    path = {"PATH": os.environ["PATH"] + ":/usr/local/go/bin"}
    return subprocess.run(["go", "-C", ROOT / "tests/cluster/tools" / tool, "list", "-m", "-f", "{{.Dir}}", module], env={**os.environ, **path},
                          check=True, capture_output=True, text=True).stdout.strip()


class Program:
    """A process, what it costs, and its end with ours."""

    def __init__(self, directory, name, *command, **environment):
        self.name, self.path = name, directory / f"{name}.log"
        with open(self.path, "wb") as out:
            self.child = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, command)], stdout=out, stderr=out,
                                          env={**os.environ, **environment})

    def check(self):
        assert self.child.poll() is None, f"{self.name} ended; see {self.path}"

    def cpu(self):
        self.check()
        return live.cpu_of(self.child.pid)

    def memory(self, what="VmRSS"):
        return live.memory_of(self.child.pid, what)

    def end(self):
        self.child.terminate()
        try:
            self.child.wait(30)
        except subprocess.TimeoutExpired:
            self.child.kill()


class Wire:
    """One client's way to the API server, as it is but counted: TLS goes through unopened."""

    def __init__(self):
        self.received = self.sent = 0  # bytes, by the client
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client = self.listener.accept()[0]
            server = socket.create_connection((ADDRESS, 443))
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.pump, args=(client, server, "sent"), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, "received"), daemon=True).start()

    def pump(self, source, sink, what):
        try:
            while data := source.recv(1 << 18):
                sink.sendall(data)
                setattr(self, what, getattr(self, what) + len(data))
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, sink):
                end.close()


class Usage(http.server.BaseHTTPRequestHandler):
    """metrics.k8s.io as metrics-server answers for it: all pods, gzip where the client takes it. Every value is new each time."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    running = None  # the Executors
    moment = 0

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.endswith("/pods"):
            Usage.moment += 1
            answer = {"apiVersion": "metrics.k8s.io/v1beta1", **live.usage_of(self.running.all(), Usage.moment, live.NOW())}
        else:
            answer = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1", "resources": [
                {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}]}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if len(data) > 128 << 10 and "gzip" in self.headers.get("Accept-Encoding", ""):
            data = gzip.compress(data, 1)  # both as the API machinery does it
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def serve_usage(executors, keys):
    Usage.running = executors
    server = live.fake_api.Server((ADDRESS, USAGE_PORT), Usage)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def executor(number, size):
    """Of a ReplicaSet of its job, as VPA knows no pod whose owner is a pod."""
    pod = live.executor(number, size // EXECUTORS_OF_A_JOB)
    job = pod["metadata"]["labels"]["spark-app-name"]
    for field in ("uid", "managedFields"):
        del pod["metadata"][field]
    del pod["status"]
    pod["metadata"]["annotations"]["sparkfit.io/mode"] = "Initial"
    pod["metadata"]["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": job, "uid": job, "controller": True}]
    pod["spec"]["nodeName"] = f"node-{number % (size // EXECUTORS_OF_A_NODE)}"
    return pod


def job_of(pod):
    return pod["metadata"]["namespace"], pod["metadata"]["labels"]["spark-app-name"]


class Executors:
    """Who runs, and a thread that replaces one after the other, so that each lives as long as LIFETIME."""

    def __init__(self, size):
        self.size, self.lock = size, threading.Lock()
        self.pods = {number: executor(number, size) for number in range(size)}
        self.replaced, self.stopped = 0, threading.Event()

    def all(self):
        with self.lock:
            return list(self.pods.values())

    def take(self, number):
        with self.lock:
            return self.pods.pop(number, None)

    def of_job(self, key):
        with self.lock:
            return [number for number in self.pods if number % (self.size // EXECUTORS_OF_A_JOB) == key]

    def replace(self):
        begun = time.monotonic()
        for turn in range(1 << 30):
            if self.stopped.wait(max(0, begun + turn * LIFETIME / self.size - time.monotonic())):
                return
            old = self.take(turn)
            new = executor(turn + self.size, self.size)
            if old:
                asking.ask(["DELETE", f"{PODS.format(old['metadata']['namespace'])}/{old['metadata']['name']}?gracePeriodSeconds=0", None])
            asking.ask(["POST", PODS.format(new["metadata"]["namespace"]), new])
            with self.lock:
                self.pods[turn + self.size] = new
            self.replaced += 1

    def churn(self):
        self.thread = threading.Thread(target=self.replace, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopped.set()
        self.thread.join()


class Bed:
    """The API server over a state that `make` left, and everybody who asks it."""

    def __init__(self, directory, state=None):
        self.directory, self.keys = directory, directory / "pki"
        self.programs, self.wires = [], {}
        directory.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(directory / "etcd", ignore_errors=True)
        if state:
            shutil.copytree(state, directory / "etcd")
        testbed.run("env", f"CLUSTER_DIR={directory}", testbed.CLUSTER, "keys")
        asking.trust(self.keys)
        self.audit = directory / "audit.log"
        self.audit.unlink(missing_ok=True)

    def start(self, name, *command, **environment):
        self.programs.append(Program(self.directory, name, *command, **environment))
        return self.programs[-1]

    def file(self, name, content):
        path = self.directory / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def serve(self, clients=()):
        """`clients` are the users whose requests are noted."""
        pki = self.keys
        policy = self.file("audit-policy.json", {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"],
                                                 "rules": [*([{"level": "Metadata", "users": clients}] if clients else []), {"level": "None"}]})
        tokens = self.file("tokens.csv", "".join(f'{name}-token,{name},{name},"system:masters"\n' for name in clients))
        self.start("etcd", TOOLS / "etcd", f"--data-dir={self.directory}/etcd", "--unsafe-no-fsync", "--quota-backend-bytes=8589934592",
                   "--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379", "--listen-peer-urls=http://127.0.0.1:2380")
        # Flags as in cluster.sh; nobody makes service accounts here, so no pod may need one.
        self.start("kube-apiserver", TOOLS / "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", f"--advertise-address={ADDRESS}",
                   f"--bind-address={ADDRESS}", "--secure-port=443", "--enable-aggregator-routing=true", "--service-cluster-ip-range=10.0.0.0/24",
                   "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", f"--tls-cert-file={pki}/admin.crt",
                   f"--tls-private-key-file={pki}/admin.key", f"--client-ca-file={pki}/ca.crt", f"--token-auth-file={tokens}",
                   "--service-account-issuer=https://kubernetes.default.svc.cluster.local", f"--service-account-key-file={pki}/sa.key",
                   f"--service-account-signing-key-file={pki}/sa.key", f"--audit-policy-file={policy}", f"--audit-log-path={self.audit}")
        wait_until("the API server is ready", lambda: self.scrape(f"https://{ADDRESS}/readyz") == "ok", 120)

    def kwok(self):
        source = source_of("kwok", "sigs.k8s.io/kwok")
        stages = ("pod/fast/pod-ready", "node/fast/node-initialize", "node/heartbeat-with-lease/node-heartbeat-with-lease")
        self.start("kwok", TOOLS / "kwok", f"--kubeconfig={self.directory}/admin.kubeconfig", "--manage-all-nodes=true", "--node-lease-duration-seconds=40",
                   *(f"--config={source}/kustomize/stage/{stage}.yaml" for stage in stages))

    def kubeconfig(self, name):
        """For a client that is noted and counted by its name."""
        self.wires[name] = Wire()
        return self.file(f"{name}.kubeconfig", {
            "apiVersion": "v1", "kind": "Config", "current-context": "scale", "users": [{"name": name, "user": {"token": f"{name}-token"}}],
            "contexts": [{"name": "scale", "context": {"cluster": "scale", "user": name}}],
            "clusters": [{"name": "scale", "cluster": {"server": f"https://127.0.0.1:{self.wires[name].port}", "certificate-authority": f"{self.keys}/ca.crt"}}]})

    def apply(self, *paths):
        for path in paths:
            testbed.run(TOOLS / "kubectl", f"--kubeconfig={self.directory}/admin.kubeconfig", "apply", "--server-side", "-f", path)

    def known(self, path):
        """Waits until a kind that was made known a moment ago is served."""
        wait_until(f"{path} answers", lambda: self.scrape(f"https://{ADDRESS}{path}"), 120)

    def scrape(self, url):
        try:
            with urllib.request.urlopen(url, context=asking.context if url.startswith("https") else None, timeout=60) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def metrics(self, url, prefix):
        """Series and values."""
        lines = [line for line in self.scrape(url).splitlines() if line.startswith(prefix)]
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}

    def requests(self, begun, ended):
        """What each client asked between two times, by verb and resource."""
        counted = {}
        for line in self.audit.open():
            entry = json.loads(line)
            if begun <= entry["requestReceivedTimestamp"] < ended:
                resource = entry.get("objectRef", {})
                what = f"{entry['verb']} {'/'.join(filter(None, (resource.get('resource'), resource.get('subresource')))) or entry['requestURI']}"
                mine = counted.setdefault(entry["user"]["username"], {})
                mine[what] = mine.get(what, 0) + 1
        return counted

    def end(self):
        for program in reversed(self.programs):
            program.end()


def must(questions, good=(200, 201), at_once=8):
    for code, answer in asking.all_of(questions, at_once):
        assert code in good, answer


def make(directory, size):
    """The executors of this size, once: what etcd has then is what every part begins with."""
    kept = directory / "state"
    if kept.exists():
        return kept
    bed = Bed(directory / "making")
    try:
        bed.serve()
        bed.kwok()
        pods = Executors(size).all()
        jobs = sorted({job_of(pod) for pod in pods})
        must([["POST", "/api/v1/namespaces", {"metadata": {"name": name}}] for name in sorted({space for space, _ in jobs})])
        must([["POST", "/api/v1/nodes", {"metadata": {"name": f"node-{i}"}, "status": {
            resources: {"cpu": "128", "memory": "1Ti", "pods": "110"} for resources in ("capacity", "allocatable")}}]
            for i in range(size // EXECUTORS_OF_A_NODE)])
        must([["POST", f"/apis/apps/v1/namespaces/{space}/replicasets", replica_set(name)] for space, name in jobs])
        log(f"creating {size} pods")
        must([["POST", PODS.format(pod["metadata"]["namespace"]), pod] for pod in pods])
        wait_until("all run", lambda: not asking.ask(["GET", "/api/v1/pods?fieldSelector=status.phase%3DPending&limit=1", None])[1]["items"], 600, 2)
        must([["POST", "/api/v1/namespaces/kube-system/services", {"metadata": {"name": "usage"}, "spec": {
            "clusterIP": "None", "ports": [{"name": "https", "port": USAGE_PORT}]}}],
            ["POST", "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", {
                "metadata": {"name": "usage", "labels": {"kubernetes.io/service-name": "usage"}}, "addressType": "IPv4",
                "ports": [{"name": "https", "port": USAGE_PORT, "protocol": "TCP"}], "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}]}],
            ["POST", "/apis/apiregistration.k8s.io/v1/apiservices", {"metadata": {"name": "v1beta1.metrics.k8s.io"}, "spec": {
                "group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": True,
                "service": {"name": "usage", "namespace": "kube-system", "port": USAGE_PORT}}}]], at_once=1)
    finally:
        bed.end()
    (directory / "making/etcd").rename(kept)
    return kept


def replica_set(job):
    labels = {"spark-app-name": job}
    return {"metadata": {"name": job}, "spec": {"replicas": EXECUTORS_OF_A_JOB, "selector": {"matchLabels": labels}, "template": {
        "metadata": {"labels": labels}, "spec": {"containers": [{"name": "spark-kubernetes-executor", "image": "none"}]}}}}
