"""What a model that draws speech is told by its search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from seqspec.data.seeds import seed_of


class Drawing(NamedTuple):
    """How far what is drawn lies from what is most probable."""

    noise_scale: float
    noise_scale_duration: float
    length_scale: float
    seed: int

    def generator(self, ids: Sequence[int]) -> torch.Generator:
        """Random numbers of one text, whatever is spoken beside it."""
        return torch.Generator().manual_seed(seed_of("synthesis", self.seed, *ids))


def default_drawing() -> Any:
    """The search where the spec names none."""
    from seqspec.schema.catalogue import Catalogue

    catalogue = Catalogue()
    return catalogue.module("search", "synthesis")(catalogue.config("search", "synthesis")(), None)
