"""The CTC loss against enumeration of alignments, and its alignment image."""

import itertools

import pytest
import torch

from seqspec.components._layers.ctc_alignment import _emissions, log_likelihood, occupancy
from seqspec.components.loss.ctc import Ctc
from seqspec.schema.config import Mismatch
from seqspec.schema.loss.ctc import CtcConfig
from seqspec.schema.types import Logits

LOGITS = Logits(4, stride=4, blank=True)


def collapse(path):
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def enumerated(log_probs, target):
    """Log-probability of ``target`` and, for each symbol and state, of standing there."""
    states, vocabulary = log_probs.shape
    total = 0.0
    for path in itertools.product(range(vocabulary), repeat=states):
        if collapse(path) == target:
            total += torch.exp(sum(log_probs[t, s] for t, s in enumerate(path)))
    return torch.as_tensor(total).log()


def test_loss_is_the_sum_over_alignments():
    torch.manual_seed(0)
    logits = torch.randn(3, 5, 4)
    lengths, targets, target_lengths = (
        torch.tensor([5, 4, 3]),
        torch.tensor([[1, 1], [2, 0], [3, 1]]),
        torch.tensor([2, 1, 2]),
    )

    loss = Ctc(CtcConfig(), LOGITS)(logits, lengths, targets, target_lengths)

    expected = -sum(
        enumerated(logits[b, : lengths[b]].log_softmax(-1), tuple(targets[b, : target_lengths[b]].tolist()))
        for b in range(3)
    )
    torch.testing.assert_close(loss.total, expected)
    assert loss.count == 5
    assert loss.terms["too_short"] == 0


def test_a_source_too_short_for_its_target_is_counted_or_infinite():
    logits = torch.zeros(2, 3, 4, requires_grad=True)
    given = (torch.tensor([2, 3]), torch.tensor([[1, 1], [1, 2]]), torch.tensor([2, 2]))

    skipped = Ctc(CtcConfig(), LOGITS)(logits, *given)
    failed = Ctc(CtcConfig(too_short="fail"), LOGITS)(logits, *given)
    skipped.total.backward()

    assert skipped.total.isfinite()
    assert logits.grad.isfinite().all()
    assert skipped.terms["too_short"] == 1
    assert skipped.count == 2
    assert failed.count == 4
    assert failed.total.isinf()


def test_only_logits_at_each_state_are_taken():
    with pytest.raises(Mismatch, match="at each state"):
        CtcConfig().output(Logits(10))


def test_likelihood_is_that_of_the_loss():
    torch.manual_seed(1)
    log_probs = torch.randn(4, 6, 5).log_softmax(-1)
    lengths, target_lengths = torch.tensor([6, 5, 6, 2]), torch.tensor([3, 2, 0, 1])
    targets = torch.tensor([[1, 1, 2], [3, 4, 0], [0, 0, 0], [2, 0, 0]])

    given = log_likelihood(_emissions(log_probs, targets), lengths, targets, target_lengths)

    expected = -torch.nn.functional.ctc_loss(
        log_probs.transpose(0, 1), targets, lengths, target_lengths, reduction="none"
    )
    torch.testing.assert_close(given, expected)


def test_occupancy_is_a_share_of_alignments():
    log_probs = torch.full((1, 3, 3), 1 / 3).log()  # every path weighs the same

    image = occupancy(log_probs, torch.tensor([3]), torch.tensor([[1]]), torch.tensor([1]))

    # 100 010 001 110 011 111: six alignments, symbol at states in 3, 4 and 3 of them
    torch.testing.assert_close(image, torch.tensor([[[3 / 6, 4 / 6, 3 / 6]]]))
