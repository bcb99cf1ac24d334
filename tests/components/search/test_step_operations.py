"""What a step of a search costs beside its products, in operations of torch: the same on every machine."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from seqspec.components._layers.linear import prepacked
from seqspec.components.search.beam import Beam
from seqspec.components.search.greedy import Greedy
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import EOS, Logits, Tokens
from tests.components.building import batch, build, only

VOCABULARY = 40
MODEL = {
    "type": "encoder_decoder",
    "encoder": {"type": "transformer", "dim": 16, "num_layers": 1, "num_heads": 2},
    "decoder": {"type": "transformer", "num_layers": 3},
}
OPERATIONS = {"beam": 144, "greedy": 122}
"""Most operations a step of three layers, views among them; measured with torch 2.13."""
SEARCHES = {
    "beam": lambda count: Beam(BeamConfig(size=5, max_tokens=count), Logits(VOCABULARY)),
    "greedy": lambda count: Greedy(GreedyConfig(max_tokens=count), Logits(VOCABULARY)),
}


class Counted(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.seen = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.seen[str(function)] += 1
        return function(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def model():
    built = build(MODEL, {"source": Tokens(20), "target": Tokens(VOCABULARY)}, seed=5)
    with torch.no_grad():
        built.model.head.bias_V[EOS] = -1e4
    return built.model.eval()


def operations(model, given, search, packs):
    with torch.no_grad(), prepacked(packs), Counted() as counted:
        (found,) = model.decode(given, search)
    return counted.seen, len(found[0].ids)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_step_takes_no_more_operations_than_it_did(model, name):
    given, packs, search = only(2, batch(rows=5, target=VOCABULARY)), {}, SEARCHES[name]
    operations(model, given, search(8), packs)

    longer, eight = operations(model, given, search(8), packs)
    shorter, four = operations(model, given, search(4), packs)

    assert (eight, four) == (8, 4)
    step = (longer - shorter).total() / 4
    assert OPERATIONS[name] * 0.7 <= step <= OPERATIONS[name], longer - shorter


def test_one_example_alone_is_asked_for_no_mask(model):
    given, packs = only(2, batch(rows=5, target=VOCABULARY)), {}
    memory_BSD, lengths_B = model.encode(given)

    state = model.start(memory_BSD, lengths_B)
    shorter = model.start(memory_BSD, lengths_B - 1)

    assert (state.padded, shorter.padded) == (False, True)
    ids_N = torch.tensor([5])
    with torch.no_grad(), prepacked(packs):
        bare, _ = model.step(ids_N, state)
        masked, _ = model.step(ids_N, replace(state, padded=True))
    torch.testing.assert_close(bare, masked, rtol=0, atol=1e-5)
