"""Graphs of a model that draws speech of a text: random numbers are arguments, so that each is a function.

Zeros in place of random numbers give the reading that a noise scale of 0 gives.
"""

# B batch, N tokens as the model counts them, T frames, D width of the latent vectors, C numbers a token, L
# samples

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from seqspec.components._layers.speaker import Speaker
from seqspec.components.graphs import Axes, Function, Graph, Substitute, source_arguments
from seqspec.data.batching.batch import Batch


class DrawsSpeech(Protocol):
    """What such a model offers; ``speaker_B`` is left out where there is one voice."""

    speaker: Speaker
    channels: int
    """Random numbers a token."""

    def size(self, tokens: int) -> int:
        """Places of a text of so many tokens."""
        ...

    def tokens(
        self, ids_BN: Tensor, lengths_B: Tensor, noise_BCN: Tensor, speaker_B: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Mean and logarithm of the deviation ``[B, N, D]`` of a token's frames, and the logarithm of how
        many there are, ``[B, N]``.
        """
        ...

    def latents(
        self,
        mean_BND: Tensor,
        log_std_BND: Tensor,
        durations_BN: Tensor,
        noise_BTD: Tensor,
        speaker_B: Tensor | None = None,
    ) -> tuple[Tensor]:
        """``[B, T, D]``: what the generator reads, zero behind each end."""
        ...

    def waveform(self, latent_BTD: Tensor, speaker_B: Tensor | None = None) -> tuple[Tensor]:
        """``[B, L]`` samples of latent vectors of one length."""
        ...


def speech_graphs(model: Any, batch: Batch) -> tuple[Graph, ...]:
    """``tokens``, ``latents`` and ``waveform``."""
    draws: DrawsSpeech = model
    given, inputs = source_arguments(batch)
    speaker_B = draws.speaker.speakers(batch)
    who = {} if speaker_B is None else {"speaker": speaker_B}
    voice: dict[str, Axes] = dict.fromkeys(who, ("batch",))
    noise_BCN = _noise(len(batch.index), draws.channels, draws.size(given["source"].shape[1]))
    of_text = {**given, "noise": noise_BCN, **who}
    mean_BND, log_std_BND, _ = draws.tokens(*of_text.values())
    durations_BN = _example_durations(mean_BND)
    noise_BTD = _noise(len(batch.index), int(durations_BN.sum(1).max()), mean_BND.shape[2])
    of_tokens = {
        "mean": mean_BND, "log_std": log_std_BND, "durations": durations_BN, "noise": noise_BTD, **who,
    }  # fmt: skip
    (latent_BTD,) = draws.latents(*of_tokens.values())
    wide: Axes = ("batch", "places", None)
    framed: Axes = ("batch", "frames", None)
    module: nn.Module = model
    return (
        Graph(
            "tokens", Function(module, draws.tokens), of_text,
            {**inputs, "noise": ("batch", None, "places"), **voice},
            {"mean": wide, "log_std": wide, "log_durations": ("batch", "places")},
            "Gaussians of the frames of each token, and the logarithm of their number; `noise` is N(0, 1) "
            "times `noise_scale_duration`, or zeros.",
        ),
        Graph(
            "latents", Function(module, draws.latents), of_tokens,
            {"mean": wide, "log_std": wide, "durations": ("batch", "places"), "noise": framed, **voice},
            {"latent": framed},
            "What the generator reads; `durations` are ceil(exp(log_durations) * `length_scale`), at most "
            "`max_token_frames`, `noise` is N(0, 1) times `noise_scale`, or zeros; README.md lists the "
            "settings.",
        ),
        Graph(
            "waveform", Function(module, draws.waveform), {"latent": latent_BTD, **who},
            {"latent": framed, **voice}, {"waveform": ("batch", "samples")},
            "Samples of latent vectors of one length.",
        ),
    )  # fmt: skip


def speech_substitutes(graphs: Mapping[str, Substitute]) -> dict[str, Any]:
    """The methods that ``decode`` calls, by the graphs in another runtime."""

    def by(name: str) -> Any:
        return lambda *given: graphs[name](*(x for x in given if x is not None))

    return {name: by(name) for name in ("tokens", "latents", "waveform") if name in graphs}


def _noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def _example_durations(mean_BND: Tensor) -> Tensor:
    """Two frames a token: any durations would do as an example."""
    return torch.full(mean_BND.shape[:2], 2, device=mean_BND.device)
