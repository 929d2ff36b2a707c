# SPDX-License-Identifier: Apache-2.0
"""The same as `trials` with jobs that cache and iterate."""
import workloads
from suites.trials import goes_down, test_controller_starts  # noqa: F401, the latter is run


def test_k_means(bed):
    return goes_down(bed, "k-means", workloads.K_MEANS, 896)


def test_als(bed):
    return goes_down(bed, "als", workloads.ALS, 896)


def test_cached_objects(bed):
    """In less than 1536 MiB of heap the objects do not fit, and runs take twice as long."""
    return goes_down(bed, "objects", workloads.OBJECTS, 1536 * 1.4)
