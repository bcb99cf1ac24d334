"""A mixture of experts.

Pairs of a position and one of its experts are sorted by expert, stably, so that each expert's product runs
over the rows that are its own and nothing is worked out to be thrown away.
"""

# B batch, T time, D width, F inner width, E experts, K choices, M pairs that are kept, N batch times time

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from seqspec.components._layers.dropout import Dropout
from seqspec.components._layers.feed_forward import GATED, FeedForward, activate
from seqspec.components._layers.grouped import grouped_product
from seqspec.components._layers.routing import Routing, load
from seqspec.components._layers.tensor_parallel import Cut, Group, TensorPlan, own
from seqspec.schema.feed_forward.experts import ExpertsConfig
from seqspec.schema.types import States

SHOWN = 64
"""Experts of a layer whose load is written down one by one."""


class Experts(nn.Module):
    """Stands where ``FeedForward`` does.  ``gauges`` is what the last pass in training has seen."""

    kernel = 1
    group: Group | None = None
    """The processes that share the inner features of every expert."""

    def __init__(self, config: ExpertsConfig, source: States, parts: Callable[[str], Any]) -> None:
        super().__init__()
        assert config.has_layer(config.every - 1)  # Its layer is the last of every so many.
        assert config.inner_dim is not None
        assert config.activation is not None
        assert config.dropout is not None
        self.num_experts, self.activation = config.num_experts, config.activation
        self.router = parts("router")
        self.auxiliary: tuple[str, ...] = self.router.auxiliary
        wide = config.inner_dim * (2 if config.activation in GATED else 1)
        self.expand_EDF = _matrices(config.num_experts, source.dim, wide)
        self.contract_EFD = _matrices(config.num_experts, config.inner_dim, source.dim)
        self.dropout = Dropout(config.dropout)
        self.shared = _shared(config, source.dim) if config.shared_experts else None
        self.gauges: dict[str, tuple[Tensor, Tensor]] = {}
        self.load_E: Tensor | None = None
        """How often each expert was asked for since the last optimiser step, integers."""

    def tensor_plan(self) -> TensorPlan:
        """Each process has some of the inner features of every expert; all route alike."""
        pieces = 2 if self.activation in GATED else 1
        weights = {"expand_EDF": Cut(2, pieces), "contract_EFD": Cut(1)}
        return TensorPlan({}, counts={"inner_dim": self.contract_EFD.shape[1]}, weights=weights)

    def forward(
        self,
        x_BTD: Tensor,
        real_BT: Tensor | None = None,
        *,
        auxiliary: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """``auxiliary`` is handed the losses of balance, ``[B]`` each, added to what other layers gave.
        Padding goes to no expert and comes out as 0, but for what the shared experts make of it.
        """
        if real_BT is None:
            real_BT = torch.ones(x_BTD.shape[:2], dtype=torch.bool, device=x_BTD.device)
        routing: Routing = self.router(x_BTD, real_BT)
        if auxiliary is not None:
            for name, value_B in routing.losses.items():
                auxiliary[name] = auxiliary[name] + value_B if name in auxiliary else value_B
        if self.training:
            self._measure(routing, real_BT)
        given = self._routed(x_BTD, routing)
        return given if self.shared is None else given + self.shared(x_BTD)

    def step(self, x_ND: Tensor, before: None) -> tuple[Tensor, None]:
        """One position after another."""
        return self.forward(x_ND[:, None])[:, 0], None

    @property
    def watches(self) -> bool:
        """Whether what it does after a step depends on the micro-batches that it has seen."""
        return hasattr(self.router, "rebalance")

    def finish_step(self, *, step: int, moved: bool) -> None:
        """After optimiser step ``step``, from 1: balances the router by the load of the whole step, over all
        processes, unless the update was dropped.
        """
        load_E, self.load_E = self.load_E, None
        if load_E is None or not moved:
            return
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            load_E = load_E.clone()  # the journal has what this process measured, and adds it up itself
            torch.distributed.all_reduce(load_E)
        rebalance = getattr(self.router, "rebalance", None)
        if rebalance is not None:
            rebalance(load_E, step=step)

    def _routed(self, x_BTD: Tensor, routing: Routing) -> Tensor:
        num_choices = routing.chosen_BTK.shape[-1]
        expert = torch.where(routing.kept_BTK, routing.chosen_BTK, self.num_experts).flatten()
        counts_E = torch.bincount(expert, minlength=self.num_experts + 1)[: self.num_experts]
        pair_M = expert.argsort(stable=True)[: int(counts_E.sum())]
        row_M = pair_M // num_choices
        x_ND = x_BTD.flatten(0, 1)
        y_MD = self._apply_experts(x_ND.index_select(0, row_M), counts_E)
        weight_M = routing.weight_BTK.flatten().index_select(0, pair_M)
        y_MD = y_MD * weight_M[:, None].to(y_MD.dtype)
        return torch.zeros_like(x_ND, dtype=y_MD.dtype).index_add(0, row_M, y_MD).view_as(x_BTD)

    def _apply_experts(self, x_MD: Tensor, counts_E: Tensor) -> Tensor:
        expand_EDF, contract_EFD = own(self.expand_EDF), own(self.contract_EFD)
        if self.group is not None:
            x_MD = self.group.entered(x_MD)
        if torch.is_autocast_enabled(x_MD.device.type):  # which leaves grouped products alone
            dtype = torch.get_autocast_dtype(x_MD.device.type)
            x_MD, expand_EDF, contract_EFD = (one.to(dtype) for one in (x_MD, expand_EDF, contract_EFD))
        inner_MF = grouped_product(x_MD, expand_EDF, counts_E)
        inner_MF = activate(inner_MF, self.activation, product=True)
        given_MD = grouped_product(self._dropped(inner_MF), contract_EFD, counts_E)
        return given_MD if self.group is None else self.group.summed(given_MD)

    def _dropped(self, inner_MF: Tensor) -> Tensor:
        if self.group is None or not (self.training and self.dropout.p):
            return self.dropout(inner_MF)
        return self.group.dropout(inner_MF, self.dropout.p, dim=-1)

    @torch.no_grad()
    def _measure(self, routing: Routing, real_BT: Tensor) -> None:
        load_E = load(routing.chosen_BTK, routing.asked_BTK, self.num_experts).sum(0)
        self.load_E = load_E if self.load_E is None else self.load_E + load_E
        asked = routing.asked_BTK.sum()
        entropy = torch.special.entr(routing.probability_BTE).sum(-1)
        self.gauges = {
            "dropped": (asked - routing.kept_BTK.sum(), asked),
            "entropy": ((entropy * real_BT).sum(), real_BT.sum()),
        }
        if self.num_experts <= SHOWN:
            self.gauges |= {f"load.{expert:02}": (count, asked) for expert, count in enumerate(load_E)}


def _matrices(count: int, inputs: int, outputs: int) -> nn.Parameter:
    """Each with the initial values of a linear layer of its own."""
    weight = torch.empty(count, inputs, outputs)
    for matrix in weight:
        nn.init.xavier_uniform_(matrix)
    return nn.Parameter(weight)


def _shared(config: ExpertsConfig, dim: int) -> FeedForward:
    assert config.inner_dim is not None
    assert config.activation is not None
    assert config.dropout is not None
    return FeedForward(
        dim,
        inner=config.inner_dim * config.shared_experts,
        activation=config.activation,
        dropout=config.dropout,
        bias=False,
    )
