"""What searches that make images of noise share."""

# B batch, C channels, H height, W width

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqspec.components._layers.diffusion import GaussianProcess

Denoise = Callable[[Tensor, Tensor], Tensor]
"""The network: of noisy images and times."""
TIMES = 1000.0
"""Times from 0 to 1 are told to the network as steps of so many."""


class Path(NamedTuple):
    """What leads from noise to images."""

    denoise: Denoise | None
    """Told the classes, where there are any."""
    unconditional: Denoise | None
    """With the classes hidden; ``None`` where there are none."""
    process: GaussianProcess | None
    """``None`` of a flow."""

    def said(self, x_BCHW: Tensor, time: float, *, guidance: float) -> Tensor:
        """The network's answer: without the class, and from there ``guidance`` times the way to that with
        it.
        """
        assert self.denoise is not None
        time_B = torch.full((len(x_BCHW),), time, device=x_BCHW.device)
        given_BCHW = self.denoise(x_BCHW, time_B)
        if guidance == 1 or self.unconditional is None:
            return given_BCHW
        return torch.lerp(self.unconditional(x_BCHW, time_B), given_BCHW, guidance)


def default_search(gaussian: bool) -> Any:
    """The search where the spec names none."""
    from seqspec.schema.catalogue import Catalogue

    name, catalogue = "ddim" if gaussian else "euler", Catalogue()
    return catalogue.module("search", name)(catalogue.config("search", name)(), None)
