import pytest
import torch
from torch.nn import functional

from seqspec.components._layers.linear import affine
from seqspec.components._layers.linear_cross_entropy import linear_cross_entropy, log_probabilities
from seqspec.components.head.linear import Linear
from seqspec.schema.head.linear import LinearConfig
from seqspec.schema.types import States, Tokens

torch.set_num_threads(1)


def inputs(rows=37, dim=6, vocab=13, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, dim, generator=generator, dtype=torch.double)
    weight = torch.randn(vocab, dim, generator=generator, dtype=torch.double)
    bias = torch.randn(vocab, generator=generator, dtype=torch.double)
    target = torch.randint(0, vocab, (rows,), generator=generator)
    return [x.float().requires_grad_() for x in (hidden, weight, bias)], target


def plain(hidden, weight, bias, target, *, smoothing, z_loss):
    logits = functional.linear(hidden, weight, bias)[target != 0]
    loss = functional.cross_entropy(logits, target[target != 0], label_smoothing=smoothing, reduction="sum")
    return loss + z_loss * logits.logsumexp(1).square().sum()


@pytest.mark.parametrize(("smoothing", "z_loss"), [(0.0, 0.0), (0.1, 0.0), (0.0, 1e-2), (0.2, 1e-2)])
@pytest.mark.parametrize("chunk", [5, 37, 100])
def test_equals_torch_in_value_and_every_gradient(smoothing, z_loss, chunk):
    (hidden, weight, bias), target = inputs()
    sums = linear_cross_entropy(
        hidden, weight, bias, target, label_smoothing=smoothing, z_loss=z_loss, chunk=chunk
    )
    (sums.total * 3).backward()
    mine = [x.grad.clone() for x in (hidden, weight, bias)]
    for x in (hidden, weight, bias):
        x.grad = None
    expected = plain(hidden, weight, bias, target, smoothing=smoothing, z_loss=z_loss)
    (expected * 3).backward()

    torch.testing.assert_close(sums.total, expected, rtol=1e-5, atol=1e-5)
    for got, x in zip(mine, (hidden, weight, bias), strict=True):
        torch.testing.assert_close(got, x.grad, rtol=1e-4, atol=1e-5)


def test_counts_and_plain_likelihood_in_evaluation():
    (hidden, weight, bias), target = inputs()
    with torch.no_grad():
        sums = linear_cross_entropy(hidden, weight, bias, target, label_smoothing=0.1)
        logits = functional.linear(hidden, weight, bias)

    real = target != 0
    assert sums.correct == (logits.argmax(1) == target)[real].sum()
    expected = functional.cross_entropy(logits[real], target[real], reduction="sum")
    torch.testing.assert_close(sums.nll, expected, rtol=1e-5, atol=1e-5)


def test_works_without_a_bias_and_without_a_weight_that_learns():
    (hidden, weight, _), target = inputs()
    sums = linear_cross_entropy(hidden, weight.detach(), None, target)
    sums.total.backward()

    assert hidden.grad is not None


def test_no_rows_cost_nothing():
    sums = linear_cross_entropy(
        torch.zeros(0, 4, requires_grad=True), torch.zeros(9, 4), None, torch.zeros(0).long()
    )
    sums.total.backward()

    assert sums.total == 0


def test_extreme_logits_stay_finite():
    hidden = torch.full((3, 2), 1e4, requires_grad=True)
    weight = torch.tensor([[0.0, 0.0], [1.0, 1.0], [-1.0, -1.0]])
    sums = linear_cross_entropy(hidden, weight, None, torch.tensor([1, 2, 1]))
    sums.total.backward()

    assert torch.isfinite(sums.total)
    assert torch.isfinite(hidden.grad).all()


def test_only_a_chunk_of_logits_exists_at_a_time(monkeypatch):
    hidden, weight = torch.randn(4096, 8), torch.randn(1000, 8, requires_grad=True)
    sizes = []

    def spy(*args):
        given = affine(*args)
        sizes.append(given.shape)
        return given

    monkeypatch.setattr("seqspec.components._layers.linear_cross_entropy.affine", spy)
    linear_cross_entropy(hidden, weight, None, torch.randint(1, 1000, (4096,)))

    assert max(rows for rows, _ in sizes) <= 256
    assert len(sizes) == 16


def test_bfloat16_autocast_stays_near():
    (hidden, weight, bias), target = inputs(rows=64)
    exact = linear_cross_entropy(hidden, weight, bias, target).total
    with torch.autocast("cpu", torch.bfloat16):
        near = linear_cross_entropy(hidden, weight, bias, target)
    near.total.backward()

    torch.testing.assert_close(near.total, exact, rtol=2e-2, atol=0.5)
    assert weight.grad.dtype == torch.float32


def test_log_probabilities_match_a_plain_softmax():
    head = Linear(LinearConfig(), {"hidden": States(6), "target": Tokens(13)})
    hidden, labels = torch.randn(2, 3, 6), torch.tensor([[4, 5, 3], [7, 3, 0]])
    expected = torch.log_softmax(head(hidden), -1).gather(-1, labels[..., None]).squeeze(-1)
    expected[1, 2] = 0

    torch.testing.assert_close(log_probabilities(hidden, labels, head), expected)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "z_loss": 1e-4}])
def test_rows_that_all_count_give_the_bits_of_rows_that_are_asked(options):
    (hidden, weight, bias), target = inputs(rows=600)

    def gradients(ignore):
        leaves = [tensor.detach().clone().requires_grad_() for tensor in (hidden, weight, bias)]
        sums = linear_cross_entropy(*leaves, target.clamp(min=1), ignore=ignore, **options)
        sums.total.backward()
        return [sums.total.detach(), sums.nll, *(leaf.grad for leaf in leaves)]

    assert all(map(torch.equal, gradients(None), gradients(0)))
