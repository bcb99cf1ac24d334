"""Going on beyond a decoder's last position: it reads the newest ids only, as many as it knows positions.

While the ids fit, the decoder's own state with its cache is used. Beyond that each new id shifts the
position of every other, so that nothing cached holds any more and the window is read anew for each id.
"""

# N hypotheses, U window, D width

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Window:
    """A search state: the ids that were read last, and the decoder's state while all of them fit."""

    ids_NU: Tensor
    state: Any | None

    @property
    def attention(self) -> Tensor | None:
        """What the decoder's own state tells; nothing once the window slides."""
        found: Tensor | None = getattr(self.state, "attention", None)
        return found

    def select(self, rows_N: Tensor) -> Window:
        """The hypotheses in ``rows_N``, each as often as it is named."""
        return Window(self.ids_NU[rows_N], None if self.state is None else self.state.select(rows_N))

    def keep(self, examples_B: Tensor) -> Window:
        """Forget what belongs to other examples."""
        return Window(self.ids_NU, None if self.state is None else self.state.keep(examples_B))


def begin_window(decoder: Any, *, examples: int, device: torch.device) -> Window:
    """Nothing read yet."""
    nothing_NU = torch.empty(examples, 0, dtype=torch.int64, device=device)
    return Window(nothing_NU, decoder.start(None, None, examples=examples))


def step_window(decoder: Any, ids_N: Tensor, window: Window) -> tuple[Tensor, Window]:
    """Hidden states ``[N, D]`` after one more id, of which the decoder sees the newest ``max_positions``."""
    ids_NU = torch.cat([window.ids_NU, ids_N[:, None]], 1)
    size: int = decoder.max_positions
    if ids_NU.shape[1] <= size:
        hidden_ND, state = decoder.step(ids_N, window.state)
        return hidden_ND, Window(ids_NU, state)
    newest_NU = ids_NU[:, -size:]
    return decoder(newest_NU)[:, -1], Window(newest_NU, None)
