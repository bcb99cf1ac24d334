import math

import pytest
import torch

from seqspec.components.head.adaptive_softmax import AdaptiveSoftmax
from seqspec.components.head.linear import Linear
from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.components.loss.sampled_softmax import SampledSoftmax, draw, log_expected
from seqspec.schema.config import Mismatch
from seqspec.schema.head.adaptive_softmax import AdaptiveSoftmaxConfig
from seqspec.schema.head.linear import LinearConfig
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.loss.sampled_softmax import SampledSoftmaxConfig
from seqspec.schema.types import Logits, States, Tokens

torch.set_num_threads(1)

TAKES = {"hidden": States(6), "target": Tokens(30)}


def test_adaptive_softmax_is_a_distribution_and_its_loss_agrees():
    torch.manual_seed(0)
    head = AdaptiveSoftmax(AdaptiveSoftmaxConfig(cutoffs=[8, 16], shrink=2.0), TAKES)
    hidden, labels = torch.randn(2, 3, 6), torch.tensor([[4, 9, 3], [20, 3, 0]])
    log_p = head(hidden)
    loss = CrossEntropy(CrossEntropyConfig(), Logits(30, factored=True))(hidden, labels, head)

    torch.testing.assert_close(log_p.exp().sum(-1), torch.ones(2, 3))
    expected = -log_p.gather(-1, labels[..., None]).squeeze(-1)[labels != 0].sum()
    torch.testing.assert_close(loss.total, expected)
    assert loss.count == 5


def test_adaptive_softmax_refuses_what_it_cannot_do():
    with pytest.raises(Mismatch, match="do not rise"):
        AdaptiveSoftmaxConfig(cutoffs=[9, 4]).output(TAKES)
    with pytest.raises(Mismatch, match="would begin at id 30"):
        AdaptiveSoftmaxConfig(cutoffs=[30]).output(TAKES)
    with pytest.raises(Mismatch, match="`label_smoothing`"):
        CrossEntropyConfig(label_smoothing=0.1).output(Logits(30, factored=True))
    with pytest.raises(Mismatch, match="plain linear head"):
        SampledSoftmaxConfig().output(Logits(30, factored=True))


def test_draws_follow_the_distribution_that_corrects_them():
    torch.manual_seed(0)
    drawn = torch.bincount(draw(200_000, 50, device=torch.device("cpu")), minlength=50).double()
    expected = log_expected(torch.arange(50), 50, 200_000).double().exp()

    assert expected.sum() == pytest.approx(200_000)
    assert ((drawn - expected) ** 2 / expected).sum() < 49 + 5 * math.sqrt(2 * 49)


def test_sampled_loss_nears_the_exact_one_as_samples_grow():
    torch.manual_seed(0)
    head = Linear(LinearConfig(), TAKES)
    hidden, labels = torch.randn(1, 40, 6), torch.randint(4, 30, (1, 40))
    exact = CrossEntropy(CrossEntropyConfig(), Logits(30))(hidden, labels, head).total

    def gap(count):
        loss = SampledSoftmax(SampledSoftmaxConfig(num_samples=count), Logits(30))
        return abs(sum(loss(hidden, labels, head).total for _ in range(20)) / 20 - exact).item()

    assert gap(4000) < 0.02 * exact
    assert gap(4000) < gap(8)


def test_sampled_loss_is_exact_in_evaluation_and_blind_to_padding():
    torch.manual_seed(0)
    head = Linear(LinearConfig(), TAKES)
    hidden, labels = torch.randn(1, 4, 6), torch.tensor([[5, 6, 3, 0]])
    loss = SampledSoftmax(SampledSoftmaxConfig(num_samples=64), Logits(30))
    with torch.no_grad():
        exact = CrossEntropy(CrossEntropyConfig(), Logits(30))(hidden, labels, head)
        torch.testing.assert_close(loss(hidden, labels, head).total, exact.total)
    hidden.requires_grad_()
    loss(hidden, labels, head).total.backward()

    assert hidden.grad[0, 3].abs().max() == 0
    assert hidden.grad[0, :3].abs().min() > 0
