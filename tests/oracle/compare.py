#!/usr/bin/env python3
"""Differential tests: the sparkfit binary against the oracles of this folder.

    compare.py backtest --sparkfit BINARY
    compare.py replay --sparkfit BINARY [--seeds 1-20] [--keep DIR]

Exits 1 with a readable list of differences, 0 when there are none, 2 when the
binary cannot be run.  Recorded inputs are looked for in SPARKFIT_TRACES
(default: shared/data next to the repository) and their absence is printed.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

import backtest
import make_log
import replay
import spec

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TRACES = os.environ.get("SPARKFIT_TRACES") or os.path.join(ROOT, "..", "shared", "data")
SHOWN = 60          # differences printed before "... and N more"

BACKTEST_POLICIES = [
    "request",
    "percentile:percentile=0.9,margin=0.4,oomBump=1.2,oomBumpMin=100Mi,halfLife=24h",
    "percentile:percentile=0.99,margin=0.15,oomBump=1.2,oomBumpMin=100Mi,halfLife=1h",
    "percentile:percentile=0.5,margin=0.15,oomBump=1.5,oomBumpMin=1Gi,halfLife=240h",
    "percentile:percentile=0.95,margin=0,oomBump=2,oomBumpMin=0,halfLife=7h",
    "max:margin=0.15,oomBump=1.25,oomBumpMin=100Mi",
    "adaptive",
    "adaptive:risk=thrifty,oomBump=1.5",
    "adaptive:risk=0",
    "adaptive:risk=8",
]
COUNTS = "executions signatures oom_executions oom_kills max_retries unsatisfied cold_starts".split()
AMOUNTS = "used_gbh waste_gbh allocated_gbh".split()

# policy, used GBh, waste GBh, OOM executions, OOM kills over nfcore-pods.tsv.gz
REFERENCE = [
    ("request", 433.1, 11924, 0, 0),
    ("percentile:percentile=0.9,margin=0.4,oomBump=1.2,oomBumpMin=100Mi,halfLife=24h", 433.1, 375.9, 490, 771),
    ("percentile:percentile=0.9,margin=0.15,oomBump=1.2,oomBumpMin=100Mi,halfLife=24h", 433.1, 260.1, 723, 1058),
    ("percentile:percentile=0.99,margin=0.15,oomBump=1.2,oomBumpMin=100Mi,halfLife=24h", 433.1, 270.6, 237, 347),
    ("max:margin=0.15,oomBump=1.25,oomBumpMin=100Mi", 433.1, 253.6, 299, 396),
    ("adaptive", 433.1, 160.7, 102, 115),
    ("adaptive:risk=thrifty", 433.1, 152.4, 206, 219),
    ("adaptive:risk=safe", 433.1, 174.0, 60, 73),
]

ACCURACY_HOURS = "wasteGiBHours missingGiBHours regretGiBHours wasteHeapGiBHours wasteOutsideGiBHours".split()
REPLAY_EXACT = "applications executors containerOOMs heapOOMs unknownEnds".split()
REPLAY_BYTES = ("peakBytes requestBytes targetBytes targetRequestBytes lowerBytes upperBytes heapBytes overheadBytes").split()


class Differences:
    def __init__(self):
        self.all = []

    def add(self, where, what, oracle, sparkfit):
        self.all.append(f"{where}: {what}: oracle {show(oracle)}, sparkfit {show(sparkfit)}")

    def report(self, done):
        for text in self.all[:SHOWN]:
            print("DIFFERENT " + text)
        if len(self.all) > SHOWN:
            print(f"... and {len(self.all) - SHOWN} more")
        print(f"{done}: {len(self.all)} differences" if self.all else f"{done}: no differences")
        return 1 if self.all else 0


class Missing:
    def __repr__(self):
        return "(no such field)"


MISSING = Missing()


def show(value):
    if isinstance(value, int) and abs(value) >= 1 << 20:
        return f"{value} ({value / (1 << 20):.3f} Mi)"
    return repr(value) if not isinstance(value, str) else value


def near(a, b, relative=0.0, absolute=0.0):
    if isinstance(a, bool) or isinstance(b, bool):
        return False
    if not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
        return a is None and b is None
    return abs(a - b) <= max(absolute, relative * max(abs(a), abs(b)))


def run(binary, arguments):
    """The parsed JSON that the binary prints; the process ends with a message otherwise."""
    command = [binary, *arguments, "-o", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"cannot run {' '.join(command)}: {error}")
        sys.exit(2)
    if done.returncode != 0:
        print(f"{' '.join(command)} ended with {done.returncode}\n{done.stderr.strip()}")
        sys.exit(2)
    try:
        rows = json.loads(done.stdout)
    except ValueError as error:
        print(f"{' '.join(command)} printed no JSON: {error}\n{done.stdout[:400]}")
        sys.exit(2)
    if not isinstance(rows, list):
        print(f"{' '.join(command)} printed no array")
        sys.exit(2)
    return rows


# ------------------------------------------------------------------ backtest

def policy_arguments(policies):
    return [word for policy in policies for word in ("--policy", policy)]


def same_policy(text, other):
    """Equal after filling in the defaults: the binary may print another spelling."""
    try:
        return spec.parse(text) == spec.parse(other)
    except (ValueError, AttributeError):
        return False


def compare_backtest(binary):
    differences = Differences()
    table = os.path.join(HERE, "synthetic.tsv.gz")
    rows = backtest.read_table([table])
    expected = [backtest.backtest(rows, policy) for policy in BACKTEST_POLICIES]
    actual = run(binary, ["backtest", table, *policy_arguments(BACKTEST_POLICIES)])
    if len(actual) != len(expected):
        differences.add("synthetic", "rows", len(expected), len(actual))
    for want, got in zip(expected, actual):
        where = "synthetic " + want["policy"]
        if not same_policy(want["policy"], got.get("policy", MISSING)):
            differences.add(where, "policy", want["policy"], got.get("policy", MISSING))
        for field in COUNTS:
            if got.get(field, MISSING) != want[field]:
                differences.add(where, field, want[field], got.get(field, MISSING))
        for field in AMOUNTS:
            if not near(got.get(field, MISSING), want[field], relative=1e-6):
                differences.add(where, field, want[field], got.get(field, MISSING))

    done = f"backtest, synthetic table, {len(expected)} policies"
    traces = os.path.join(TRACES, "nfcore-pods.tsv.gz")
    if not os.path.exists(traces):
        print("SKIPPED: reference table: no nfcore-pods.tsv.gz in SPARKFIT_TRACES (or its default)")
        return differences.report(done)
    actual = run(binary, ["backtest", traces, *policy_arguments(row[0] for row in REFERENCE)])
    if len(actual) != len(REFERENCE):
        differences.add("reference", "rows", len(REFERENCE), len(actual))
    for (policy, *numbers), got in zip(REFERENCE, actual):
        for field, number in zip(("used_gbh", "waste_gbh", "oom_executions", "oom_kills"), numbers):
            if not near(got.get(field, MISSING), number, relative=0.01):
                differences.add("reference " + policy, field, number, got.get(field, MISSING))
    return differences.report(done + f"; reference table, {len(REFERENCE)} policies")


# ------------------------------------------------------------------ replay

def identity(row):
    return row.get("namespace"), row.get("signature"), int(row.get("resourceProfile") or 0)


def compare_rows(differences, where, expected, actual):
    wanted = {identity(row): row for row in expected}
    found = {identity(row): row for row in actual}
    if [identity(row) for row in actual] != sorted(found):
        differences.add(where, "order of rows", "sorted, each key once", [identity(row) for row in actual])
    for key in sorted(wanted.keys() | found.keys()):
        place = f"{where} {key[0]}/{key[1]}/{key[2]}"
        if key not in found or key not in wanted:
            differences.add(place, "row", "present" if key in wanted else "absent",
                            "present" if key in found else "absent")
            continue
        want, got = wanted[key], found[key]
        for field in REPLAY_EXACT:
            if got.get(field, MISSING) != want[field]:
                differences.add(place, field, want[field], got.get(field, MISSING))
        for field in REPLAY_BYTES:
            if not near(got.get(field, MISSING), want[field], absolute=1):
                differences.add(place, field, want[field], got.get(field, MISSING))
        compare_accuracy(differences, place, want["accuracy"], got.get("accuracy", MISSING))


def compare_accuracy(differences, place, want, got):
    if not isinstance(want, dict) or not isinstance(got, dict):
        if want != got:
            differences.add(place, "accuracy", want, got)
        return
    for field, value in want.items():
        same = near(got.get(field), value, absolute=0.00051) if field in ACCURACY_HOURS else got.get(field) == value
        if not same:
            differences.add(place, "accuracy." + field, value, got.get(field, MISSING))


def time_text(ms):
    return make_log.stamp(ms)


def moments(text, seed):
    """Instants for --at: the end (None), after it, and many in the middle of things."""
    rng = random.Random(seed)
    lines = [json.loads(line) for line in text.splitlines()[1:]]
    times = [replay.parse_time(line["t"]) for line in lines]
    pods = [t for t, line in zip(times, lines) if line["type"] == "pod"]
    result = [None]
    result += [times[-1] + wait for wait in (30_000, 300_000, 1_200_000)]
    result += [rng.choice(pods) + wait for wait in (0, 1, 1, 5_000, 65_000, 65_000, 300_000, 300_000,
                                                    590_000, 620_000, 620_000)]
    return result


def variants(text, seed, folder):
    """(label, files, moments): the whole log, and the same as two files to be merged."""
    whole = os.path.join(folder, f"seed-{seed}.ndjson.gz")
    make_log.write(text, whole)
    yield f"seed {seed}", [whole], moments(text, seed)

    lines = text.splitlines(keepends=True)
    first, second = (os.path.join(folder, f"seed-{seed}-{part}.ndjson") for part in "ab")
    make_log.write(lines[0] + "".join(line for line in lines[1:] if '"jobs"' not in line), first)
    make_log.write("".join(line for line in lines[1:] if '"jobs"' in line), second)     # no header
    yield f"seed {seed}, two files", [first, second], [None]


def seeds_of(text):
    seeds = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds.extend(range(int(first), int(last or first) + 1))
    return seeds


def compare_replay(binary, seeds, folder):
    differences, count = Differences(), 0

    def check(where, files, instants):
        for at, expected in zip(instants, replay.replay_at(files, instants)):
            arguments = ["replay", "--policy", "percentile", *files] + (["--at", time_text(at)] if at is not None else [])
            label = where + (" --at " + time_text(at) if at is not None else "")
            compare_rows(differences, label, expected, run(binary, arguments))
        return len(instants)

    for seed in seeds:
        for label, files, instants in variants(make_log.generate(seed), seed, folder):
            count += check(label, files, instants)
    for name in ("spark-runs.ndjson.gz", "spark-runs-coarse.ndjson.gz"):
        count += check(name, [os.path.join(ROOT, "examples", name)], [None])
    return differences.report(f"replay, {count} runs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("backtest", "replay"):
        commands.add_parser(name).add_argument("--sparkfit", required=True, metavar="BINARY")
    replaying = commands.choices["replay"]
    replaying.add_argument("--seeds", type=seeds_of, default=seeds_of("1-20"), metavar="1-20")
    replaying.add_argument("--keep", metavar="DIR", help="keep the generated logs here")
    arguments = parser.parse_args()
    if arguments.command == "backtest":
        return compare_backtest(arguments.sparkfit)
    if arguments.keep:
        os.makedirs(arguments.keep, exist_ok=True)
        return compare_replay(arguments.sparkfit, arguments.seeds, arguments.keep)
    with tempfile.TemporaryDirectory() as folder:
        return compare_replay(arguments.sparkfit, arguments.seeds, folder)


if __name__ == "__main__":
    sys.exit(main())
