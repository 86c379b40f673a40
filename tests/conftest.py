"""The suite on a machine that others use too: a thread a process, and no test that a slow moment could fail."""

import os

from hypothesis import HealthCheck, settings

# Processes that a test starts inherit it: the suite has a process for each core already.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(name, "1")

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
