"""The weights of classes as a loss holds them: known once the data have told names and counts."""

# V classes

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seqspec.schema.diagnostic import DataError
from seqspec.schema.loss._loss import ClassWeights, weights_of
from seqspec.schema.types import Logits, PixelLogits


class ClassWeight(nn.Module):
    """``[V]``, or ``None`` where the loss weighs all classes alike; 1 each until the classes are known.

    It is no part of a checkpoint: it follows from the spec and from what the run has learned of its data.
    """

    weight_V: Tensor

    def __init__(self, weights: ClassWeights | None, source: Logits | PixelLogits) -> None:
        super().__init__()
        self.asked = weights
        vocab = source.vocab if isinstance(source, Logits) else 0
        size = vocab if isinstance(vocab, int) else 0
        self.register_buffer("weight_V", torch.ones(size if weights is not None else 0), persistent=False)

    def forward(self) -> Tensor | None:
        return None if self.asked is None else self.weight_V

    def know_classes(self, names: Sequence[str], counts: Sequence[int] | None) -> None:
        """Raises ``DataError`` for a weight of what is no class."""
        if self.asked is None:
            return
        try:
            found = weights_of(self.asked, names, counts)
        except KeyError as error:
            shown = ", ".join(f"`{name}`" for name in names[:10]) + (", …" if len(names) > 10 else "")
            raise DataError(
                f"`class_weights` names `{error.args[0]}`, which is no label of the training split",
                help=f"its labels are {shown}",
            ) from None
        except LookupError:
            raise DataError(
                "the run has not kept how often each label occurs, which `balanced` weights follow from",
                help="write the weights out, or train a new run",
            ) from None
        self.weight_V.copy_(torch.tensor(found))
