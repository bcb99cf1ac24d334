"""The prefix probabilities of CTC against the sum over every path."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.components.search._ctc_prefix import CtcPrefixes

torch.set_num_threads(1)


def enumerated(log_probs):
    """The probability of every output, all paths summed."""
    sums = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        chance = math.exp(sum(log_probs[t, s].item() for t, s in enumerate(path)))
        output = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)
        sums[output] = sums.get(output, 0.0) + chance
    return sums


def logarithm(chance):
    return math.log(chance) if chance else -math.inf


def random(*shape, seed=0, spread=2.0):
    generator = torch.Generator().manual_seed(seed)
    return (spread * torch.randn(*shape, generator=generator)).log_softmax(-1)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_every_prefix_and_every_end_is_the_sum_over_its_paths(seed, states):
    log_probs = random(1, states, 3, seed=seed)
    outputs = enumerated(log_probs[0])
    for prefix in itertools.chain.from_iterable(itertools.product([1, 2], repeat=n) for n in range(4)):
        search, total = CtcPrefixes.start(log_probs, torch.tensor([states])), 0.0
        for symbol in prefix:
            total += search.gains(torch.tensor([[symbol]])).item()
            search = search.grow(torch.tensor([symbol]))

        begun = sum(chance for output, chance in outputs.items() if output[: len(prefix)] == prefix)
        assert total == pytest.approx(logarithm(begun), abs=1e-4)
        ended = total + search.end_gains().item()
        assert ended == pytest.approx(logarithm(outputs.get(prefix, 0.0)), abs=1e-4)


def test_what_may_follow_a_prefix_and_its_end_share_its_probability():
    search = CtcPrefixes.start(random(2, 9, 5), torch.tensor([9, 6])).grow(torch.tensor([3, 1]))

    shares = torch.cat([search.gains(torch.tensor([[1, 2, 3, 4]] * 2)), search.end_gains()[:, None]], 1)

    torch.testing.assert_close(shares.exp().sum(1), torch.ones(2))


def test_states_beyond_the_length_change_nothing():
    log_probs = random(1, 6, 4)
    longer = torch.cat([log_probs, torch.full((1, 3, 4), float("nan"))], 1)
    candidates = torch.tensor([[1, 2, 3]])
    for states in (log_probs, longer):
        search = CtcPrefixes.start(states, torch.tensor([6])).grow(torch.tensor([2])).grow(torch.tensor([2]))
        found = torch.cat([search.gains(candidates)[0], search.end_gains()])
        if states is log_probs:
            expected = found

    assert found.isfinite().all()
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_hypotheses_are_moved_and_examples_forgotten():
    log_probs, lengths = random(3, 7, 5), torch.tensor([7, 5, 6])
    search = CtcPrefixes.start(log_probs, lengths).grow(torch.tensor([1, 2, 3]))
    beams = search.select(torch.tensor([0, 0, 1, 1, 2, 2])).grow(torch.tensor([2, 4, 2, 3, 3, 1]))

    kept = beams.select(torch.tensor([5, 4, 1, 0])).keep(torch.tensor([2, 0]))

    for row, (example, ids) in enumerate([(2, (3, 1)), (2, (3, 3)), (0, (1, 4)), (0, (1, 2))]):
        alone = CtcPrefixes.start(log_probs[[example]], lengths[[example]])
        for symbol in ids:
            alone = alone.grow(torch.tensor([symbol]))
        candidates = torch.tensor([[1, 2, 3, 4]])
        torch.testing.assert_close(kept.gains(candidates.expand(4, -1))[row], alone.gains(candidates)[0])
        torch.testing.assert_close(kept.end_gains()[row], alone.end_gains()[0])


def test_long_and_sharp_recordings_lose_no_digits():
    log_probs = random(1, 3000, 6, seed=3, spread=40.0)
    target = torch.tensor([[1, 4, 4, 2, 5, 1] * 20])
    search, total = CtcPrefixes.start(log_probs, torch.tensor([3000])), 0.0
    for symbol in target[0]:
        total += search.gains(symbol[None, None]).item()
        search = search.grow(symbol[None])
    total += search.end_gains().item()

    expected = -torch.nn.functional.ctc_loss(
        log_probs.double().transpose(0, 1), target, torch.tensor([3000]), torch.tensor([120]), reduction="sum"
    )
    assert expected < -10_000
    assert total == pytest.approx(expected.item(), rel=1e-6)


def test_a_prefix_that_no_path_writes_stays_impossible():
    search = CtcPrefixes.start(random(1, 2, 3), torch.tensor([2])).grow(torch.tensor([1]))
    assert search.gains(torch.tensor([[1, 2]])).tolist()[0][0] == -math.inf

    impossible = search.grow(torch.tensor([1]))

    assert impossible.gains(torch.tensor([[1, 2]])).tolist() == [[-math.inf, -math.inf]]
    assert impossible.end_gains().tolist() == [-math.inf]
