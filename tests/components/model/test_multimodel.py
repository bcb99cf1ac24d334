"""MultiModel's encoder and decoder inside a model: experts, commands, steps and what is refused."""

import pytest
import torch

from seqspec.components._layers.multimodel import ConvolutionBlock, PlainAttention
from seqspec.components._layers.separable import Separable
from seqspec.schema.types import BOS, Image, Tokens
from tests.components.building import batch, build, infer

EXPERTS = {"type": "experts", "num_experts": 4, "router": {"type": "noisy_top_k", "k": 2}}
SIZES = {"kernels": [3, 3, 5], "dilations": [1, 1, 2], "groups": [1, 1, 1], "dropout": 0.0}
PAPER = {
    "type": "encoder_decoder",
    "command": 3,
    "encoder": {"type": "multimodel", "dim": 12, "num_layers": 3, "experts": EXPERTS, **SIZES},
    "decoder": {
        "type": "multimodel",
        "num_layers": 2,
        "num_heads": 2,
        "experts": EXPERTS,
        "embedding": {"type": "command_lookup", "commands": 4},
        **SIZES,
    },
}
T2T = {
    **PAPER,
    "encoder": {**PAPER["encoder"], "residual": "input_and_first", "dropout_after": "stack"},
    "decoder": {
        "type": "multimodel",
        "num_layers": 2,
        "attention": "simple",
        "mixer_layers": 0,
        "merge_groups": 4,
        "experts": EXPERTS,
        "residual": "input_and_first",
        "embedding": {"type": "command_lookup", "commands": 4},
        **SIZES,
    },
}
TYPES = {"source": Tokens(20), "target": Tokens(11)}


def changed(model, **parts):
    return {**model, **{name: {**model[name], **more} for name, more in parts.items()}}


@pytest.mark.parametrize("model", [PAPER, T2T], ids=["paper", "t2t"])
def test_steps_are_what_is_read_at_once_with_experts_and_command(model):
    built = build(model).model.eval()
    ids = torch.tensor([[built.begin, 4, 9, 5], [built.begin, 7, 7, 6]])
    source, lengths = torch.randint(4, 20, (2, 9)), torch.tensor([9, 5])

    with torch.no_grad():
        memory, lengths = built.read(source, lengths)
        expected = built.head(built.decoder(ids, memory, lengths))
        state = built.start(memory, lengths)
        for place in range(4):
            logits, state = built.step(ids[:, place], state)
            torch.testing.assert_close(logits, expected[:, place], atol=1e-5, rtol=1e-5)

    assert built.begin == 11 + 3
    assert built.encoder.experts_after == 1
    assert built.decoder.experts_after == 1


@pytest.mark.parametrize("model", [PAPER, T2T], ids=["paper", "t2t"])
def test_a_search_can_choose_hypotheses_and_forget_examples(model):
    built = build(model).model.eval()
    with torch.no_grad():
        memory, lengths = built.read(torch.randint(4, 20, (2, 6)), torch.tensor([6, 4]))
        state = built.start(memory, lengths)
        _, state = built.step(torch.full((2,), built.begin), state)
        both = state.select(torch.tensor([0, 0, 1, 1]))
        logits, _ = built.step(torch.tensor([4, 5, 6, 7]), both, look=True)
        only = state.select(torch.tensor([1])).keep(torch.tensor([1]))
        alone, seen = built.step(torch.tensor([7]), only, look=True)

    torch.testing.assert_close(alone[0], logits[3], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(seen.attention.sum(-1), torch.ones(1))
    assert (seen.attention[0, 4:] == 0).all()


def test_losses_of_balance_come_from_both_sides():
    model = build(PAPER).model

    found = model.outputs(batch())

    wanted = {f"{part}.{loss}" for part in ("encoder", "decoder") for loss in ("importance", "load")}
    assert found.keys() == {"tokens", *wanted}
    assert all(found[name].total > 0 for name in wanted)


def test_the_begin_symbol_stays_without_commands():
    plain = changed(PAPER, decoder={"embedding": "lookup"})
    del plain["command"]

    assert build(plain).model.begin == BOS


def test_images_are_read_through_an_embedding():
    types = {"source": Image(3, 16, 16), "target": Tokens(11)}
    built = build({**PAPER, "embedding": {"type": "xception_entry", "entry": "strided"}}, types).model

    memory, lengths = built.read(torch.randn(2, 3, 16, 16), None)

    assert memory.shape == (2, 1, 12)
    assert lengths.tolist() == [1, 1]


def test_without_projections_attention_is_a_mean_weighted_by_likeness():
    query, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 8)

    given = PlainAttention()(query, memory)

    weights = (query @ memory.transpose(1, 2) / 8**0.5).softmax(-1)
    torch.testing.assert_close(given, weights @ memory, atol=1e-6, rtol=1e-5)


def test_a_block_adds_its_input_once_or_its_first_half_too():
    sizes = [Separable(3, 1, 1)] * 3
    torch.manual_seed(0)
    block = ConvolutionBlock(8, sizes, causal=False, add_first=False)
    x_BTD = torch.randn(2, 7, 8)
    near = block.near(x_BTD)
    far = block.far(x_BTD + near)

    torch.testing.assert_close(block(x_BTD), x_BTD + far)
    block.add_first = True
    torch.testing.assert_close(block(x_BTD), x_BTD + near + far)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({**PAPER, "command": None}, "begins with none"),
        ({**PAPER, "command": 4}, "command 4 has no row"),
        (changed(PAPER, decoder={"embedding": "lookup"}), "has no command tokens"),
        (changed(PAPER, decoder={"num_heads": 5}), "5 heads do not divide a width of 12"),
        (changed(T2T, decoder={"merge_groups": 5}), "5 groups do not divide a width of 12"),
        (changed(T2T, decoder={"dim": 16}), "so it needs states of width 16"),
        (changed(PAPER, encoder={"experts_after": 4}), "after block 4 of 3"),
        (changed(PAPER, encoder={"experts": None, "experts_after": 1}), "no experts to place"),
        (changed(PAPER, encoder={"kernels": [3, 4, 5]}), "a window of 4 inputs has no middle"),
    ],
)
def test_what_does_not_fit_is_said(model, message):
    _, faults, _, _ = infer(model, TYPES)

    assert any(message in fault for fault in faults), faults
    assert len(faults) == 1
