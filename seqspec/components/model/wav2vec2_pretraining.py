"""Learning from speech without labels."""

# B batch, T states, C channels of latents, D width, G groups, V codes, N negatives, K candidates (N + 1)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.gumbel_quantizer import GumbelQuantizer, Quantized
from seqspec.components._layers.masks import length_mask
from seqspec.components.graphs import Axes, Function, Graph, source_arguments
from seqspec.components.outputs import CodesUsed, Only, Output, Term, wanted
from seqspec.components.predictions import Predicted, VectorPrediction
from seqspec.components.protocols import Parts
from seqspec.data.batching.batch import Batch
from seqspec.data.seeds import seed_of
from seqspec.schema.model.wav2vec2_pretraining import Wav2vec2PretrainingConfig
from seqspec.schema.types import States, Type


class Draws(NamedTuple):
    """What is random about a batch."""

    covered_BT: Tensor
    """True where a latent is masked."""
    negatives_BTN: Tensor
    """The states whose latents stand beside the right one; of masked states alone."""
    noise_BTGV: Tensor | None
    """Gumbel noise of the choice of codes; ``None`` for the likeliest."""


class Wav2vec2Pretraining(nn.Module):
    """The encoder, and a quantiser and two projections that fine-tuning has no use for."""

    drawn: Tensor
    """``[2]``: what decides all draws, and the step that is under way."""

    def __init__(self, config: Wav2vec2PretrainingConfig, takes: Mapping[str, Type], parts: Parts) -> None:
        super().__init__()
        self.groups, self.codes, self.negatives = config.groups, config.codes, config.negatives
        self.temperature = config.temperature
        self.gumbel = config.gumbel_start, config.gumbel_decay, config.gumbel_end
        self.encoder = parts("encoder")
        states = parts.gives("encoder")
        assert isinstance(states, States)
        channels = int(getattr(config.encoder, "latent_dim"))  # noqa: B009
        self.quantizer = GumbelQuantizer(
            channels, groups=config.groups, codes=config.codes, dim=config.code_dim
        )
        self.project_states = nn.Linear(states.dim, config.compared_dim)
        self.project_codes = nn.Linear(config.code_dim, config.compared_dim)
        self.register_buffer("drawn", torch.zeros(2, dtype=torch.int64))
        self.drawn[0] = torch.randint(2**62, ())

    def outputs(self, batch: Batch, *, only: Only = None) -> dict[str, Output]:
        """``contrastive``, each example by the mean over its masked states; ``codes``, of masked states."""
        x_BTC, lengths_B = self._latents(batch)
        draws = self.draw(batch, lengths_B, size=x_BTC.shape[1])
        quantized = self.quantizer(x_BTC, draws.noise_BTGV, temperature=self.gumbel_temperature)
        found: dict[str, Output] = {}
        if wanted("contrastive", only):
            nll_B = self.contrast(x_BTC, lengths_B, quantized, draws)
            found["contrastive"] = Term(nll_B.sum(), torch.tensor(len(nll_B), device=nll_B.device))
        if wanted("codes", only):
            used_BTGV = quantized.probability_BTGV * draws.covered_BT[..., None, None]
            found["codes"] = CodesUsed(used_BTGV.sum(1), draws.covered_BT.sum(1).float())
        return found

    def contrast(self, x_BTC: Tensor, lengths_B: Tensor, quantized: Quantized, draws: Draws) -> Tensor:
        """``[B]``: equation 3, the mean over the masked states of each example; 0 where there are fewer than
        two.
        """
        states_BTD = self.project_states(self.encoder.contextual(x_BTC, lengths_B, draws.covered_BT))
        codes_BTD = self.project_codes(quantized.vectors_BTQ.to(states_BTD.dtype))
        states_BTD, codes_BTD = (functional.normalize(x.float(), dim=-1) for x in (states_BTD, codes_BTD))
        cosines_BTT = states_BTD @ codes_BTD.transpose(1, 2)
        right_BT1 = cosines_BTT.diagonal(dim1=1, dim2=2)[..., None]
        scores_BTK = torch.cat([right_BT1, cosines_BTT.gather(2, draws.negatives_BTN)], dim=2)
        same_BTN = _rows(quantized.code_BT, draws.negatives_BTN) == quantized.code_BT[..., None]
        same_BTK = functional.pad(same_BTN, (1, 0), value=False)
        scores_BTK = (scores_BTK / self.temperature).masked_fill(same_BTK, float("-inf"))
        nll_BT = -scores_BTK.log_softmax(-1)[..., 0]
        count_B = draws.covered_BT.sum(1)
        covered_BT = draws.covered_BT & (count_B > 1)[:, None]
        return nll_BT.masked_fill(~covered_BT, 0.0).sum(1) / count_B.clamp(min=1)

    def draw(self, batch: Batch, lengths_B: Tensor, *, size: int) -> Draws:
        """Of each example by its row and, while training, the step: nothing else decides it."""
        key, step = self.drawn.tolist() if self.training else (0, 0)
        each = []
        for row, length in zip(batch.index.tolist(), lengths_B.tolist(), strict=True):
            generator = torch.Generator().manual_seed(seed_of(key, "pretraining", step, row))
            each.append(self._draw_one(int(length), size, generator))
        device = lengths_B.device
        covered, negatives, noise = (torch.stack(column).to(device) for column in zip(*each, strict=True))
        return Draws(covered, negatives, noise if self.training else None)

    def finish_step(self, *, step: int, moved: bool) -> None:
        """The next step draws anew."""
        self.drawn[1] = step

    @property
    def gumbel_temperature(self) -> float:
        """That of the step which is under way."""
        start, decay, end = self.gumbel
        return max(start * decay ** int(self.drawn[1]), end)

    def score(self, batch: Batch) -> Tensor:
        """``[B]``: the mean log-probability of the right latent at masked states."""
        x_BTC, lengths_B = self._latents(batch)
        draws = self.draw(batch, lengths_B, size=x_BTC.shape[1])
        quantized = self.quantizer(x_BTC, draws.noise_BTGV, temperature=self.gumbel_temperature)
        return -self.contrast(x_BTC, lengths_B, quantized, draws)

    @torch.no_grad()
    def decode(self, batch: Batch, search: Any = None) -> list[list[Predicted]]:
        """The mean of the states of each utterance, nothing masked."""
        assert batch.source is not None
        assert batch.source_lengths is not None
        (mean_BD,) = self.vectors(batch.source, batch.source_lengths)
        return [[VectorPrediction(vector_D)] for vector_D in mean_BD.float().cpu().numpy()]

    def vectors(self, source: Tensor, lengths_B: Tensor) -> tuple[Tensor]:
        """``[B, D]``: the mean of the states of each utterance, nothing masked."""
        x_BTD, lengths_B = self.encoder(source, lengths_B)
        real_BT1 = length_mask(lengths_B, x_BTD.shape[1])[..., None]
        return (x_BTD.masked_fill(~real_BT1, 0).sum(1) / lengths_B.clamp(min=1)[:, None],)

    def graphs(self, batch: Batch) -> tuple[Graph, ...]:
        """``vectors`` of utterances."""
        given, inputs = source_arguments(batch)
        outputs: dict[str, Axes] = {"vectors": ("batch", None)}
        note = "The mean of the states of each utterance."
        return (Graph("vectors", Function(self, self.vectors), given, inputs, outputs, note),)

    def references(self, batch: Batch) -> Sequence[Predicted | None]:
        """There are none."""
        return [None] * len(batch.index)

    def _latents(self, batch: Batch) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = self.encoder.latents(batch.source, batch.source_lengths)
        return found

    def _draw_one(self, length: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        covered_T = torch.zeros(size, dtype=torch.bool)
        negatives_TN = torch.zeros(size, self.negatives, dtype=torch.int64)
        noise_TGV = torch.zeros(size, self.groups, self.codes)
        if length:
            covered_T[:length] = self.encoder.spans(length, generator)
        places_M = covered_T.nonzero()[:, 0]
        if len(places_M) > 1:
            other_MN = torch.randint(len(places_M) - 1, (len(places_M), self.negatives), generator=generator)
            other_MN += other_MN >= torch.arange(len(places_M))[:, None]
            negatives_TN[places_M] = places_M[other_MN]
        if self.training:
            noise = torch.empty(length, self.groups, self.codes).exponential_(generator=generator)
            noise_TGV[:length] = -noise.clamp_min(1e-30).log()
        return covered_T, negatives_TN, noise_TGV


def _rows(x_BT: Tensor, index_BTN: Tensor) -> Tensor:
    """``[B, T, N]``: the values at these places of each row."""
    return x_BT.gather(1, index_BTN.flatten(1)).view(index_BTN.shape)
