#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks a Prometheus every query of the dashboards, variables filled in as Grafana would, and lists those without data.

usage: dashboard_queries.py URL [--since 1h] [--set VARIABLE=VALUE ...] [--monitoring | --all] [-v]

A variable that is not set gets the first value that its own query gives; one of several values gets all. Exits with 1 where a
query fails or has no data that should have some: queries of other programs' metrics, and of series that begin with an event
that may not have happened, are listed only.
"""
import argparse
import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "charts/sparkfit/dashboards"
NAME = re.compile(r"(?<![\w$:{])([a-zA-Z_:][\w:]*)(?=\s*[{\[])")
# Metrics of others, and whose.
FOREIGN = {
    "up": "Prometheus",
    "apiserver_admission_webhook_fail_open_count": "the API server",
    "apiserver_admission_webhook_admission_duration_seconds": "the API server",
}
# Their series begin with an event that may never happen.
RARE = {"sparkfit_executors_refused_total", "sparkfit_objects_unreadable_total", "sparkfit_watch_restarts_total",
        "sparkfit_checkpoint_restores_total", "sparkfit_trial_memory_bytes", "apiserver_admission_webhook_fail_open_count"}
AUTOSCALE = {"sparkfit_admissions_total", "sparkfit_admission_duration_seconds", "sparkfit_executors_pending_after_sizing",
             "sparkfit_certificate_expiration_timestamp_seconds", "sparkfit_certificate_reloads_total"}


class Query(NamedTuple):
    where: str
    expr: str
    instant: bool = False
    marks: bool = False  # an annotation: no data is what one hopes for


def base(metric):
    """The family that a series of a histogram belongs to."""
    return metric if metric in FOREIGN else re.sub(r"_(bucket|sum|count)$", "", metric)


def metrics_of(expr):
    """The metrics that a query names, be it with a selector or without one."""
    bare = re.findall(r"\b(?:sparkfit|kube|apiserver|process)_\w+", re.sub(r'"[^"]*"', '""', expr))
    return {base(name) for name in NAME.findall(expr)} | {base(name) for name in bare}


def label_values(query):
    """(selector, label) of a variable's label_values()."""
    return re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()


def variables_of(dashboard):
    return [variable for variable in dashboard["templating"]["list"] if variable["type"] == "query"]


def queries_of(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield Query(f"{dashboard['uid']}: {panel['title']} {target['refId']}", target["expr"], target["instant"])
    for annotation in dashboard["annotations"]["list"]:
        yield Query(f"{dashboard['uid']}: marks of {annotation['name']}", annotation["expr"], marks=True)
    for variable in variables_of(dashboard):
        yield Query(f"{dashboard['uid']}: variable {variable['name']}", label_values(variable["query"]["query"])[0])


def dashboards():
    return [json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))]


def expand(text, values):
    """Fills in variables; one without a value is an error."""
    return re.sub(r"\$\{?(\w+)(?::\w+)?\}?", lambda match: values[match.group(1)], text)


class Prometheus:
    def __init__(self, url, since):
        self.url, self.since, self.now = url.rstrip("/"), since, time.time()

    def get(self, path, **parameters):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error", str(error))) from error

    def values(self, selector, label):
        found = self.get("series", **{"match[]": selector, "start": self.now - self.since, "end": self.now})
        return sorted({series[label] for series in found if label in series})

    def series(self, expr, instant):
        if instant:
            return len(self.get("query", query=expr, time=self.now)["result"])
        return len(self.get("query_range", query=expr, start=self.now - self.since, end=self.now, step=max(1, self.since / 200))["result"])


def fill(dashboard, prometheus, given, seconds):
    """The variables' values."""
    values = {"__range": f"{seconds}s", "__rate_interval": f"{max(8, min(300, seconds // 4))}s", "__interval": "60s"}
    for variable in variables_of(dashboard):
        name, (selector, label) = variable["name"], label_values(variable["query"]["query"])
        found = prometheus.values(expand(selector, values), label)
        values[name] = given.get(name) or (variable["allValue"] if variable["includeAll"] else (found or [""])[0])
    return values


def why_not(query, monitoring, all_scraped):
    """Why a query may have no data; empty: it should have some."""
    if query.marks:
        return "nothing to mark"
    metrics = metrics_of(query.expr)
    for metric in sorted(metrics):
        if metric in RARE:
            return "begins with an event"
        if metric in FOREIGN and not all_scraped:
            return f"needs the metrics of {FOREIGN[metric]}"
        if monitoring and metric in AUTOSCALE:
            return "autoscale mode alone"
    return ""


def seconds_of(text):
    return int(float(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--since", type=seconds_of, default=3600)
    parser.add_argument("--set", action="append", default=[], metavar="VARIABLE=VALUE")
    parser.add_argument("--monitoring", action="store_true", help="no controller in autoscale mode is scraped")
    parser.add_argument("--all", action="store_true", help="the kubelets, the API server and a controller in autoscale mode are scraped")
    parser.add_argument("-v", action="store_true", help="list all queries")
    arguments = parser.parse_args()
    prometheus = Prometheus(arguments.url, arguments.since)
    given = dict(one.split("=", 1) for one in arguments.set)
    passed = failed = excused = 0
    for dashboard in dashboards():
        values = fill(dashboard, prometheus, given, arguments.since)
        for query in queries_of(dashboard):
            expr = expand(query.expr, values)
            try:
                found, trouble = prometheus.series(expr, query.instant), ""
            except ValueError as error:
                found, trouble = 0, str(error)
            excuse = "" if trouble else why_not(query, arguments.monitoring, arguments.all)
            passed, excused, failed = passed + (found > 0), excused + (not found and bool(excuse)), failed + (not found and not excuse)
            if found and arguments.v:
                print(f"{found:4} series  {query.where}")
            elif not found:
                print(f"{'no data' if excuse else 'NO DATA'}      {query.where}: {trouble or excuse or expr}")
    print(f"{passed} queries with data, {excused} without for a reason, {failed} that should have some")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
