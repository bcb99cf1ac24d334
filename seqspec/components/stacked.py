"""The blocks of a model's stacks: the lists of like layers that parts name in ``stacked``."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn


def stacked_blocks(model: nn.Module) -> Iterator[nn.Module]:
    """Members of the lists that parts name in ``stacked``, but for those that share a weight with another
    part.
    """
    holders: dict[int, list[nn.Module]] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            holders.setdefault(id(parameter), []).append(module)
    for module in model.modules():
        for name in getattr(module, "stacked", ()):
            for block in getattr(module, name):
                inside = set(block.modules())
                own = [holder for p in block.parameters() for holder in holders[id(p)]]
                if own and inside.issuperset(own):
                    yield block
