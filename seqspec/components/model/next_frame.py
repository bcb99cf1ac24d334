"""The frames that follow those of a clip.

It differs from the paper: gates do not look at the cell, one stack both reads and predicts, and what it
predicts is what it reads next, where the paper's second stack reads nothing.
"""

# B batch, T frames, C channels, H height and W width in patches, P pixels of a frame

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components.graphs import Axes, Function, Graph
from seqspec.components.outputs import Compared, Only, Output
from seqspec.components.predictions import VideoPrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.next_frame import NextFrameConfig
from seqspec.schema.types import Clip, Type


class NextFrame(nn.Module):
    """Nothing is searched: what is predicted is the mean of what may follow."""

    def __init__(
        self, config: NextFrameConfig, takes: Mapping[str, Type], parts: Callable[[str], Any] | None = None
    ) -> None:
        super().__init__()
        clip = takes["source"]
        assert isinstance(clip, Clip)
        self.size, self.patch = (clip.height, clip.width), config.patch
        self.widths = config.widths
        reads = [config.patch**2, *config.widths]
        self.cells = nn.ModuleList(
            nn.Conv2d(read + width, 4 * width, config.kernel, padding=config.kernel // 2)
            for read, width in zip(reads, config.widths, strict=False)
        )
        self.frame = nn.Conv2d(sum(config.widths), config.patch**2, 1)

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``frames``: those that are predicted, and those of the data."""
        assert batch.target_lengths is not None
        predicted_BTP = self._continued(batch, batch.target.shape[1])
        return {"frames": Compared(predicted_BTP, batch.target, batch.target_lengths)}

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the mean squared error, taken negatively."""
        assert batch.target_lengths is not None
        each_BT = (self._continued(batch, batch.target.shape[1]) - batch.target).square().mean(2)
        real_BT = torch.arange(each_BT.shape[1], device=each_BT.device) < batch.target_lengths[:, None]
        return -(each_BT * real_BT).sum(1) / batch.target_lengths.clamp(min=1)

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[VideoPrediction]]:
        """As many frames as the data have."""
        return [[one] for one in self._videos(self._continued(batch, batch.target.shape[1]), batch)]

    def references(self, batch: Batch) -> list[VideoPrediction]:
        """The frames of the data."""
        return self._videos(batch.target, batch)

    def _continued(self, batch: Batch, count: int) -> Tensor:
        """``[B, count, P]``: clips of one length are read together, each to its own end."""
        assert batch.source is not None
        assert batch.source_lengths is not None
        lengths_B = batch.source_lengths
        state = self._nothing(batch.source[:, 0])
        found, last_BP = [], batch.source[:, 0]
        for step in range(int(lengths_B.max()) + count - 1):
            if step < batch.source.shape[1]:
                given_B1 = (step < lengths_B)[:, None]
                last_BP = torch.where(given_B1, batch.source[:, step], last_BP)
            last_BP, *state = self.step(last_BP, *state)
            found.append(last_BP)
        every_BTP = torch.stack(found, 1)
        places_BT = lengths_B[:, None] - 1 + torch.arange(count, device=lengths_B.device)
        return every_BTP.gather(1, places_BT[:, :, None].expand(-1, -1, every_BTP.shape[2]))

    def step(self, frame_BP: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """The frame after one more, and the hidden state and cell of each layer, of which ``state`` holds
        those before.
        """
        x_BCHW = functional.pixel_unshuffle(frame_BP.unflatten(1, (1, *self.size)), self.patch)
        after: list[Tensor] = []
        pairs = zip(self.cells, state[::2], state[1::2], strict=True)
        for convolution, hidden, cell in pairs:
            taken, kept, shown, new = convolution(torch.cat([x_BCHW, hidden], 1)).chunk(4, 1)
            cell = kept.sigmoid() * cell + taken.sigmoid() * new.tanh()
            x_BCHW = shown.sigmoid() * cell.tanh()
            after += [x_BCHW, cell]
        pixels_BCHW = self.frame(torch.cat(after[::2], 1)).sigmoid()
        return functional.pixel_shuffle(pixels_BCHW, self.patch).flatten(1), *after

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``step``, with the state that the first frame leaves."""
        assert batch.source is not None
        first_BP = batch.source[:, 0]
        made_BP, *state = self.step(first_BP, *self._nothing(first_BP))
        names = [f"{kind}_{layer}" for layer in range(len(self.widths)) for kind in ("hidden", "cell")]
        axes: Axes = ("batch", None, None, None)
        inputs: dict[str, Axes] = {"frame": ("batch", None)} | dict.fromkeys(names, axes)
        outputs: dict[str, Axes] = {"next_frame": ("batch", None)}
        outputs |= {f"next_{name}": axes for name in names}
        given = {"frame": made_BP, **dict(zip(names, state, strict=True))}
        note = (
            "The frame that follows one more, in [0, 1], row after row; the state begins as zeros, and each "
            "tensor of it is replaced by what is given under `next_…`."
        )
        return (Graph("step", Function(self, self.step), given, inputs, outputs, note),)

    def _nothing(self, frame_BP: Tensor) -> list[Tensor]:
        """The state before the first frame."""
        height, width = (side // self.patch for side in self.size)
        return [
            frame_BP.new_zeros(frame_BP.shape[0], channels, height, width)
            for channels in self.widths
            for _ in ("hidden", "cell")
        ]

    def _videos(self, frames_BTP: Tensor, batch: Batch) -> list[VideoPrediction]:
        assert batch.source is not None
        assert batch.source_lengths is not None
        assert batch.target_lengths is not None
        given, made = (
            part.unflatten(2, self.size).float().cpu().numpy() for part in (batch.source, frames_BTP)
        )
        sizes = zip(batch.source_lengths.tolist(), batch.target_lengths.tolist(), strict=True)
        return [
            VideoPrediction(made[row, :after], given[row, :before])
            for row, (before, after) in enumerate(sizes)
        ]
