"""Weights of classes and the focal loss, against torch's own cross entropy."""

import pytest
import torch
from torch.nn import functional

from seqspec.components.head.linear import Linear
from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.components.loss.focal import Focal
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.head.linear import LinearConfig
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.loss.focal import FocalConfig
from seqspec.schema.types import Classes, Logits, Vector

NAMES, COUNTS = ("cat", "dog", "owl"), (6, 3, 1)
LABELS = Logits(3, stride=0)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    head = Linear(LinearConfig(), {"hidden": Vector(4), "target": Classes(3)})
    return torch.randn(8, 4, requires_grad=True), torch.tensor([0, 1, 2, 0, 0, 1, 2, 2]), head


def known(loss):
    loss.know_classes(NAMES, COUNTS)
    return loss


def test_weighted_cross_entropy_is_torchs_sum(batch):
    hidden, labels, head = batch
    loss = known(CrossEntropy(CrossEntropyConfig(class_weights={"owl": 3.0, "dog": 0.5}), LABELS))

    found = loss(hidden, labels, head)
    (slope,) = torch.autograd.grad(found.total, hidden)

    weight = torch.tensor([1.0, 0.5, 3.0])
    expected = functional.cross_entropy(head(hidden), labels, weight=weight, reduction="sum")
    torch.testing.assert_close(found.total, expected)
    torch.testing.assert_close(slope, torch.autograd.grad(expected, hidden)[0])
    assert found.count == 8
    plain = functional.cross_entropy(head(hidden), labels, reduction="sum")
    torch.testing.assert_close(found.terms["nll"], plain.detach())


def test_balanced_weights_have_mean_one_over_the_training_split():
    loss = known(CrossEntropy(CrossEntropyConfig(class_weights="balanced"), LABELS))

    weight = loss.weights().tolist()

    assert weight == pytest.approx([10 / 18, 10 / 9, 10 / 3])
    assert sum(w * n for w, n in zip(weight, COUNTS, strict=True)) == pytest.approx(10)


def test_focal_without_focus_is_cross_entropy(batch):
    focal, plain = Focal(FocalConfig(gamma=0.0), LABELS), CrossEntropy(CrossEntropyConfig(), LABELS)

    torch.testing.assert_close(focal(*batch).total, plain(*batch).total)


def test_focal_is_equation_4_with_alpha(batch):
    hidden, labels, head = batch
    loss = known(Focal(FocalConfig(class_weights={"owl": 3.0}), LABELS))

    found = loss(hidden, labels, head)

    p = head(hidden).softmax(-1).gather(1, labels[:, None]).squeeze(1)
    alpha = torch.tensor([1.0, 1.0, 3.0])[labels]
    torch.testing.assert_close(found.total, (-alpha * (1 - p) ** 2 * p.log()).sum())


def test_focal_has_a_finite_slope_where_the_target_is_certain(batch):
    _, _, head = batch
    sure = functional.one_hot(torch.zeros(8, dtype=torch.int64), 4).float() * 1e4
    sure.requires_grad_()
    head.weight_VD.data[:] = torch.eye(3, 4)

    Focal(FocalConfig(gamma=0.5), LABELS)(sure, torch.zeros(8, dtype=torch.int64), head).total.backward()

    assert sure.grad.isfinite().all()


def test_padding_counts_nothing_in_a_focal_loss_of_tokens(batch):
    hidden, labels, head = batch
    found = Focal(FocalConfig(), Logits(3, stride=1))(hidden, labels, head)

    assert found.count == 5


def test_a_weight_of_no_label_is_told_with_the_labels():
    loss = CrossEntropy(CrossEntropyConfig(class_weights={"cow": 2.0}), LABELS)

    with pytest.raises(DataError, match="`cow`") as caught:
        known(loss)

    assert "`owl`" in caught.value.help


def test_weights_are_for_labels():
    with pytest.raises(Mismatch, match="a token"):
        CrossEntropyConfig(class_weights="balanced").output(Logits(3, stride=1))


def test_weights_are_no_part_of_a_checkpoint():
    assert not CrossEntropy(CrossEntropyConfig(class_weights="balanced"), LABELS).state_dict()
