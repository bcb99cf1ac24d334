"""What of this machine bits depend on: threads and CPU capability, pinned and recorded; and the allocator's
settings.

Sums over many elements and some weight gradients differ in the last bit between numbers of threads, and
everything differs between instruction sets; each setting agrees with itself.
"""

from __future__ import annotations

import ctypes
import os
import platform
import time
from dataclasses import asdict, dataclass

import torch

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEEP_BYTES = 1 << 30
KEEP_OF_SHARDS = 1 << 16
"""Whoever shards a model wants memory more than the time that it takes to ask for it again."""
KERNEL_CACHE = "PRIMITIVE_CACHE_CAPACITY"
KEPT_KERNELS = 64
SHAPE_CACHE = "LRU_CACHE_CAPACITY"
KEPT_SHAPES = 128
"""Of products with weights in oneDNN's layout, a thread; each holds about 0.3 MB."""


@dataclass(frozen=True)
class Machine:
    """What has to be the same for the same bits."""

    threads: int
    capability: str
    """Instruction set that torch uses."""
    device: str
    torch: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def this_machine(device: str) -> Machine:
    """The machine as it is set up now."""
    return Machine(
        torch.get_num_threads(), torch.backends.cpu.get_cpu_capability(), device, torch.__version__
    )


def pin(*, threads: int | None, exact: bool, keep: int = KEEP_BYTES) -> None:
    """Fix threads, allocator and, where the plan promises bits, deterministic kernels; what is freed is kept
    for the next step up to ``keep`` bytes.
    """
    torch.set_num_threads(threads or default_threads())
    keep_freed_memory(keep)
    bound_kernel_cache()
    if exact and torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Nothing here reads memory before it is written.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # torch declares it nowhere
        torch.backends.cudnn.benchmark = False


def default_threads() -> int:
    """``OMP_NUM_THREADS`` where it is set; else one a physical core that this process may use."""
    stated = os.environ.get("OMP_NUM_THREADS", "")
    if stated.isdigit() and int(stated) > 0:
        return int(stated)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _physical_cores() or allowed))


def keep_freed_memory(most: int = KEEP_BYTES) -> None:
    """Let glibc keep what is freed: giving it back costs a page fault for every 4 KiB of the next step's
    activations.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    # Older versions refuse thresholds above 32 MiB and say so by 0.
    if not libc.mallopt(M_MMAP_THRESHOLD, most):
        libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)
    libc.mallopt(M_TRIM_THRESHOLD, most)


def bound_kernel_cache() -> None:
    """Let oneDNN and torch keep the kernels of the last few steps only.

    oneDNN makes one for every shape and keeps 1,024; those of an LSTM hold some 6 MB a step of speech
    training, where hardly a shape comes twice.  Torch keeps 1,024 more in each thread that multiplies by what
    ``linear.prepacked`` laid out, so that a search, whose batches differ in rows, would fill 300 MB with it.
    Making them anew costs no time that could be measured.  Has to come before the first kernel, and before a
    thread's first.
    """
    if not any(f"{prefix}_{KERNEL_CACHE}" in os.environ for prefix in ("ONEDNN", "DNNL")):
        os.environ[f"ONEDNN_{KERNEL_CACHE}"] = str(KEPT_KERNELS)
    os.environ.setdefault(SHAPE_CACHE, str(KEPT_SHAPES))


def gain_of(dtype: torch.dtype) -> float:
    """How many times as fast this processor multiplies matrices of ``dtype`` as of float32; some 30 ms."""
    seconds = {one: _product_seconds(one) for one in (torch.float32, dtype)}
    return seconds[torch.float32] / seconds[dtype]


def _product_seconds(dtype: torch.dtype) -> float:
    x = torch.ones(512, 512, dtype=dtype)
    spent = []
    for _ in range(6):
        begun = time.perf_counter()
        x @ x
        spent.append(time.perf_counter() - begun)
    return min(spent)


def _physical_cores() -> int:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            blocks = file.read().split("\n\n")
    except OSError:
        return 0
    fields = [dict(line.split(":", 1) for line in block.splitlines() if ":" in line) for block in blocks]
    stripped = ({key.strip(): value.strip() for key, value in block.items()} for block in fields)
    return len({(b.get("physical id", "0"), b["core id"]) for b in stripped if "core id" in b})
