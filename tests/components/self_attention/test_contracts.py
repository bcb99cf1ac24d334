"""What stands in place of full self-attention, over the folder listing: a new file is tested the moment it exists."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from seqspec.schema.types import States
from tests.components.contracts import CATALOGUE, Built, planned, smallest
from tests.components.contracts import built as build

torch.set_num_threads(1)

NAMES = CATALOGUE.names("self_attention")
WIDTH, LONG, SHORT = 24, 45, 29
"""Lengths that no block divides."""
TOLERANCE: dict[str, Any] = {"atol": 1e-5, "rtol": 1e-5}


@cache
def takes(name: str, *, causal: bool) -> bool:
    return planned("self_attention", name, (States(WIDTH, causal=causal),)) is not None


CAUSAL = [name for name in NAMES if takes(name, causal=True)]
BOTH_WAYS = [name for name in NAMES if takes(name, causal=False)]


def built(name: str, *, causal: bool) -> Built:
    part = build("self_attention", name, (States(WIDTH, causal=causal),))
    part.module.eval()
    return part


def states(size: int = LONG, *, rows: int = 2, seed: int = 2) -> Tensor:
    return torch.randn(rows, size, WIDTH, generator=torch.Generator().manual_seed(seed))


def test_every_attention_reads_one_way_or_both():
    assert set(CAUSAL) | set(BOTH_WAYS) == set(NAMES)


@pytest.mark.parametrize("name", CAUSAL)
def test_the_future_changes_nothing(name: str) -> None:
    module = built(name, causal=True).module
    x_BTD = states()
    later_BTD = x_BTD.clone()
    later_BTD[:, 20:] = 8 * states(seed=3)[:, 20:]
    with torch.no_grad():
        expected, found = module(x_BTD), module(later_BTD)
    assert expected.shape == x_BTD.shape
    torch.testing.assert_close(found[:, :20], expected[:, :20], **TOLERANCE)
    assert not torch.allclose(found[:, 20:], expected[:, 20:], atol=1e-2)


@pytest.mark.parametrize("name", CAUSAL)
def test_steps_are_what_is_read_at_once(name: str) -> None:
    module = built(name, causal=True).module
    x_BTD = states(rows=3)
    with torch.no_grad():
        expected = module(x_BTD)
        state = module.no_past(examples=3)
        for place in range(LONG):
            y_ND, state = module.step(x_BTD[:, place], state, position=place)
            torch.testing.assert_close(y_ND, expected[:, place], **TOLERANCE)
            if place == 20:
                state = state.select(torch.tensor([2, 0, 0]))
                x_BTD, expected = x_BTD[[2, 0, 0]], expected[[2, 0, 0]]


FAR = 10_000


def span(name: str) -> float:
    config = CATALOGUE.config("self_attention", name)
    given: float = config.model_validate(smallest("self_attention", name), context=CATALOGUE).span(
        FAR, dim=WIDTH
    )
    return given


BOUNDED = [name for name in CAUSAL if span(name) < FAR]
"""Those that do not compare a query with all before it."""


@pytest.mark.parametrize("name", BOUNDED)
def test_a_cache_stops_growing(name: str) -> None:
    module = built(name, causal=True).module
    sizes = []
    with torch.no_grad():
        state = module.no_past(examples=1)
        for place in range(200):
            _, state = module.step(torch.randn(1, WIDTH), state, position=place)
            sizes.append(sum(x.numel() for x in tensors(state)))
    assert max(sizes[100:]) <= max(sizes[:100])


def tensors(state: Any) -> list[Tensor]:
    if isinstance(state, Tensor):
        return [state]
    return [tensor for part in state for tensor in tensors(part)] if isinstance(state, tuple) else []


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_padding_changes_nothing_before_it(name: str) -> None:
    module = built(name, causal=False).module
    x_BTD = states()
    real_BT = torch.arange(LONG) < torch.tensor([LONG, SHORT])[:, None]
    with torch.no_grad():
        alone = module(x_BTD[1:, :SHORT], real_BT=real_BT[1:, :SHORT])
        for beyond in (torch.tensor(0.0), torch.tensor(100.0), states(seed=3)[1, SHORT:]):
            x_BTD[1, SHORT:] = beyond
            found = module(x_BTD, real_BT=real_BT)
            assert found.isfinite().all()
            torch.testing.assert_close(found[1:, :SHORT], alone, **TOLERANCE)
        leaking = module(x_BTD)[1:, :SHORT]
    assert not torch.allclose(leaking, alone, atol=1e-3)


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_an_empty_row_gives_numbers(name: str) -> None:
    module = built(name, causal=False).module
    x_BTD = states().requires_grad_()
    real_BT = torch.tensor([[True] * LONG, [False] * LONG])
    found = module(x_BTD, real_BT=real_BT)
    found.sum().backward()
    assert found.isfinite().all()
    assert x_BTD.grad is not None
    assert x_BTD.grad.isfinite().all()


@pytest.mark.parametrize(("name", "causal"), [(n, True) for n in CAUSAL] + [(n, False) for n in BOTH_WAYS])
def test_gradients_reach_every_parameter(name: str, causal: bool) -> None:
    part = built(name, causal=causal)
    part.module.train()
    beside: dict[str, Tensor] = {}
    more = {"auxiliary": beside} if part.auxiliary else {}
    given = part.module(states(), real_BT=torch.ones(2, LONG, dtype=torch.bool), **more)
    ((given * torch.randn_like(given)).sum() + sum(x.sum() for x in beside.values())).backward()
    without = [
        key for key, p in part.module.named_parameters() if p.grad is None or not p.grad.isfinite().all()
    ]
    assert without == []


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(name: str) -> None:
    causal = name in CAUSAL
    one, other = (built(name, causal=causal).module for _ in range(2))
    x_BTD = states()
    with torch.no_grad():
        torch.testing.assert_close(one(x_BTD), other(x_BTD), rtol=0, atol=0)
