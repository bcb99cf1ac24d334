"""A vocoder that is trained against a critic.

Least squares as in the paper, equations 1 and 2; its weights of 2 and 45 are those of the outputs
``features`` and ``mel``.
"""

# B batch, T frames, M mel features, L samples

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.adversarial_sound import critic_loss, generator_losses
from seqspec.components._layers.masks import length_mask
from seqspec.components._layers.mel import mel_frames
from seqspec.components._layers.recordings import heard, true_recordings
from seqspec.components.graphs import Axes, Function, Graph
from seqspec.components.outputs import Compared, Only, Output, terms, wanted
from seqspec.components.predictions import AudioPrediction, FramesPrediction
from seqspec.data.batching.batch import Batch
from seqspec.schema.model.vocoder import VocoderConfig
from seqspec.schema.types import Frames, Type


class Vocoder(nn.Module):
    """What the critic learns does not reach the generator, and the other way round only through scores."""

    def __init__(self, config: VocoderConfig, takes: Mapping[str, Type], parts: Callable[[str], Any]) -> None:
        super().__init__()
        frames = takes["source"]
        assert isinstance(frames, Frames)
        assert frames.mel is not None
        self.frames, self.mel, self.bins = frames, frames.mel, frames.dim
        self.whole = replace(frames.mel, high=frames.mel.rate / 2)
        """The loss hears all frequencies (section 2.4), and the input stops where its recipe does."""
        self.generator = parts("generator")
        self.critic = parts("critic")

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """Means over the batch, so that each loss counts its examples."""
        true_BL = batch.target.flatten(1)
        means: dict[str, Tensor] = {}
        if only is not None and only <= {"critic"}:
            with torch.no_grad():
                made_BL = self._made(batch)
            means["critic"] = critic_loss(self.critic, true_BL, made_BL)
        else:
            made_BL = self._made(batch)
            if wanted("mel", only):
                means["mel"] = self._distance(made_BL, true_BL)
            if wanted("critic", only):
                means["critic"] = critic_loss(self.critic, true_BL, made_BL.detach())
            if wanted("adversarial", only) or wanted("features", only):
                means |= generator_losses(self.critic, true_BL, made_BL)
        found: dict[str, Output] = {}
        if wanted("frames", only):
            assert batch.source_lengths is not None
            made, true = (mel_frames(x, self.mel, self.bins) for x in (made_BL, true_BL))
            found["frames"] = Compared(made, true, batch.source_lengths)
        count = torch.tensor(len(batch.index), device=true_BL.device)
        return found | dict(terms(means, count, only))

    @torch.no_grad()
    def decode(self, batch: Batch, search: None = None) -> list[list[FramesPrediction]]:
        """The frames of what was made, and its sound, one recording after the other."""
        assert batch.source is not None
        assert batch.source_lengths is not None
        pairs = zip(batch.source, batch.source_lengths.tolist(), strict=True)
        return [[heard(self._sound(frames_TM[:length]), self.frames)] for frames_TM, length in pairs]

    def waveform(self, frames_BTM: Tensor) -> tuple[Tensor]:
        """``[B, L]``: samples in [-1, 1], the hop times as many as frames."""
        return (self.generator(frames_BTM),)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``waveform`` of recordings of one length."""
        assert batch.source is not None
        inputs: dict[str, Axes] = {"frames": ("batch", "length", None)}
        outputs: dict[str, Axes] = {"waveform": ("batch", "samples")}
        note = f"Samples in [-1, 1], {self.mel.rate:,} a second and {self.mel.hop} a frame."
        given = {"frames": batch.source}
        return (Graph("waveform", Function(self, self.waveform), given, inputs, outputs, note),)

    def references(self, batch: Batch) -> Sequence[FramesPrediction | None]:
        """The true recordings, and their frames."""
        return true_recordings(batch, self.frames)

    def _sound(self, frames_TM: Tensor) -> AudioPrediction:
        if not len(frames_TM):
            return AudioPrediction(frames_TM.new_zeros(0).cpu().numpy(), self.mel.rate)
        (wave_1L,) = self.waveform(frames_TM[None])
        return AudioPrediction(wave_1L[0].float().cpu().numpy(), self.mel.rate)

    def _made(self, batch: Batch) -> Tensor:
        assert batch.source is not None
        assert batch.source_lengths is not None
        real_BT1 = length_mask(batch.source_lengths, batch.source.shape[1])[:, :, None]
        made_BL: Tensor = self.generator(batch.source)
        return (made_BL.view(*batch.target.shape) * real_BT1).flatten(1)

    def _distance(self, made_BL: Tensor, true_BL: Tensor) -> Tensor:
        """L1 of log-mel frames, up to half the sample rate."""
        made, true = (mel_frames(x, self.whole, self.bins, epsilon=1e-9) for x in (made_BL, true_BL))
        return (made - true).abs().mean()
