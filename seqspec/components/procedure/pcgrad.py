"""PCGrad (Yu et al. 2020, arXiv:2001.06782, algorithm 1)."""

# P numbers of all parameters that several tasks train

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seqspec.components.procedure._procedure import Procedure


class Pcgrad(Procedure):
    """One phase on a batch of each task, whose gradients do not go against each other."""

    def combine(
        self,
        gradients: Sequence[Sequence[Tensor | None]],
        generator: torch.Generator,
        losses: Sequence[float] = (),
    ) -> list[Tensor | None]:
        """The sum of the projected gradients; ``gradients[task][parameter]`` is ``None`` where the task
        does not train it.

        Dot products go over the parameters that at least two tasks have.  ``generator`` is on the CPU and
        decides the order of the projections.
        """
        columns = list(zip(*gradients, strict=True))
        shared = [index for index, column in enumerate(columns) if sum(g is not None for g in column) > 1]
        found = [next((one for one in column if one is not None), None) for column in columns]
        if not shared:
            return found
        flat = [_flat(columns, shared, task) for task in range(len(gradients))]
        total_P = torch.zeros_like(flat[0])
        for task in range(len(flat)):
            total_P += _projected(flat, task, generator)
        given = {index: one for index in shared if (one := found[index]) is not None}
        sizes = [one.numel() for one in given.values()]
        for (index, one), part in zip(given.items(), total_P.split(sizes), strict=True):
            found[index] = part.view_as(one)
        return found


def _flat(columns: Sequence[Sequence[Tensor | None]], shared: Sequence[int], task: int) -> Tensor:
    """One task's gradient of all shared parameters, ``[P]``; 0 where it does not train one."""
    parts = []
    for index in shared:
        own = columns[index][task]
        like = next(one for one in columns[index] if one is not None)
        parts.append((torch.zeros_like(like) if own is None else own).flatten())
    return torch.cat(parts)


def _projected(flat: Sequence[Tensor], task: int, generator: torch.Generator) -> Tensor:
    """A task's gradient without what goes against another task's, these in random order."""
    own_P = flat[task].clone()
    others = [other for other in range(len(flat)) if other != task]
    for place in torch.randperm(len(others), generator=generator).tolist():
        other_P = flat[others[place]]
        dot, square = (own_P * other_P).sum(), other_P.square().sum()
        # Without asking a device for the sign: a product from 0 on takes nothing away.
        own_P -= (dot / square.clamp(min=1e-30)).clamp(max=0.0) * other_P
    return own_P
