"""VPA's decaying exponential histogram and the `percentile` policy's arithmetic.

Contract section 4 (`percentile`): first bucket 10^7 bytes, ratio 1.05, up to
10^12 bytes, one sample of weight 1 per executor.  Times are integer
milliseconds since the Unix epoch.
"""
import math

FIRST_BUCKET = 1e7
RATIO = 1.05
MAX_VALUE = 1e12
EPSILON = 1e-4
MAX_DECAY_EXPONENT = 100
# Reference times are multiples of the half-life counted from the year 1.
YEAR_ONE_MS = -62135596800 * 1000

BUCKETS = math.ceil(math.log(MAX_VALUE * (RATIO - 1) / FIRST_BUCKET + 1) / math.log(RATIO)) + 1


def bucket_start(n):
    """Lower edge of bucket n."""
    if n == 0:
        return 0.0
    return FIRST_BUCKET * (RATIO ** n - 1) / (RATIO - 1)


STARTS = [bucket_start(n) for n in range(BUCKETS)]


def find_bucket(value):
    if value < FIRST_BUCKET:
        return 0
    n = math.floor(math.log(value * (RATIO - 1) / FIRST_BUCKET + 1) / math.log(RATIO))
    return min(n, BUCKETS - 1)


def round_to_multiple(time_ms, step_ms):
    """Nearest multiple of step counted from the year 1, half up."""
    since = time_ms - YEAR_ONE_MS
    down = since - since % step_ms
    remainder = since - down
    return (down if 2 * remainder < step_ms else down + step_ms) + YEAR_ONE_MS


class DecayingHistogram:
    def __init__(self, half_life_ms):
        self.half_life = half_life_ms
        self.reference = YEAR_ONE_MS
        self.weight = [0.0] * BUCKETS
        self.total = 0.0
        self.low = BUCKETS - 1
        self.high = 0

    def copy(self):
        other = DecayingHistogram(self.half_life)
        other.reference = self.reference
        other.weight = list(self.weight)
        other.total, other.low, other.high = self.total, self.low, self.high
        return other

    def empty(self):
        return self.weight[self.low] < EPSILON

    def add(self, value, time_ms):
        if time_ms > self.reference + MAX_DECAY_EXPONENT * self.half_life:
            self._shift(round_to_multiple(time_ms, self.half_life))
        weight = math.exp2((time_ms - self.reference) / self.half_life)
        bucket = find_bucket(value)
        self.weight[bucket] += weight
        self.total += weight
        if self.weight[bucket] >= EPSILON:
            self.low = min(self.low, bucket)
            self.high = max(self.high, bucket)

    def _shift(self, reference):
        exponent = (self.reference - reference) / self.half_life
        factor = math.ldexp(1.0, math.floor(exponent + 0.5))
        self.weight = [w * factor for w in self.weight]
        self.total *= factor
        while self.weight[self.low] < EPSILON and self.low < BUCKETS - 1:
            self.low += 1
        while self.weight[self.high] < EPSILON and self.high > 0:
            self.high -= 1
        self.reference = reference

    def percentile(self, p):
        """Upper edge of the bucket where the cumulative weight reaches p."""
        if self.empty():
            return 0.0
        threshold = p * self.total
        cumulative = 0.0
        bucket = self.low
        while bucket < self.high:
            cumulative += self.weight[bucket]
            if cumulative >= threshold:
                break
            bucket += 1
        if bucket < BUCKETS - 1:
            return STARTS[bucket + 1]
        return STARTS[bucket]


def with_margin(value, margin):
    """VPA's amount arithmetic: truncate, then add the truncated margin."""
    amount = int(value)
    return amount + int(amount * margin)
