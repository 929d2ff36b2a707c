#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks alerts and dashboards without a cluster: rules and queries by promtool, metrics against the code and docs/metrics.md,
runbooks against docs/operations.md.

usage: run.py [--quick]

--quick leaves the rule tests out, which take about twenty seconds. Needs promtool (Debian: prometheus) and PyYAML.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import dashboard_queries as dq  # noqa: E402

ALERTS = ROOT / "charts/sparkfit/alerts.yaml"
SOURCES = ("src/cluster/key_metrics.cc", "src/exposition/own_metrics.cc", "src/exposition/process_metrics.cc")
EXPORTED = ROOT / "tests/golden/data"
FILL = {"cluster": ".*", "__range": "1h", "__rate_interval": "5m", "__interval": "1m", "namespace": "jobs", "signature": "nightly",
        "profile": ".*", "job": "sparkfit", "instance": ".*"}
problems = []


def complain(text):
    problems.append(text)


def promtool(*arguments, cwd=HERE, **options):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, cwd=cwd, **options)
    if done.returncode:
        complain(done.stdout + done.stderr)


def rules():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def dashboard_queries():
    return [query for dashboard in dq.dashboards() for query in dq.queries_of(dashboard)]


def exported():
    """What the code names as a metric."""
    return {name for source in SOURCES for name in re.findall(r'"((?:sparkfit|kube|process)_\w+)"', (ROOT / source).read_text())}


def documented():
    """What docs/metrics.md names, `a_b_c`, `_d` and `a_{b,c}` spelled out in every way that they may be meant."""
    names = set()
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        if not line.startswith("| `"):
            continue
        first = ""
        for token in re.findall(r"`([^`]*)`", line.split(" | ")[0]):
            spread = re.fullmatch(r"(\w+_)\{([\w,]+)\}", token)
            token = re.sub(r"\{.*\}", "", token)
            if spread:
                names |= {spread.group(1) + part for part in spread.group(2).split(",")}
            elif token.startswith("_"):
                parts = first.split("_")
                names |= {"_".join(parts[:i]) + token for i in range(1, len(parts))}
            else:
                first = token
                names.add(token)
    return names


def check_metrics():
    known, told = exported(), documented()
    for name in sorted(known - told):
        complain(f"{name}: not in docs/metrics.md")
    for name in sorted(name for name in told if name.startswith(("sparkfit_", "process_")) and name not in known):
        # A way in which a shortened name may be meant is no promise.
        if f"`{name}" in (ROOT / "docs/metrics.md").read_text():
            complain(f"docs/metrics.md: {name} is exported by nothing")
    used = [(query.where, query.expr) for query in dashboard_queries()] + [(rule["alert"], rule["expr"]) for rule in rules()]
    for where, expr in used:
        for name in dq.metrics_of(expr) - known - set(dq.FOREIGN):
            complain(f"{where}: {name} does not exist")


def check_series():
    """docs/operations.md says how many series a key has: those that the golden test has of its only one, and the amounts' former names."""
    samples = re.findall(r'^(\w+)\{.*signature="', (EXPORTED / "metrics-recommendations.txt").read_text(), re.MULTILINE)
    amounts = [name for name in samples if name.endswith("_byte_seconds_total")]
    if f"at most {len(samples)} series for each key, {len(samples) + len(amounts)} with" not in (ROOT / "docs/operations.md").read_text():
        complain(f"docs/operations.md: a key has {len(samples)} series, {len(samples) + len(amounts)} with former names")


def check_syntax():
    # As a scrape without the names of before: golden tests write down every family.
    promtool("check", "metrics", input="".join(path.read_text() for path in sorted(EXPORTED.glob("metrics-*.txt"))))
    promtool("check", "rules", ALERTS)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "queries.yaml"
        queries = [{"record": f"query_{i}", "expr": dq.expand(query.expr, FILL)} for i, query in enumerate(dashboard_queries())]
        path.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": queries}]}))
        promtool("check", "rules", path)


def grouped(expr):
    """The labels of each `by` and `on`."""
    return [labels.split(", ") for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", expr)]


def check_labels(where, groups):
    for labels in groups:
        if "cluster" not in labels:
            complain(f"{where}: one Prometheus may have several clusters, which ({', '.join(labels)}) mixes up")


def check_alerts():
    headings = {line.strip("# ").lower() for line in (ROOT / "docs/operations.md").read_text().splitlines() if line.startswith("#")}
    tests = "".join(path.read_text() for path in HERE.glob("*_test.yaml"))
    names = [rule["alert"] for rule in rules()]
    for name in {name for name in names if names.count(name) > 1}:
        complain(f"{name}: twice")
    for rule in rules():
        name, notes = rule["alert"], rule["annotations"]
        if set(notes) != {"summary", "description", "runbook_url"} or rule["labels"].get("severity") not in ("critical", "warning", "info"):
            complain(f"{name}: needs summary, description, runbook_url and a severity")
        if not notes.get("runbook_url", "").endswith(f"/docs/operations.md#{name.lower()}") or name.lower() not in headings:
            complain(f"{name}: has no runbook in docs/operations.md")
        check_labels(name, grouped(rule["expr"]))
        firing = re.findall(rf'alertname="{name}",alertstate="firing".*(exp_samples: \[.)', tests)
        if not {"exp_samples: [{", "exp_samples: []"} <= set(firing):
            complain(f"{name}: no test shows that it fires and clears")


def check_dashboards():
    done = subprocess.run([ROOT / "tools/dashboards", "--check"], capture_output=True, text=True)
    if done.returncode:
        complain(done.stderr.strip())
    for dashboard in dq.dashboards():
        uid = dashboard["uid"]
        for thing in [*dashboard["panels"], *(target for panel in dashboard["panels"] for target in panel.get("targets", []))]:
            if thing.get("type") not in ("row", "text") and thing["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
                complain(f"{uid}: {thing.get('title')}: another data source than the variable's")
        for panel in dashboard["panels"]:
            if panel["type"] != "row" and not panel["description"]:
                complain(f"{uid}: {panel['title']}: no description")
            if panel["type"] == "stat" and panel["fieldConfig"]["defaults"]["unit"] in ("", "none"):
                complain(f"{uid}: {panel['title']}: no unit")
        for query in dq.queries_of(dashboard):
            if 'cluster=~"$cluster"' not in query.expr and not query.where.endswith("variable cluster"):
                complain(f"{query.where}: of all clusters, whichever is chosen")
            check_labels(query.where, [labels for labels in grouped(query.expr) if "instance" in labels or "namespace" in labels])
        text = json.dumps(dashboard)
        for variable in dashboard["templating"]["list"]:
            if variable["name"] not in ("datasource",) and f"${variable['name']}" not in text:
                complain(f"{uid}: variable {variable['name']} is not used")


def main():
    check_metrics()
    check_series()
    check_syntax()
    check_alerts()
    check_dashboards()
    if "--quick" not in sys.argv:
        promtool("test", "rules", *sorted(path.name for path in HERE.glob("*_test.yaml")))
    for problem in problems:
        print(f"alerts: {problem}", file=sys.stderr)
    if not problems:
        print(f"alerts: fine: {len(rules())} alerts, {len(dashboard_queries())} queries of {len(dq.dashboards())} dashboards")
    sys.exit(len(problems) > 0)


if __name__ == "__main__":
    main()
