"""Running statistics where processes work on batches of their own."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def share_buffers(model: nn.Module) -> None:
    """Those that checkpoints hold are the first process's, as under DDP."""
    for module in model.modules():
        for name, buffer in module._buffers.items():
            if buffer is not None and name not in module._non_persistent_buffers_set:
                torch.distributed.broadcast(buffer, src=0)
