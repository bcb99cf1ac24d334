"""Tokens of a language model as they are written."""

# N hypotheses (one), V vocabulary

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from seqspec.components.search._hypothesis import Continuation, Hypothesis
from seqspec.components.search._written import forbid
from seqspec.components.search.sample import choose
from seqspec.data.batching.batch import Batch, Field
from seqspec.runtime.serving.served_model import Served
from seqspec.schema.types import EOS

INCOMPLETE = "\ufffd"
"""What the bytes of half a character decode to."""


@dataclass(frozen=True)
class Asked:
    """How a text is to go on."""

    prompt: str
    max_tokens: int
    temperature: float = 0.0
    """0 takes the most probable id each time."""
    seed: int = 0


@dataclass(frozen=True)
class Ended:
    """Why and where a text ended."""

    reason: str
    """``stop``: the end symbol; ``length``: as many tokens as were asked for."""
    prompt_tokens: int
    tokens: int


class Writer:
    """One request's search, which passes on the text as it grows; ``cancelled`` ends it early."""

    def __init__(self, served: Served, asked: Asked, piece: Callable[[str], None]) -> None:
        self.served = served
        self.asked = asked
        self.piece = piece
        self.cancelled = threading.Event()
        self.tokens = 0
        self.reason = "length"
        self._random = np.random.default_rng(asked.seed)

    @torch.inference_mode()
    def __call__(self) -> Ended:
        opened = self.served.opened
        ids = torch.as_tensor(opened.predictor.prepare(self.asked.prompt), dtype=torch.int64)[None]
        prompt = Field(ids, torch.tensor([ids.shape[1]]))
        batch = Batch({"target": prompt}, torch.tensor([0]), 0, {"loss": 1.0})
        device = opened.predictor.device
        opened.run.program.model.decode(batch.map(lambda x: x.to(device)), self._search)
        return Ended(self.reason, ids.shape[1], self.tokens)

    def _search(self, going: Continuation) -> list[list[Hypothesis]]:
        decode = self.served.opened.parts.text["target"].decode
        token_N, state, written, shown = going.first_B, going.state, list[int](), ""
        while self.tokens < self.asked.max_tokens and not self.cancelled.is_set():
            logits_NV, state = going.step(token_N, state)
            token_N = self._next(forbid(logits_NV.float()))
            if int(token_N[0]) == EOS:
                self.reason = "stop"
                break
            written.append(int(token_N[0]))
            self.tokens += 1
            text = decode(written)
            if text.startswith(shown) and not text.endswith(INCOMPLETE):
                self.piece(text[len(shown) :])
                shown = text
        rest = decode(written)
        if rest.startswith(shown) and rest != shown:
            self.piece(rest[len(shown) :])
        return [[Hypothesis(tuple(written), 0.0, 0.0)]]

    def _next(self, logits_NV: torch.Tensor) -> torch.Tensor:
        if not self.asked.temperature:
            return logits_NV.argmax(1)
        uniform_N = torch.tensor([self._random.random()], device=logits_NV.device)
        return choose(logits_NV / self.asked.temperature, uniform_N)
