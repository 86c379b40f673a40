"""Every test process, and every process that a test starts, computes with one thread: the suite has a process for each core."""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(name, "1")
