#!/usr/bin/env python3
"""Seeded synthetic table of executions in the format of contract section 5.

    make_table.py [--seed N] [--rows N] [--out FILE]

Deterministic down to the byte (own generator, gzip without a time stamp), so
the checked-in synthetic.tsv.gz can be regenerated and compared.  It covers
drift, heavy tails, equal submit times, results that arrive after later
submits, complete times just before the submit time, peaks below the smallest
and above the largest allocation, and rows out of order in the file.
"""
import argparse
import gzip
import io
import os

from backtest import HEADER

MIB, GIB = 1 << 20, 1 << 30
START_MS = 1_700_000_000_000
DAY_MS = 86_400_000


class Random:
    """A 64-bit LCG (Knuth's MMIX constants), integers only."""

    def __init__(self, seed):
        self.state = (seed * 2862933555777941757 + 3037000493) % (1 << 64)

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self.state >> 33) % n

    def chance(self, percent):
        return self.below(100) < percent

    def pick(self, items):
        return items[self.below(len(items))]


class Signature:
    def __init__(self, random, number, workflow):
        self.workflow = workflow
        self.process = f"{workflow.upper()}:STEP_{number % 40:02d}"
        kind = number % 3
        if kind == 0:
            self.text = self.process + f"|sample_{number}"
        elif kind == 1:
            self.text = self.process + f"_{number}"
        else:
            self.text = f"common_{number % 12}|{number // 3}"  # also met in other workflows
        self.base = random.pick([3 * MIB, 40 * MIB, 180 * MIB, 300 * MIB, 900 * MIB, 2 * GIB,
                                 5 * GIB, 11 * GIB, 30 * GIB, 90 * GIB])
        self.base = self.base * (60 + random.below(90)) // 100
        self.request = random.pick([256 * MIB, GIB, 4 * GIB, 7 * GIB, 36 * GIB, 72 * GIB])
        self.drift = random.pick([0, 0, 0, 1, 3, -1])           # per cent and day
        self.noise = random.pick([1, 5, 20, 60])                # per cent
        self.tail = random.pick([0, 0, 0, 2, 6])                # per cent of the rows
        self.weight = random.pick([1, 1, 1, 2, 4, 12])


def peak_of(random, signature, day):
    peak = signature.base + signature.base * signature.drift * day // 100
    peak = peak * (100 - signature.noise + random.below(2 * signature.noise + 1)) // 100
    if random.chance(signature.tail):
        peak *= 1 << (1 + random.below(4))
    return max(peak + random.below(MIB), 0)


def rows_of(seed, count):
    random = Random(seed)
    signatures = [Signature(random, n, random.pick(["alpha", "beta", "gamma", "delta", "omega"]))
                  for n in range(300)]
    wheel = [s for s in signatures for _ in range(s.weight)]
    now = START_MS
    rows = []
    while len(rows) < count:
        # A burst of submits: some at equal times, mostly of one workflow.
        now += random.pick([7, 900, 40_000, 600_000, 3_000_000, 5_400_000])
        if random.chance(1):
            now += DAY_MS * random.below(5)
        submit = now
        for _ in range(1 + random.below(12)):
            if not random.chance(40):
                submit += random.below(4000)
            signature = random.pick(wheel)
            day = (submit - START_MS) // DAY_MS
            peak = peak_of(random, signature, day)
            special = random.below(1000)
            if special < 3:
                peak = 256 * GIB + 1 + random.below(300 * GIB)      # never satisfied
            elif special < 5:
                peak = 256 * GIB                                    # exactly the clamp
            elif special < 12:
                peak = random.below(2 * MIB)                        # not even measurable
            runtime = random.pick([0, 900, 12_000, 60_000, 300_000, 2_000_000, 9_000_000, 40_000_000])
            runtime += random.below(runtime // 4 + 1)
            complete = submit + runtime + random.below(3000)
            complete -= complete % 1000                             # whole seconds, rounded down
            request = signature.request
            if random.chance(3):
                request *= 1 << random.below(6)
            if random.chance(1):
                request = 100 * MIB
            rows.append((signature.workflow, signature.process, signature.text,
                         f"{submit // 1000}.{submit % 1000:03d}", f"{complete // 1000}.{complete % 1000:03d}",
                         str(request), str(peak),
                         f"{runtime // 3_600_000}.{runtime % 3_600_000 * 10 ** 9 // 3_600_000:09d}",
                         str(random.below(1 << 30) * random.below(2))))
    rows = rows[:count]
    # Swap some neighbours: the file's order is not the order of submits.
    for i in range(0, len(rows) - 20, 37):
        j = i + 1 + random.below(18)
        rows[i], rows[j] = rows[j], rows[i]
    return rows


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--out", default=os.path.join(here, "synthetic.tsv.gz"))
    arguments = parser.parse_args()
    text = "".join("\t".join(row) + "\n" for row in [HEADER, *rows_of(arguments.seed, arguments.rows)])
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=9) as out:
        out.write(text.encode())
    with open(arguments.out, "wb") as out:
        out.write(buffer.getvalue())


if __name__ == "__main__":
    main()
