"""One tower and two; what is learned is what is predicted."""

from __future__ import annotations

from typing import Any

import torch

from seqspec.data.batching.batch import Batch, Field
from seqspec.schema.types import Frames, Pairs, Tokens, Type
from tests.components.building import build, infer

SAME: dict[str, Type] = {"source": Tokens(20), "target": Tokens(20)}
TRANSFORMER = {"type": "transformer", "num_layers": 1, "dim": 16, "num_heads": 2}
ONE: dict[str, Any] = {"type": "dual_encoder", "encoder": TRANSFORMER}
TWO: dict[str, Any] = {
    "type": "dual_encoder",
    "encoder": TRANSFORMER,
    "target_encoder": {"type": "bilstm", "num_layers": 1, "dim": 5},
    "projection": 8,
}


def pairs() -> Batch:
    x = torch.tensor([[4, 5, 6], [7, 8, 0]])
    y = torch.tensor([[9, 4], [5, 0]])
    return Batch.pair(x, torch.tensor([3, 2]), y, torch.tensor([2, 1]), torch.arange(2))


def test_one_tower_reads_both_sides_alike() -> None:
    model, gives, _ = build(ONE, SAME)
    assert gives == Pairs(16)
    model.eval()
    batch = pairs()
    twins = batch.with_fields(target=batch.fields["source"])
    found = model.outputs(twins)["pairs"]
    torch.testing.assert_close(found.source, found.target)
    assert found.negatives.shape == (0, 16)


def test_two_towers_meet_in_the_projection() -> None:
    model, gives, _ = build(TWO, {"source": Tokens(20), "target": Tokens(11)})
    assert gives == Pairs(8)
    found = model.outputs(pairs())["pairs"]
    assert found.source.shape == found.target.shape == (2, 8)


def test_frames_and_text_may_be_a_pair() -> None:
    model, _, _ = build(TWO, {"source": Frames(6), "target": Tokens(11)})
    batch = pairs().with_fields(source=Field(torch.randn(2, 9, 6), torch.tensor([9, 4])))
    assert model.outputs(batch)["pairs"].source.shape == (2, 8)


def test_hard_negatives_pass_through_the_tower_of_the_target() -> None:
    model, _, _ = build(ONE, {**SAME, "negative": Tokens(20)})
    batch = pairs()
    model.eval()
    batch = batch.with_fields(negative=batch.fields["target"])
    found = model.outputs(batch)["pairs"]
    torch.testing.assert_close(found.negatives, found.target)


def test_predictions_are_unit_vectors_of_each_side() -> None:
    model, _, _ = build(ONE, SAME)
    model.eval()
    batch = pairs()
    predicted = [one[0].values_D for one in model.decode(batch)]
    references = [one.values_D for one in model.references(batch)]
    cosines = [float(a @ b) for a, b in zip(predicted, references, strict=True)]
    torch.testing.assert_close(torch.tensor(cosines), model.score(batch).detach(), rtol=1e-5, atol=1e-6)


def faults_of(data: dict[str, Any], given: dict[str, Type]) -> str:
    _, faults, _, _ = infer(data, given)
    (fault,) = faults
    return fault


def test_mistakes_are_told_once() -> None:
    assert "one tower reads both sides" in faults_of(ONE, {"source": Tokens(20), "target": Tokens(11)})
    assert "has no target" in faults_of(ONE, {"source": Tokens(20)})
    apart = {**TWO, "projection": None}
    assert "vectors of 16 and 10" in faults_of(apart, {"source": Tokens(20), "target": Tokens(11)})
    assert "hard negatives are" in faults_of(ONE, {**SAME, "negative": Tokens(7)})
    without = {**ONE, "target_embedding": {"type": "lookup", "dim": 16}}
    assert "no embedding of its own" in faults_of(without, SAME)
