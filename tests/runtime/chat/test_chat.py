"""Conversations: what is learned, counted and answered, beside transformers on the same folder."""

import json

import numpy as np
import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.data.batching.collate import collate, count_targets
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.export.hf import write_hf
from seqspec.runtime.prediction.chat_inputs import chat_ids, chat_inputs
from seqspec.runtime.prediction.input import Input
from seqspec.schema.diagnostic import DataError, SpecError
from seqspec.schema.types import PAD
from tests.runtime.pretrained import folders

pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

SPEC = """
seqspec: 1
name: chat
data:
  source:
    type: chat
    root: "{corpus}"
    language: en
    template: {{turns: {{user: "on {{content}}", assistant: "then {{content}}</s>"}}, between: " "}}
  text: {{target: {{tokenizer: {{type: hf, from: "{folder}"}}}}}}
  pack: {{length: 24}}
  batch: {{unit: examples, size: 4}}
model: {{type: language_model, from: "{folder}", decoder: llama, head: {{type: linear, bias: false}}, tie: none}}
adapt: {{type: lora, parts: [model.decoder], rank: 2}}
optimizer: {{type: adamw, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 2, checkpoint_every_steps: 2}}
evaluate: {{splits: [dev], metrics: [perplexity, token_accuracy]}}
"""
PACK = "  pack: {length: 24}\n"


def _talk(number):
    said = [folders.TEXTS[number + i] for i in range(2 + 2 * (number % 2))]
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": text} for i, text in enumerate(said)]}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chat")
    theirs = folders.save_llama(folder / "model")
    (folder / "corpus").mkdir()
    for split in ("train", "dev", "test"):
        lines = [json.dumps(_talk(number)) for number in range(8)]
        (folder / "corpus" / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "packed.yaml").write_text(SPEC.format(corpus=folder / "corpus", folder=folder / "model"))
    (folder / "apart.yaml").write_text((folder / "packed.yaml").read_text().replace(PACK, ""))
    return folder, theirs


@pytest.fixture(scope="module")
def apart(place):
    return assemble(compile(place[0] / "apart.yaml"), splits=("train",), initial=True)


@torch.no_grad()
def test_the_loss_of_each_token_equals_that_of_transformers(place, apart):
    _, theirs = place
    model, split = apart.program.model.eval(), apart.prepared.splits["train"]
    order = torch.tensor(apart.prepared.parts.text["target"].tokenizer.original_ids())
    for row in range(4):
        batch = collate(split, np.array([row]), step=0, loss_normalizers={"loss": 1.0})
        scored = model.outputs(batch)["tokens"]
        # Their softmax has no row for our padding and unknown: ours leave it as well.
        logits = scored.head(scored.hidden)[0].masked_fill(order < 0, -torch.inf)
        ours = torch.nn.functional.cross_entropy(logits, scored.labels[0], reduction="none", ignore_index=PAD)

        ids = [2, *batch.target[0].tolist(), 3]
        given = order[torch.tensor([ids])]
        labels = given.clone()
        labels[0, 1:][scored.labels[0] == PAD] = -100
        labels[0, 0] = -100
        expected = theirs(given, labels=labels)
        each = torch.nn.functional.cross_entropy(
            expected.logits[0, :-1], labels[0, 1:], reduction="none", ignore_index=-100
        )

        torch.testing.assert_close(ours, each, atol=1e-5, rtol=0)
        mean = ours.sum() / (scored.labels != PAD).sum()
        torch.testing.assert_close(mean, expected.loss, atol=1e-5, rtol=0)


def test_only_what_the_assistant_says_is_learned_and_counted(apart):
    split, steps = apart.prepared.splits["train"], apart.prepared.parts.text["target"]
    (name, counted), *_ = apart.prepared.parts.counted.items()
    assert (name, counted) == ("loss", ("answers", "tokens"))
    for row in range(8):
        batch = collate(split, np.array([row]), step=0, loss_normalizers={"loss": 1.0})
        labels = apart.program.model.outputs(batch)["tokens"].labels[0]
        learned = labels[labels != PAD].tolist()

        answers = [one["content"] for one in _talk(row)["messages"] if one["role"] == "assistant"]
        assert steps.decode(learned) == "".join(answers)
        assert learned.count(3) == len(answers)
        assert count_targets(split, np.array([row]), counted) == len(learned)


@pytest.mark.parametrize("stride", [None, 16])
def test_packed_rows_learn_the_same_tokens(place, apart, stride):
    text = (place[0] / "packed.yaml").read_text()
    changed = text if stride is None else text.replace("length: 24", f"length: 24, stride: {stride}")
    spec = place[0] / f"stride{stride}.yaml"
    spec.write_text(changed)
    assembled = assemble(compile(spec), splits=("dev",), initial=True)
    split = assembled.prepared.splits["dev"]
    (counted,) = assembled.prepared.parts.counted.values()
    rows = [split.row(row) for row in range(len(split))]

    held = [int((row.labels != PAD).sum()) for row in rows]
    assert held == [count_targets(split, np.array([row]), counted) for row in range(len(split))]
    alone = apart.prepared.splits["train"]
    assert sum(held) == int(alone.lengths_of("answers").sum())
    whole = [np.asarray(alone.value("target", text)) for text in range(8)]
    if stride is None:
        inputs = np.concatenate([row.inputs for row in rows])
        assert inputs.tolist() == [id for ids in whole for id in (2, *ids.tolist())]


