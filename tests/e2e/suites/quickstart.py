# SPDX-License-Identifier: Apache-2.0
"""Every command of README and quickstart, typed as it stands there, and the examples for spark-submit."""
import concurrent.futures
import json
import shutil
import sys
import time

import yaml

import documented
from release import CHART, NS, leader, nothing_of_ours, pods, ready, webhook
from sizing import APPLIED, learnt
from testbed import BINARY, CLUSTER, JOBS, ROOT, STATE, SUBMIT, build_tool, get, kubectl, log, run, wait_until

sys.path.insert(0, str(ROOT / "tests/chart"))
import schemas  # noqa: E402

README, QUICKSTART = ROOT / "README.md", ROOT / "docs/quickstart.md"
# What runs before and around this suite.
ELSEWHERE = {"make demo", "make test"}
# What a reader has in place of the dots, and behind them: a job of a minute, which metrics-server sees.
MINE = "--name nightly --conf spark.executor.instances=2 --conf spark.executor.memory=900m"
JOB = f"{JOBS} aggregate 4e6 30"


class Reader:
    """Someone with a terminal in a checkout, whose kubectl looks at `jobs`."""

    def __init__(self, bed):
        self.bed, self.typed = bed, set()
        self.home = bed.directory / "reader"
        shutil.rmtree(self.home, ignore_errors=True)
        self.checkout, self.path = self.home / "checkout", self.home / "bin"
        for directory in (self.checkout, self.path, self.home / ".kube"):
            directory.mkdir(parents=True)
        for name in ("charts", "examples", "manifests", "tests"):
            (self.checkout / name).symlink_to(ROOT / name)
        for name in ("sparkfit", "kubectl-sparkfit"):
            (self.path / name).symlink_to(BINARY)
        shutil.copy(STATE / "admin.kubeconfig", self.home / ".kube/config")
        for day, log_file in (("monday", "spark-runs"), ("tuesday", "spark-runs-coarse")):
            shutil.copy(ROOT / f"examples/{log_file}.ndjson.gz", self.checkout / f"{day}.ndjson.gz")
        run(*self.shell("kubectl config set-context --current --namespace=jobs"))

    def shell(self, command, around=(CLUSTER, "exec")):
        """The command as a process of the reader's."""
        script = f"export PATH={self.path}:{ROOT}/tests/e2e/shims:$PATH; cd {self.checkout}; {command}"
        return [*around, "env", f"HOME={self.home}", f"KUBECONFIG={self.home}/.kube/config", "bash", "-euo", "pipefail", "-c", script]

    def types(self, command):
        log(f"$ {command}")
        self.typed.add(command)
        if command.startswith("sparkfit record"):
            command = f"timeout --preserve-status --signal INT 10 {command}"
        return run(*self.shell(command), timeout=600)

    def submits(self, command):
        """Its `…` and the job filled in: a sparkrun.Run."""
        log(f"$ {command}")
        self.typed.add(command)
        return self.runs("nightly", command.replace("…", MINE) + " " + JOB)

    def runs(self, name, command, *mode):
        return self.bed.application(name, self.shell(command, (SUBMIT, *mode, "--with")), cluster_mode=bool(mode))


def commands(path):
    return list(documented.commands(path.read_text()))


def one(path, begin, containing=""):
    """The only command of a document that begins so."""
    found = [command for command in commands(path) if command.startswith(begin) and containing in command]
    assert len(found) == 1, (begin, containing, found)
    return found[0]


def header(path, begin):
    """The first line of printed output that a document shows."""
    return next(line.split() for line in path.read_text().splitlines() if line.startswith(begin))


def default_image():
    values, chart = (yaml.safe_load((CHART / name).read_text()) for name in ("values.yaml", "Chart.yaml"))
    return f"{values['image']['registry']}/{values['image']['repository']}:{chart['appVersion']}"


def monitoring_crds():
    """Of the Prometheus operator, which is not here itself."""
    for name, files in schemas.CRDS.items():
        if "prometheus-operator" in name:
            for file in files:
                kubectl("apply", "--server-side", "-f", schemas.module(name) / file)


def test_quickstart_installs(bed):
    build_tool("helm")
    nothing_of_ours()
    bed.image(default_image())
    bed.reader = Reader(bed)
    begun = time.monotonic()
    bed.reader.types(one(QUICKSTART, "helm install"))
    bed.reader.types(one(QUICKSTART, "kubectl -n sparkfit rollout status"))
    assert all(map(ready, pods())) and webhook() is None
    return f"{time.monotonic() - begun:.0f} s"


def test_quickstart_sees_a_job(bed):
    bed.reader.submits(one(QUICKSTART, "spark-submit"))
    learnt(bed, "nightly", 1)
    printed = bed.reader.types(one(QUICKSTART, "kubectl get execrec")).splitlines()
    assert printed[0].split() == header(QUICKSTART, "NAMESPACE")
    # The name follows from namespace, signature and profile, so the reader's is the document's.
    assert printed[1].split()[:4] == ["jobs", "nightly-b405c6d1e9", "nightly", "Off"], printed
    assert "Why" in bed.reader.types(one(QUICKSTART, "kubectl sparkfit explain"))
    return " ".join(printed[1].split())


def test_quickstart_is_monitored(bed):
    monitoring_crds()
    bed.reader.types(one(QUICKSTART, "helm upgrade", "serviceMonitor"))
    assert len(get("servicemonitors", "-n", NS)["items"]) == 1
    assert len(get("prometheusrules", "-n", NS)["items"][0]["spec"]["groups"]) >= 1
    assert get("configmaps", "-n", NS, "-l", "grafana_dashboard=1")["items"]


