"""How probable it is under CTC that an output begins with a prefix, worked out as the prefix grows.

Watanabe et al. (2017), "Hybrid CTC/Attention Architecture for End-to-End Speech Recognition", IEEE JSTSP
11(8), section IV; Hori et al. (2017), "Joint CTC/attention decoding for end-to-end speech recognition", ACL.
A prefix keeps its forward probabilities; what a symbol adds needs no recursion over time, so the recursion is
run for the symbols that were chosen alone, and as a cumulative sum.
"""

# B examples, L of them live, K hypotheses of one, N hypotheses (L times K), V vocabulary
# C candidates of a hypothesis
# S encoder states, T encoder states and the place before the first (S + 1)

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.components._layers.masks import length_mask
from seqspec.schema.types import PAD

NEVER = -torch.inf
NEGLIGIBLE = -80.0
"""Beside the largest of a sum this is nothing in float32, and its exponential is still a normal number."""


@dataclass(frozen=True)
class CtcPrefixes:
    """The prefix that each hypothesis has written; all are natural logarithms, those that grow with the
    recording in float64.
    """

    log_probs_BVS: Tensor
    """A symbol's states stand side by side; 0 beyond an example's length."""
    lengths_B: Tensor
    silence_BT: Tensor
    """Blanks alone from the start."""
    symbol_NT: Tensor
    """The prefix is written after so many states, and the last of them wrote its last symbol."""
    blank_NT: Tensor
    """The prefix is written after so many states, and the last of them was a blank."""
    last_N: Tensor
    """The last symbol; ``PAD`` where there is none."""
    prefix_N: Tensor
    """The output begins with the prefix."""
    rows_L: Tensor
    """Where the live examples stand among all of them."""

    @classmethod
    def start(cls, log_probs_BSV: Tensor, lengths_B: Tensor) -> CtcPrefixes:
        """Empty prefixes, one an example."""
        count, states, _ = log_probs_BSV.shape
        beyond_BS1 = ~length_mask(lengths_B, states)[:, :, None]
        log_probs_BVS = log_probs_BSV.masked_fill(beyond_BS1, 0.0).transpose(1, 2).contiguous()
        silence_BT = _from_zero(log_probs_BVS[:, PAD].double())
        nothing_B = lengths_B.new_full((count,), PAD)
        certain_B = silence_BT.new_zeros(count)
        symbol_BT = torch.full_like(silence_BT, NEVER)
        rows_B = torch.arange(count, device=lengths_B.device)
        return cls(log_probs_BVS, lengths_B, silence_BT, symbol_BT, silence_BT, nothing_B, certain_B, rows_B)

    def gains(self, tokens_NC: Tensor) -> Tensor:
        """``[N, C]``: what each symbol adds to the log-probability of the prefix; minus infinity where it
        cannot follow.
        """
        examples_N1 = self._examples()[:, None]
        # What stands before a symbol is at most as probable as the prefix, so that beside it float32 is
        # enough; most of the work is here.
        other_NS, same_NS = ((part - self.prefix_N[:, None]).float() for part in self._before())
        gains_NC = _log_sum(self.log_probs_BVS[examples_N1, tokens_NC] + other_NS[:, None])
        again_N1 = _log_sum(self.log_probs_BVS[examples_N1, self.last_N[:, None]] + same_NS[:, None])
        gains_NC = torch.where(tokens_NC == self.last_N[:, None], again_N1, gains_NC)
        return gains_NC.masked_fill(self._impossible()[:, None], NEVER)

    def end_gains(self) -> Tensor:
        """``[N]``: what the end adds: the prefix is then the whole output."""
        both_NT = torch.logaddexp(self.symbol_NT, self.blank_NT)
        whole_N = both_NT.gather(1, self.lengths_B[self._examples()][:, None]).squeeze(1)
        return (whole_N - self.prefix_N).masked_fill(self._impossible(), NEVER).float()

    def grow(self, tokens_N: Tensor) -> CtcPrefixes:
        """Each prefix with one more symbol."""
        examples_N = self._examples()
        emitted_NS = self.log_probs_BVS[examples_N, tokens_N].double()
        silence_NT = self.silence_BT[examples_N]
        other_NS, same_NS = self._before()
        before_NS = torch.where((tokens_N == self.last_N)[:, None], same_NS, other_NS)
        prefix_N = torch.logsumexp(before_NS + emitted_NS, 1)
        symbol_NT = _accumulated(before_NS, _from_zero(emitted_NS))
        blank_NT = _accumulated(symbol_NT[:, :-1], silence_NT)
        return replace(self, symbol_NT=symbol_NT, blank_NT=blank_NT, last_N=tokens_N, prefix_N=prefix_N)

    def select(self, rows_N: Tensor) -> CtcPrefixes:
        """The hypotheses in ``rows_N``."""
        return replace(
            self,
            symbol_NT=self.symbol_NT[rows_N],
            blank_NT=self.blank_NT[rows_N],
            last_N=self.last_N[rows_N],
            prefix_N=self.prefix_N[rows_N],
        )

    def keep(self, examples_L: Tensor) -> CtcPrefixes:
        """Go on with these of the live examples; the log-probabilities of the others are not moved."""
        return replace(self, rows_L=self.rows_L[examples_L])

    def _examples(self) -> Tensor:
        """``[N]``: the example of each hypothesis, among all."""
        return self.rows_L.repeat_interleave(len(self.last_N) // len(self.rows_L))

    def _before(self) -> tuple[Tensor, Tensor]:
        """``[N, S]`` twice: the prefix is written before a state in such a way that the state can write
        another symbol than the last, and the last symbol again, which takes a blank between them.
        """
        beyond_NS = ~length_mask(self.lengths_B, self.silence_BT.shape[1] - 1)[self._examples()]
        blank_NS = self.blank_NT[:, :-1].masked_fill(beyond_NS, NEVER)
        return torch.logaddexp(blank_NS, self.symbol_NT[:, :-1]).masked_fill(beyond_NS, NEVER), blank_NS

    def _impossible(self) -> Tensor:
        return self.prefix_N == NEVER


def _log_sum(logs_NCS: Tensor) -> Tensor:
    """``logsumexp`` over the last dimension, twenty times as fast on a CPU where most of what is summed is
    as good as zero: such numbers' exponentials are denormal, which processors are slow at.
    """
    peaks_NC1 = logs_NCS.amax(2, keepdim=True)
    above_NCS = logs_NCS - peaks_NC1.masked_fill(peaks_NC1 == NEVER, 0.0)
    return above_NCS.clamp_(min=NEGLIGIBLE).exp_().sum(2).log_() + peaks_NC1.squeeze(2)


def _from_zero(steps_NS: Tensor) -> Tensor:
    """``[N, T]``: the sums of the first 0, 1, … states."""
    return functional.pad(steps_NS.cumsum(1), (1, 0))


def _accumulated(entering_NS: Tensor, staying_NT: Tensor) -> Tensor:
    """``[N, T]``: the solution of r[t] = (r[t - 1] + entering[t - 1]) · staying[t] / staying[t - 1], r[0] =
    0.
    """
    entered_NS = torch.logcumsumexp(entering_NS - staying_NT[:, :-1], 1)
    return functional.pad(entered_NS + staying_NT[:, 1:], (1, 0), value=NEVER)
