#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the chart without a cluster.

usage: run.py [--helm FILE]... [--no-kubeconform]

Lints and renders every charts/sparkfit/ci/*-values.yaml with each helm (default: helm and helm3, as cluster.sh builds
them), compares with tests/chart/golden (UPDATE_GOLDEN=1 writes it), validates against the schemas of several
Kubernetes, checks what may never be otherwise, and that wrong values are refused. Needs PyYAML.
"""
import argparse
import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

import configs
import schemas

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHART = ROOT / "charts/sparkfit"
GOLDEN = HERE / "golden"
BINARY = ROOT / "build/release/sparkfit"
STATE = pathlib.Path(os.environ.get("CLUSTER_DIR", os.environ.get("TMPDIR", "/tmp") + "/sparkfit-cluster"))
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
WRITES = {"create", "update", "patch", "delete", "deletecollection", "*"}
IN_THE_CLUSTER = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "MutatingWebhookConfiguration", "FlowSchema"}
# Release and namespace, where they matter: the longest that there may be, and a name that no Service may have.
RELEASES = {"long-names": ("7-" + "a-release.with-a-very-long-name-that-goes-on-and-on"[:51], "n" * 63)}

failures = []


def complain(where, text):
    failures.append(where)
    print(f"FAIL {where}: {text}", flush=True)


def check(where, condition, text):
    if not condition:
        complain(where, text)


def run(*command, cwd=ROOT, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=cwd, **options)


def cases():
    return {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*-values.yaml"))}


def template(helm, name, path, *flags):
    release, namespace = RELEASES.get(name, ("sparkfit", "sparkfit"))
    return run(helm, "template", release, CHART, "-n", namespace, "-f", path, *flags)


# --- What is compared as text

def golden_text(rendered):
    """Without the texts of dashboards and alerts, which are checked apart."""
    documents = re.split(r"^---\n", rendered, flags=re.M)
    for i, document in enumerate(documents):
        if "\nkind: PrometheusRule\n" in document:
            documents[i] = re.sub(r"^  groups:\n(.*\n)*", "  groups: # those of alerts.yaml\n", document, flags=re.M)
        elif "\nkind: ConfigMap\n" in document and re.search(r"^  \w+\.json: \|\n", document, re.M):
            documents[i] = re.sub(r"^(  \w+\.json:) \|\n(.*\n)*", r"\1 # as it is in dashboards" + "\n", document, flags=re.M)
    return "---\n".join(documents)


def compare(name, rendered):
    path, text = GOLDEN / f"{name}.yaml", golden_text(rendered)
    if UPDATE:
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text)
    wanted = path.read_text() if path.exists() else ""
    if text != wanted:
        diff = difflib.unified_diff(wanted.splitlines(), text.splitlines(), f"golden/{name}.yaml", "rendered", lineterm="")
        complain(name, "not as in golden (UPDATE_GOLDEN=1 writes it):\n" + "\n".join(list(diff)[:60]))


# --- What may never be otherwise

def objects_in(text):
    return [o for o in yaml.load_all(text, Loader=schemas.LOADER) if o]


def by_name(objects):
    return {(o["kind"], o["metadata"]["name"], o["metadata"].get("namespace")): o for o in objects}


class Render:
    def __init__(self, name, values, text):
        self.name, self.values, self.text = name, values, text
        self.objects = objects_in(text)

    def all(self, *kinds):
        return [o for o in self.objects if o["kind"] in kinds]

    def one(self, kind, suffix=""):
        found = [o for o in self.all(kind) if o["metadata"]["name"].endswith(suffix)]
        assert len(found) == 1, f"{self.name}: {len(found)} × {kind} {suffix}"
        return found[0]

    def must(self, condition, text):
        check(self.name, condition, text)

    @property
    def autoscale(self):
        return self.values.get("mode") == "autoscale"

    @property
    def secure(self):
        return self.values.get("metrics", {}).get("secure", False)

    @property
    def certificates(self):
        return self.values.get("webhook", {}).get("certificates", {}).get("mode", "self-managed")

    def rules(self):
        """What the controller may do: not what is lent to the cluster's own roles, or to who reads metrics."""
        for role in self.all("Role", "ClusterRole"):
            if any("aggregate-to" in label for label in role["metadata"]["labels"]) or role["metadata"]["name"].endswith("-metrics-reader"):
                continue
            yield from ((role, rule) for rule in role["rules"])


def check_names(render):
    for o in render.objects:
        name, kind = o["metadata"]["name"], o["kind"]
        render.must(len(name) <= 63, f"{kind} {name} is longer than 63")
        if kind == "Service":
            render.must(re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name), f"Service {name} is no DNS label")
        placed = "namespace" in o["metadata"] or kind == "ConfigMap" and "-extra" in name
        render.must(placed != (kind in IN_THE_CLUSTER), f"{kind} {name}: namespace {o['metadata'].get('namespace')}")
        for label in o["metadata"].get("labels", {}).values():
            render.must(re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?", label) and len(label) <= 63, f"label {label}")
    # A ReplicaSet adds 11 characters and a pod 6 more.
    render.must(len(render.one("Deployment")["metadata"]["name"]) <= 46, "pods' names would be cut")
    render.must(len(by_name(render.objects)) == len(render.objects), "an object appears twice")


def check_rights(render):
    for role, rule in render.rules():
        groups, resources, verbs = rule["apiGroups"], rule["resources"], set(rule["verbs"])
        where = f"{role['kind']} {role['metadata']['name']}"
        render.must("*" not in groups + resources and "*" not in verbs, f"{where} has a wildcard")
        writes_pods = groups == [""] and verbs & WRITES and any(r.split("/")[0] == "pods" for r in resources)
        render.must(not writes_pods, f"{where} may write pods")
        render.must("nodes/proxy" not in resources, f"{where} may use nodes/proxy")
        if "secrets" in resources:
            render.must((render.autoscale or render.secure) and render.certificates == "self-managed", f"{where} reaches Secrets")
            render.must(role["kind"] == "Role" and (rule.get("resourceNames") or verbs == {"create"}), f"{where} reaches any Secret")
        if {"tokenreviews", "subjectaccessreviews"} & set(resources):
            render.must(render.secure and verbs == {"create"}, f"{where} may review")
        if "mutatingwebhookconfigurations" in resources:
            wanted = {"get", "patch"} if render.certificates == "self-managed" else {"get"}
            render.must(rule.get("resourceNames") and verbs == wanted and render.autoscale, f"{where}: {verbs} on webhooks")
    for binding in render.all("RoleBinding", "ClusterRoleBinding"):
        kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
        there = [r for r in render.all(kind) if r["metadata"]["name"] == name and
                 r["metadata"].get("namespace") == binding["metadata"].get("namespace")]
        pod = render.one("Deployment")
        wanted = {"kind": "ServiceAccount", "name": pod["spec"]["template"]["spec"]["serviceAccountName"],
                  "namespace": pod["metadata"]["namespace"]}
        render.must(len(there) == 1, f"{binding['kind']} {name} has no role")
        render.must(binding["subjects"] == [wanted], f"{binding['kind']} {name} is not for the controller's account")


def check_scope(render):
    watched = render.values.get("watchNamespaces", [])
    cluster = {o["kind"] for o in render.all(*IN_THE_CLUSTER)}
    if watched:
        render.must(not cluster, f"needs rights in the cluster: {cluster}")
        roles = {o["metadata"]["namespace"] for o in render.all("Role")}
        render.must(roles == {*watched, "sparkfit"}, f"roles in {roles}")
        for role, rule in render.rules():
            render.must("nodes" not in rule["resources"], "a Role cannot allow nodes")


def check_restricted(render):
    specs = [o["spec"]["template"]["spec"] for o in render.all("Deployment")] + [o["spec"] for o in render.all("Pod")]
    for spec in specs:
        pod = spec["securityContext"]
        render.must(pod["runAsNonRoot"] is True and pod["seccompProfile"]["type"] == "RuntimeDefault", "a pod is not restricted")
        render.must(spec["enableServiceLinks"] is False, "service links")
        render.must(not spec.get("hostNetwork") or render.name == "host-network", "host network")
        for container in spec["containers"]:
            context = container["securityContext"]
            render.must(context["allowPrivilegeEscalation"] is False and context["readOnlyRootFilesystem"] is True and
                        context["capabilities"] == {"drop": ["ALL"]}, "a container is not restricted")
            render.must(all(set(port) <= {"name", "containerPort"} for port in container.get("ports", [])), "a host port")
        for volume in spec.get("volumes", []):
            render.must(set(volume) - {"name"} <= {"configMap", "secret", "emptyDir", "projected"}, f"volume {volume}")


def check_selectors(render):
    pod = render.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    render.must(render.one("Deployment")["spec"]["selector"]["matchLabels"].items() <= pod.items(), "the Deployment's selector")
    choosing = [(o, o["spec"]["selector"]) for o in render.all("Service")]
    choosing += [(o, o["spec"]["selector"]["matchLabels"]) for o in render.all("PodDisruptionBudget", "PodMonitor")]
    choosing += [(o, o["spec"]["podSelector"]["matchLabels"]) for o in render.all("NetworkPolicy")]
    for o, selector in choosing:
        render.must(selector.items() <= pod.items(), f"{o['kind']} does not choose the controller")
        for test in render.all("Pod"):
            render.must(not selector.items() <= test["metadata"]["labels"].items(), f"{o['kind']} chooses the test")
    for monitor in render.all("ServiceMonitor"):
        chosen = [s["metadata"]["name"] for s in render.all("Service")
                  if monitor["spec"]["selector"]["matchLabels"].items() <= s["metadata"]["labels"].items()]
        render.must(chosen == [render.one("Deployment")["metadata"]["name"] + "-metrics"], f"the ServiceMonitor chooses {chosen}")


def check_config(render):
    deployment = render.one("Deployment")
    full, namespace = (deployment["metadata"][key] for key in ("name", "namespace"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    text = next(o for o in render.all("ConfigMap") if "config.yaml" in (o.get("data") or {}))["data"]["config.yaml"]
    config, ports = yaml.safe_load(text), {p["name"]: p["containerPort"] for p in container["ports"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    render.must(container["args"][:3] == ["controller", "--config", f"{mounts['config']}/config.yaml"], "the arguments")
    render.must(config["listen"] == f"[::]:{ports['metrics']}", "listens elsewhere than probed")
    leases = [rule for _, rule in render.rules() if rule["resources"] == ["leases"] and rule.get("resourceNames")]
    render.must(all(rule["resourceNames"] == [config["leaseName"]] for rule in leases), "the Lease that it may not use")
    watched = render.values.get("watchNamespaces", [])
    render.must(config.get("namespaces", "") == ",".join(watched), "the namespaces that are watched")
    render.must(config["mode"] == render.values.get("mode", "monitoring"), "the mode")
    render.must(("webhook" in ports) == render.autoscale, "a webhook's port")
    schemes = {container[probe]["httpGet"].get("scheme", "HTTP") for probe in ("livenessProbe", "readinessProbe")}
    render.must(schemes == {"HTTPS" if render.secure else "HTTP"}, f"probes by {schemes}")
    render.must(config.get("metricsSecure", False) == render.secure, "whether metrics are for everybody")
    render.must(config.get("metricsService") == (f"{full}-metrics" if render.secure else None), "the Service of metrics")
    own = render.certificates == "self-managed"
    if render.autoscale:
        render.must(config["webhookListen"] == f"[::]:{ports['webhook']}", "the webhook listens elsewhere")
        if own:
            render.must((config["webhookConfiguration"], config["webhookService"]) == (full, f"{full}-webhook"), "names of the webhook")
    if (render.autoscale or render.secure) and not own:
        render.must(config["webhookCertificateFile"] == f"{mounts['webhook']}/tls.crt", "the certificate's file")
    secret = f"{full}-webhook-ca" if own and (render.autoscale or render.secure) else None
    render.must(config.get("webhookSecret") == secret, "the Secret of the authorities")
    for webhook in render.all("MutatingWebhookConfiguration"):
        render.must(webhook["metadata"]["name"] == full, "the webhook configuration's name")
        (hook,) = webhook["webhooks"]
        service = hook["clientConfig"]["service"]
        render.must((service["name"], service["namespace"]) == (f"{full}-webhook", namespace), "the webhook's Service")
        render.must(render.one("Service", "-webhook")["spec"]["ports"][0]["port"] == service["port"], "the webhook's Service's port")
        render.must(hook["failurePolicy"] == "Ignore" and hook["timeoutSeconds"] <= 3, "the webhook does not fail open at once")
        # An upgrade would undo what the controller or cert-manager wrote.
        render.must(("caBundle" in hook["clientConfig"]) == (render.certificates == "secret"), "caBundle")
    for certificate in render.all("Certificate"):
        if not certificate["spec"].get("isCA"):
            for service in render.all("Service"):
                serves = service["metadata"]["name"].endswith("-webhook") or render.secure
                name = f"{service['metadata']['name']}.{namespace}.svc"
                render.must((name in certificate["spec"]["dnsNames"]) == serves, "the certificate's names")
    for monitor in render.all("ServiceMonitor", "PodMonitor"):
        (endpoint,) = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
        asked = {"scheme", "tlsConfig"} <= endpoint.keys() and ("bearerTokenFile" in endpoint) != ("authorization" in endpoint)
        render.must(asked == render.secure, "the monitor asks otherwise than is served")
        render.must(monitor["kind"] == "ServiceMonitor" or "bearerTokenFile" not in endpoint, "a PodMonitor has no bearerTokenFile")
        trust = endpoint.get("tlsConfig", {})
        if "ca" in trust:
            render.must(monitor["metadata"]["namespace"] == namespace, "the monitor cannot read the Secret")
            render.must(trust["serverName"] == f"{full}-metrics.{namespace}.svc", "the name that the monitor looks for")
    return text


def check_columns(render):
    """What kubectl shows of our objects: a column that leads nowhere would always be empty."""
    published = re.findall(r'string_view\("(\w+)"\)', (ROOT / "src/model/observation.cc").read_text())
    for crd in render.all("CustomResourceDefinition"):
        name, names = crd["metadata"]["name"], crd["spec"]["names"]
        # `kubectl get all` is for what applications are made of.
        render.must(names["categories"] == ["sparkfit"], f"{name}: categories {names['categories']}")
        for version in crd["spec"]["versions"]:
            columns = version["additionalPrinterColumns"]
            render.must(columns[-1].get("priority") or columns[-1]["name"] == "Age", f"{name}: Age is not the last column")
            for path in (column["jsonPath"] for column in columns):
                place, _, condition = path.partition('[?(@.type=="')
                schema = version["schema"]["openAPIV3Schema"]
                for field in place.strip(".").split(".") if not path.startswith(".metadata.") else ():
                    schema = schema.get("properties", {}).get(field, {})
                render.must(schema, f"{name}: the column {path} leads nowhere")
                render.must(not condition or condition.partition('"')[0] in published, f"{name}: nobody publishes {path}")


def check_files(render):
    values = render.values.get("prometheusRule", {})
    label = render.values.get("metrics", {}).get("clusterLabel", "cluster")
    for rule in render.all("PrometheusRule"):
        wanted = []
        for group in yaml.safe_load((CHART / "alerts.yaml").read_text())["groups"]:
            for alert in group["rules"]:
                change = values.get("rules", {}).get(alert["alert"], {})
                alert.update({key: change[key] for key in ("for",) if key in change})
                alert["labels"].update({key: change[key] for key in ("severity",) if key in change})
                alert["annotations"]["runbook_url"] = runbook(alert["alert"], values)
                alert["expr"] = expression(alert["expr"], label, values.get("selector"), render.values.get("nameOverride"))
            group["rules"] = [a for a in group["rules"] if values.get("rules", {}).get(a["alert"], {}).get("enabled", True)]
            wanted += [group] * bool(group["rules"])
        render.must(rule["spec"]["groups"] == wanted, "the alerts are not those of alerts.yaml")
        check_replica_down(render, rule)
        promtool(render, rule["spec"]["groups"])
    if render.values.get("dashboards", {}).get("enabled"):
        for path in (CHART / "dashboards").glob("*.json"):
            (text,) = [o["data"][path.name] for o in render.all("ConfigMap") if path.name in (o.get("data") or {})]
            # The variable keeps its name: as $cluster, ${cluster:…} and "cluster".
            wanted = re.sub(r'(?<![$"])(?<!\$\{)\bcluster\b|"cluster"(?=: "Cluster")', lambda m: m[0].replace("cluster", label), path.read_text())
            render.must(text.rstrip() == wanted.rstrip(), f"{path.name} is not as it is in the chart")


def runbook(alert, values):
    return f"{values.get('runbooks', 'https://github.com/sparkfit/sparkfit/blob/main/')}docs/operations.md#{alert.lower()}"


def expression(expr, label, selector, name):
    """One of alerts.yaml as it has to be rendered."""
    expr = re.sub(r"\bcluster\b", label, expr)
    if name and "sparkfit" not in name:
        expr = expr.replace(".*sparkfit.*", f".*sparkfit.*|{name}")
    if selector:
        expr = re.sub(r"\b((?:sparkfit|apiserver)_\w+|up)\b(\{?)", lambda m: f"{m[1]}{{{selector}" + ("," if m[2] else "}"), expr)
    return expr


def check_replica_down(render, rule):
    """The job that the chart's own monitors give is the one that the alert looks for."""
    (expr,) = [a["expr"] for group in rule["spec"]["groups"] for a in group["rules"] if a["alert"] == "SparkfitReplicaDown"]
    wanted = re.search(r'job=~"([^"]*)"', expr)[1]
    labelled = [(o, o["metadata"]["labels"]) for o in render.all("Service")] if render.all("ServiceMonitor") else []
    labelled += [(o, o["spec"]["template"]["metadata"]["labels"]) for o in render.all("Deployment")]
    for monitor in render.all("ServiceMonitor", "PodMonitor"):
        for o, labels in labelled:
            job = labels[monitor["spec"]["jobLabel"]]
            render.must(re.fullmatch(wanted, job), f"SparkfitReplicaDown does not know the job {job} of {o['kind']}")


def promtool(render, groups):
    """The rules as they are rendered; and, where all series have the matchers' labels, the rule tests."""
    if not shutil.which("promtool"):
        print("SKIPPED: no promtool, rules were not shown to it (tools/install-deps cluster)")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "rules.yaml"
        path.write_text(yaml.safe_dump({"groups": groups}))
        done = run("promtool", "check", "rules", path)
        render.must(done.returncode == 0, f"promtool: {done.stdout}{done.stderr}")
        label = render.values.get("metrics", {}).get("clusterLabel")
        if not label:
            return
        tests = re.sub(r"\bcluster\b", label, (ROOT / "tests/alerts/clusters_test.yaml").read_text())
        tests = yaml.safe_load(re.sub(r'"(east|west)"', r'"prod-\1"', tests).replace("../../charts/sparkfit/alerts.yaml", "rules.yaml"))
        tests["tests"] = [test for test in tests["tests"] if "another job's name" not in test["name"]]
        (pathlib.Path(folder) / "test.yaml").write_text(yaml.safe_dump(tests))
        done = run("promtool", "test", "rules", "test.yaml", cwd=folder)
        render.must(done.returncode == 0, f"promtool: {done.stdout}{done.stderr}")


def check_options(texts):
    """The controller takes what is rendered; only where it was built."""
    if not BINARY.exists():
        print(f"SKIPPED: no {BINARY.relative_to(ROOT)}, configurations were not shown to it")
        return
    known = run(BINARY, "print-config").stdout
    for name, text in texts.items():
        if "namespaces:" in text and "\nnamespaces:" not in known:
            print(f"SKIPPED: this build has no option namespaces ({name})")
            continue
        done = run(BINARY, "check-config", "/dev/stdin", input=text)
        check(name, done.returncode == 0, f"the controller refuses the configuration: {done.stderr}{done.stdout}")


# --- What is refused

AUTOSCALE = ("--set", "mode=autoscale")
SECURE = ("--set", "metrics.secure=true")
REFUSED = [
    (("--set", "replcas=3"), "replcas"),
    (("--set", "mode=auto"), "mode"),
    (("--set", "config.polcy=max"), "polcy"),
    (("--set", "config.mode=autoscale"), "mode"),
    (("--set", "config.leaseName=mine"), "leaseName"),
    (("--set", "config.usageSource=prometheus"), "usageSource"),
    (("--set", "config.retention=soon"), "retention"),
    (("--set", "config.maxMemory=4096m"), "maxMemory"),
    (("--set", "config.maxMemory=4096"), "maxMemory"),
    (("--set", "config.maxMemory=64g"), "maxMemory"),
    (("--set", "config.maxMemory=6442450944000m"), "maxMemory"),
    (("--set", "config.policy=adaptve"), "policy"),
    (("--set", "config.policy=percentile:percentile=90"), "policy"),
    (("--set", "config.policy=percentile:oomBumpMin=100m"), "policy"),
    (("--set", "config.coverPeaks=yes"), "coverPeaks"),
    (("--set", "config.step=50%"), "step"),
    (("--set", "image.digest=latest"), "digest"),
    (("--set", "image.registry=https://ghcr.io"), "registry"),
    (("--set", "image.registry=ghcr.io/"), "registry"),
    (("--set", "image.repository=Team/Sparkfit"), "repository"),
    (("--set", "image.tag=sha256:" + "a" * 64), "tag"),
    (("--set", "image.repository=a/b:1.0,image.tag=1.1"), "has a tag or a digest already"),
    (("--set", f"image.repository=a/b@sha256:{'a' * 64},image.digest=sha256:{'b' * 64}"), "has a tag or a digest already"),
    (("--set", "metrics.clusterLabel=k8s-cluster"), "clusterLabel"),
    (("--set", "prometheusRule.selector=prod"), "selector"),
    (("--set", "webhook.certificates.certManager.duration=30d"), "duration"),
    (("--set", "watchNamespaces={" + ",".join(map(chr, range(97, 118))) + "}"), "watchNamespaces"),
    (("--set", "fullnameOverride=Sparkfit"), "fullnameOverride"),
    (("--set", "watchNamespaces={a_b}"), "watchNamespaces"),
    (("--set", "watchNamespaces={a,a}"), "watchNamespaces"),
    (("--set", "webhook.timeoutSeconds=30"), "timeoutSeconds"),
    (("--set", "webhook.certificates.mode=certgen"), "certificates"),
    (("--set", "webhook.certificates.caBundle=pem"), "caBundle"),
    (("--set", "webhook.certificates.certManager.issuerRef.kind=Issuer"), "issuerRef"),
    (("--set", "metrics.port=80"), "port"),
    (("--set", "metrics.secure=yes"), "secure"),
    (("--set", "config.metricsSecure=true"), "metricsSecure"),
    ((*SECURE, "--set", "metrics.podMonitor.enabled=true"), "set metrics.podMonitor.authorization"),
    ((*SECURE, "--set", "metrics.serviceMonitor.enabled=true,metrics.serviceMonitor.namespace=monitoring"), "set metrics.serviceMonitor.tlsConfig"),
    ((*SECURE, "--set", "metrics.serviceMonitor.enabled=true,webhook.certificates.mode=secret,webhook.certificates.secretName=s"),
     "to who signed the certificate"),
    ((*SECURE, "--set", "webhook.certificates.mode=secret"), "needs webhook.certificates.secretName"),
    (("--set", "podDisruptionBudget.maxUnavailable=all"), "maxUnavailable"),
    (("--set", "prometheusRule.rules.SparkfitAbsent.for=soon"), "for"),
    (("--set", "config.leaderElect=false"), "config.leaderElect: false is for a single replica"),
    (("--set", "watchNamespaces={a},config.usageSource=kubelet"), "no Role in a namespace allows"),
    ((*AUTOSCALE, "--set", "watchNamespaces={a}"), "set config.maxMemory"),
    (("--set", "serviceAccount.create=false"), "needs serviceAccount.name"),
    (("--set", "metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true"), "scrape everything twice"),
    ((*AUTOSCALE, "--set", "metrics.port=10250"), "must differ"),
    ((*AUTOSCALE, "--set", "hostNetwork=true"), "set another webhook.port"),
    ((*AUTOSCALE, "--set", "webhook.certificates.mode=secret"), "needs webhook.certificates.secretName"),
    ((*AUTOSCALE, "--set", "webhook.certificates.caBundle=LS0tLS1C"), "is for mode: secret alone"),
    (("--set", "prometheusRule.enabled=true,prometheusRule.rules.SparkfitAbsnt.enabled=false"), "there is no alert SparkfitAbsnt"),
    (("--kube-version", "1.28.15"), "kubeVersion"),
]


def check_refused(helm):
    for flags, message in REFUSED:
        done = run(helm, "template", "sparkfit", CHART, *flags)
        check(f"{helm.name} {' '.join(flags)}", done.returncode != 0 and message in done.stderr,
              f"expected to be refused with \"{message}\": {done.stderr[-300:] or 'it was not'}")


IMAGES = [
    ((), "ghcr.io/sparkfit/sparkfit:0.1.0"),
    (("--set-string", "image.tag=1.10"), "ghcr.io/sparkfit/sparkfit:1.10"),
    (("--set", f"image.tag=1.1.0,image.digest=sha256:{'a' * 64}"), f"ghcr.io/sparkfit/sparkfit@sha256:{'a' * 64}"),
    (("--set", f"image.tag=1.1.0@sha256:{'a' * 64}"), f"ghcr.io/sparkfit/sparkfit:1.1.0@sha256:{'a' * 64}"),
    (("--set", "image.registry=localhost:5000/mirror"), "localhost:5000/mirror/sparkfit/sparkfit:0.1.0"),
    (("--set", "image.registry="), "sparkfit/sparkfit:0.1.0"),
    (("--set", "global.imageRegistry=mirror.example.com"), "mirror.example.com/sparkfit/sparkfit:0.1.0"),
    (("--set", "image.repository=registry.example.com/team/sparkfit"), "registry.example.com/team/sparkfit:0.1.0"),
    (("--set", "image.repository=registry:5000/sparkfit"), "registry:5000/sparkfit:0.1.0"),
    (("--set", "image.repository=localhost/sparkfit,global.imageRegistry=mirror.example.com"), "localhost/sparkfit:0.1.0"),
    (("--set", "image.repository=team/sparkfit:1.1.0"), "ghcr.io/team/sparkfit:1.1.0"),
    (("--set", "image.repository=registry:5000/sparkfit:1.1.0"), "registry:5000/sparkfit:1.1.0"),
    (("--set", f"image.repository=sparkfit@sha256:{'a' * 64}"), f"ghcr.io/sparkfit@sha256:{'a' * 64}"),
]


def check_images(helm):
    """One reference, however much of it stands in which value."""
    for flags, wanted in IMAGES:
        done = run(helm, "template", "sparkfit", CHART, *flags)
        images = set(re.findall(r"^ +image: (\S+)$", done.stdout, re.M))
        check(f"{helm.name} {' '.join(flags)}", images == {wanted}, f"is {images or done.stderr}, not {wanted}")


def check_configs(helm):
    """The schema knows what the controller does not take, so that a typing error does not end in a pod that restarts."""
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["config"]["properties"]
    check("configs", set(configs.RIGHT) == set(schema), f"no values to compare of {set(configs.RIGHT) ^ set(schema)}")
    for values, fine in ((configs.WRONG, False), (configs.RIGHT, True)):
        for key, scalar in ((key, scalar) for key, scalars in values.items() for scalar in scalars):
            done = run(helm, "template", "sparkfit", CHART, "-s", "templates/configmap.yaml", "-f", "-",
                       input=f"replicas: 1\nconfig:\n  {key}: {scalar}\n")
            check("schema", (done.returncode == 0) == fine, f"{key}: {scalar}: {done.stderr or 'is taken'}")
            if BINARY.exists():
                # An authority's is compared with its certificates', which the schema cannot do.
                beside = "webhookCertificateLifetime: 100ms\n" if key == "webhookAuthorityLifetime" else ""
                done = run(BINARY, "check-config", "/dev/stdin", input=f"{key}: {scalar}\n{beside}")
                check("controller", (done.returncode == 0) == fine, f"{key}: {scalar}: {done.stderr or 'is taken'}")


def check_accepted(helm):
    """What a parent chart hands over."""
    done = run(helm, "template", "sparkfit", CHART, "--set", "enabled=true,global.others=1")
    check(helm.name, done.returncode == 0, f"values of a parent chart are refused: {done.stderr}")


NOTES = [
    ((), ["in monitoring mode, for every namespace", "--reset-then-reuse-values --set mode=autoscale", "metrics-server is needed", "test sparkfit"]),
    (AUTOSCALE, ["sparkfit.io/mode=Initial", "within 2 s"]),
    ((*AUTOSCALE, "--set", "webhook.create=false,tests.enabled=false"), ["NOTHING IS SIZED YET", "-s templates/webhook.yaml"]),
    ((*AUTOSCALE, "--set", "webhook.certificates.mode=secret,webhook.certificates.secretName=s"), ["needs a caBundle"]),
    (("--set", "watchNamespaces={a,b},crds.enabled=false"), ["for a, b.", "manifests/crds.yaml", "until you set config.maxMemory"]),
    (("--set", "config.usageSource=kubelet"), ["kubeletCertificateAuthority"]),
    (("--set", "metrics.podMonitor.enabled=true"), ["labels.release"]),
    (SECURE, ["https://sparkfit-metrics.sparkfit:8080/metrics", "--clusterrole=sparkfit-metrics-reader"]),
]


def check_notes(helm):
    """What an installation says to do next."""
    for flags, wanted in NOTES:
        done = run(helm, "install", "sparkfit", CHART, "-n", "sparkfit", "--dry-run=client", *flags,
                   env={**os.environ, "KUBECONFIG": "/nonexistent"})
        notes = done.stdout.partition("\nNOTES:\n")[2]
        for text in wanted:
            check(f"NOTES {' '.join(flags)}", text in notes, f"does not say \"{text}\": {notes or done.stderr}")


def check_restarts(helm):
    """Pods are replaced when their configuration changes, and not when it does not."""
    def checksum(*flags):
        text = run(helm, "template", "sparkfit", CHART, "-s", "templates/deployment.yaml", *flags).stdout
        return yaml.safe_load(text)["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
    check(helm.name, checksum() != checksum("--set", "config.logLevel=debug"), "a changed configuration replaces no pod")
    check(helm.name, checksum() == checksum("--set", "dashboards.enabled=true"), "pods are replaced for nothing")


MISTAKES = """\
{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replcas: 1, selector: {}, template: {}}}
---
{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: b}, spec: {selector: {}, endpoint: []}}
"""


def kubeconform(renders):
    """All renders by the schemas of each minor, in which the mistakes above must be found."""
    minors = schemas.prepare(STATE / "schemas")
    with tempfile.TemporaryDirectory() as folder:
        for render in renders:
            (pathlib.Path(folder) / f"{render.name}.yaml").write_text(render.text)
        for version, directories in minors.items():
            locations = [flag for directory in directories
                         for flag in ("-schema-location", f"{directory}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json")]
            # A CRD has no schema that would know all of it; the API server of the e2e suites takes ours.
            command = [STATE / "bin/kubeconform", "-strict", "-n", "2", *locations, "-skip", "CustomResourceDefinition"]
            done = run(*command, folder)
            check(f"Kubernetes {version}", done.returncode == 0, done.stdout + done.stderr)
            done = run(*command, "-", input=MISTAKES)
            check(f"Kubernetes {version}", "replcas" in done.stdout and "endpoint" in done.stdout, f"mistakes not found: {done.stdout}")
    return list(minors)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--helm", action="append", type=pathlib.Path)
    parser.add_argument("--no-kubeconform", action="store_true")
    arguments = parser.parse_args()
    helms = arguments.helm or [STATE / "bin/helm", STATE / "bin/helm3"]
    renders, texts = [], {}
    for helm in helms:
        for name, path in cases().items():
            lint = run(helm, "lint", "--strict", CHART, "-f", path)
            check(f"{helm.name} lint {name}", lint.returncode == 0, lint.stdout + lint.stderr)
            done = template(helm, name, path)
            check(f"{helm.name} {name}", done.returncode == 0, done.stderr)
            if done.returncode:
                continue
            if helm != helms[0]:
                # Not always in the same order, and with other blank lines.
                first = next(render for render in renders if render.name == name)
                check(f"{helm.name} {name}", by_name(objects_in(done.stdout)) == by_name(first.objects), "renders otherwise")
                continue
            compare(name, done.stdout)
            render = Render(name, yaml.safe_load(path.read_text()), done.stdout)
            renders.append(render)
            for checks in (check_names, check_rights, check_scope, check_restricted, check_selectors, check_columns, check_files):
                checks(render)
            texts[name] = check_config(render)
        check_refused(helm)
        check_accepted(helm)
        check_images(helm)
        check_restarts(helm)
    check_configs(helms[0])
    # Helm 3 asks the cluster even for a dry run.
    check_notes(helms[0])
    check_options(texts)
    for tool in ("chart-docs", "render-manifests"):
        done = run(ROOT / "tools" / tool, "--check", env={**os.environ, "HELM": str(helms[0])})
        check(tool, done.returncode == 0, done.stdout + done.stderr)
    versions = [] if arguments.no_kubeconform else kubeconform(renders)
    print(f"{len(renders)} sets of values, {len(REFUSED)} refused, {len(helms)} helms, "
          f"Kubernetes {', '.join(versions) or 'not asked'}: {len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
