"""Learned positions start as large as what they are added to."""

import pytest
import torch

from seqspec.schema.types import Frames, Tokens
from tests.components.building import build

torch.set_num_threads(1)

LEARNED = {
    "type": "transformer",
    "dim": 64,
    "num_heads": 2,
    "num_layers": 1,
    "positions": "learned",
    "max_positions": 200,
}
EMBEDDINGS = [
    ({}, 1.0),
    ({"scale": False}, 1 / 8),
    ({"scale": False, "std": 0.02}, 0.02),
    ({"std": 0.02}, 0.16),
]


@pytest.mark.parametrize(("embedding", "size"), EMBEDDINGS)
def test_in_a_decoder(embedding, size):
    decoder = {**LEARNED, "embedding": {"type": "lookup", **embedding}}
    model = build({"type": "language_model", "decoder": decoder}, {"target": Tokens(300)}).model

    assert model.decoder.entrance.learned.std().item() == pytest.approx(size, rel=0.05)
    looked_up = model.decoder.embedding(torch.arange(300))
    assert looked_up.std().item() == pytest.approx(size, rel=0.05)


@pytest.mark.parametrize(("embedding", "size"), EMBEDDINGS)
def test_in_an_encoder(embedding, size):
    data = {
        "type": "encoder_decoder",
        "embedding": {"type": "lookup", **embedding},
        "encoder": LEARNED,
        "decoder": {"type": "transformer", "num_layers": 1},
    }

    assert build(data).model.encoder.entrance.learned.std().item() == pytest.approx(size, rel=0.05)


def test_over_frames():
    data = {
        "type": "encoder_decoder",
        "encoder": LEARNED,
        "decoder": {"type": "transformer", "num_layers": 1},
    }
    model = build(data, {"source": Frames(20, 100), "target": Tokens(30)}).model

    assert model.encoder.entrance.learned.std().item() == pytest.approx(1.0, rel=0.05)
