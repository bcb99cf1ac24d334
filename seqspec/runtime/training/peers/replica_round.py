"""What a round of one replica comes to: what it says when it meets the others, and what the journal hears."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seqspec.runtime.checkpoints.tensor_file import Damaged, packed_tensors, parsed
from seqspec.runtime.training.journal_window import is_of_windows

MESSAGE = "message"


@dataclass(frozen=True)
class ReplicaRound:
    """Of one replica, from a meeting to the next."""

    message: Tensor
    """``[N]`` uint8."""
    state: str
    """SHA-256 of what whoever plays it next needs."""
    steps: Sequence[Mapping[str, Any]]
    """The state of the journal's windows of each step, by itself."""
    weights: str
    """Fingerprint of the anchor that it started from."""

    def packed(self) -> bytes:
        """The same round gives the same bytes: a safetensors file."""
        about = {
            "steps": json.dumps(self.steps, sort_keys=True), "state": self.state, "weights": self.weights
        }  # fmt: skip
        return packed_tensors({MESSAGE: self.message}, about)

    @classmethod
    def unpacked(cls, data: bytes, *, size: int, count: int) -> ReplicaRound:
        """What ``packed`` gave of ``count`` steps, with a message of ``size`` bytes; raises
        ``Damaged`` where it is of another model, or none.
        """
        tensors, about = parsed(data, "a result")
        message = tensors.get(MESSAGE)
        if message is None or tuple(message.shape) != (size,) or message.dtype != torch.uint8:
            raise Damaged("it holds no message of this model's length")
        try:
            steps, state, weights = json.loads(about["steps"]), about["state"], about["weights"]
        except (ValueError, KeyError, TypeError, RecursionError):
            steps, state, weights = None, None, None
        whole = isinstance(steps, list) and len(steps) == count and all(map(is_of_windows, steps))
        if not whole or not isinstance(state, str):
            raise Damaged("it does not say what its losses are")
        return cls(message, state, steps, str(weights))
