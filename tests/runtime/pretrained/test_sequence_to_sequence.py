import csv
import json
import re

import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.components._layers.positions import sinusoids
from seqspec.components.search.greedy import Greedy
from seqspec.data.batching.batch import Batch
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.export.hf_pair import compare_pair, write_pair
from seqspec.schema.diagnostic import RunError, SpecError
from seqspec.schema.search.greedy import GreedyConfig
from seqspec.schema.types import Logits
from tests.runtime.pretrained import folders

transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

SPEC = """
seqspec: 1
name: pairs
data:
  source: {{type: csv, root: "{place}/corpus", splits: {{train: a.csv, dev: b.csv}}, source: {{text: x, language: en}}, target: {{text: y, language: en}}}}
  text: {{shared: {{tokenizer: {{type: hf, from: "{place}/model"}}}}}}
  batch: {{unit: examples, size: 4}}
model:
  type: encoder_decoder
  from: "{place}/model"
  encoder: {part}
  decoder: {part}
  head: {{type: linear, bias: {bias}}}
  tie: {tie}
  source_end: true
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [dev], metrics: [chrf]}}
"""
GATED = {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
KINDS = {
    "t5": ("t5", folders.save_t5, {}, "all", "false"),
    "t5 gated": ("t5", folders.save_t5, GATED, "all", "false"),
    "marian": ("marian", folders.save_pair, {"kind": "marian"}, "all", "true"),
    "pegasus": ("marian", folders.save_pair, {"kind": "pegasus", "scale_embedding": False}, "all", "true"),
    "nllb": ("marian", folders.save_pair, {"kind": "m2m_100", "activation_function": "relu"}, "all", "false"),
    "t5 untied": ("t5", folders.save_t5, {**GATED, "untied": True}, "embeddings", "false"),
}


def write_spec(place, *, part, tie, bias):
    (place / "corpus").mkdir(exist_ok=True)
    for name in ("a.csv", "b.csv"):
        with open(place / "corpus" / name, "w", newline="") as file:
            csv.writer(file).writerows([("x", "y"), *zip(folders.TEXTS, folders.TEXTS[::-1], strict=True)])
    (place / "spec.yaml").write_text(SPEC.format(place=place, part=part, tie=tie, bias=bias))
    return place / "spec.yaml"


@pytest.fixture(scope="module", params=list(KINDS))
def begun(request, tmp_path_factory):
    """The program that a folder starts as, the text steps, and transformers' model."""
    part, save, settings, tie, bias = KINDS[request.param]
    place = tmp_path_factory.mktemp("pairs")
    theirs = save(place / "model", **settings)
    if settings.get("scale_embedding") is False:
        part = f"{{type: {part}, embedding: {{type: lookup, scale: false}}}}"
    spec = write_spec(place, part=part, tie=tie, bias=bias)
    made = assemble(compile(spec), splits=("train",), initial=True)
    made.program.model.eval()
    return spec, made, theirs


def batch_of(made, *texts):
    steps = made.prepared.parts.text["source"]
    rows = [torch.tensor(ids) for ids in steps.encode_batch(texts)]
    lengths = torch.tensor([len(row) for row in rows])
    source = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return Batch.pair(source, lengths, source, lengths, torch.arange(len(rows)), 0, 1.0), steps


def asked(batch, order, eos):
    """The sources as transformers reads them, an end behind each."""
    size = int(batch.source_lengths.max()) + 1
    ids, mask = torch.zeros(2, len(batch.source), size, dtype=torch.int64)
    for row, length in enumerate(batch.source_lengths.tolist()):
        ids[row, :length], ids[row, length] = order[batch.source[row, :length]], eos
        mask[row, : length + 1] = 1
    return ids, mask


@torch.no_grad()
def test_logits_equal_those_of_transformers(begun):
    _, made, theirs = begun
    batch, steps = batch_of(made, folders.TEXTS[3], folders.TEXTS[4][:9])
    order = torch.tensor(steps.tokenizer.original_ids())
    ids, mask = asked(batch, order, theirs.config.eos_token_id)
    model = made.program.model
    written = torch.tensor([[2, 40, 50, 60, 70], [2, 60, 50, 30, 20]])

    hidden = model.decoder(written, *model.encode(batch))
    logits = model.head(hidden)

    expected = theirs(input_ids=ids, attention_mask=mask, decoder_input_ids=order[written]).logits
    known = order >= 0
    torch.testing.assert_close(logits[..., known], expected[..., order[known]], atol=1e-5, rtol=1e-5)
    assert logits.abs().max() > 0.5


@torch.no_grad()
def test_greedy_text_equals_that_of_transformers(begun):
    _, made, theirs = begun
    batch, steps = batch_of(made, folders.TEXTS[5])
    order = steps.tokenizer.original_ids()
    ids, mask = asked(batch, torch.tensor(order), theirs.config.eos_token_id)

    ((found, *_),) = made.program.model.decode(
        batch, Greedy(GreedyConfig(max_tokens=8), Logits(steps.vocab_size))
    )

    text = theirs.generate(ids, attention_mask=mask, max_new_tokens=8, do_sample=False, num_beams=1,
                           bad_words_ids=[[order[2]]])[0, 1:].tolist()  # fmt: skip
    assert [order[id] for id in found.ids] == [id for id in text if id != theirs.config.eos_token_id]
    assert len(found.ids) > 2


def test_nothing_of_the_folder_is_left_over(begun):
    _, made, _ = begun

    for name in ("model.encoder", "model.decoder"):
        record = made.pretrained[name]
        assert record["fresh"] == []
        assert record["left_over"] in ([], ["final_logits_bias"], ["lm_head.weight"])


def test_a_changed_model_goes_out_and_answers_alike(begun, tmp_path):
    _, made, theirs = begun
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in made.program.model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)

    write_pair(made.program, made.prepared, tmp_path / "out")
    found = compare_pair(made.program, made.prepared, tmp_path / "out")

    assert found.largest < 1e-5
    assert found.texts_equal
    kind = json.loads((tmp_path / "out" / "config.json").read_text())["model_type"]
    assert kind == theirs.config.model_type


