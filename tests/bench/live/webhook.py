#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the webhook of a controller on this machine's loopback: latency, bursts, abuse, certificate rotation.

usage: webhook.py BINARY [PART ...] [--keys N] [--seconds N]

Each part is bounded in time and in requests. The latency is what a client sees (Python's own part of it included); CPU
and memory are the controller's, from /proc. Every answer is checked: allowed, and with the patch that its key asks for.
"""
import asyncio
import base64
import json
import os
import pathlib
import random
import re
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run  # noqa: E402
from run import fake_api, row  # noqa: E402

NAMESPACE = "sparkfit"
SERVER_NAME = f"sparkfit-webhook.{NAMESPACE}.svc"


def review(number, keys):
    pod = run.executor(number, keys)
    pod["metadata"]["annotations"]["sparkfit.io/mode"] = "Initial"
    pod["metadata"].pop("uid")
    pod.pop("status")
    return json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": f"uid-{number}", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "operation": "CREATE",
        "namespace": pod["metadata"]["namespace"], "object": pod, "oldObject": None, "dryRun": False}}).encode()


def target_of(key):
    """In MiB; every key has another one."""
    return 2000 + key % 1000


def recommendation(key):
    return {"metadata": {"name": f"nightly-{key}", "namespace": f"team-{key % 20}"}, "spec": {"signature": f"nightly-{key}", "resourceProfile": 0},
            "status": {"recommendation": {"memory": {"target": f"{target_of(key)}Mi"}},
                       "observed": {"shape": {"cores": "1", "overhead": "default 0.1"}},
                       "conditions": [{"type": "LowConfidence", "status": "False", "lastTransitionTime": "2026-11-23T10:00:00Z"}]}}


class Webhook:
    """A controller that answers, and its clients."""

    def __init__(self, arguments, directory, *flags):
        self.store, kubeconfig = fake_api.start(directory)
        self.store.put("nodes", {"metadata": {"name": "node"}, "status": {"allocatable": {"memory": "256Gi"}}})
        self.store.put("mutatingwebhookconfigurations", {"metadata": {"name": "sparkfit"}, "webhooks": [{"clientConfig": {}}]})
        self.keys = arguments.keys
        for key in range(self.keys):
            self.store.put("executorrecommendations", recommendation(key))
        self.store.usage = lambda: {"kind": "PodMetricsList", "metadata": {}, "items": []}
        self.controller = run.Controller(arguments.binary, kubeconfig, directory / "controller.log", "--mode", "autoscale",
                                         "--webhook-listen", "127.0.0.1:0", "--lease-namespace", NAMESPACE, *flags)
        log = self.controller.path
        self.port = int(self.controller.wait(
            lambda: re.search(rb'answers admissions port="(\d+)"', pathlib.Path(log).read_bytes()), 10).group(1))
        self.controller.wait(lambda: self.controller.http("/readyz").endswith("ok\n") and self.bundle(), 60)

    def bundle(self):
        return self.store.get("mutatingwebhookconfigurations", ("", "sparkfit"))["webhooks"][0]["clientConfig"].get("caBundle")

    def context(self):
        return ssl.create_default_context(cadata=base64.b64decode(self.bundle()).decode())

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.context(), server_hostname=SERVER_NAME)

    async def ask(self, connection, number):
        """Sends the review of executor `number` and checks the answer."""
        reader, writer = connection
        body = review(number, self.keys)
        writer.write(b"POST /mutate?timeout=2s HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body) + body)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head, re.I).group(1))
        response = json.loads(await reader.readexactly(length))["response"]
        patch = {step["path"]: step["value"] for step in json.loads(base64.b64decode(response["patch"]))}
        assert response["allowed"] and response["uid"] == f"uid-{number}", response
        assert patch["/spec/containers/0/resources/limits/memory"] == f"{target_of(number % self.keys)}Mi", patch

    def end(self):
        self.controller.end()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def at_rate(webhook, per_second, seconds, connections=8, begin=0):
    """Latencies in ms of requests that come at a constant rate, whatever the answers take."""
    free = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await webhook.connect())
    latencies, tasks = [], []
    start = time.monotonic()

    async def one(number, due):
        connection = await free.get()
        await webhook.ask(connection, number)
        latencies.append((time.monotonic() - due) * 1000)
        free.put_nowait(connection)

    for i in range(int(per_second * seconds)):
        due = start + i / per_second
        await asyncio.sleep(max(0, due - time.monotonic()))
        tasks.append(asyncio.create_task(one(begin + i * 7919, max(due, time.monotonic()))))
    await asyncio.gather(*tasks)
    return latencies


def latency(arguments, directory):
    """500 requests a second."""
    webhook = Webhook(arguments, directory)
    asyncio.run(at_rate(webhook, 100, 2))
    cpu, begun = webhook.controller.cpu(), time.monotonic()
    figures = asyncio.run(at_rate(webhook, 500, arguments.seconds))
    used = (webhook.controller.cpu() - cpu) / (time.monotonic() - begun)
    own = webhook.controller.metric("sparkfit_admission_duration_seconds_sum") / webhook.controller.metric("sparkfit_admission_duration_seconds_count")
    row(f"500 requests/s for {arguments.seconds} s, {arguments.keys:,} keys: p50, p99, largest",
        f"{percentile(figures, .5):.2f}, {percentile(figures, .99):.2f}, {max(figures):.1f} ms", "p99 ≤ 5 ms")
    row("the same: CPU; time in the handler", f"{used:.3f} of a core; {own * 1e6:.0f} µs", "≤ 1 core")
    webhook.end()


def burst(arguments, directory):
    """10,000 executors within a minute, as fast as eight connections go."""
    webhook = Webhook(arguments, directory)

    async def all_of_them(count=10000):
        async def worker(first):
            connection = await webhook.connect()
            for number in range(first, count, 8):
                await webhook.ask(connection, number)
        await asyncio.gather(*(worker(i) for i in range(8)))

    begun = time.monotonic()
    asyncio.run(all_of_them())
    row("10,000 executors, all answered and patched", f"{time.monotonic() - begun:.1f} s", "≤ 60 s")
    webhook.end()


def abuse(arguments, directory):
    """Idle and slow sockets, oversize bodies and broken TLS beside 50 good requests a second."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    webhook = Webhook(arguments, directory)
    asyncio.run(at_rate(webhook, 100, 2))
    before = webhook.controller.memory()
    descriptors = lambda: len(os.listdir(f"/proc/{webhook.controller.child.pid}/fd"))
    open_before = descriptors()
    kept = []

    async def quietly(what):
        try:
            await what
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError, AttributeError):
            pass

    async def idle(tls):
        kept.append(await (webhook.connect() if tls else asyncio.open_connection("127.0.0.1", webhook.port)))

    async def slow():
        _, writer = await webhook.connect()
        for byte in b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.3)

    async def oversize():
        reader, writer = await webhook.connect()
        writer.write(b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 65536)
        assert (await reader.readline()).split()[1] == b"413"
        writer.close()

    async def broken():
        reader, writer = await asyncio.open_connection("127.0.0.1", webhook.port)
        writer.write(random.choice([b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x40\x00" + os.urandom(200), b"\x16\x03\x03\x00\x05hello"]))
        await reader.read(100)
        writer.close()

    async def everything():
        most = 0
        good = asyncio.create_task(at_rate(webhook, 50, 30))
        await asyncio.sleep(1)
        others = [asyncio.create_task(quietly(slow())) for _ in range(200)]
        for batch in range(50):
            await asyncio.gather(*(quietly(idle(i % 10 == 0)) for i in range(100)))
            most = max(most, descriptors())
        for _ in range(20):
            await asyncio.gather(*(quietly(oversize()) for _ in range(5)), *(quietly(broken()) for _ in range(20)))
        figures = await good
        row("largest number of descriptors", f"{most}", "bounded (256 connections)")
        await asyncio.gather(*others)
        for _, writer in kept:
            writer.transport.abort()
        return figures

    figures = asyncio.run(everything())
    time.sleep(40)  # what was idle is closed by now
    figures_after = asyncio.run(at_rate(webhook, 100, 5))
    row("5,000 idle and 200 slow sockets, 100 oversize bodies, 400 broken handshakes: of 1,500 good requests answered",
        f"{len(figures):,}; p99 {percentile(figures, .99):.1f} ms", "all")
    row("the same: afterwards", f"{len(figures_after)} of 500 answered; p99 {percentile(figures_after, .99):.1f} ms", "all")
    row("the same: descriptors, memory before and after",
        f"{open_before} → {descriptors()}; {before:.0f} → {webhook.controller.memory():.0f} MiB", "no growth")
    webhook.end()


def endless(arguments, directory):
    """Messages without end on both ports, answers that nobody reads, a kubelet that answers for ever: the most memory."""
    chunked = b"Transfer-Encoding: chunked\r\n\r\n"
    messages = {
        "headers, line by line": (b"GET / HTTP/1.1\r\n", b"X-Y: 0123456789\r\n"),
        "a chunk extension": (b"POST /mutate HTTP/1.1\r\n" + chunked + b"1;a=", b"x" * 1000),
        "a chunk extension, GET": (b"GET /metrics HTTP/1.1\r\n" + chunked + b"1;a=", b"x" * 1000),
        "trailers": (b"POST /mutate HTTP/1.1\r\n" + chunked + b"0\r\n", b"a: b\r\n"),
        "trailers, GET": (b"GET /metrics HTTP/1.1\r\n" + chunked + b"0\r\n", b"a: b\r\n"),
        "chunks of a byte": (b"POST /mutate HTTP/1.1\r\n" + chunked, b"1;a=" + b"x" * 3000 + b"\r\nx\r\n"),
    }
    kubelet = socket.create_server(("127.0.0.1", 0))
    webhook = Webhook(arguments, directory, "--usage-source", "kubelet", "--kubelet-insecure", "true")
    controller = webhook.controller
    for number in range(webhook.keys):
        webhook.store.put("pods", run.executor(number, webhook.keys))
    controller.wait(lambda: len(controller.http("/recommendations")) > 100 * webhook.keys, 60)
    before = controller.memory()
    peak = [0]

    def attack(tls, first, again, accepted, most=256 << 20):
        with socket.create_connection(("127.0.0.1", webhook.port if tls else controller.port)) as plain:
            try:
                stream = webhook.context().wrap_socket(plain, server_hostname=SERVER_NAME) if tls else plain
                stream.sendall(first)
                piece = again * max(1, 65536 // len(again))
                while sum(accepted) < most:
                    stream.sendall(piece)
                    accepted.append(len(piece))
            except OSError:
                pass

    def watched(threads):
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            peak[0] = max(peak[0], controller.memory())
            time.sleep(0.01)
        most, peak[0] = max(peak[0], controller.memory()), 0
        return most

    for what, (first, again) in messages.items():
        for tls in (True, False):
            counts = [[] for _ in range(8)]
            most = watched([threading.Thread(target=attack, args=(tls, first, again, count)) for count in counts])
            row(f"{what}, {'webhook' if tls else '8080'}, 8 connections: bytes accepted of one; memory before and at most",
                f"{max(map(sum, counts)):,}; {before:.0f} → {most:.0f} MiB", "≤ 32 MiB more")

    def unread(path, seconds, held):
        try:
            plain = socket.socket()
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            plain.connect(("127.0.0.1", controller.port))
            plain.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
            held.append(plain)
            time.sleep(seconds)
        except OSError:
            pass

    for path in (b"/recommendations", b"/metrics"):
        size, held = len(controller.http(path.decode())), []
        most = watched([threading.Thread(target=unread, args=(path, 5, held)) for _ in range(256)])
        good = len(controller.http("/livez"))
        row(f"256 that do not read {path.decode()} of {size:,} bytes: memory; /livez meanwhile",
            f"{before:.0f} → {most:.0f} MiB; {'answered' if good else 'not answered'}", "≤ 256 MiB in all")
        for plain in held:
            plain.close()

    def pose(accepted, until):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(directory))
        kubelet.settimeout(1)
        kinds = [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n" + chunked + b"7fffffff\r\n", b"HTTP/1.1 200 OK\r\n" + chunked + b"1;a=",
                 b"HTTP/1.1 200 OK\r\n" + chunked + b"0\r\nX: "]
        while time.monotonic() < until:
            try:
                plain, _ = kubelet.accept()
                with context.wrap_socket(plain, server_side=True) as stream:
                    stream.recv(65536)
                    count = 0
                    stream.sendall(kinds[len(accepted) % len(kinds)])
                    try:
                        while count < 1 << 30:
                            stream.sendall(b"x" * 65536)
                            count += 65536
                    finally:
                        accepted.append(count)
            except OSError:
                pass

    accepted = []
    webhook.store.put("nodes", {"metadata": {"name": "node-0"}, "status": {
        "allocatable": {"memory": "256Gi"}, "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.getsockname()[1]}}}})
    most = watched([threading.Thread(target=pose, args=(accepted, time.monotonic() + 30))])
    row(f"a kubelet that answers without end, {len(accepted)} answers of four kinds: bytes accepted of one; memory",
        f"{max(accepted, default=0):,}; {before:.0f} → {most:.0f} MiB", "≤ 32 MiB more")
    webhook.end()


def certificate(directory):
    """Of a server that nobody has to trust."""
    paths = [str(pathlib.Path(directory) / name) for name in ("posed.crt", "posed.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=posed", "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def rotation(arguments, directory):
    """Authorities of a minute: every request over a new connection that trusts what the configuration says then."""
    webhook = Webhook(arguments, directory, "--webhook-authority-lifetime", "60s", "--webhook-certificate-lifetime", "15s")

    async def ask_anew(seconds=150):
        asked, bundles = 0, set()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            bundles.add(webhook.bundle())
            connection = await webhook.connect()
            await webhook.ask(connection, asked)
            connection[1].close()
            asked += 1
            await asyncio.sleep(0.02)
        return asked, len(bundles)

    asked, bundles = asyncio.run(ask_anew())
    reloads = webhook.controller.metric('sparkfit_certificate_reloads_total{result="ok"}')
    row("rotation: requests over new connections, none failed", f"{asked:,}; {bundles} bundles, {reloads:.0f} certificates", "none fails")
    webhook.end()


PARTS = {part.__name__: part for part in (latency, burst, abuse, endless, rotation)}


def options(parser):
    parser.add_argument("--keys", type=int, default=10000)
    parser.add_argument("--seconds", type=int, default=60)


if __name__ == "__main__":
    run.main(__doc__, PARTS, options)
