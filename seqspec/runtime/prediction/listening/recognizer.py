"""Text of a recording while it comes in: features, encoder and search each go on from where they were.

What it ends with is what ``predict`` gives for the whole recording, since the encoder hears the same of it.
"""

# T samples, N frames, D features, S states, V vocabulary

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqspec.compile.plan.streaming import Latency
from seqspec.components._layers.linear import Packs, prepacked
from seqspec.data.stages.normalize import Statistics, normalize_frames
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.prediction.listening.requirement import require_streaming
from seqspec.runtime.prediction.opening import Opened
from seqspec.schema.types import Logits, Waveform


@dataclass(frozen=True)
class Recognizer:
    """A run's model that can follow recordings; each begins with ``listen``."""

    model: Any
    search: Any
    feature: Any
    normalize: Callable[[np.ndarray], np.ndarray]
    decode: Callable[[list[int]], str]
    rate: int
    """Samples a second."""
    feature_dim: int
    state_seconds: float
    """Sound that a state stands for."""
    latency: Latency
    device: torch.device
    packs: Packs

    def listen(self, *, keep: bool = False) -> Listener:
        """A recording that begins; ``keep`` the log-probabilities of its states."""
        return Listener(self, keep=keep)


def recognizer_of(opened: Opened) -> Recognizer:
    """Raises ``RunError`` where the run cannot stream."""
    run = opened.run
    plan = run.program.plan
    latency = require_streaming(plan)
    search = search_of(run.program)
    source, gives = opened.predictor.source, plan.node("model").gives
    assert isinstance(source, Waveform)
    assert isinstance(gives, Logits)
    how: Any = opened.parts.normalize["source"]
    frames = opened.parts.frames_type("source")
    statistics: Statistics | None = run.kept.statistics.get("source")
    return Recognizer(
        run.program.model, search, opened.parts.features["source"],
        lambda x_ND: normalize_frames(x_ND, how, statistics), opened.parts.text["target"].decode, source.rate,
        frames.dim, float(gives.stride / frames.rate), latency, opened.predictor.device,
        opened.predictor.packs,
    )  # fmt: skip


class Listener:
    """One recording, as much of it as has come in."""

    def __init__(self, recognizer: Recognizer, *, keep: bool = False) -> None:
        self.recognizer = recognizer
        self.samples = 0
        """Samples that have come in."""
        self.frames = 0
        self.states = 0
        """States that have been told."""
        self.log_probs: list[Tensor] | None = [] if keep else None
        self.ids: list[int] = []
        self.text = ""
        """What is understood by now."""
        self._feature = recognizer.feature.stream()
        self._heard = recognizer.search.listen()
        self._state: Any = None

    def hear(self, samples_T: np.ndarray) -> bool:
        """Some more float32 samples in [-1, 1]; whether there are new states."""
        self.samples += len(samples_T)
        return self._advance(self._feature(samples_T), last=False)

    def end(self) -> str:
        """The text of the whole recording; nothing may come after it."""
        self._advance(torch.empty(0, 0), last=True)
        self._decode(ended=True)
        return self.text

    @property
    def seconds(self) -> float:
        """Length of what has come in."""
        return self.samples / self.recognizer.rate

    @property
    def told_seconds(self) -> float:
        """Of the recording, as much as the text so far is made of."""
        return min(self.states * self.recognizer.state_seconds, self.seconds)

    @torch.inference_mode()
    def _advance(self, x_ND: Tensor, *, last: bool) -> bool:
        """Frames in, states out, and what the search makes of them."""
        if not len(x_ND) and not (last and self.frames):
            return False
        model, width = self.recognizer.model, self.recognizer.feature_dim
        values = self.recognizer.normalize(x_ND.numpy()) if len(x_ND) else np.empty((0, width), np.float32)
        self.frames += len(values)
        x_1ND = torch.from_numpy(values)[None].to(self.recognizer.device)
        with prepacked(self.recognizer.packs):
            log_probs_1SV, self._state = model.advance(x_1ND, self._state, last=last)
        log_probs_SV = log_probs_1SV[0].float().cpu()
        if not len(log_probs_SV):
            return False
        self.states += len(log_probs_SV)
        if self.log_probs is not None:
            self.log_probs.append(log_probs_SV)
        self._heard.hear(log_probs_SV)
        if not last:
            self._decode(ended=False)
        return True

    def _decode(self, *, ended: bool) -> None:
        self.ids = list(self._heard.best(ended=ended).ids)
        self.text = self.recognizer.decode(self.ids)
