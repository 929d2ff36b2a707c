# SPDX-License-Identifier: Apache-2.0
"""JSON schemas for kubeconform, without a network of its own: made of what Go modules carry.

Kubernetes' own OpenAPI comes with each release of k8s.io/kubernetes, the CRDs of others with theirs.
"""
import json
import pathlib
import subprocess

import yaml

# The oldest minor that the chart takes, and the last three that could be had.
KUBERNETES = ("v1.29.6", "v1.34.4", "v1.36.3", "v1.37.2")
CRDS = {
    "github.com/prometheus-operator/prometheus-operator@v0.85.0":
        [f"example/prometheus-operator-crd/monitoring.coreos.com_{plural}.yaml"
         for plural in ("servicemonitors", "podmonitors", "prometheusrules")],
    "github.com/cert-manager/cert-manager@v1.21.2":
        [f"deploy/crds/cert-manager.io_{plural}.yaml" for plural in ("certificates", "issuers")],
}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def module(name):
    done = subprocess.run(["go", "mod", "download", "-json", name], capture_output=True, text=True, cwd="/", check=True)
    return pathlib.Path(json.loads(done.stdout)["Dir"])


def strict(schema):
    """As the API server reads it: unknown fields are mistakes, an IntOrString is either."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    out = {key: strict(part) for key, part in schema.items() if key not in ("format", "description")}
    if isinstance(schema.get("properties"), dict):
        # A property may itself be called `format` or `description`.
        out["properties"] = {key: strict(part) for key, part in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            out.setdefault("additionalProperties", False)
    if "$ref" in out:
        out["$ref"] = "definitions.json" + out["$ref"]
    return out


def file_of(kind, group, version):
    return f"{kind}-{group.split('.')[0]}-{version}.json".replace("--", "-").lower()


def write_kubernetes(version, directory):
    openapi = json.loads((module(f"k8s.io/kubernetes@{version}") / "api/openapi-spec/swagger.json").read_text())
    definitions = {name: strict(schema) for name, schema in openapi["definitions"].items()}
    (directory / "definitions.json").write_text(json.dumps({"definitions": definitions}))
    for name, schema in openapi["definitions"].items():
        for gvk in schema.get("x-kubernetes-group-version-kind", [])[:1]:
            (directory / file_of(gvk["kind"], gvk["group"], gvk["version"])).write_text(
                json.dumps({"$ref": f"definitions.json#/definitions/{name}"}))


def write_crds(directory):
    for name, files in CRDS.items():
        source = module(name)
        for file in files:
            spec = yaml.load((source / file).read_text(), Loader=LOADER)["spec"]
            for version in spec["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                path = directory / file_of(spec["names"]["kind"], spec["group"], version["name"])
                path.write_text(json.dumps(schema))


def prepare(base):
    """Directories of schemas for each minor; made once."""
    wanted = json.dumps([KUBERNETES, CRDS]) + pathlib.Path(__file__).read_text()
    stamp = base / "stamp"
    if not stamp.exists() or stamp.read_text() != wanted:
        for version in KUBERNETES:
            (base / version).mkdir(parents=True, exist_ok=True)
            write_kubernetes(version, base / version)
        (base / "crds").mkdir(exist_ok=True)
        write_crds(base / "crds")
        stamp.write_text(wanted)
    return {version: (base / version, base / "crds") for version in KUBERNETES}
