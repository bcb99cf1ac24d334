"""Alignments against every path there is."""

import itertools
import math

import pytest
import torch

from seqspec.components._layers.monotonic_alignment import averaged, best_durations, beta_binomial, expanded


def every_path(frames, tokens):
    """Durations of at least one that sum to the frames."""
    for cuts in itertools.combinations(range(1, frames), tokens - 1):
        ends = (0, *cuts, frames)
        yield [b - a for a, b in itertools.pairwise(ends)]


def score(log_p_TN, durations):
    tokens = [n for n, d in enumerate(durations) for _ in range(d)]
    return sum(float(log_p_TN[t, n]) for t, n in enumerate(tokens))


@pytest.mark.parametrize("seed", range(6))
def test_the_best_path_is_the_best_of_all(seed):
    torch.manual_seed(seed)
    log_p = torch.randn(3, 7, 4).log_softmax(-1)
    frames, tokens = torch.tensor([7, 5, 4]), torch.tensor([4, 2, 4])

    found = best_durations(log_p, frames, tokens)

    for row in range(3):
        t, n = int(frames[row]), int(tokens[row])
        paths = list(every_path(t, n))
        best = max(paths, key=lambda path: score(log_p[row], path))
        assert found[row].tolist() == best + [0] * (4 - n)


def test_of_equal_paths_the_last_token_is_longest():
    found = best_durations(torch.zeros(1, 5, 3), torch.tensor([5]), torch.tensor([3]))

    assert found.tolist() == [[1, 1, 3]] or found.tolist() == [[3, 1, 1]]


def test_too_few_frames_give_one_each_to_the_first_tokens():
    found = best_durations(torch.zeros(1, 2, 3), torch.tensor([2]), torch.tensor([3]))

    assert found.tolist() == [[1, 1, 0]]


@pytest.mark.parametrize(("frames", "tokens"), [(5, 3), (40, 1), (9, 9)])
def test_the_prior_sums_to_one_for_every_frame(frames, tokens):
    prior = beta_binomial(frames, tokens, 1.0)

    torch.testing.assert_close(prior.sum(1), torch.ones(frames))
    assert int(prior[0].argmax()) == 0
    assert int(prior[-1].argmax()) == tokens - 1


def test_the_prior_is_the_beta_binomial_distribution():
    def choose_beta(k, n, a, b):
        beta = lambda x, y: math.gamma(x) * math.gamma(y) / math.gamma(x + y)  # noqa: E731
        return math.comb(n, k) * beta(k + a, n - k + b) / beta(a, b)

    found = beta_binomial(5, 3, 1.0)

    for t in range(1, 6):
        expected = [choose_beta(k, 2, t, 6 - t) for k in range(3)]
        assert found[t - 1].tolist() == pytest.approx(expected, rel=1e-5)


def test_states_stand_as_often_as_their_duration():
    x = torch.tensor([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]])

    found = expanded(x, torch.tensor([[2, 0, 1], [1, 3, 0]]), 5)

    assert found[:, :, 0].tolist() == [[1, 1, 3, 0, 0], [4, 5, 5, 5, 0]]


def test_means_over_frames_are_means_over_voiced_frames():
    pitch = torch.tensor([[2.0, 4.0, 0.0, 6.0, 0.0]])

    found = averaged(pitch, torch.tensor([[3, 0, 1, 1]]), counted_BT=pitch != 0)

    assert found.tolist() == [[3.0, 0.0, 6.0, 0.0]]
