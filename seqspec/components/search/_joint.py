"""Several models' opinions of the next symbol as one: what a beam search steps in the place of its model.

Attention and CTC: Watanabe et al. (2017), "Hybrid CTC/Attention Architecture for End-to-End Speech
Recognition", IEEE JSTSP 11(8), section IV.  Language models: Gulcehre et al. (2015), "On Using Monolingual
Corpora in Neural Machine Translation", arXiv:1503.03535 (shallow fusion).
"""

# B examples, N hypotheses (B times the beam), U prompt time, V vocabulary, C candidates of a hypothesis,
# S encoder states

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqspec.components.search._ctc_prefix import CtcPrefixes
from seqspec.components.search._hypothesis import Continuation, Step
from seqspec.schema.types import BOS, EOS, PAD


class FusedLanguageModel(NamedTuple):
    """A trained language model over the same vocabulary."""

    model: Any
    """A built ``language_model``, its weights loaded."""
    begin: int
    """The id that stood before its texts: BOS, or the EOS of the text before."""


@dataclass(frozen=True)
class Joint:
    """Whom a search listens to beside its own model."""

    ctc_weight: float = 0.0
    num_candidates: int = 0
    """Symbols of a hypothesis that CTC scores, the end not counted."""
    language: FusedLanguageModel | None = None
    language_weight: float = 0.0

    def __call__(self, going: Continuation) -> Continuation:
        """``going`` with steps that give the weighted sums of log-probabilities for logits."""
        ctc = None
        if self.ctc_weight:
            if going.ctc is None or going.memory_lengths_B is None:
                raise TypeError("the model gives no log-probabilities of a CTC head")
            ctc = CtcPrefixes.start(going.ctc(), going.memory_lengths_B)
        state = _JointState(going.state, ctc, *self._read(going))
        return replace(going, state=state, step=_JointStep(self, going.step))

    def _read(self, going: Continuation) -> tuple[Any, Tensor | None]:
        """The language model's state after the prompt but its last id, and that id."""
        if self.language is None:
            return None, None
        model, first_B1 = self.language.model, going.first_B[:, None]
        model.to(first_B1.device)
        if going.read_BU is None:
            # Whatever id the model begins with, a command's among them, the language model has its own.
            read_BU = torch.full_like(first_B1, self.language.begin)
        else:
            read_BU = torch.cat([going.read_BU, first_B1], 1)
            read_BU = torch.where(read_BU == BOS, self.language.begin, read_BU)
        state = model.decoder.start(None, None, examples=len(read_BU))
        for ids_B in read_BU[:, :-1].unbind(1):
            _, state = model.step(ids_B, state)
        return state, read_BU[:, -1]


@dataclass(frozen=True)
class _JointState:
    """Where every model stands."""

    own: Any
    ctc: CtcPrefixes | None
    language: Any
    begin_B: Tensor | None
    """What the language model reads first; ``None`` once it has."""
    begun: bool = False

    @property
    def attention(self) -> Tensor | None:
        """Where the model that writes looked."""
        attention: Tensor | None = self.own.attention
        return attention

    def select(self, rows_N: Tensor) -> _JointState:
        """The hypotheses in ``rows_N``."""
        return self._each(lambda part: part.select(rows_N))

    def keep(self, examples_B: Tensor) -> _JointState:
        """Forget what belongs to other examples."""
        return self._each(lambda part: part.keep(examples_B))

    def _each(self, change: Callable[[Any], Any]) -> _JointState:
        ctc = None if self.ctc is None else change(self.ctc)
        language = None if self.language is None else change(self.language)
        return replace(self, own=change(self.own), ctc=ctc, language=language)


class _JointStep(NamedTuple):
    """One step of every model."""

    joint: Joint
    own: Step

    def __call__(self, ids_N: Tensor, state: _JointState, *, look: bool = False) -> tuple[Tensor, Any]:
        logits_NV, own = self.own(ids_N, state.own, look=look)
        scores_NV = logits_NV.float().log_softmax(1) * (1 - self.joint.ctc_weight)
        ctc, language = state.ctc, state.language
        if self.joint.language is not None:
            heard_N = ids_N if state.begin_B is None else state.begin_B
            logits_NV, language = self.joint.language.model.step(heard_N, language)
            scores_NV = scores_NV + self.joint.language_weight * logits_NV.float().log_softmax(1)
        if ctc is not None:
            ctc = ctc.grow(ids_N) if state.begun else ctc
            scores_NV = self._with_ctc(scores_NV, ctc)
        return scores_NV, _JointState(own, ctc, language, None, begun=True)

    def _with_ctc(self, scores_NV: Tensor, ctc: CtcPrefixes) -> Tensor:
        """CTC's word on the best candidates of each hypothesis and on its end; nothing else can win."""
        weight = self.joint.ctc_weight
        open_NV = scores_NV.clone()
        open_NV[:, [PAD, BOS, EOS]] = -torch.inf
        best_NC, token_NC = open_NV.topk(min(self.joint.num_candidates, open_NV.shape[1]), dim=1)
        joined_NV = torch.full_like(scores_NV, -torch.inf)
        joined_NV.scatter_(1, token_NC, best_NC + weight * ctc.gains(token_NC))
        joined_NV[:, EOS] = scores_NV[:, EOS] + weight * ctc.end_gains()
        return joined_NV
