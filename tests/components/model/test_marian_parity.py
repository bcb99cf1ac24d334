"""Our Transformer and transformers' Marian, with the same weights: logits to within 1e-5, cached greedy and beam
search to the same ids.

Needs ``pip install transformers``; without it, nothing here runs.
"""

import pytest
import torch

from seqspec.components.loss.cross_entropy import CrossEntropy
from seqspec.components.search.beam import Beam
from seqspec.components.search.greedy import Greedy
from seqspec.schema.loss.cross_entropy import CrossEntropyConfig
from seqspec.schema.search.beam import BeamConfig
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import BOS, EOS, PAD, Tokens
from tests.components.building import batch, build, loss_of, replaced

torch.set_num_threads(1)
transformers = pytest.importorskip("transformers")

VOCAB, DIM, HEADS, INNER, LAYERS, PLACES = 11, 12, 3, 20, 2, 40
LONGEST = 30


LAYER = {
    "type": "transformer",
    "dim": DIM,
    "num_heads": HEADS,
    "feed_forward_dim": INNER,
    "num_layers": LAYERS,
    "norm": "post",
    "norm_epsilon": 1e-5,
    "positions": "learned",
    "max_positions": PLACES,
    "dropout": 0.0,
}


def backwards(of):
    """The task: write the source from its end."""
    target = [source[:length].flip(0) for source, length in zip(of.source, of.source_lengths, strict=True)]
    padded = torch.nn.utils.rnn.pad_sequence(target, batch_first=True)
    return replaced(of, target=padded, target_lengths=of.source_lengths)


@pytest.fixture(scope="module")
def ours():
    """Trained for a moment, so that answers depend on the source and are not sure."""
    types = {"source": Tokens(VOCAB), "target": Tokens(VOCAB)}
    data = {"type": "encoder_decoder", "encoder": LAYER, "decoder": LAYER, "tie": "all"}
    built = build(data, types, seed=1)
    criterion = CrossEntropy(CrossEntropyConfig(), built.gives)
    optimizer = torch.optim.Adam(built.model.parameters(), lr=5e-3)
    for step in range(200):
        loss = loss_of(built.model, backwards(batch(rows=24, source=VOCAB, seed=step + 10)), criterion)
        optimizer.zero_grad()
        (loss.total / loss.count).backward()
        optimizer.step()
    return built.model.eval()


@pytest.fixture(scope="module")
def marian(ours):
    config = transformers.MarianConfig(
        vocab_size=VOCAB,
        d_model=DIM,
        encoder_layers=LAYERS,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=INNER,
        decoder_ffn_dim=INNER,
        max_position_embeddings=PLACES,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
        decoder_start_token_id=BOS,
        forced_eos_token_id=None,
        activation_function="relu",
        scale_embedding=True,
    )
    model = transformers.MarianMTModel(config).eval()
    with torch.no_grad():
        model.model.shared.weight.copy_(ours.embedding.weight_VD)
        model.final_logits_bias.copy_(ours.head.bias_V)
        for side in ("encoder", "decoder"):
            copy_stack(getattr(model.model, side), getattr(ours, side))
    return model


def copy_stack(theirs, mine):
    theirs.embed_positions.weight.copy_(mine.entrance.learned)
    for layer, my_layer in zip(theirs.layers, mine.layers, strict=True):
        copy_attention(layer, "self_attn", my_layer.self_attention, my_layer.self_residual)
        if my_layer.cross_attention is not None:
            copy_attention(layer, "encoder_attn", my_layer.cross_attention, my_layer.cross_residual)
        layer.fc1.load_state_dict(my_layer.feed_forward.expand.state_dict())
        layer.fc2.load_state_dict(my_layer.feed_forward.contract.state_dict())
        layer.final_layer_norm.load_state_dict(my_layer.feed_forward_residual.norm.state_dict())


def copy_attention(layer, name, attention, residual):
    theirs = getattr(layer, name)
    for mine in ("query", "key", "value"):
        getattr(theirs, f"{mine[0]}_proj").load_state_dict(getattr(attention, mine).state_dict())
    theirs.out_proj.load_state_dict(attention.output.state_dict())
    getattr(layer, f"{name}_layer_norm").load_state_dict(residual.norm.state_dict())


@pytest.fixture(scope="module")
def given():
    return backwards(batch(rows=6, source=VOCAB, seed=5))


def generated(marian, given, **how):
    """What transformers finds with cached keys and values: ids up to the end, and scores."""
    found = marian.generate(
        input_ids=given.source,
        attention_mask=(given.source != PAD).long(),
        max_new_tokens=LONGEST,
        suppress_tokens=[PAD, BOS],
        return_dict_in_generate=True,
        output_scores=True,
        use_cache=True,
        do_sample=False,
        **how,
    )
    ids = [tuple(row[1:].tolist()) for row in found.sequences]
    assert all(EOS in row for row in ids), "an answer that never ends compares nothing"
    return [row[: row.index(EOS)] for row in ids], getattr(found, "sequences_scores", None)


@torch.no_grad()
def test_logits_agree(marian, ours, given):
    expected = marian(
        input_ids=given.source,
        attention_mask=(given.source != PAD).long(),
        decoder_input_ids=given.target,
    ).logits
    memory, lengths = ours.encode(given)
    logits = ours.head(ours.decoder(given.target, memory, lengths))

    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_cached_greedy_search_writes_the_same(marian, ours, given):
    expected, _ = generated(marian, given, num_beams=1)
    found = ours.decode(given, Greedy(GreedyConfig(max_tokens=LONGEST), None))

    assert [answers[0].ids for answers in found] == expected
    assert len(set(expected)) == len(expected)


@torch.no_grad()
@pytest.mark.parametrize(("penalty", "power"), [("none", 0.0), ("average", 1.0)])
@pytest.mark.parametrize("size", [2, 4])
def test_cached_beam_search_finds_the_same_answers_with_the_same_scores(
    marian, ours, given, penalty, power, size
):
    expected, scores = generated(
        marian,
        given,
        num_beams=size,
        num_return_sequences=size,
        length_penalty=power,
        early_stopping="never",
    )
    config = BeamConfig(size=size, nbest=size, max_tokens=LONGEST, length_penalty=penalty)
    found = ours.decode(given, Beam(config, None))

    assert [hypothesis.ids for answers in found for hypothesis in answers] == expected
    mine = torch.tensor([hypothesis.score for answers in found for hypothesis in answers])
    torch.testing.assert_close(mine, scores, rtol=1e-4, atol=1e-4)
