"""How probable it is under CTC that an output begins with a prefix, worked out as the prefix grows.

Watanabe et al. (2017), "Hybrid CTC/Attention Architecture for End-to-End Speech Recognition", IEEE JSTSP
11(8), section IV; Hori et al. (2017), "Joint CTC/attention decoding for end-to-end speech recognition", ACL.
A prefix keeps its forward probabilities; what a symbol adds needs no recursion over time, so the recursion is
run for the symbols that were chosen alone, and as a cumulative sum.
"""

# B examples, K hypotheses of one, N hypotheses (B times K), V vocabulary, C candidates of a hypothesis
# S encoder states, T encoder states and the place before the first (S + 1)

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from seqspec.components._layers.masks import length_mask
from seqspec.schema.types import PAD

NEVER = -torch.inf


@dataclass(frozen=True)
class CtcPrefixes:
    """The prefix that each hypothesis has written; all numbers are natural logarithms in float64, since
    those of long recordings are large.
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
        return cls(log_probs_BVS, lengths_B, silence_BT, symbol_BT, silence_BT, nothing_B, certain_B)

    def gains(self, tokens_NC: Tensor) -> Tensor:
        """``[N, C]``: what each symbol adds to the log-probability of the prefix; minus infinity where it
        cannot follow.
        """
        emitted_NCS = self.log_probs_BVS[self._examples()[:, None], tokens_NC]
        before_NCS = self._before(tokens_NC[:, :, None])
        return self._gain(torch.logsumexp(before_NCS + emitted_NCS, 2), self.prefix_N[:, None])

    def end_gains(self) -> Tensor:
        """``[N]``: what the end adds: the prefix is then the whole output."""
        both_NT = torch.logaddexp(self.symbol_NT, self.blank_NT)
        whole_N = both_NT.gather(1, self.lengths_B[self._examples()][:, None]).squeeze(1)
        return self._gain(whole_N, self.prefix_N)

    def grow(self, tokens_N: Tensor) -> CtcPrefixes:
        """Each prefix with one more symbol."""
        examples_N = self._examples()
        emitted_NS = self.log_probs_BVS[examples_N, tokens_N].double()
        silence_NT = self.silence_BT[examples_N]
        before_NS = self._before(tokens_N[:, None, None]).squeeze(1)
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

    def keep(self, examples_B: Tensor) -> CtcPrefixes:
        """Forget the states of other examples."""
        return replace(
            self,
            log_probs_BVS=self.log_probs_BVS[examples_B],
            lengths_B=self.lengths_B[examples_B],
            silence_BT=self.silence_BT[examples_B],
        )

    def _examples(self) -> Tensor:
        count = len(self.lengths_B)
        width = len(self.last_N) // count
        return torch.arange(count, device=self.last_N.device).repeat_interleave(width)

    def _before(self, tokens_NC1: Tensor) -> Tensor:
        """``[N, C, S]``: the prefix is written before a state in such a way that the state can write the
        symbol as a new one: the same symbol again only after a blank.
        """
        real_NS = length_mask(self.lengths_B, self.silence_BT.shape[1] - 1)[self._examples()]
        blank_NS = self.blank_NT[:, :-1].masked_fill(~real_NS, NEVER)
        either_NS = torch.logaddexp(blank_NS, self.symbol_NT[:, :-1]).masked_fill(~real_NS, NEVER)
        again_NC1 = tokens_NC1 == self.last_N[:, None, None]
        return torch.where(again_NC1, blank_NS[:, None], either_NS[:, None])

    @staticmethod
    def _gain(longer: Tensor, prefix: Tensor) -> Tensor:
        return (longer - prefix).masked_fill(prefix == NEVER, NEVER).float()


def _from_zero(steps_NS: Tensor) -> Tensor:
    """``[N, T]``: the sums of the first 0, 1, … states."""
    return functional.pad(steps_NS.cumsum(1), (1, 0))


def _accumulated(entering_NS: Tensor, staying_NT: Tensor) -> Tensor:
    """``[N, T]``: the solution of r[t] = (r[t - 1] + entering[t - 1]) · staying[t] / staying[t - 1], r[0] =
    0.
    """
    entered_NS = torch.logcumsumexp(entering_NS - staying_NT[:, :-1], 1)
    return functional.pad(entered_NS + staying_NT[:, 1:], (1, 0), value=NEVER)
