"""CTC searches against enumeration of every path."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.components.search.ctc_greedy import CtcGreedy
from seqspec.components.search.ctc_prefix_beam import CtcPrefixBeam
from seqspec.schema.config import Mismatch
from seqspec.schema.search.ctc_greedy import CtcGreedyConfig
from seqspec.schema.search.ctc_prefix_beam import CtcPrefixBeamConfig
from seqspec.schema.types import Logits

LOGITS = Logits(3, stride=4, blank=True)


def collapse(path):
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def enumerated(log_probs):
    """The probability of every output, all paths summed."""
    sums = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        chance = math.exp(sum(log_probs[t, s].item() for t, s in enumerate(path)))
        sums[collapse(path)] = sums.get(collapse(path), 0.0) + chance
    return sums


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_a_wide_prefix_beam_sums_every_alignment(seed, states):
    generator = torch.Generator().manual_seed(seed)
    log_probs = (2 * torch.randn(1, states, 3, generator=generator)).log_softmax(-1)
    search = CtcPrefixBeam(CtcPrefixBeamConfig(size=1000, symbol_gap=None, max_symbols=None), LOGITS)

    (found,) = search(log_probs, torch.tensor([states]))

    expected = enumerated(log_probs[0])
    assert {h.ids for h in found} == set(expected)
    for hypothesis in found:
        assert math.isclose(math.exp(hypothesis.log_prob), expected[hypothesis.ids], rel_tol=1e-4)
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


def looked_at_one_by_one(log_probs_SV, *, size, told):
    """The same search, each prefix that a state can make scored by itself."""

    def add(a, b):
        return (
            max(a, b) if min(a, b) == -math.inf else max(a, b) + math.log1p(math.exp(min(a, b) - max(a, b)))
        )

    beam = {(): (0.0, -math.inf)}
    for chances in log_probs_SV.tolist():
        blanks, symbols = {}, {}
        for prefix, (blank, symbol) in beam.items():
            blanks[prefix] = add(blank, symbol) + chances[0]
            for token, chance in enumerate(chances[1:], 1):
                again, longer = prefix[-1:] == (token,), (*prefix, token)
                if again:
                    symbols[prefix] = add(symbols.get(prefix, -math.inf), symbol + chance)
                before = blank if again else add(blank, symbol)
                symbols[longer] = add(symbols.get(longer, -math.inf), before + chance)
        made = {
            prefix: (blanks.get(prefix, -math.inf), symbols.get(prefix, -math.inf))
            for prefix in {**blanks, **symbols}
        }
        scores = {
            prefix: add(*sums) + told(prefix) for prefix, sums in made.items() if add(*sums) > -math.inf
        }
        best = sorted(scores, key=lambda prefix: (-scores[prefix], prefix))[:size]
        beam = {prefix: made[prefix] for prefix in best}
    ranked = sorted(beam, key=lambda prefix: (-add(*beam[prefix]) - told(prefix), prefix))
    return [(prefix, add(*beam[prefix]) + told(prefix)) for prefix in ranked]


class Likes:
    """Where a language model stands that has its own opinion of every pair of symbols, some above 0."""

    most_gain = 1.0

    def __init__(self, last=0):
        self.last = last

    def gain(self, token):
        return 1.0 - (7 * self.last + 3 * token) % 5

    def after(self, token):
        return Likes(token)

    def end_gain(self):
        return 0.0


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 6),
    blank=st.sampled_from([0.0, 4.0]),
    bonus=st.sampled_from([0.0, 0.5, -0.5]),
    weight=st.sampled_from([0.0, 0.25, 2.0]),
    states=st.sampled_from([2, 3, 12]),
    ties=st.booleans(),
)
def test_what_is_left_out_could_not_come_into_the_beam(seed, size, blank, bonus, weight, states, ties):
    log_probs_SV = torch.randn(states, 6, generator=torch.Generator().manual_seed(seed))
    log_probs_SV[:, 0] += blank
    log_probs_SV = log_probs_SV.round() if ties else (3 * log_probs_SV).log_softmax(-1)
    config = CtcPrefixBeamConfig(size=size, symbol_gap=None, max_symbols=None, length_bonus=bonus)
    search = CtcPrefixBeam(config, LOGITS)
    if weight:
        search = search.listening(Likes(), weight=weight)

    def told(prefix):
        gains = (Likes(last).gain(token) for last, token in itertools.pairwise((0, *prefix)))
        return (weight * sum(gains) if weight else 0.0) + bonus * len(prefix)

    (found,) = search(log_probs_SV[None], torch.tensor([states]))

    assert [(h.ids, h.score) for h in found] == looked_at_one_by_one(log_probs_SV, size=size, told=told)


def test_prefix_beam_finds_what_no_single_path_shows():
    # Every state's best symbol is the blank, yet "1" has the larger sum over alignments.
    log_probs = torch.tensor([[[0.55, 0.45, 1e-9], [0.55, 0.45, 1e-9]]]).log()
    lengths = torch.tensor([2])

    greedy = CtcGreedy(CtcGreedyConfig(), LOGITS)(log_probs, lengths)[0][0]
    beam = CtcPrefixBeam(CtcPrefixBeamConfig(), LOGITS)(log_probs, lengths)[0][0]

    assert greedy.ids == ()
    assert beam.ids == (1,)


def test_greedy_collapses_repeats_and_stops_at_the_length():
    path = torch.tensor([[1, 1, 0, 1, 2, 2, 1], [2, 0, 0, 1, 1, 1, 1]])
    log_probs = torch.nn.functional.one_hot(path, 3).float().mul(9).log_softmax(-1)

    found = CtcGreedy(CtcGreedyConfig(), LOGITS)(log_probs, torch.tensor([7, 3]))

    assert [one[0].ids for one in found] == [(1, 1, 2, 1), (2,)]
    assert math.isclose(found[1][0].log_prob, 3 * log_probs.max().item(), rel_tol=1e-5)


def test_batches_are_searched_one_by_one():
    torch.manual_seed(0)
    log_probs, lengths = torch.randn(3, 6, 3).log_softmax(-1), torch.tensor([6, 2, 4])
    search = CtcPrefixBeam(CtcPrefixBeamConfig(size=3), LOGITS)

    together = search(log_probs, lengths)

    assert together == [
        search(log_probs[b : b + 1, :n], lengths[b : b + 1])[0] for b, n in enumerate(lengths.tolist())
    ]
    assert all(len(found) <= 3 for found in together)


def test_only_the_most_probable_symbols_are_considered():
    log_probs = torch.tensor([[[0.4, 0.35, 0.25]]]).log()

    (found,) = CtcPrefixBeam(CtcPrefixBeamConfig(max_symbols=2), LOGITS)(log_probs, torch.tensor([1]))

    assert [h.ids for h in found] == [(), (1,)]


def test_a_state_that_is_no_number_leaves_no_hypothesis():
    log_probs = torch.randn(1, 4, 3).log_softmax(-1)
    log_probs[0, 1] = math.nan

    assert CtcPrefixBeam(CtcPrefixBeamConfig(), LOGITS)(log_probs, torch.tensor([4])) == [[]]


@pytest.mark.parametrize("config", [CtcGreedyConfig(), CtcPrefixBeamConfig()])
def test_only_ctc_states_are_searched(config):
    with pytest.raises(Mismatch, match="blank"):
        config.output(Logits(10))
