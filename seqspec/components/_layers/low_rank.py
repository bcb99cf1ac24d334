"""What stands beside a linear layer whose own weight stands still: a product of two thin matrices."""

# I inputs, O outputs, R rank

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.linear import LOW_RANK, Linear
from seqspec.components._layers.tensor_parallel import Columns, Cut, Rows, Split, own

_BY_REFERENCE = "by_reference"
"""Attribute of a parameter that a checkpoint does not hold."""


class LowRank(nn.Module):
    """Hu et al. (2022), section 4.1; with ``length_O`` Liu et al. (2024), equations 5 and 11, where the
    length of the rows is a constant to the gradient (section 4.3).
    """

    def __init__(
        self, layer: Linear, *, rank: int, scaling: float, dropout: float, with_length: bool
    ) -> None:
        super().__init__()
        weight = layer.weight
        self.scaling = scaling
        self.dropout = Dropout(dropout)
        self.down_RI = nn.Parameter(weight.new_empty(rank, weight.shape[1]))
        self.up_OR = nn.Parameter(weight.new_zeros(weight.shape[0], rank))
        nn.init.kaiming_uniform_(self.down_RI, a=math.sqrt(5))
        self.length_O = nn.Parameter(weight.detach().norm(dim=1)) if with_length else None

    def forward(self, x: Tensor, given: Tensor, layer: Linear) -> Tensor:
        """What the layer gives with the product, where it gives ``given`` of ``x`` alone."""
        if layer.split is not None:
            return given + self._shared(x, layer.split)
        dropped = self.dropout(x)
        added = functional.linear(functional.linear(dropped, self.down_RI), self.up_OR) * self.scaling
        if self.length_O is None:
            return given + added
        size_O = self.length_O / (layer.weight + self.product()).norm(dim=1).detach()
        if self.training and self.dropout.p:
            alone = functional.linear(dropped, layer.weight)
            return given + (size_O - 1) * alone + size_O * added
        alone = given if layer.bias is None else given - layer.bias
        return given + (size_O - 1) * alone + size_O * added

    def cuts(self, how: Columns | Rows) -> dict[str, Cut] | None:
        """What is split where the layer beside it is; ``None`` where lengths need whole rows."""
        if self.length_O is not None:
            return None
        return {"up_OR": Cut(0, how.pieces)} if isinstance(how, Columns) else {"down_RI": Cut(1)}

    def _shared(self, x: Tensor, split: Split) -> Tensor:
        """Of columns ``x`` is whole, of rows a part; the few numbers between the matrices are whole."""
        if isinstance(split.how, Columns):
            thin = split.group.entered(functional.linear(self.dropout(x), self.down_RI))
            return functional.linear(thin, own(self.up_OR)) * self.scaling
        if self.training and self.dropout.p:
            x = split.group.dropout(x, self.dropout.p, dim=-1)
        thin = split.group.summed(functional.linear(x, own(self.down_RI)))
        return functional.linear(thin, self.up_OR) * self.scaling

    def product(self) -> Tensor:
        """``[O, I]``: what is added to the weight, before lengths."""
        return self.up_OR @ self.down_RI * self.scaling

    @torch.no_grad()
    def start_at(self, weight_OI: Tensor) -> None:
        """The weight was put in place after this was made: lengths are those of its rows."""
        if self.length_O is not None:
            self.length_O.copy_((weight_OI + self.product()).norm(dim=1))

    def merged(self, weight_OI: Tensor) -> Tensor:
        """One weight that gives the same."""
        whole = weight_OI + self.product()
        return whole if self.length_O is None else whole * (self.length_O / whole.norm(dim=1))[:, None]


def hold_by_reference(parameter: nn.Parameter) -> None:
    """The parameter stands still and lies in a folder that the lock names: checkpoints leave it out."""
    setattr(parameter, _BY_REFERENCE, True)


def is_by_reference(tensor: Tensor) -> bool:
    """Whether checkpoints leave a tensor out."""
    return bool(getattr(tensor, _BY_REFERENCE, False))


def adapted(module: nn.Module) -> Iterator[tuple[str, Linear, LowRank]]:
    """The linear layers of a module that something of low rank stands beside, by name."""
    for name, layer in module.named_modules():
        held = layer._modules.get(LOW_RANK) if isinstance(layer, Linear) else None
        if isinstance(layer, Linear) and isinstance(held, LowRank):
            yield name, layer, held


@torch.no_grad()
def merge(module: nn.Module) -> dict[str, tuple[Tensor, LowRank]]:
    """Put every product into its weight; gives what ``unmerge`` needs."""
    kept = {}
    for name, layer, held in list(adapted(module)):
        kept[name] = (layer.weight.detach().clone(), held)
        layer.weight.copy_(held.merged(layer.weight))
        del layer._modules[LOW_RANK]
    return kept


@torch.no_grad()
def unmerge(module: nn.Module, kept: dict[str, tuple[Tensor, LowRank]]) -> None:
    """Every weight as it was, to the bit, and its product beside it."""
    for name, (weight, held) in kept.items():
        layer = module.get_submodule(name)
        assert isinstance(layer, Linear)
        layer.weight.copy_(weight)
        layer.add_module(LOW_RANK, held)
