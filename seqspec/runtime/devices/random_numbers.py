"""Seeds for every micro-step, set without waking devices that nobody uses."""

from __future__ import annotations

import torch


def set_seed(seed: int) -> None:
    """``torch.manual_seed`` for the CPU and the accelerator at work; their random numbers are the same bits.

    Torch's own writes down a stack trace for each kind of device that is not in use, which takes longer than
    the forward pass of a small model.
    """
    accelerator = torch.accelerator.current_accelerator()
    if accelerator is not None and accelerator.type != "cuda":
        torch.manual_seed(seed)
        return
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
