"""One input after another: weights are laid out once for a predictor, not once for every input."""

import numpy as np
import torch

from seqspec.components._layers.linear import Linear, prepacked
from seqspec.components.predictions import LabelPrediction
from seqspec.runtime.prediction.predictor import Predictor
from seqspec.schema.types import Tokens


def test_weights_are_laid_out_once_for_all_blocks():
    layer = Linear(3, 2)

    def search(batch):
        layer(torch.ones(1, 3))
        return [[LabelPrediction("a", 0.0)] for _ in batch.index]

    predictor = Predictor(search, lambda _: np.array([4, 5]), Tokens(vocab=10), 100, block=1)
    list(predictor(["one"]))
    before = dict(predictor.packs)
    list(predictor(["two", "three"]))

    assert before
    assert predictor.packs.keys() == before.keys()
    assert all(predictor.packs[key] is pack for key, pack in before.items())


@torch.no_grad()
def test_kept_weights_give_the_same_bits():
    layer, x = Linear(30, 20), torch.randn(3, 30, generator=torch.Generator().manual_seed(0))
    kept = {}

    with prepacked(kept):
        first = layer(x)
    with prepacked(kept):
        second = layer(x)
    with prepacked():
        anew = layer(x)

    assert len({id(pack.weight_IO) for pack in kept.values()}) == 1
    assert torch.equal(first, second)
    assert torch.equal(first, anew)
