#!/usr/bin/env python3
"""Backtest of policies over a table of executions (contract section 5).

    backtest.py FILE... --policy SPEC [--policy SPEC...]

Prints a JSON array in the order of --policy.
"""
import argparse
import decimal
import gzip
import heapq
import json

import spec
from adaptive import AdaptiveKey, Family, FamilyView, estimate
from histogram import DecayingHistogram, with_margin

MIN_ALLOCATION = 256 << 20
MAX_ALLOCATION = 256 << 30
HEADER = ("workflow process signature submit_epoch_s complete_epoch_s request_bytes "
          "peak_rss_bytes runtime_hours input_bytes").split()


class Execution:
    __slots__ = ("key", "family", "submit", "complete", "request", "peak", "hours")


def epoch_ms(text):
    return int((decimal.Decimal(text) * 1000).to_integral_value())


def read_table(paths):
    """Executions in order of submit time, ties in file order."""
    rows = []
    for path in paths:
        opener = gzip.open if open(path, "rb").read(2) == b"\x1f\x8b" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            header = next(lines).rstrip("\r\n").split("\t")
            if header != HEADER:
                raise SystemExit(f"{path}: unexpected header {header}")
            for line in lines:
                field = line.rstrip("\r\n").split("\t")
                row = Execution()
                row.key = (field[0], field[2])
                family, bar, _ = field[2].partition("|")
                row.family = (field[0], family) if bar else None
                row.submit, row.complete = epoch_ms(field[3]), epoch_ms(field[4])
                row.request, row.peak = int(field[5]), int(field[6])
                row.hours = float(field[7])
                rows.append(row)
    rows.sort(key=lambda row: row.submit)  # stable: ties stay in file order
    return rows


class RequestPolicy:
    """Baseline: always what the user asked for."""

    def __init__(self, options, family):
        pass

    def learn(self, row):
        pass

    def target(self, row):
        return row.request


class MaxPolicy:
    """Baseline: the largest peak known so far plus a margin."""

    def __init__(self, options, family):
        self.margin = options["margin"]
        self.peak = None

    def learn(self, row):
        self.peak = max(self.peak or 0, row.peak)

    def target(self, row):
        return None if self.peak is None else int(self.peak * (1 + self.margin))


class PercentilePolicy:
    """VPA's estimate: one sample, the true peak, per known execution."""

    def __init__(self, options, family):
        self.percentile, self.margin = options["percentile"], options["margin"]
        self.histogram = DecayingHistogram(options["halfLife"])

    def learn(self, row):
        self.histogram.add(row.peak, row.complete)

    def target(self, row):
        if self.histogram.empty():
            return None
        return with_margin(self.histogram.percentile(self.percentile), self.margin)


class AdaptivePolicy:
    """The key's latest runs, and those of its family where it has another member."""

    def __init__(self, options, family):
        self.risk = options["risk"]
        self.key = AdaptiveKey(family)

    def learn(self, row):
        self.key.learn(row.peak, round(row.hours * 3.6e6) / 3.6e6)

    def target(self, row):
        others = [m for m in self.key.family.members if m is not self.key] if self.key.family else []
        view = FamilyView(self.key.family) if others else None
        return estimate(self.key.runs, view, self.risk)


POLICIES = {"request": RequestPolicy, "max": MaxPolicy, "percentile": PercentilePolicy,
            "adaptive": AdaptivePolicy}


def clamp(size):
    return min(max(size, MIN_ALLOCATION), MAX_ALLOCATION)


def next_attempt(size, options):
    return clamp(max(int(size * options["oomBump"]), size + options["oomBumpMin"]))


def backtest(rows, text):
    name, options = spec.parse(text)
    state = {}      # key -> policy object
    families = {}   # family -> what its members share
    known = set()   # keys with a result
    pending = []    # (complete, order, row): results nobody knows yet
    signatures = set()
    used = waste = allocated = 0.0
    oom_executions = oom_kills = max_retries = unsatisfied = cold_starts = 0

    def policy_of(row):
        if row.key not in state:
            family = families.setdefault(row.family, Family()) if row.family else None
            state[row.key] = POLICIES[name](options, family)
        return state[row.key]

    for order, row in enumerate(rows):
        signatures.add(row.key)
        while pending and pending[0][0] <= row.submit:
            done = heapq.heappop(pending)[2]
            policy_of(done).learn(done)
            known.add(done.key)

        size = policy_of(row).target(row)
        size = clamp(row.request if size is None else size)
        cold_starts += row.key not in known

        kills = retries = 0
        satisfied = True
        while size < row.peak:
            kills += 1
            allocated += size * row.hours
            waste += size * row.hours
            if size >= MAX_ALLOCATION:
                satisfied = False
                break
            size = next_attempt(size, options)
            retries += 1
        if satisfied:
            allocated += size * row.hours
            waste += (size - row.peak) * row.hours
        used += row.peak * row.hours
        unsatisfied += not satisfied
        oom_executions += kills > 0
        oom_kills += kills
        max_retries = max(max_retries, retries)
        heapq.heappush(pending, (row.complete, order, row))

    return {
        "policy": text, "executions": len(rows), "signatures": len(signatures),
        "used_gbh": used / 1e9, "waste_gbh": waste / 1e9, "allocated_gbh": allocated / 1e9,
        "oom_executions": oom_executions, "oom_kills": oom_kills, "max_retries": max_retries,
        "unsatisfied": unsatisfied, "cold_starts": cold_starts,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--policy", action="append", required=True, metavar="SPEC")
    arguments = parser.parse_args()
    rows = read_table(arguments.files)
    print(json.dumps([backtest(rows, text) for text in arguments.policy], indent=2))


if __name__ == "__main__":
    main()
