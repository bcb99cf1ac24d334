"""What searches beside the translator's cost: operations of torch, evaluations of networks, calls of Python.

The counts are those of torch 2.13 and Python 3.11; no machine and no load changes them.
"""

import sys
from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from seqspec.components._layers.diffusion import GaussianProcess
from seqspec.components._layers.linear import prepacked
from seqspec.components.search._hypothesis import Candidates, Continuation
from seqspec.components.search._images import Path
from seqspec.components.search.beam import Beam
from seqspec.components.search.ctc_greedy import CtcGreedy
from seqspec.components.search.ctc_prefix_beam import CtcPrefixBeam
from seqspec.components.search.greedy import Greedy
from seqspec.components.search.sample import Sample
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.search.ctc_greedy import CtcGreedyConfig
from seqspec.schema.search.ctc_prefix_beam import CtcPrefixBeamConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.search.sample import SampleConfig
from seqspec.schema.types import EOS, Logits, Tokens
from tests.components.building import batch, build, only

WORDS = 40
LAYERS = {"type": "transformer", "dim": 16, "num_heads": 2, "num_layers": 3, "dropout": 0.0}


def within(count, bound):
    """Not above the bound, nor so far below that it says nothing."""
    return bound * 0.7 <= count <= bound


class Counted(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.seen[str(function)] += 1
        return function(*args, **(kwargs or {}))


# Language models


@pytest.mark.parametrize(
    ("positions", "search", "bound"),
    [
        ({"positions": "rotary"}, lambda n: Greedy(GreedyConfig(max_tokens=n), Logits(WORDS)), 127),
        ({"positions": "sinusoidal"}, lambda n: Greedy(GreedyConfig(max_tokens=n), Logits(WORDS)), 89),
        (
            {"positions": "learned", "max_positions": 60},
            lambda n: Sample(SampleConfig(max_tokens=n, top_k=5), Logits(WORDS)),
            109,
        ),
        ({"positions": "rotary"}, lambda n: Beam(BeamConfig(size=5, max_tokens=n), Logits(WORDS)), 149),
    ],
)
def test_an_id_of_a_language_model_takes_no_more_operations_than_it_did(positions, search, bound):
    data = {"type": "language_model", "decoder": {**LAYERS, **positions}}
    model = build(data, {"target": Tokens(WORDS)}, seed=5).model.eval()
    with torch.no_grad():
        model.head.bias_V[EOS] = -1e4
    prompt, packs = only(2, batch(rows=5, target=WORDS)), {}

    def operations(count):
        with torch.no_grad(), prepacked(packs), Counted() as counted:
            (found,) = model.decode(prompt, search(count))
        assert len(found[0].ids) == count
        return counted.seen

    operations(8)
    spent = operations(8) - operations(4)

    assert within(spent.total() / 4, bound), (spent.total() / 4, spent)


# Candidates that a step has found itself


class Ranked:
    """A step and its state: the best hypothesis goes on with ten ids, ``steps`` times in one call."""

    def __init__(self, steps):
        places_AC = torch.arange(10).repeat(steps, 1)
        self.found = Candidates(-places_AC.float(), places_AC // 10, places_AC + 5)

    def __call__(self, ids_N, state, *, look=False):
        return self.found, self

    def best(self, count, goes_on):
        return self

    def select(self, rows_N):
        return self

    def scored(self, sums_N):
        return self


@pytest.mark.parametrize(("steps", "of_torch", "of_python"), [(1, 4, 17), (4, 1, 5)])
def test_a_step_that_finds_candidates_leaves_the_search_no_more_to_do_than_it_did(steps, of_torch, of_python):
    def decoded(count):
        search = Beam(BeamConfig(size=5, max_tokens=count), Logits(WORDS))
        one_B, step = torch.ones(1, dtype=torch.int64), Ranked(steps)
        (found,) = search(Continuation(one_B, step, step, one_B * 99))
        assert found[0].ids == (5,) * count

    def spent(count):
        with Counted() as counted:
            decoded(count)
        return counted.seen

    operations = (spent(24) - spent(12)).total() / 12
    called = (calls(decoded, 24) - calls(decoded, 12)).total() / 12

    assert within(operations, of_torch), operations
    assert within(called, of_python), called


# CTC


def calls(search, *given):
    """Functions of Python that a search calls."""
    seen = Counter()

    def profile(frame, event, argument):
        if event == "call":
            seen[frame.f_code.co_name] += 1

    sys.setprofile(profile)
    try:
        search(*given)
    finally:
        sys.setprofile(None)
    return seen


@pytest.mark.parametrize(
    ("search", "operations", "functions"),
    [
        (CtcGreedy(CtcGreedyConfig(), Logits(WORDS)), 0, 1),
        (CtcPrefixBeam(CtcPrefixBeamConfig(size=8), Logits(WORDS)), 0, 139),
        (CtcPrefixBeam(CtcPrefixBeamConfig(size=8, max_symbols=5), Logits(WORDS)), 0, 92),
    ],
)
def test_a_state_of_ctc_takes_no_more_than_it_did(search, operations, functions):
    log_probs_SV = torch.randn(60, WORDS, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    with Counted() as long:
        search(log_probs_SV[None], torch.tensor([60]))
    with Counted() as short:
        search(log_probs_SV[None, :30], torch.tensor([30]))

    per_state = (long.seen - short.seen).total() / 30
    long_calls = calls(search, log_probs_SV[None], torch.tensor([60]))
    short_calls = calls(search, log_probs_SV[None, :30], torch.tensor([30]))
    called = (long_calls - short_calls).total() / 30

    assert per_state == operations, (per_state, called)
    assert functions * 0.7 <= called <= functions, called


# Images


@pytest.mark.parametrize(
    ("name", "settings", "evaluations", "bound"),
    [
        ("ddim", {}, 1, 48),
        ("ddim", {"eta": 1.0, "guidance": 3.0}, 2, 52),
        ("ddpm", {}, 1, 56),
        ("euler", {}, 1, 3),
        ("heun", {}, 2, 7),
    ],
)
def test_a_step_of_noise_takes_no_more_than_it_did(name, settings, evaluations, bound):
    seen = []

    def denoise(x_BCHW, time_B):
        seen.append(len(x_BCHW))
        return x_BCHW

    def made(steps):
        process = GaussianProcess("cosine", steps, predicts="noise")
        more = settings if name == "ddpm" else {**settings, "steps": steps}
        search = Catalogue().module("search", name)(Catalogue().config("search", name)(**more), None)
        seen.clear()
        with torch.no_grad(), Counted() as counted:
            search(Path(denoise, denoise, process), torch.ones(2, 1, 4, 4))
        return len(seen), counted.seen

    (long, more), (short, fewer) = made(12), made(6)

    assert (long - short) / 6 == evaluations
    assert within((more - fewer).total() / 6, bound), (more - fewer).total() / 6