SHIFTED = ("{{type: marian, num_layers: 1, dim: 16, num_heads: 2, feed_forward_dim: 20, activation: relu, norm: pre, "
           "max_positions: 40, rates: half_less_one, first_position: {first}}}")  # fmt: skip


@pytest.mark.parametrize("first", [1, 2])
def test_positions_of_an_nllb_are_counted_from_the_padding_s_id(first, tmp_path):
    write_spec(tmp_path, part="marian", tie="all", bias="false")
    stack = SHIFTED.format(first=first)
    text = re.sub(
        r"coder: \{type: transformer.*", lambda _: f"coder: {stack}", OWN.format(place=tmp_path, more="")
    )
    (tmp_path / "own.yaml").write_text(text)
    made = assemble(compile(tmp_path / "own.yaml"), splits=("train",), initial=True)

    if first == 2:
        with pytest.raises(RunError, match="the padding's id, which is 0") as raised:
            write_pair(made.program, made.prepared, tmp_path / "out")
        assert raised.value.help == "set `first_position: 1` of both stacks"
        return
    write_pair(made.program, made.prepared, tmp_path / "out")
    assert compare_pair(made.program, made.prepared, tmp_path / "out").largest < 1e-5


def test_a_tie_that_would_lose_the_folder_s_softmax_is_told(tmp_path):
    folders.save_t5(tmp_path / "model", **GATED, untied=True)
    spec = write_spec(tmp_path, part="t5", tie="all", bias="false")

    with pytest.raises(SpecError, match="softmax of its own"):
        compile(spec)


def test_offsets_of_the_softmax_are_not_lost_in_silence(tmp_path):
    folders.save_pair(tmp_path / "model", kind="marian")
    spec = write_spec(tmp_path, part="marian", tie="all", bias="false")

    with pytest.raises(SpecError, match="softmax has offsets"):
        compile(spec)


OWN = """
seqspec: 1
name: own
data:
  source: {{type: csv, root: "{place}/corpus", splits: {{train: a.csv, dev: b.csv}}, source: {{text: x, language: en}}, target: {{text: y, language: en}}}}
  text: {{shared: {{tokenizer: characters}}}}
  batch: {{unit: examples, size: 4}}
model:
  type: encoder_decoder
  encoder: {{type: transformer, num_layers: 2, dim: 16, num_heads: 2, norm_epsilon: 1.0e-5{more}}}
  decoder: {{type: transformer, num_layers: 1, num_heads: 4, bias: false, norm_epsilon: 1.0e-5{more}}}
  head: {{type: linear, bias: false}}
  tie: all
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [dev], metrics: [chrf]}}
"""


def own(place, more=""):
    write_spec(place, part="marian", tie="all", bias="false")
    (place / "own.yaml").write_text(OWN.format(place=place, more=more))
    made = assemble(compile(place / "own.yaml"), splits=("train",), initial=True)
    torch.manual_seed(4)
    with torch.no_grad():
        for parameter in made.program.model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return made


def test_a_transformer_with_norms_first_goes_out_as_a_pegasus(tmp_path):
    made = own(tmp_path)

    write_pair(made.program, made.prepared, tmp_path / "out")
    found = compare_pair(made.program, made.prepared, tmp_path / "out")

    assert found.largest < 1e-5
    assert found.texts_equal
    assert type(transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "out")).__name__.startswith(
        "Pegasus"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [(", norm: post", "`encoder.norm` is post"), (", positions: rotary", "rotary and not sinusoidal"),
     (", activation: swiglu", "the activation of the encoder")],
)  # fmt: skip
def test_a_transformer_that_is_no_pegasus_is_told(tmp_path, more, said):
    made = own(tmp_path, more)

    with pytest.raises(RunError, match=said):
        write_pair(made.program, made.prepared, tmp_path / "out")


@torch.no_grad()
def test_the_pegasus_comes_back_with_our_positions(tmp_path):
    """The table of positions that the file holds wins over the architecture's formula."""
    made = own(tmp_path)
    write_pair(made.program, made.prepared, tmp_path / "model")
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "model").eval()
    folders.save_tokenizer(tmp_path / "model", special=("<s>", "<pad>", "</s>"))
    text = (tmp_path / "spec.yaml").read_text().replace("bias: false", "bias: true")
    text = text.replace("encoder: marian", "encoder: {type: marian}").replace("tie: all", "tie: all")
    (tmp_path / "spec.yaml").write_text(text)
    plan = compile(tmp_path / "spec.yaml").plan

    assert plan.config(("model", "encoder")).stored_positions is True
    held = theirs.model.encoder.embed_positions.weight
    torch.testing.assert_close(held, sinusoids(0, len(held), dim=16, device=held.device))
