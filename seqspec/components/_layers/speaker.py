"""Who speaks, as a vector that is added to every position."""

# B batch, N positions, D width

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqspec.data.batching.batch import Batch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import Classes, Type


class Speaker(nn.Module):
    """One learned vector a speaker of the field ``speaker``; without such a field nothing is added."""

    def __init__(self, type_: Type | None, *, dim: int) -> None:
        super().__init__()
        self.table_SD = None
        if isinstance(type_, Classes):
            assert isinstance(type_.num, int)
            self.table_SD = nn.Parameter(nn.init.normal_(torch.empty(type_.num, dim), std=dim**-0.5))

    def forward(self, x_BND: Tensor, batch: Batch) -> Tensor:
        """Raises ``DataError`` where the batch does not say who speaks."""
        return self.added(x_BND, self.speakers(batch))

    def added(self, x_BND: Tensor, speaker_B: Tensor | None) -> Tensor:
        """With the vector of each example's speaker, where there are several."""
        if self.table_SD is None:
            return x_BND
        assert speaker_B is not None
        return x_BND + self.table_SD[speaker_B][:, None]

    def speakers(self, batch: Batch) -> Tensor | None:
        """``[B]``: who speaks; ``None`` of a model of one voice.  Raises ``DataError`` where nothing says."""
        if self.table_SD is None:
            return None
        if "speaker" not in batch.fields:
            raise DataError(
                "the model speaks with several voices, and nothing says which",
                help="say it with `--field speaker=NAME`, or with a column `speaker` of a table of inputs",
            )
        return batch.fields["speaker"].values
