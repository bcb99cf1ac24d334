"""Attentions inside the layers of whole models: taken over settings, steps, refusals, cost."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seqspec.schema.catalogue import Catalogue
from tests.components.building import TARGET, build, faults

STACK: dict[str, Any] = {
    "type": "transformer", "num_layers": 2, "dim": 16, "num_heads": 4, "feed_forward_dim": 16,
    "dropout": 0.0,
}  # fmt: skip
WINDOW = {"type": "sliding_window", "window": 4}


def pair(encoder: dict[str, Any], decoder: dict[str, Any]) -> dict[str, Any]:
    return {"type": "encoder_decoder", "encoder": STACK | encoder, "decoder": STACK | decoder}


@pytest.mark.parametrize(
    "decoder",
    [WINDOW | {"full_every": 2}, {"type": "mamba2", "head_dim": 8, "state_dim": 4}, {"type": "performer"}],
)
def test_a_decoder_over_a_memory_steps_as_it_reads(decoder):
    model = build(pair({"self_attention": WINDOW}, {"self_attention": decoder})).model.eval()
    ids = torch.randint(4, 11, (2, 14), generator=torch.Generator().manual_seed(1))
    memory, lengths = torch.randn(2, 6, 16), torch.tensor([6, 4])

    with torch.no_grad():
        whole = model.decoder(ids, memory, lengths)
        state = model.decoder.start(memory, lengths, examples=2)
        for place in range(14):
            hidden, state = model.decoder.step(ids[:, place], state)
            torch.testing.assert_close(hidden, whole[:, place], atol=1e-5, rtol=1e-5)
        state = state.select(torch.tensor([1])).keep(torch.tensor([1]))
        assert model.decoder.step(ids[1:, 0], state)[0].shape == (1, 16)


def test_full_is_what_holds_without_a_word():
    plain, said = (build(pair({}, more)).model for more in ({}, {"self_attention": "full"}))

    for one, other in zip(plain.parameters(), said.parameters(), strict=True):
        assert torch.equal(one, other)


def test_only_the_named_layers_give_up_full_attention():
    model = build(pair({}, {"self_attention": WINDOW | {"full_every": 2}})).model

    assert [layer.mixes for layer in model.decoder.layers] == [True, False]


@pytest.mark.parametrize(
    ("where", "given", "message"),
    [
        (
            "decoder",
            {"self_attention": {"type": "linformer", "max_length": 9}},
            "`linformer` cannot be causal",
        ),
        ("decoder", {"self_attention": "bigbird"}, "`bigbird` cannot be causal"),
        (
            "encoder",
            {"self_attention": "transformer_xl", "positions": "none"},
            "only reads from left to right",
        ),
        ("decoder", {"self_attention": "transformer_xl"}, "tells places apart by itself"),
        ("encoder", {"self_attention": WINDOW | {"window": 3}}, "a window of 3 keys"),
        ("encoder", {"self_attention": WINDOW | {"dilations": [1, 2]}}, "2 dilations, and there are 4 heads"),
        ("encoder", {"self_attention": WINDOW, "positions": "relative"}, "cannot add positions `relative`"),
        ("encoder", {"self_attention": "linear", "attention_dropout": 0.1}, "no attention probabilities"),
        ("encoder", {"self_attention": {"type": "mamba2", "head_dim": 5}}, "heads of 5 features"),
        ("encoder", {"self_attention": WINDOW | {"full_every": 1}}, "none of 2 layers"),
        (
            "decoder",
            {"positions": "none", "self_attention": {"type": "compressive", "segment": 8, "memory": 8}},
            "8 positions cannot be compressed 3 to one",
        ),
    ],
)
def test_what_does_not_fit_is_one_message(where, given, message):
    found = faults(pair(*((given if where == part else {}) for part in ("encoder", "decoder"))))

    assert len(found) == 1
    assert message in found[0]


def test_the_cost_of_a_stack_knows_its_attention():
    catalogue = Catalogue()
    window = WINDOW | {"window": 64, "num_heads": 4, "full_every": 2}
    given = {"num_layers": 2, "dim": 16, "num_heads": 4, "self_attention": window}
    config = catalogue.config("decoder", "transformer").model_validate(given, context=catalogue)

    assert config.attention_span(10_000, dim=16) == 10_000 + 96
    assert config.attention_kept(10_000, dim=16) == 64


def test_a_language_model_with_memory_trains_its_compression():
    inner = {"type": "compressive", "segment": 4, "memory": 4, "compressed": 2, "rate": 2}
    data = {"type": "language_model", "decoder": STACK | {"positions": "none", "self_attention": inner}}
    model = build(data, {"target": TARGET}).model

    assert model.decoder.auxiliary == ("reconstruction",)
