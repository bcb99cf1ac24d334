"""What a decoder looks at and what it makes of that before its first step, worked out by one call of machine
code where the source is one row of ids or of frames.
"""

# B examples, T source time, S memory time, D width

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seqspec.components.graphs import Function, TensorState
from seqspec.runtime.prediction.engines.machine_code import (
    MANY_ROWS,
    SMALL_PRODUCTS,
    Arguments,
    MachineCode,
    code_key,
    is_small,
    machine_code,
)
from seqspec.schema.diagnostic import RunError

Read = Callable[..., tuple[Tensor, Tensor]]
Begin = Callable[[Tensor, Tensor], Any]


class CompiledRead:
    """Stands in for a model's ``read`` and ``start``.  An encoder that the compiler cannot follow stays as it
    is, and a line on stderr says so.
    """

    def __init__(self, model: Any, *, digest: str, plain: Read, begin: Begin) -> None:
        self.model = model
        self.digest = digest
        self.plain = plain
        self.begin = begin
        self.code: MachineCode | None = None
        self.tried = False
        self.template: Any = None
        """A decoder's state that has read nothing, where it is tensors alone."""
        self.begun: TensorState | None = None
        """The same as tensors."""
        self.last: tuple[Tensor, list[Tensor]] | None = None
        """The memory that was read last, and what of the decoder's state belongs to it."""

    def __call__(
        self, x_BT: Any, lengths_B: Tensor | None, beside: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """As the model's."""
        if beside is not None or lengths_B is None or not _is_one(x_BT):
            return self.plain(x_BT, lengths_B, beside)
        if not self.tried:
            self.code, self.tried = self._compiled(x_BT, lengths_B), True
        if self.code is None or not self.code.fits((x_BT, lengths_B)):
            return self.plain(x_BT, lengths_B, beside)
        memory_BSD, lengths_B, *fixed = self.code([x_BT, lengths_B])
        self.last = (memory_BSD, fixed)
        return memory_BSD, lengths_B

    def start(self, memory_BSD: Tensor, lengths_B: Tensor) -> Any:
        """As the model's."""
        if self.begun is None or self.last is None or self.last[0] is not memory_BSD:
            return self.begin(memory_BSD, lengths_B)
        fixed = zip(self.begun.fixed, self.last[1], strict=True)
        return self.template.restored({**dict(fixed), **self.begun.moving})

    def _compiled(self, x_BT: Tensor, lengths_B: Tensor) -> MachineCode | None:
        template = self.begin(*self.plain(x_BT, lengths_B))
        if hasattr(template, "tensors"):
            self.template, self.begun = template, template.tensors()

        def read(x_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, ...]:
            memory_BSD, lengths_B = self.plain(x_BT, lengths_B)
            if self.begun is None:
                return memory_BSD.contiguous(), lengths_B
            tensors: TensorState = self.begin(memory_BSD, lengths_B).tensors()
            return memory_BSD.contiguous(), lengths_B, *(x.contiguous() for x in tensors.fixed.values())

        key = code_key(self.model, plan=self.digest, what="read and start")
        try:
            return machine_code(
                Function(self.model, read),
                Arguments([x_BT, lengths_B], [[1], []]),
                key=key,
                recipe=SMALL_PRODUCTS if is_small(self.model) else MANY_ROWS,
                what="the encoder",
            )
        except RunError as error:
            print(f"seqspec: the encoder is not compiled: {error}", file=sys.stderr)
            return None


def _is_one(x_BT: Any) -> bool:
    """One row of ids, or one recording's frames ``[1, T, D]``."""
    if type(x_BT) is not Tensor or x_BT.shape[0] != 1 or not x_BT.is_contiguous():
        return False
    return (x_BT.dtype, x_BT.dim()) in ((torch.int64, 2), (torch.float32, 3))
