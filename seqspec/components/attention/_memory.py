"""What an attention keeps of the encoder's states; the hypotheses of one example share it."""

# B examples, H heads, S memory time, E width of a head

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Memory(NamedTuple):
    """Keys and values by head: ``[B, H, S, E]``."""

    keys: Tensor
    values: Tensor
    mask_BS: Tensor
    """True for real states."""

    def keep(self, examples_B: Tensor) -> Memory:
        """The memories of these examples alone."""
        return Memory(self.keys[examples_B], self.values[examples_B], self.mask_BS[examples_B])

    def softmax(self, scores_BHKS: Tensor) -> Tensor:
        """Probabilities over the real states."""
        return scores_BHKS.masked_fill(~self.mask_BS[:, None, None], -torch.inf).softmax(-1)
