"""A model's loss through ``torch.compile``, or as it is where that cannot be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch


class CompiledLoss:
    """``loss``, compiled for shapes that change.  The first thing that the compiler cannot do is told, and
    from then on the model runs as it is.
    """

    def __init__(self, loss: Callable[..., Any]) -> None:
        _say("compiling the model; the first steps take minutes")
        self._loss = loss
        self._compiled: Callable[..., Any] | None = torch.compile(loss, dynamic=True)

    def __call__(self, *given: Any, **named: Any) -> Any:
        if self._compiled is None:
            return self._loss(*given, **named)
        state = torch.get_rng_state()
        try:
            return self._compiled(*given, **named)
        except RuntimeError as error:
            if not of_compiler(error):
                raise
            _say(f"the model cannot be compiled here and runs as it is: {first_line(error)}")
            self._compiled = None
            torch.set_rng_state(state)
            return self._loss(*given, **named)


def of_compiler(error: BaseException) -> bool:
    """Whether the compiler raised it, and not what it compiled.  Loads nothing."""
    exceptions = sys.modules.get("torch._dynamo.exc")
    return exceptions is not None and isinstance(error, exceptions.TorchDynamoException)


def first_line(error: BaseException) -> str:
    """What happened, without the compiler's advice."""
    cause = getattr(error, "inner_exception", None) or error
    return next((line.strip() for line in str(cause).splitlines() if line.strip()), type(cause).__name__)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
