# SPDX-License-Identifier: Apache-2.0
"""An API server in memory, for measurements and conformance tests: lists by pages, watches, server-side apply, pod metrics, and what a webhook needs.

It speaks the protocol as far as the controller uses it, over TLS, and is fast enough not to be what is
measured. Objects are kept as text."""
import http.server
import json
import re
import ssl
import subprocess
import threading
import time
import urllib.parse

TOKEN = "token"
CHECKPOINTS = "executorrecommendationcheckpoints"
PATH = re.compile(r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/(?P<ns>[^/]+))?/(?P<resource>[a-z]+)"
                  r"(?:/(?P<name>[^/]+))?(?P<sub>/status)?$")


class Store:
    def __init__(self):
        self.changed = threading.Condition()
        self.version = 1
        self.objects = {}  # resource -> {(namespace, name): object}
        self.events = []  # (version, resource, line)
        self.usage = lambda: []

    def put(self, resource, thing, event=None):
        """Keeps an object under a new version and tells watchers."""
        metadata = thing["metadata"]
        with self.changed:
            self.version += 1
            metadata["resourceVersion"] = str(self.version)
            metadata.setdefault("uid", f"uid-{resource}-{self.version}")
            metadata.setdefault("generation", 1)
            metadata.setdefault("creationTimestamp", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
            kept = self.objects.setdefault(resource, {})
            key = (metadata.get("namespace", ""), metadata["name"])
            kind = event or ("MODIFIED" if key in kept else "ADDED")
            if kind == "DELETED":
                kept.pop(key, None)
            else:
                kept[key] = thing
            if resource != CHECKPOINTS:  # nobody watches them
                self.events.append((self.version, resource, json.dumps({"type": kind, "object": thing})))
            self.changed.notify_all()
        return thing

    def get(self, resource, key):
        return self.objects.get(resource, {}).get(key)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet, and without Nagle, else the client's delayed acknowledgement is measured.
    wbufsize = -1
    disable_nagle_algorithm = True
    store = None

    def log_message(self, *_):
        pass

    def reply(self, body, status=200):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stranger(self):
        """Answers a request without our token."""
        if self.headers["Authorization"].split() == ["Bearer", TOKEN]:
            return False
        self.refuse(401, "Unauthorized")
        return True

    def refuse(self, status, message):
        self.reply({"kind": "Status", "message": message, "code": status}, status)

    def target(self):
        url = urllib.parse.urlsplit(self.path)
        match = PATH.match(urllib.parse.unquote(url.path))
        return match, dict(urllib.parse.parse_qsl(url.query))

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self):
        match, query = self.target()
        if self.stranger():
            return None
        if not match:
            return self.refuse(404, "no such path")
        resource = match["resource"]
        if match["group"] == "metrics.k8s.io":
            return self.reply(self.store.usage())
        if match["name"]:
            found = self.store.get(resource, (match["ns"] or "", match["name"]))
            return self.reply(found) if found else self.refuse(404, "not found")
        if query.get("watch") in ("1", "true"):
            return self.watch(resource, int(query["resourceVersion"]))
        return self.list(resource, query)

    def list(self, resource, query):
        with self.store.changed:
            everything = list(self.store.objects.get(resource, {}).values())
            version = self.store.version
        begin, most = int(query.get("continue") or 0), int(query.get("limit") or 10**9)
        page = everything[begin:begin + most]
        metadata = {"resourceVersion": str(version)}
        if begin + most < len(everything):
            metadata["continue"] = str(begin + most)
        self.reply({"kind": "List", "metadata": metadata, "items": page})

    def watch(self, resource, version):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        store, next_event = self.store, 0
        while True:
            with store.changed:
                store.changed.wait_for(lambda: len(store.events) > next_event, timeout=30)
                new, next_event = store.events[next_event:], len(store.events)
            lines = "".join(line + "\n" for v, r, line in new if r == resource and v > version)
            if not lines:
                line = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(store.version)}}}
                lines = json.dumps(line) + "\n" if not new else ""
            if lines:
                data = lines.encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

    def do_POST(self):
        match, _ = self.target()
        thing = self.body()
        if match["resource"] == "events":
            return self.reply(thing, 201)
        if self.store.get(match["resource"], (match["ns"] or "", thing["metadata"]["name"])):
            return self.refuse(409, "already exists")
        self.reply(self.store.put(match["resource"], thing), 201)

    def do_PATCH(self):
        match, _ = self.target()
        patch, key = self.body(), (match["ns"] or "", match["name"])
        known = self.store.get(match["resource"], key)
        if match["resource"] == "mutatingwebhookconfigurations":
            return self.patch_bundle(known, patch)
        if self.headers["Content-Type"] != ("application/json-patch+json" if match["sub"] else "application/apply-patch+yaml"):
            return self.refuse(415, "of these, a status is patched by JSON Patch, anything else by apply")
        if match["sub"]:
            return self.patch_status(match["resource"], known, patch)
        wanted = patch["metadata"].get("resourceVersion")
        if wanted and known and known["metadata"]["resourceVersion"] != wanted:
            return self.refuse(409, "the object has been modified")
        thing = dict(known or patch)
        thing["metadata"] = {**(known or {}).get("metadata", {}), **patch["metadata"]}
        thing["spec"] = patch["spec"]
        return self.reply(self.store.put(match["resource"], thing))

    def do_PUT(self):
        match, _ = self.target()
        thing = self.body()
        known = self.store.get(match["resource"], (match["ns"] or "", match["name"]))
        if not known:
            return self.refuse(404, "not found")
        if known["metadata"]["resourceVersion"] != thing["metadata"].get("resourceVersion"):
            return self.refuse(409, "the object has been modified")
        return self.reply(self.store.put(match["resource"], thing))

    def patch_bundle(self, known, patch):
        """Whom to trust, in a JSON Patch of the form that we write."""
        if not known or known["metadata"]["resourceVersion"] != patch[0]["value"]:
            return self.refuse(422, "the server rejected our request due to an error in our request")
        for operation in patch[1:]:
            known["webhooks"][int(operation["path"].split("/")[2])]["clientConfig"]["caBundle"] = operation["value"]
        return self.reply(self.store.put("mutatingwebhookconfigurations", known))

    def patch_status(self, resource, known, patch):
        """A JSON Patch of the form that we write."""
        if not known:
            return self.refuse(404, "not found")
        if known["metadata"]["uid"] != patch[0]["value"]:
            return self.refuse(422, "the server rejected our request due to an error in our request")
        if not isinstance(patch[1]["value"].get("observedGeneration"), int):
            return self.refuse(422, f'"{known["metadata"]["name"]}" is invalid: status.observedGeneration: no integer')
        return self.reply(self.store.put(resource, {**known, "metadata": dict(known["metadata"]), "status": patch[1]["value"]}))

    def do_DELETE(self):
        match, _ = self.target()
        wanted = self.body().get("preconditions", {}).get("uid")
        known = self.store.get(match["resource"], (match["ns"] or "", match["name"]))
        if not known:
            return self.refuse(404, "not found")
        if wanted and wanted != known["metadata"]["uid"]:
            return self.refuse(409, "the UID in the precondition is another one")
        self.store.put(match["resource"], known, "DELETED")
        return self.reply({})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):  # a client that went away
        pass


def start(directory):
    """(store, kubeconfig path) of a server on this machine's loopback."""
    key, certificate = directory / "key.pem", directory / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
                    "-subj", "/CN=fake", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    Handler.store = Store()
    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "fake",
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        "users": [{"name": "fake", "user": {"token": TOKEN}}],
        "clusters": [{"name": "fake", "cluster": {
            "server": f"https://127.0.0.1:{server.server_address[1]}", "certificate-authority": str(certificate)}}]}))
    return Handler.store, kubeconfig
