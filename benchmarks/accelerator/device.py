"""The device: what it is, how fast its maker says that it multiplies, how to wait for it, what it holds."""

from __future__ import annotations

import os
import platform
import resource
import time
from pathlib import Path
from typing import Any

import torch

from seqspec.compile.cost.devices import DEVICES

DTYPES = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def described(device: str) -> dict[str, Any]:
    """The machine in words."""
    found: dict[str, Any] = {
        "device": device, "torch": torch.__version__, "python": platform.python_version(),
        "system": platform.platform(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2),
        "processor": _processor(), "threads": torch.get_num_threads(),
    }  # fmt: skip
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        found |= {
            "gpu": properties.name, "gpu_memory_gib": round(properties.total_memory / 2**30, 1),
            "capability": f"{properties.major}.{properties.minor}", "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }  # fmt: skip
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor()
    )


def peak(device: str, precision: str) -> tuple[float, str]:
    """Operations a second, and where the number is from: the maker's where the device is known, else the best
    product of square matrices here.
    """
    if device == "cuda":
        name = torch.cuda.get_device_name(0).lower().replace(" ", "")
        known = [one for one in DEVICES.values() if one.name in name]
        if known:
            longest = max(known, key=lambda one: len(one.name))
            return float(getattr(longest, precision)), f"stated for {longest.name}"
    return _products(device, precision), "measured here"


def _products(device: str, precision: str) -> float:
    size = 8192 if device == "cuda" else 256
    x = torch.ones(size, size, dtype=DTYPES[precision], device=device)
    best = 0.0
    with products(precision):
        for _ in range(6):
            wait(device)
            begun = time.perf_counter()
            x @ x
            wait(device)
            best = max(best, 2 * size**3 / (time.perf_counter() - begun))
    return best


class products:
    """Within it products of float32 matrices may use TF32 where ``precision`` is that."""

    def __init__(self, precision: str) -> None:
        self.allowed = precision == "tf32"

    def __enter__(self) -> None:
        self.before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
        torch.set_float32_matmul_precision("high" if self.allowed else "highest")
        torch.backends.cudnn.allow_tf32 = self.allowed

    def __exit__(self, *_: object) -> None:
        torch.set_float32_matmul_precision(self.before[0])
        torch.backends.cudnn.allow_tf32 = self.before[1]


def wait(device: str) -> None:
    """Until the device has done all that it was asked."""
    if device == "cuda":
        torch.cuda.synchronize()


def forget_peak(device: str) -> None:
    """Peak memory counts from here."""
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_memory(device: str) -> float | None:
    """Bytes of tensors at most since ``forget_peak``; on a CPU, of the process since it began."""
    if device == "cuda":
        return float(torch.cuda.max_memory_allocated())
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
