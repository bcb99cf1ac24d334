"""Routers as they are built in a layer of experts."""

from __future__ import annotations

import torch

from seqspec.schema.catalogue import Catalogue
from seqspec.schema.types import States


def router(name, *, dim=8, num_experts=4, causal=False, seed=0, **keys):
    """A built router with random scores."""
    catalogue = Catalogue()
    config = catalogue.config("router", name).model_validate(
        {"num_experts": num_experts, **keys}, context=catalogue
    )
    torch.manual_seed(seed)
    built = catalogue.module("router", name)(config, States(dim, causal=causal))
    torch.nn.init.normal_(built.scores.weight_ED)
    return built


def mask(*lengths, size=None):
    """Which positions are real."""
    return torch.arange(size or max(lengths)) < torch.tensor(lengths)[:, None]


def states(batch, time, dim=8, *, seed=1):
    """Random states."""
    return torch.randn(batch, time, dim, generator=torch.Generator().manual_seed(seed))
