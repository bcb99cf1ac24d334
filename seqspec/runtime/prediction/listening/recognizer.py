"""Text of a recording while it comes in: features, encoder and search each go on from where they were.

What it ends with is what ``predict`` gives for the whole recording, since the encoder hears the same of it.
"""

# T samples, N frames, D features, S states, V vocabulary

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqspec.compile.plan.streaming import Latency
from seqspec.components._layers.linear import Packs, prepacked
from seqspec.data.stages.normalize import Statistics, normalize_frames
from seqspec.runtime.assembly.default_search import search_of
from seqspec.runtime.prediction.listening.endpoint import EndpointDetector, EndRules
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

    def listen(self, *, keep: bool = False, rules: EndRules | None = None) -> Listener:
        """A recording that begins; ``keep`` the log-probabilities of its states; ``rules`` part it into
        utterances.
        """
        return Listener(self, keep=keep, rules=rules or EndRules())


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


class Utterance(NamedTuple):
    """A part of a recording with words."""

    text: str
    ids: list[int]
    begin: float
    """Seconds from the beginning of the recording."""
    end: float
    log_probs: list[Tensor]
    """``[S, V]``, pieces of it; empty where they are not kept."""


class Listener:
    """One recording, as much of it as has come in."""

    def __init__(self, recognizer: Recognizer, *, keep: bool, rules: EndRules) -> None:
        self.recognizer = recognizer
        self.samples = 0
        """Samples that have come in."""
        self.frames = 0
        self.states = 0
        """States that have been told."""
        self.keep = keep
        self.log_probs: list[Tensor] = []
        """Of the utterance that goes on, as ``ids`` and ``text``."""
        self.ids: list[int] = []
        self.text = ""
        """What is understood by now."""
        self.ended: list[Utterance] = []
        """Utterances that have ended and were not taken."""
        self._begin = 0
        self._endpoint = EndpointDetector(rules, state_seconds=recognizer.state_seconds)
        self._feature = recognizer.feature.stream()
        self._heard = recognizer.search.listen()
        self._state: Any = None

    def hear(self, samples_T: np.ndarray) -> bool:
        """Some more float32 samples in [-1, 1]; whether there are new states."""
        self.samples += len(samples_T)
        return self._advance(self._feature(samples_T), last=False)

    def end(self) -> Utterance:
        """The last utterance, which may be without words; nothing may come after it."""
        self._advance(torch.empty(0, 0), last=True)
        self._decode(ended=True)
        return self._utterance(self.seconds)

    def take(self) -> list[Utterance]:
        """Utterances that have ended since the last call."""
        taken, self.ended = self.ended, []
        return taken

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
        while (count := self._endpoint.first_end(log_probs_SV)) is not None:
            self._follow(log_probs_SV[:count])
            self._end_utterance()
            log_probs_SV = log_probs_SV[count:]
        self._follow(log_probs_SV)
        if not last:
            self._decode(ended=False)
        return True

    def _follow(self, log_probs_SV: Tensor) -> None:
        self.states += len(log_probs_SV)
        if self.keep:
            self.log_probs.append(log_probs_SV)
        self._heard.hear(log_probs_SV)

    def _end_utterance(self) -> None:
        self._decode(ended=True)
        if self.ids:
            self.ended.append(self._utterance(self.told_seconds))
        self._begin, self.log_probs = self.states, []
        self._heard = self.recognizer.search.listen()

    def _utterance(self, end: float) -> Utterance:
        begin = self._begin * self.recognizer.state_seconds
        return Utterance(self.text, self.ids, begin, end, self.log_probs)

    def _decode(self, *, ended: bool) -> None:
        self.ids = list(self._heard.best(ended=ended).ids)
        self.text = self.recognizer.decode(self.ids)
