"""Laws of the searches that write token after token, on a Transformer and on every answer of a tiny
vocabulary.
"""

import itertools
import math

import pytest
import torch

from seqspec.components.search._hypothesis import Continuation
from seqspec.components.search._penalty import Penalty
from seqspec.components.search.beam import Beam
from seqspec.components.search.greedy import Greedy
from seqspec.schema.config import Mismatch
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import EOS, Logits, Tokens, Vector
from tests.components.building import batch, build, only

torch.set_num_threads(1)

MODEL = {
    "type": "encoder_decoder",
    "encoder": {"type": "transformer", "dim": 16, "num_layers": 1, "num_heads": 2, "dropout": 0.0},
    "decoder": {"type": "transformer", "num_layers": 1},
}
SMALL = {"source": Tokens(20), "target": Tokens(7)}


@pytest.fixture(scope="module")
def model():
    built = build(MODEL, SMALL, seed=5)
    with torch.no_grad():
        built.model.head.weight_VD.mul_(3.0)
        built.model.head.bias_V[EOS] += 0.5
    return built.model.eval()


def beam(**fields):
    return Beam(BeamConfig(**{"max_tokens": 6, **fields}), Logits(7))


def greedy():
    return Greedy(GreedyConfig(max_tokens=6), Logits(7))


def given(rows=5):
    return batch(rows=rows, target=7)


def test_beam_of_one_is_greedy(model):
    found = model.decode(given(), beam(size=1, length_penalty="none"))

    assert [h[0].ids for h in found] == [h[0].ids for h in model.decode(given(), greedy())]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"stop": "after_n_finished"},
        {"stop": "best_finished"},
        {"coverage_penalty": "gnmt", "nbest": 3},
        {"length_penalty": "lingvo", "coverage_penalty": "lingvo", "score_gap": 3.0, "end_margin": 5.0},
        {"length_penalty": "average"},
        {"max_ratio": 0.3},
    ],
)
def test_a_batch_gives_what_each_example_gives_alone(model, fields):
    search = beam(size=3, **fields)
    together = model.decode(given(), search)
    for row, found in enumerate(together):
        alone = model.decode(only(row, given()), search)[0]
        assert [h.ids for h in found] == [h.ids for h in alone]
        for mine, theirs in zip(found, alone, strict=True):
            assert mine.score == pytest.approx(theirs.score, abs=1e-4)


@pytest.mark.parametrize("penalty", ["none", "gnmt", "lingvo", "average"])
def test_a_wide_beam_finds_the_best_of_all_answers(model, penalty):
    search = beam(size=400, length_penalty=penalty, max_tokens=3, nbest=3)
    pair = only(2, given())
    found = model.decode(pair, search)[0]

    assert [(h.ids, pytest.approx(h.score, abs=1e-4)) for h in found[:3]] == every_answer(
        model, pair, search.penalty
    )[:3]


def every_answer(model, pair, penalty):
    """All answers of up to three ids: ended ones, and those of three ids that were cut."""
    answers = []
    writable = [1, 4, 5, 6]
    for length in range(4):
        for ids in itertools.product(writable, repeat=length):
            total = forced(model, pair, ids, ended=length < 3)
            size = length + 1 if length < 3 else 3
            answers.append((ids, total / penalty.divisor(size)))
    return sorted(answers, key=lambda a: -a[1])


@torch.no_grad()
def forced(model, pair, ids, *, ended):
    memory, lengths = model.encode(pair)
    state = model.decoder.start(memory, lengths, examples=1)
    total, last = 0.0, torch.tensor([2])
    for token in [*ids, EOS] if ended else ids:
        logits, state = model.step(last, state)
        total += logits.log_softmax(-1)[0, token].item()
        last = torch.tensor([token])
    return total


def test_log_prob_is_the_forced_score(model):
    found = model.decode(given(), beam(size=4))
    for row, (best, *_) in enumerate(found):
        ended = len(best.ids) < 6
        assert best.log_prob == pytest.approx(
            forced(model, only(row, given()), best.ids, ended=ended), abs=1e-4
        )


def test_nbest_answers_are_different_and_sorted(model):
    for found in model.decode(given(), beam(size=4, nbest=4)):
        assert len({h.ids for h in found}) == 4
        assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


