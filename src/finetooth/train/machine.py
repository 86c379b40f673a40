"""Making the most of the machine: threads, memory allocation, precision."""

from __future__ import annotations

import ctypes
import platform
import sys
from contextlib import suppress
from pathlib import Path

from finetooth.config import TrainConfig
from finetooth.runs import cpu_flags, physical_cores

# glibc's mallopt parameters (malloc.h).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4


def use_threads(wanted: int | None) -> int:
    """Sets torch's threads: one a physical core unless told; how many. Hyper-threads slow matrix products."""
    import torch

    from finetooth.train.together import local_size

    threads = wanted or max(1, physical_cores() // local_size())
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    return threads


def keep_memory() -> bool:
    """Tells glibc to keep freed memory instead of giving it back to the system; whether it did.

    Activations and gradients are freed and asked for again at every step. By default each large block
    is mapped anew, and the system clears it page by page: a third of the time of a small model's step.
    The price is that the process keeps its peak until it ends. Does nothing where there is no glibc.
    """
    if not sys.platform.startswith("linux") or platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    wanted = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 64 * 2**20))
    done = [libc.mallopt(parameter, value) == 1 for parameter, value in wanted]
    return all(done)


def give_back() -> None:
    """Gives memory that was freed back to the system, where glibc was told to keep it.

    Batches of many shapes leave holes that none fills, and a process that keeps all of them grows by the hour.
    """
    if sys.platform.startswith("linux") and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def pick_precision(config: TrainConfig) -> tuple[str, str]:
    """("bf16" or "fp32", why). bf16 means autocast: weights, gradients and optimiser state stay fp32."""
    import torch

    if config.precision != "auto":
        return config.precision, "asked for"
    if torch.cuda.is_available():
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return "bf16", "the GPU has bf16"
        return "fp32", "the GPU has no bf16"
    for flag in ("amx_bf16", "avx512_bf16"):
        if flag in cpu_flags():
            return "bf16", f"the processor has {flag}"
    return "fp32", "the processor has no bf16 instructions"


def memory_mb() -> float:
    """Resident memory of this process now, or on CUDA what its tensors take; MiB."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.memory_allocated() / 2**20
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * resource.getpagesize() / 2**20
    except (OSError, ImportError, ValueError):
        return float("nan")


def reset_peak() -> None:
    """Starts ``peak_mb`` anew where the system can."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        return
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")


def peak_mb() -> float:
    """The most memory since ``reset_peak``; MiB. NaN where the system does not tell."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    try:
        for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used / (2**20 if sys.platform == "darwin" else 1024)
    except (OSError, ImportError, ValueError):
        return float("nan")
