# SPDX-License-Identifier: Apache-2.0
"""The same as `adaptive` with a job that mostly caches objects; ten runs of each are more than one suite may take."""
import workloads
from suites.adaptive import takes_less_than_by_percentile, test_controller_starts  # noqa: F401, the latter is run


def test_cached_objects_take_less_than_by_percentile(bed):
    return takes_less_than_by_percentile(bed, workloads.CACHE, "cache")
