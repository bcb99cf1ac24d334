"""Losses of adversarial training by hand, and their gradients with regard to images."""

import pytest
import torch

from seqspec.components.loss.gradient_penalty import GradientPenalty
from seqspec.components.loss.r1_penalty import R1Penalty
from seqspec.components.outputs import Contest
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.config import Mismatch
from seqspec.schema.types import CriticScores, Logits

REAL, MADE = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.5])
IMAGES = torch.zeros(2, 1, 2, 2)


def loss(name, side):
    config = Catalogue().config("loss", name)()
    criterion = Catalogue().module("loss", name)(config, CriticScores(side))
    given = Contest(REAL if side == "critic" else None, MADE, IMAGES, IMAGES, lambda x: x.sum((1, 2, 3)))
    return criterion(*given)


def log_sigmoid(x):
    return torch.log(1 / (1 + torch.exp(-torch.as_tensor(x))))


@pytest.mark.parametrize(
    ("name", "critic", "generator"),
    [
        ("hinge", 0 + 0.5 + 0 + 1.5, 3 - 0.5),
        ("least_squares", 1 + 0.25 + 9 + 0.25, 16 + 0.25),
        ("wasserstein", -3 + 0.5 - 2.5, 3 - 0.5),
        ("non_saturating",
         -float(log_sigmoid(2.0) + log_sigmoid(0.5) + log_sigmoid(3.0) + log_sigmoid(-0.5)),
         -float(log_sigmoid(-3.0) + log_sigmoid(0.5))),
    ],
)  # fmt: skip
def test_values_are_those_of_the_papers(name, critic, generator):
    assert float(loss(name, "critic").total) == pytest.approx(critic, abs=1e-5)
    assert float(loss(name, "generator").total) == pytest.approx(generator, abs=1e-5)
    assert int(loss(name, "critic").count) == 2


def test_penalties_are_those_of_a_critic_whose_gradient_is_known():
    weight = torch.tensor([3.0, 4.0])
    x = torch.randn(5, 1, 1, 2)
    given = Contest(None, x[:, 0, 0, 0], x, torch.randn_like(x), lambda x: (x[:, 0, 0] * weight).sum(1))

    penalty = GradientPenalty(Catalogue().config("loss", "gradient_penalty")(), CriticScores("critic"))(
        *given
    )
    r1 = R1Penalty(Catalogue().config("loss", "r1_penalty")(), CriticScores("critic"))(*given)

    assert float(penalty.total) == pytest.approx(5 * (5 - 1) ** 2, rel=1e-5)
    assert float(r1.total) == pytest.approx(5 * 0.5 * 25, rel=1e-5)


def test_penalties_move_the_critic_and_can_be_worked_out_in_evaluation():
    critic = torch.nn.Linear(4, 1)
    x = torch.randn(3, 1, 2, 2)
    given = Contest(None, x[:, 0, 0, 0], x, x + 1, lambda x: critic(x.flatten(1)).squeeze(1))
    penalty = GradientPenalty(Catalogue().config("loss", "gradient_penalty")(), CriticScores("critic"))

    penalty(*given).total.backward()
    with torch.inference_mode():
        evaluated = penalty(*given._replace(real_BCHW=x.clone(), generated_BCHW=x + 1))

    expected = 3 * (critic.weight.norm() - 1) ** 2
    assert critic.weight.grad is not None
    torch.testing.assert_close(evaluated.total, expected.detach())


def test_losses_refuse_what_they_cannot_read():
    with pytest.raises(Mismatch, match="the scores of a discriminator"):
        Catalogue().config("loss", "hinge")().output(Logits(4))
    with pytest.raises(Mismatch, match="of the critic alone"):
        Catalogue().config("loss", "r1_penalty")().output(CriticScores("generator"))