def test_exact_stop_is_never_worse_than_an_early_one(model):
    exact = model.decode(given(), beam(size=4))
    for rule in ("after_n_finished", "best_finished"):
        for (best, *_), (other, *_) in zip(
            exact, model.decode(given(), beam(size=4, stop=rule)), strict=True
        ):
            assert best.score >= other.score - 1e-5


def test_limits_hold(model):
    for found in model.decode(given(), beam(size=2, max_tokens=2)):
        assert all(len(h.ids) <= 2 for h in found)
    with_ratio = model.decode(given(), beam(size=2, max_tokens=50, max_ratio=0.1))
    assert all(len(h.ids) <= 10 for found in with_ratio for h in found)


def scripted(table):
    """A model whose logits depend on the last id alone."""
    rows = torch.tensor(table)

    class Nothing:
        attention = None

        def select(self, rows_N):
            return self

        def keep(self, examples_B):
            return self

    first = torch.tensor([2])
    return Continuation(
        first, Nothing(), lambda ids, state, *, look=False: (rows[ids], state), torch.tensor([99])
    )


def test_end_margin_keeps_an_unlikely_end_from_winning():
    table = [[-9.0] * 6 for _ in range(6)]
    table[2] = [-9, -9, -9, 0.0, 2.0, -9]
    table[4] = [-9, -9, -9, 3.0, 0.0, -9]
    lenient, strict = beam(size=2, length_penalty="none"), beam(size=2, length_penalty="none", end_margin=1.0)

    assert () in {h.ids for h in lenient(scripted(table))[0]}
    assert () not in {h.ids for h in strict(scripted(table))[0]}


def test_score_gap_drops_what_lies_far_below():
    table = [[-9.0] * 6 for _ in range(6)]
    table[2] = [-9, -9, -9, -9, 4.0, 0.0]
    table[4] = table[5] = [-9, -9, -9, 3.0, -9, -9]
    wide, narrow = beam(size=2, nbest=2), beam(size=2, nbest=2, score_gap=2.0)

    assert any(h.ids[:1] == (5,) for h in wide(scripted(table))[0])
    assert not any(h.ids[:1] == (5,) for h in narrow(scripted(table))[0])


def test_penalties_are_the_published_formulas():
    def of(**fields):
        return Penalty.of(BeamConfig(**fields))

    assert of(length_penalty="gnmt", alpha=0.6).divisor(7) == pytest.approx(2**0.6)
    assert of(length_penalty="lingvo", alpha=0.5).divisor(15) == pytest.approx(2.0)
    assert of(length_penalty="none").divisor(9) == 1
    assert of(length_penalty="average").divisor(9) == 9
    sums, real = torch.tensor([[0.5, 2.0, 0.0]]), torch.tensor([[True, True, False]])
    gnmt = of(coverage_penalty="gnmt", beta=0.3).covered(sums, real)
    lingvo = of(coverage_penalty="lingvo", beta=0.2, coverage_ratio=2.0).covered(sums, real)
    assert gnmt.item() == pytest.approx(0.3 * (math.log(0.5) + 0.0))
    assert lingvo.item() == pytest.approx(2.0 * 0.2 * (math.log(0.25) + math.log(0.5)))


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"nbest": 9, "size": 2}, ("nbest",)),
        ({"num_finished": 2}, ("num_finished",)),
        ({"length_penalty": "none", "alpha": 1.0}, ("alpha",)),
        ({"beta": 1.0}, ("beta",)),
        ({"coverage_penalty": "gnmt", "coverage_ratio": 1.0}, ("coverage_ratio",)),
    ],
)
def test_settings_without_meaning_are_refused(fields, at):
    with pytest.raises(Mismatch) as caught:
        BeamConfig(**fields).output(Logits(7))

    assert caught.value.at == at


@pytest.mark.parametrize("source", [Logits(7, blank=True), Logits(7, stride=0), Vector(3)])
def test_models_that_do_not_write_step_by_step_are_refused(source):
    for config in (BeamConfig(), GreedyConfig()):
        with pytest.raises(Mismatch):
            config.output(source)
