"""What a decoder looks at, worked out by one call of machine code where the source is one row of ids."""

# B examples, T source time, S memory time, D width

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seqspec.components.graphs import Function
from seqspec.runtime.prediction.engines.machine_code import (
    OPTIONS,
    Arguments,
    MachineCode,
    code_key,
    machine_code,
)
from seqspec.schema.diagnostic import RunError

Read = Callable[..., tuple[Tensor, Tensor]]


class CompiledRead:
    """Stands in for a model's ``read``.  An encoder that the compiler cannot follow stays as it is, and a
    line on stderr says so.
    """

    def __init__(self, model: Any, *, digest: str, plain: Read) -> None:
        self.model = model
        self.digest = digest
        self.plain = plain
        self.code: MachineCode | None = None
        self.tried = False

    def __call__(
        self, x_BT: Any, lengths_B: Tensor | None, beside: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """As the model's."""
        if beside is not None or lengths_B is None or not _is_text(x_BT):
            return self.plain(x_BT, lengths_B, beside)
        if not self.tried:
            self.code, self.tried = self._compiled(x_BT, lengths_B), True
        if self.code is None or not self.code.fits((x_BT, lengths_B)):
            return self.plain(x_BT, lengths_B, beside)
        memory_BSD, lengths_B = self.code([x_BT, lengths_B])
        return memory_BSD, lengths_B

    def _compiled(self, x_BT: Tensor, lengths_B: Tensor) -> MachineCode | None:
        def read(x_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, ...]:
            memory_BSD, lengths_B = self.plain(x_BT, lengths_B)
            return memory_BSD.contiguous(), lengths_B

        key = code_key(self.model, plan=self.digest, what="read")
        try:
            return machine_code(
                Function(self.model, read),
                Arguments([x_BT, lengths_B], [[1], []]),
                key=key,
                options=OPTIONS,
                what="the encoder",
            )
        except RunError as error:
            print(f"seqspec: the encoder is not compiled: {error}", file=sys.stderr)
            return None


def _is_text(x_BT: Any) -> bool:
    return type(x_BT) is Tensor and x_BT.dtype == torch.int64 and x_BT.shape[0] == 1 and x_BT.dim() == 2