def test_quickstart_sizes(bed):
    conf = dict(word.split("=") for word in run(*bed.reader.shell("kubectl sparkfit conf nightly -n jobs")).split() if word.startswith("spark."))
    bed.reader.types(one(QUICKSTART, "helm upgrade", "mode=autoscale"))
    bed.reader.types(one(QUICKSTART, "kubectl -n jobs patch execrec", "Initial"))
    wait_until("one leads and is trusted", lambda: leader() and webhook()["clientConfig"].get("caBundle"), 60)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(bed.reader.submits, one(QUICKSTART, "spark-submit"))
        wait_until("executors run", lambda: [p for p in get("pods", "-n", "jobs", "-l", "spark-role=executor")["items"]
                                             if p["status"]["phase"] == "Running"], 120, pause=1)
        printed = bed.reader.types(one(QUICKSTART, "kubectl -n jobs get pods")).splitlines()
        application = running.result()
    assert all(APPLIED in executor.annotations for executor in application.executors), application.executors
    assert {f"{executor.heap:.0f}m" for executor in application.executors} == {conf["spark.executor.memory"]}
    was, is_ = printed[1].split()[1:]
    assert was == "1284Mi" and is_ == application.executors[0].annotations[APPLIED], printed
    assert "Sized" in bed.reader.types(one(QUICKSTART, "kubectl -n jobs get events"))
    return f"{was}, then {is_}"


def test_quickstart_switches_off(bed):
    bed.reader.types(one(QUICKSTART, "kubectl -n jobs patch execrec", "Off"))
    wait_until("the job is off", lambda: bed.recommendation("jobs", "nightly")["status"]["effective"]["mode"] == "Off", 10)
    bed.reader.types(one(QUICKSTART, "helm upgrade", "mode=monitoring"))
    wait_until("no webhook", lambda: webhook() is None, 30)
    bed.reader.types(one(QUICKSTART, "helm uninstall"))
    wait_until("no pod", lambda: not pods(), 60)
    assert bed.target("jobs", "nightly")


def test_readme_installs(bed):
    bed.reader.types(one(README, "docker build"))
    bed.reader.types(one(README, "helm install"))
    assert "Succeeded" in bed.reader.types(one(README, "helm test"))
    assert bed.reader.types(one(README, "kubectl get execrec")).splitlines()[0].split() == header(README, "NAMESPACE   NAME")


def test_readme_asks(bed):
    assert "nightly" in bed.reader.types(one(README, "kubectl sparkfit list"))
    assert "Why" in bed.reader.types(one(README, "kubectl sparkfit explain"))
    assert "spark.executor.memory=" in bed.reader.types(one(README, "kubectl sparkfit conf"))
    bed.reader.types(one(README, "kubectl sparkfit purge"))
    assert not bed.recommendation("jobs", "nightly")


def test_readme_sizes(bed):
    bed.reader.types(one(README, "helm upgrade"))
    wait_until("one leads and is trusted", lambda: leader() and webhook()["clientConfig"].get("caBundle"), 60)
    first = bed.reader.submits(one(README, "spark-submit"))
    assert not any(APPLIED in executor.annotations for executor in first.executors), "it was to be forgotten"
    learnt(bed, "nightly", 1)
    assert bed.recommendation("jobs", "nightly")["status"]["effective"]["mode"] == "Initial"


def test_examples_for_spark_submit(bed):
    """One job, but not of one shape: in cluster mode Spark gives Python applications more overhead. So each is observed once."""
    cluster = f"examples/spark-submit-cluster.sh {JOB.replace(str(JOBS), 'local:///opt/app/jobs.py')}"
    bed.reader.runs("nightly-load", f"examples/spark-submit-client.sh {JOB}")
    learnt(bed, "nightly-load", 1)
    observed = bed.reader.runs("nightly-load", cluster, "--cluster")
    learnt(bed, "nightly-load", 2)
    sized = bed.reader.runs("nightly-load", cluster, "--cluster")
    assert sized.executors and all(APPLIED in executor.annotations for executor in sized.executors), sized.executors
    return f"{observed.request:.0f} MiB, then {sized.request:.0f}"


def test_readme_without_helm(bed):
    run(*bed.reader.shell("helm uninstall sparkfit -n sparkfit --wait"))
    nothing_of_ours()
    bed.reader.types(one(README, "kubectl apply"))
    kubectl("rollout", "status", "-n", NS, "deployment/sparkfit", "--timeout=120s")
    bed.reader.types(one(README, "sparkfit record"))
    bed.reader.types(one(README, "sparkfit replay log.ndjson"))
    kubectl("delete", "-f", ROOT / "manifests/controller.yaml", "--wait")
    nothing_of_ours()


def test_readme_without_a_cluster(bed):
    bed.reader.types(one(README, "sparkfit replay examples", "--html"))
    assert "<html" in (bed.reader.checkout / "report.html").read_text()
    assert "join-orders" in bed.reader.types(one(README, "sparkfit replay examples", "--at"))
    assert isinstance(json.loads(bed.reader.types(one(README, "sparkfit replay monday"))), list)
    assert "percentile" in bed.reader.types(one(README, "sparkfit backtest"))


def test_no_command_was_left_out(bed):
    left = set(commands(README) + commands(QUICKSTART)) - bed.reader.typed - ELSEWHERE
    assert not left, left
    return f"{len(bed.reader.typed)} commands"
