"""The `adaptive` policy, from the formulas of docs/algorithm.md.

Written to be compared with: nothing is kept up to date, everything is worked
out anew from the list of a key's latest runs.
"""
import math

RUNS = 40           # of a key that are remembered
LARGEST = 4         # of them whose gaps tell the spread
MOST_FREAKS = 2     # larger ones that may be set aside
SETTLED = 4         # latest runs; what is not larger than all of them is no freak
TREND = 16          # latest runs whose records count, and how much 1 in runs + 1 does
SPREAD = 0.04       # before there are any
PRIOR = 2           # observations that it counts as
FAMILY = 12         # runs that a family counts as
MIB = 1 << 20

# ln of the headrooms to choose from.
HEADROOMS = [0.0] + [0.0025 * 2 ** (step / 2) for step in range(19)]

BUCKET_FIRST, BUCKET_RATIO, BUCKET_MAX = 1e5, 1.01, 1 << 50
BUCKETS = math.ceil(math.log(BUCKET_MAX * (BUCKET_RATIO - 1) / BUCKET_FIRST + 1)
                    / math.log(BUCKET_RATIO)) + 1


def bucket_start(n):
    return BUCKET_FIRST * (BUCKET_RATIO ** n - 1) / (BUCKET_RATIO - 1) if n else 0.0


def bucket_of(value):
    if value < BUCKET_FIRST:
        return 0
    n = math.floor(math.log(value * (BUCKET_RATIO - 1) / BUCKET_FIRST + 1) / math.log(BUCKET_RATIO))
    return min(n, BUCKETS - 2)


def rounded_up(peak):
    """To 24 bits, as a run's peak is kept."""
    unit = 1 << max(0, peak.bit_length() - 24)
    return -(-peak // unit) * unit


class Run:
    """One result: its peak, its hours, and by how much it beat the key's others."""
    __slots__ = ("peak", "hours", "record", "bucket")

    def __init__(self, peak, hours, others):
        peak = rounded_up(peak)
        self.peak, self.hours = peak, hours
        best = max((other.peak for other in others), default=0)
        self.record = 0.0
        if best and peak > best:
            self.record = round(math.log(max(peak, MIB) / max(best, MIB)), 6)
        self.bucket = bucket_of(peak)


class Family:
    """All runs that its members remember."""

    def __init__(self):
        self.members = []     # AdaptiveKey, each with at least one run

    def runs(self):
        return [run for member in self.members for run in member.runs]


class FamilyView:
    """What one estimate needs of a family."""

    def __init__(self, family):
        runs = family.runs()
        self.count, self.members = len(runs), len(family.members)
        self.hours = sum(run.hours for run in runs) / self.count
        records = [run.record for run in runs if run.record > 0]
        self.gap = (sum(records) + SPREAD) / (len(records) + 1)
        self.filled = sorted({run.bucket for run in runs})
        top = self.filled[-1]
        self.largest = bucket_start(top + 1)
        # how many are in the bucket or above it
        self.from_bucket = {}
        total = 0
        by_bucket = {}
        for run in runs:
            by_bucket[run.bucket] = by_bucket.get(run.bucket, 0) + 1
        for bucket in reversed(self.filled):
            total += by_bucket[bucket]
            self.from_bucket[bucket] = total

    def above(self, size):
        """P(a run of the family exceeds size); a run in the bucket of size may."""
        unseen = 1 / (self.members + 1)
        if size >= self.largest:
            return unseen * (1 + math.log(size / self.largest) / (PRIOR * SPREAD)) ** -PRIOR
        for bucket in self.filled:                  # the lowest that reaches beyond size
            if bucket_start(bucket + 1) > size:
                return min(1.0, self.from_bucket[bucket] / self.count + unseen)
        return min(1.0, unseen)


class AdaptiveKey:
    def __init__(self, family):
        self.runs = []        # oldest first
        self.family = family  # or None

    def learn(self, peak, hours):
        kept = self.runs[1:] if len(self.runs) == RUNS else self.runs
        run = Run(peak, hours, kept)
        if not self.runs and self.family is not None:
            self.family.members.append(self)
        self.runs = [*kept, run]


def estimate(runs, view, risk):
    """Bytes, or None: the cheapest of the sizes there are to choose from.

    runs: of the key; view: of its family, None where it has no other member.
    """
    if not runs and view is None:
        return None
    offers = []               # (size, chance of an OOM)
    if runs:
        count = len(runs)
        hours, executors, weight, gap = sum(run.hours for run in runs), count, count + 1, SPREAD
        if view is not None:
            hours, executors, weight, gap = hours + view.hours, count + 1, weight + FAMILY, view.gap
        hours /= executors
        peaks = sorted((float(max(run.peak, MIB)) for run in runs), reverse=True)
        scale = peaks[0]
        settled = max(MIB, *(run.peak for run in runs[-SETTLED:]))
        trend = runs[1:][-TREND:]
        records = sum(run.record > 0 for run in trend)
        record_chance = (TREND / (count + 1) + records) / (TREND + len(trend))
        for freaks in range(min(MOST_FREAKS + 1, count)):
            if freaks and peaks[freaks - 1] <= settled:
                break
            largest = peaks[freaks:freaks + LARGEST]
            gaps = PRIOR * gap + sum(math.log(peak / largest[-1]) for peak in largest[:-1])
            exponent = PRIOR + len(largest) - 1
            for headroom in HEADROOMS:
                size = largest[0] * math.exp(headroom)
                if freaks and size >= peaks[freaks - 1]:
                    continue
                chance = freaks + (count + 1) * record_chance * (1 + headroom / gaps) ** -exponent
                if view is not None:
                    chance += FAMILY * view.above(size)
                offers.append((size, chance / weight))
    else:
        hours, scale = view.hours, view.largest
        for bucket in view.filled[:-1]:
            size = bucket_start(bucket + 1)
            offers.append((size, view.above(size)))
        for headroom in HEADROOMS:
            size = scale * math.exp(headroom)
            offers.append((size, view.above(size)))
    price = (2 + 3 * risk) * hours * scale / 1e9 + risk / 60
    size = min(offers, key=lambda offer: hours * offer[0] / 1e9 + price * offer[1])[0]
    return math.ceil(size)
