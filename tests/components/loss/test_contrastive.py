"""The contrastive loss against its formula, written out."""

from __future__ import annotations

import math

import pytest
import torch

from seqspec.components.loss.contrastive import Contrastive
from seqspec.schema.config import Mismatch
from seqspec.schema.loss.contrastive import ContrastiveConfig
from seqspec.schema.types import Logits, Pairs

X = torch.tensor([[1.0, 0.0, 2.0], [0.5, 1.0, 0.0], [-1.0, 3.0, 1.0]])
Y = torch.tensor([[0.9, 0.1, 1.0], [0.0, 1.0, 0.2], [1.0, 2.0, -1.0]])
Z = torch.tensor([[1.0, 1.0, 1.0]])
NONE = Z[:0]


def by_hand(x: torch.Tensor, candidates: torch.Tensor, *, scale: float, cosine: bool) -> float:
    total = 0.0
    for number, row in enumerate(x.tolist()):
        scores = []
        for other in candidates.tolist():
            dot = sum(a * b for a, b in zip(row, other, strict=True))
            size = math.hypot(*row) * math.hypot(*other) if cosine else 1.0
            scores.append(scale * dot / size)
        total += math.log(sum(math.exp(one) for one in scores)) - scores[number]
    return total


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_it_is_the_cross_entropy_of_the_right_target(similarity: str) -> None:
    config = ContrastiveConfig(similarity=similarity, scale=3.0)
    loss = Contrastive(config, Pairs(3))(X, Y, Z)
    expected = by_hand(X, torch.cat([Y, Z]), scale=3.0, cosine=similarity == "cosine")
    assert abs(float(loss.total) - expected) < 1e-5
    assert int(loss.count) == 3


def test_symmetric_takes_the_mean_of_both_directions() -> None:
    loss = Contrastive(ContrastiveConfig(symmetric=True), Pairs(3))(X, Y, NONE)
    there, back = (by_hand(a, b, scale=20.0, cosine=True) for a, b in ((X, Y), (Y, X)))
    assert abs(float(loss.total) - (there + back) / 2) < 1e-4


def test_matryoshka_averages_over_the_widths() -> None:
    loss = Contrastive(ContrastiveConfig(matryoshka=[2]), Pairs(3))(X, Y, NONE)
    narrow = by_hand(X[:, :2], Y[:, :2], scale=20.0, cosine=True)
    full = by_hand(X, Y, scale=20.0, cosine=True)
    assert abs(float(loss.total) - (narrow + full) / 2) < 1e-4


def test_correct_counts_sources_that_find_their_own() -> None:
    assert int(Contrastive(ContrastiveConfig(), Pairs(3))(X, X, NONE).terms["correct"]) == 3
    assert int(Contrastive(ContrastiveConfig(), Pairs(3))(X, X.roll(1, 0), NONE).terms["correct"]) == 0


def test_it_refuses_what_is_no_pair() -> None:
    with pytest.raises(Mismatch, match="compares the vectors of pairs"):
        ContrastiveConfig().output(Logits(5))
    with pytest.raises(Mismatch, match="first 8 are no part"):
        ContrastiveConfig(matryoshka=[8]).output(Pairs(8))


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_half_precision_compares_in_float32(half: torch.dtype) -> None:
    criterion = Contrastive(ContrastiveConfig(), Pairs(3))
    x_BD = X.clone().requires_grad_()

    with torch.autocast("cpu", half):
        loss = criterion(x_BD, Y, NONE)
    (loss.total * 2.0**16).backward()

    assert torch.equal(loss.total, criterion(X, Y, NONE).total)
    assert x_BD.grad is not None
    assert x_BD.grad.isfinite().all()
