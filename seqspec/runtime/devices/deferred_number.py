"""A number that is still being worked out on a device or between processes, read without making them wait."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class DeferredNumber:
    """The value of a scalar tensor.  The host waits until that value is there, not for work that was given to
    the device afterwards.
    """

    def __init__(self, value: Tensor, work: Any = None) -> None:
        """``work``: of ``torch.distributed``, after which a value on the host is there."""
        self._value, self._work = value, work
        self._there: torch.cuda.Event | None = None
        if value.is_cuda:
            self._value = torch.empty((), dtype=value.dtype, pin_memory=True)
            self._value.copy_(value.reshape(()), non_blocking=True)
            self._there = torch.cuda.Event()
            self._there.record()

    def __float__(self) -> float:
        if self._work is not None:
            self._work.wait()
            self._work = None
        if self._there is not None:
            self._there.synchronize()
        return float(self._value)
