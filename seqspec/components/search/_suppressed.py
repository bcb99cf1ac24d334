"""Ids that a search never writes, because those who trained the model said so."""

# N hypotheses, V vocabulary

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seqspec.components.search._hypothesis import Step


@dataclass(frozen=True)
class Suppressed:
    """Radford et al. (2022), arXiv:2212.04356, section 4.5, and the code beside it: what is left out before
    probabilities are worked out.
    """

    always: tuple[int, ...] = ()
    """Ids that stand nowhere."""
    first: tuple[int, ...] = ()
    """Ids that do not stand first."""

    def over(self, step: Step) -> Step:
        """``step`` without these ids, for one search, whose first call is of the first id."""
        always = torch.tensor(self.always, dtype=torch.int64)
        first = torch.tensor(sorted({*self.always, *self.first}), dtype=torch.int64)
        calls = iter([first])

        def without(ids_N: Tensor, state: Any, *, look: bool = False) -> tuple[Tensor, Any]:
            logits_NV, state = step(ids_N, state, look=look)
            hidden = next(calls, always).to(logits_NV.device)
            return logits_NV.index_fill(1, hidden, -torch.inf), state

        return without