def test_whole_rows_learn_the_answers_that_they_hold(place):
    held = {}
    for remainder in ("row", "drop"):
        spec = place[0] / f"{remainder}.yaml"
        text = (place[0] / "packed.yaml").read_text()
        spec.write_text(text.replace("length: 24", f"length: 24, remainder: {remainder}"))
        prepared = assemble(compile(spec), splits=("train",), initial=True).prepared
        split = prepared.splits["train"]
        (counted,) = prepared.parts.counted.values()
        held[remainder] = [split.row(row).labels.tolist() for row in range(len(split))]
        targets = [sum(id != PAD for id in row) for row in held[remainder]]
        assert targets == [count_targets(split, np.array([row]), counted) for row in range(len(split))]

    assert held["drop"] == [row for row in held["row"] if len(row) == 24]
    assert split.num_left_out == len(held["row"][-1]) < 24


def test_layers_that_are_worked_out_again_give_the_same_gradients(apart):
    split, model = apart.prepared.splits["train"], apart.program.model.train()
    batch = collate(split, np.arange(4), step=0, loss_normalizers={"loss": 1.0})
    found = []
    for again in (False, True):
        for layer in model.decoder.layers:
            layer.recompute = again
        model.zero_grad()
        apart.program.losses(model, batch).total.backward()
        found.append([p.grad.clone() for p in model.parameters() if p.grad is not None])

    assert len(found[0]) > 4
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_bad_records_are_one_message_each(place):
    folder, _ = place
    bad = folder / "bad"
    bad.mkdir(exist_ok=True)
    (bad / "dev.jsonl").write_text(json.dumps(_talk(1)) + "\n")
    lines = [_talk(0), {"messages": [{"role": "tool", "content": "x"}]}, _talk(2)]
    (bad / "train.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    spec = folder / "bad.yaml"
    spec.write_text((folder / "apart.yaml").read_text().replace(str(folder / "corpus"), str(bad)))

    with pytest.raises(DataError, match="message 1 is of role `tool`") as raised:
        assemble(compile(spec), splits=("train",), initial=True)
    assert (raised.value.row, raised.value.code) == (2, "SQ400")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('user: "on {content}"', 'user: "on"', "the turn of `user` holds `{content}` 0 times"),
        ('user: "on {content}", ', "", "the template has no turn of the user"),
        ("[perplexity,", "[bits_per_character,", "only its answers are scored"),
        ("{type: hf,", "{type: hf, template: true,", "its marks around every piece"),
    ],
)
def test_what_does_not_fit_a_conversation_is_told(place, old, new, told):
    folder, _ = place
    text = (folder / "apart.yaml").read_text()
    assert old in text
    (folder / "misfit.yaml").write_text(text.replace(old, new))

    with pytest.raises(SpecError) as raised:
        compile(folder / "misfit.yaml")

    assert [told in one.message for one in raised.value.diagnostics] == [True]


def test_lines_ask_and_wrong_ones_are_told(place, apart):
    adapter, steps = apart.prepared.parts.adapter, apart.prepared.parts.text["target"]
    first = json.dumps({"messages": _talk(1)["messages"][:3]})
    lines = [Input(text, text, "-", row) for row, text in enumerate((first, " ", "the cat", "{}"), start=1)]

    asked, told, wrong = chat_inputs(lines, adapter)

    whole = apart.prepared.splits["train"].value("target", 1).tolist()
    prompt = chat_ids(steps, adapter)(asked.value).tolist()
    assert whole[: len(prompt)] == prompt
    assert asked.columns == json.loads(first)
    assert str(told.value) == "on the cat then "
    assert (wrong.error.code, wrong.error.row) == ("SQ406", 4)


def test_a_model_goes_out_with_its_template(place, apart, tmp_path):
    import transformers

    write_hf(apart.program, apart.prepared, tmp_path / "out")

    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    adapter, steps = apart.prepared.parts.adapter, apart.prepared.parts.text["target"]
    said = {"messages": [*_talk(1)["messages"][:2], {"role": "user", "content": 'a "b"\n{c} \\d 犬'}]}
    text = tokenizer.apply_chat_template(said["messages"], tokenize=False, add_generation_prompt=True)
    assert text == "<s>" + adapter.asked(said).text
    prompt = json.dumps({"messages": _talk(1)["messages"][:1]})
    order = steps.tokenizer.original_ids()
    ids = tokenizer.apply_chat_template(
        json.loads(prompt)["messages"], add_generation_prompt=True, return_dict=False
    )
    assert ids == [order[2], *(order[id] for id in chat_ids(steps, adapter)(prompt).tolist())]
    with pytest.raises(Exception, match="unknown role"):
        tokenizer.apply_chat_template([{"role": "tool", "content": "x"}], tokenize=False)
