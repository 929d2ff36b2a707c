#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what is in examples/ against the schemas of those who read it. Nothing is run but shell's own parser.

usage: run.py [DIRECTORY]

DIRECTORY (default: build/examples) keeps what is needed: a virtual environment with jsonschema and PyYAML, botocore and Airflow's
providers as wheels that are only read, and the Spark operator's CRD from its Go module. Needs pip, and go for the last.
"""
import ast
import glob
import gzip
import json
import pathlib
import re
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
DIRECTORY = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/examples").resolve()
SPARK_OPERATOR = "github.com/kubeflow/spark-operator/v2@v2.4.0"
WHEELS = ("botocore==1.44.8", "apache-airflow-providers-apache-spark==6.3.4", "apache-airflow-providers-cncf-kubernetes==10.25.0",
          "apache-airflow-providers-amazon==9.39.0", "grafana-foundation-sdk==1769699998!10.1.0")
IMPORTED = ("jsonschema", "PyYAML", "botocore==1.44.8", "grafana-foundation-sdk==1769699998!10.1.0")
# What every Airflow operator takes, of what the examples use.
OF_BASE_OPERATOR = {"task_id"}
problems = []


def complain(what, problem):
    problems.append(f"{what}: {problem}")


def again_in_environment():
    """Into an environment of our own; nothing is installed elsewhere."""
    python = DIRECTORY / "venv/bin/python"
    if pathlib.Path(sys.executable) == python:
        return
    if not (DIRECTORY / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", DIRECTORY / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *IMPORTED], check=True)
        subprocess.run([python, "-m", "pip", "download", "-q", "--no-deps", "-d", DIRECTORY / "wheels", *WHEELS], check=True)
        (DIRECTORY / "ready").touch()
    sys.exit(subprocess.run([python, __file__, DIRECTORY]).returncode)


# --- Kubernetes objects

def strict(schema):
    """An OpenAPI schema of a CRD as a JSON schema that refuses unknown fields, as --validate=strict does."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items() if key != "properties" and not key.startswith("x-kubernetes")}
    if "properties" in schema:
        out["properties"] = {name: strict(part) for name, part in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
            out["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        out.pop("type", None)
    return out


def schema_of(crd, version):
    import yaml
    for document in yaml.safe_load_all(crd.read_text()):
        for one in document["spec"]["versions"]:
            if one["name"] == version:
                yield document["spec"]["names"]["kind"], one["schema"]["openAPIV3Schema"]


def check_object(file, crd, version):
    import jsonschema
    import yaml
    thing = yaml.safe_load((EXAMPLES / file).read_text())
    schema = strict(dict(schema_of(crd, version))[thing["kind"]])
    schema["properties"] |= {"metadata": {}, "apiVersion": {}, "kind": {}}
    for error in jsonschema.Draft202012Validator(schema).iter_errors(thing):
        complain(file, f"{error.json_path}: {error.message[:200]}")


def spark_operator_crd():
    done = subprocess.run(["go", "mod", "download", "-json", SPARK_OPERATOR], capture_output=True, text=True, check=True)
    return pathlib.Path(json.loads(done.stdout)["Dir"]) / "config/crd/bases/sparkoperator.k8s.io_sparkapplications.yaml"


def check_paths():
    """Every path of the kube-state-metrics configuration is one of our object."""
    import yaml
    schema = dict(schema_of(ROOT / "manifests/crds.yaml", "v1alpha1"))["ExecutorRecommendation"]

    def walk(at, path):
        for part in path:
            at = at.get("items", at).get("properties", {}).get(part)
            if at is None:
                complain("kube-state-metrics.yaml", f"there is no {path}")
                return {}
        return at

    for resource in yaml.safe_load((EXAMPLES / "kube-state-metrics.yaml").read_text())["customResourceState"]["config"]["spec"]["resources"]:
        for path in resource["labelsFromPath"].values():
            path[0] == "metadata" or walk(schema, path)
        for metric in resource["metrics"]:
            how = metric["each"][metric["each"]["type"].lower()]
            at = walk(schema, how.get("path", []))
            for path in [*how.get("labelsFromPath", {}).values(), *([how["valueFrom"]] if "valueFrom" in how else [])]:
                walk(at, path)


# --- EMR, Airflow, Grafana

def check_start_job_run():
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator
    model = ServiceModel(Loader().load_service_model("emr-containers", "service-2"), "emr-containers")
    request = json.loads((EXAMPLES / "emr-start-job-run.json").read_text())
    report = ParamValidator().validate(request, model.operation_model("StartJobRun").input_shape)
    if report.has_errors():
        complain("emr-start-job-run.json", report.generate_report())


def parameters_of(name, module):
    """What a class of a provider takes, with its bases in the same wheels."""
    for wheel in glob.glob(str(DIRECTORY / "wheels/apache_airflow_providers_*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            path = module.replace(".", "/") + ".py"
            if path in archive.namelist():
                tree = ast.parse(archive.read(path))
                break
    else:
        return None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return {argument.arg for function in node.body if isinstance(function, ast.FunctionDef) and function.name == "__init__"
                    for argument in function.args.args + function.args.kwonlyargs} - {"self"}
    return None


def check_dag():
    tree = ast.parse((EXAMPLES / "airflow_dag.py").read_text())
    imported = {alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        module = imported.get(call.func.id, "")
        if not module.startswith("airflow.providers"):
            continue
        known = parameters_of(call.func.id, module)
        if known is None:
            complain("airflow_dag.py", f"{module} has no {call.func.id}")
            continue
        for unknown in {keyword.arg for keyword in call.keywords} - known - OF_BASE_OPERATOR:
            complain("airflow_dag.py", f"{call.func.id} takes no {unknown}")


def lost(before, after, path=""):
    """What one JSON value has and the other has not."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from [f"{path}/{key}"] if key not in after else lost(value, after[key], f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for one, other in zip(before, after):
            yield from lost(one, other, path)
    elif before != after:
        yield path


def check_dashboards():
    """Grafana's own models of a dashboard read ours, and lose nothing of it."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard
    # Of data sources' own fields in annotations, and of an absent id, the models do not know.
    known = {"/id", "/templating/list/definition", "/annotations/list/step", "/annotations/list/titleFormat", "/annotations/list/useValueForTime"}
    for path in sorted((ROOT / "charts/sparkfit/dashboards").glob("*.json")):
        board = json.loads(path.read_text())
        again = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
        for where in set(lost(board, again)) - known:
            complain(path.name, f"{where} is unknown to Grafana")


# --- Our own keys

def check_keys():
    source = (ROOT / "src/model/settings.cc").read_text() + (ROOT / "src/admission/admission.cc").read_text()
    own = set(re.findall(r'"sparkfit\.io/([a-z-]+)"', source)) | set(re.findall(r'\{+"([a-z-]+)", Setting::', source))
    emr = set(re.findall(r'\{+"(\.?[a-z.]*)", Setting::', source))
    for path in [*EXAMPLES.glob("*.*"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
        if path.suffix in (".gz", ".svg"):
            continue
        text = path.read_text()
        for key in re.findall(r"(?:annotation|label)\.sparkfit\.io/([a-z-]+)|^\s+sparkfit\.io/([a-z-]+): ", text, re.MULTILINE):
            if "".join(key) not in own:
                complain(path.name, f"sparkfit.io/{''.join(key)} is no key")
        for key in re.findall(r"(?:annotation|label)\.emr-containers\.amazonaws\.com/dynamic\.sizing((?:\.[a-z]+)*)", text):
            if key not in emr:
                complain(path.name, f"EMR's dynamic.sizing{key} is no key")
    for script in EXAMPLES.glob("*.sh"):
        subprocess.run(["bash", "-n", script], check=True)


def main():
    again_in_environment()
    check_keys()
    check_object("spark-application.yaml", spark_operator_crd(), "v1beta2")
    check_object("executor-recommendation.yaml", ROOT / "manifests/crds.yaml", "v1alpha1")
    check_paths()
    check_start_job_run()
    check_dag()
    check_dashboards()
    for problem in problems:
        print(f"examples: {problem}", file=sys.stderr)
    if not problems:
        print("examples: fine")
    sys.exit(len(problems) > 0)


if __name__ == "__main__":
    main()
