import math

import pytest
import torch

from seqspec.components.search._hypothesis import Continuation
from seqspec.components.search.greedy import Greedy
from seqspec.components.search.sample import Sample, choose
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.search.sample import SampleConfig
from seqspec.schema.types import Logits
from tests.components.building import batch, build, only, replaced

torch.set_num_threads(1)

MODEL = {
    "type": "encoder_decoder",
    "encoder": {"type": "transformer", "dim": 8, "num_layers": 1, "num_heads": 2, "dropout": 0.0},
    "decoder": {"type": "transformer", "num_layers": 1},
}


@pytest.fixture(scope="module")
def model():
    return build(MODEL, seed=4).model.eval()


def sample(**fields):
    return Sample(SampleConfig(**{"max_tokens": 6, **fields}), Logits(11))


def one_step(probabilities, count):
    """A model that writes one id with these probabilities, then ends."""
    start, end = torch.tensor(probabilities).log(), torch.full((len(probabilities),), -50.0)
    end[3] = 50.0

    class State:
        attention = None

        def select(self, rows_N):
            return self

        def keep(self, examples_B):
            return self

    def step(ids, state, *, look=False):
        return torch.stack([start if token == 2 else end for token in ids.tolist()]), state

    return Continuation(torch.full((count,), 2), State(), step, torch.full((count,), 5))


def counts(search, count=2000):
    found = search(one_step([0.0, 0.0, 0.0, 0.0, 0.5, 0.3, 0.15, 0.05], count))
    written = [h.ids[0] for group in found for h in group]
    return {token: written.count(token) / len(written) for token in range(4, 8)}


def test_draws_follow_the_distribution():
    got = counts(sample())

    for token, chance in {4: 0.5, 5: 0.3, 6: 0.15, 7: 0.05}.items():
        assert abs(got[token] - chance) < 5 * math.sqrt(chance * (1 - chance) / 2000)


def test_cuts_keep_the_most_probable():
    assert counts(sample(top_k=2))[6] == 0
    assert abs(counts(sample(top_k=2))[4] - 0.625) < 0.06
    nucleus = counts(sample(top_p=0.7))
    assert nucleus[6] == nucleus[7] == 0
    assert nucleus[5] > 0
    assert counts(sample(temperature=0.05))[4] > 0.99


def test_one_token_to_choose_from_is_greedy(model):
    greedy = Greedy(GreedyConfig(max_tokens=6), Logits(11)).__call__
    drawn = model.decode(batch(), sample(top_k=1))

    assert [h[0].ids for h in drawn] == [h[0].ids for h in model.decode(batch(), greedy)]


def test_an_example_draws_the_same_alone_and_in_a_batch(model):
    together = model.decode(batch(), sample(num_samples=3, seed=7))
    apart = [model.decode(only(row, batch()), sample(num_samples=3, seed=7))[0] for row in range(4)]

    assert [[h.ids for h in group] for group in together] == [[h.ids for h in group] for group in apart]


def test_the_seed_decides_and_samples_differ(model):
    first = model.decode(batch(), sample(num_samples=4, seed=1))
    again = model.decode(batch(), sample(num_samples=4, seed=1))
    other = model.decode(batch(), sample(num_samples=4, seed=2))

    assert first == again
    assert first != other
    assert any(len({h.ids for h in group}) > 1 for group in first)


def test_score_is_that_of_the_model_as_it_is(model):
    pair = batch()
    for group, row in zip(model.decode(pair, sample(temperature=0.3, max_tokens=4)), range(4), strict=True):
        ids = torch.tensor([group[0].ids])
        if 0 < len(group[0].ids) < 4:
            forced = replaced(only(row, pair), target=ids, target_lengths=torch.tensor([ids.shape[1]]))
            assert group[0].log_prob == pytest.approx(model.score(forced).item(), abs=1e-4)


def test_choices_never_fall_outside():
    logits = torch.tensor([[-math.inf, 0.0, -math.inf], [-math.inf, 0.0, -math.inf]])

    assert choose(logits, torch.tensor([0.0, 1.0 - 1e-12], dtype=torch.double)).tolist() == [1, 1]
