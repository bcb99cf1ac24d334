from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from seqspec.components.loss.distillation import Distillation
from seqspec.components.loss.state_distillation import StateDistillation
from seqspec.components.outputs import Aligned, Scored
from seqspec.schema.config import Mismatch
from seqspec.schema.loss.distillation import DistillationConfig
from seqspec.schema.loss.state_distillation import StateDistillationConfig
from seqspec.schema.types import Counted, Logits

LABELS = torch.tensor([[5, 4, 0], [6, 0, 0]])


def scored(seed, dim=4, vocab=7):
    torch.manual_seed(seed)
    return Scored(torch.randn(2, 3, dim), LABELS, nn.Linear(dim, vocab))


def criterion(**keys):
    return Distillation(DistillationConfig(teacher="big", **keys), Logits(7))


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_equals_the_divergence_of_torch_over_real_targets(temperature):
    ours, theirs = scored(0), scored(1, dim=6)
    found = criterion(temperature=temperature)(*ours[:3], teacher=theirs)

    logs = [functional.log_softmax(one.head(one.hidden) / temperature, -1) for one in (ours, theirs)]
    each = functional.kl_div(*logs, reduction="none", log_target=True).sum(-1)
    torch.testing.assert_close(found.total, temperature**2 * each[LABELS != 0].sum())
    assert found.count == 3


def test_temperature_keeps_the_size_of_gradients():
    """Hinton et al. (2015), section 2.1: with the squared temperature gradients tend to a limit."""
    ours, theirs = scored(0), scored(1)
    norms = []
    for temperature in (10.0, 100.0):
        hidden = ours.hidden.clone().requires_grad_()
        loss = criterion(temperature=temperature)(hidden, LABELS, ours.head, teacher=theirs)
        norms.append(torch.autograd.grad(loss.total, hidden)[0].norm().item())

    assert norms[0] == pytest.approx(norms[1], rel=0.1)


def test_the_teacher_has_no_gradient():
    ours, theirs = scored(0), scored(1)

    criterion()(*ours[:3], teacher=theirs).total.backward()

    assert ours.head.weight.grad.abs().sum() > 0
    assert theirs.head.weight.grad is None


def test_scores_at_states_are_a_mean_over_each_examples_states():
    torch.manual_seed(0)
    config = DistillationConfig(teacher="big")
    lengths, target = torch.tensor([4, 2]), torch.ones(2, 1, dtype=torch.int64)
    ours, theirs = (Aligned(torch.randn(2, 4, 5), lengths, target, lengths) for _ in range(2))
    loss = Distillation(config, Logits(5, blank=True))

    both = loss(*ours[:3], teacher=theirs)
    alone = [
        loss(ours.logits[i : i + 1, :n], lengths[i : i + 1], target, teacher=Aligned(
            theirs.logits[i : i + 1, :n], lengths[i : i + 1], target, lengths))
        for i, n in enumerate(lengths.tolist())
    ]  # fmt: skip

    assert both.count == 2
    torch.testing.assert_close(both.total, alone[0].total + alone[1].total)
    assert config.counts(Logits(5, blank=True)) == Counted("target", "examples")
    assert loss(*ours[:3], teacher=ours).total == 0


def test_classes_all_count():
    loss = Distillation(DistillationConfig(teacher="big"), Logits(3, stride=0))
    head = nn.Linear(4, 3)
    given = Scored(torch.randn(2, 4), torch.tensor([0, 2]), head)

    assert loss(*given[:3], teacher=given).count == 2


@pytest.mark.parametrize("distance", ["squared", "cosine"])
def test_states_are_compared_through_the_map(distance):
    ours, theirs = scored(0), scored(1, dim=6)
    config = StateDistillationConfig(teacher="big", dim=4, teacher_dim=6, distance=distance)
    loss = StateDistillation(config, Logits(7))
    found = loss(*ours[:3], teacher=theirs)

    real = LABELS != 0
    mapped = (ours.hidden @ loss.map.weight.T)[real]
    if distance == "cosine":
        expected = (1 - functional.cosine_similarity(mapped, theirs.hidden[real], dim=-1)).sum()
    else:
        expected = ((mapped - theirs.hidden[real]) ** 2).mean(-1).sum()
    torch.testing.assert_close(found.total, expected)
    assert found.count == 3


def test_what_has_no_single_distribution_is_refused():
    with pytest.raises(Mismatch):
        DistillationConfig(teacher="big").output(Logits(7, factored=True))
    with pytest.raises(Mismatch):
        StateDistillationConfig(teacher="big").output(Logits(7, blank=True))
