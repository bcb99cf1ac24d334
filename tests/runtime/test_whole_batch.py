"""Losses that compare the examples of a batch: the micro-batches of a step change nothing."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from seqspec.components.loss.contrastive import Contrastive
from seqspec.components.losses import Losses, NamedLoss
from seqspec.components.outputs import Paired, Term
from seqspec.data.batching.batch import Batch
from seqspec.runtime.training.losses.whole_batch import WholeBatch
from seqspec.schema.loss.contrastive import ContrastiveConfig
from seqspec.schema.types import Pairs

PAIRS, DIM = 12, 6


class Learning(NamedTuple):
    model: nn.Module
    losses: Losses


class Towers(nn.Module):
    """Two linear towers with dropout, and a term of their own."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.source, self.target = nn.Linear(4, DIM), nn.Linear(4, DIM)
        self.drop = nn.Dropout(0.3)

    def outputs(self, batch: Batch, *, only: frozenset[str] | None = None) -> dict[str, object]:
        source, target = self.drop(self.source(batch.source)), self.target(batch.target)
        count = torch.tensor(len(source))
        pairs = Paired(source, target, self.target(batch.target[:1] * 0.5))
        return {"pairs": pairs, "norm": Term(source.square().sum(), count)}


def batches(micro_batches: int) -> list[Batch]:
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.randn(PAIRS, 4, generator=generator) for _ in range(2))
    size = PAIRS // micro_batches
    return [
        Batch.pair(
            x[i : i + size], None, y[i : i + size], None, torch.arange(i, i + size), i, PAIRS / micro_batches
        )
        for i in range(0, PAIRS, size)
    ]


def losses(*, norm: bool) -> Losses:
    named = {"pairs": NamedLoss("pairs", Contrastive(ContrastiveConfig(symmetric=True), Pairs(DIM)))}
    if norm:
        named["norm"] = NamedLoss("norm", None, lambda step: 0.1)
    return Losses(named, last_step=1)


def trained(
    micro_batches: int, *, norm: bool, training: bool = False
) -> tuple[list[torch.Tensor], float, float]:
    """Gradients after one update, and the reported total and count."""
    model = Towers().train(training)
    whole = WholeBatch(
        Learning(model, losses(norm=norm)),
        micro_batches=micro_batches,
        seeded=lambda batch: torch.manual_seed(batch.step),
    )
    told = None
    for batch in batches(micro_batches):
        assert told is None
        told = whole.objective(batch, names=None, step=1)
    assert told is not None
    (told.objective / micro_batches).backward()
    return [p.grad for p in model.parameters() if p.grad is not None], float(told.total), float(told.count)


def plain(*, norm: bool) -> tuple[list[torch.Tensor], float]:
    model = Towers().eval()
    (batch,) = batches(1)
    told = losses(norm=norm)(model, batch, step=1)
    told.objective.backward()
    return [p.grad for p in model.parameters() if p.grad is not None], float(told.total.detach())


def test_one_micro_batch_is_the_plain_loss() -> None:
    for norm in (False, True):
        found, total, count = trained(1, norm=norm)
        expected, whole = plain(norm=norm)
        assert count == PAIRS
        assert abs(total - whole) < 1e-4
        for x, y in zip(found, expected, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-6)


class NoNegatives(Towers):
    def outputs(self, batch: Batch, *, only: frozenset[str] | None = None) -> dict[str, object]:
        found = super().outputs(batch, only=only)
        return {**found, "pairs": found["pairs"]._replace(negatives=torch.zeros(0, DIM))}  # type: ignore[attr-defined]


def test_micro_batches_do_not_change_what_is_compared() -> None:
    results = []
    for micro_batches in (1, 3, 4):
        model = NoNegatives().eval()
        whole = WholeBatch(
            Learning(model, losses(norm=True)), micro_batches=micro_batches, seeded=lambda batch: None
        )
        told = [whole.objective(batch, names=None, step=1) for batch in batches(micro_batches)][-1]
        assert told is not None
        (told.objective / micro_batches).backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        results.append((gradients, float(told.total), float(told.count), float(told.terms["correct"])))
    for gradients, total, count, correct in results[1:]:
        assert (count, correct) == results[0][2:]
        assert abs(total - results[0][1]) < 1e-4
        for x, y in zip(gradients, results[0][0], strict=True):
            torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-6)


def test_both_passes_drop_the_same_units() -> None:
    """The gradient is that of the loss whose value is told: checked by finite differences."""
    found, _, _ = trained(3, norm=True, training=True)
    model = Towers().train()

    def loss() -> float:
        whole = WholeBatch(
            Learning(model, losses(norm=True)),
            micro_batches=3,
            seeded=lambda batch: torch.manual_seed(batch.step),
        )
        told = [whole.objective(batch, names=None, step=1) for batch in batches(3)][-1]
        assert told is not None
        return float(told.total.double()) / PAIRS

    weight = model.source.weight
    epsilon = 1e-2
    with torch.no_grad():
        weight[1, 2] += epsilon
    above = loss()
    with torch.no_grad():
        weight[1, 2] -= 2 * epsilon
    below = loss()
    slope = (above - below) / (2 * epsilon)
    assert abs(slope - float(found[0][1, 2])) < 2e-3 * max(1.0, abs(slope))


def test_a_micro_batch_without_an_example_of_its_own_adds_nothing() -> None:
    model = NoNegatives().eval()
    (batch,) = batches(1)
    empty = batch.map(lambda x: x[:1])._replace(step=99, loss_normalizers={"loss": float("inf")})
    half = batch._replace(loss_normalizers={"loss": PAIRS / 2})
    whole = WholeBatch(Learning(model, losses(norm=False)), micro_batches=2, seeded=lambda batch: None)
    assert whole.objective(half, names=None, step=1) is None
    told = whole.objective(empty, names=None, step=1)
    assert told is not None
    (told.objective / 2).backward()
    expected, _ = plain_without_negatives()
    for x, y in zip([p.grad for p in model.parameters() if p.grad is not None], expected, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-6)


def plain_without_negatives() -> tuple[list[torch.Tensor], float]:
    model = NoNegatives().eval()
    (batch,) = batches(1)
    told = losses(norm=False)(model, batch, step=1)
    told.objective.backward()
    return [p.grad for p in model.parameters() if p.grad is not None], float(told.total.detach())


def test_gradients_are_worked_out_outside_autocast() -> None:
    """Scaled for float16 those of the outputs would leave it."""
    model = Towers().eval()
    whole = WholeBatch(
        Learning(model, losses(norm=False)), micro_batches=3, seeded=lambda batch: None, scale=lambda: 2.0**24
    )

    with torch.autocast("cpu", torch.float16):
        told = [whole.objective(batch, names=None, step=1) for batch in batches(3)][-1]

    assert told is not None
    assert bool(told.objective.isfinite())
