"""A spec whose template is the folder's own: texts, answers, prompts and export beside transformers."""

import json

import pytest

from seqspec.compile.pipeline import compile
from seqspec.runtime.assembly.assemble import assemble, reopen
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.evaluate import evaluation
from seqspec.runtime.export.hf import write_hf
from seqspec.runtime.prediction.chat_inputs import chat_ids
from seqspec.runtime.run import run
from seqspec.schema.diagnostic import DataError, RunError, SpecError
from seqspec.schema.types import PAD
from tests.runtime.chat.test_chat import PACK, SPEC, _talk
from tests.runtime.pretrained import folders

transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

OWN = '{turns: {user: "on {content}", assistant: "then {content}</s>"}, between: " "}'
TEXT = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}on {{ m.content }}"
    "{% elif m.role == 'assistant' %} then {{ m.content }}{{ eos_token }} {% else %}"
    "{{ raise_exception('no ' + m.role) }}{% endif %}{% endfor %}{% if add_generation_prompt %} then {% endif %}"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    folders.save_llama(folder / "model")
    (folder / "model" / "chat_template.jinja").write_text(TEXT)
    (folder / "corpus").mkdir()
    for split in ("train", "dev", "test"):
        lines = [json.dumps(_talk(number)) for number in range(8)]
        (folder / "corpus" / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    text = SPEC.format(corpus=folder / "corpus", folder=folder / "model").replace(PACK, "")
    assert OWN in text
    (folder / "spec.yaml").write_text(text.replace(OWN, f'{{from: "{folder / "model"}"}}'))
    return folder


def test_a_run_reads_asks_and_exports_with_the_template_of_its_folder(place, tmp_path):
    assembled = assemble(compile(place / "spec.yaml"), splits=("dev",), initial=True)
    adapter, steps = assembled.prepared.parts.adapter, assembled.prepared.parts.text["target"]
    theirs = transformers.AutoTokenizer.from_pretrained(place / "model")

    (first, second, *_) = adapter.examples("dev")
    for record, number in ((first, 0), (second, 1)):
        said = _talk(number)["messages"]
        assert record["target"] == theirs.apply_chat_template(said, tokenize=False)
        spans = record["answers"].reshape(-1, 2).tolist()
        answers = [one["content"] + "</s>" for one in said if one["role"] == "assistant"]
        assert [record["target"][begin:end] for begin, end in spans] == answers
    split = assembled.prepared.splits["dev"]
    assert int((split.value("answers", 0) != PAD).sum()) > 0

    prompt = _talk(1)["messages"][:3]
    order = steps.tokenizer.original_ids()
    ours = chat_ids(steps, adapter)(json.dumps({"messages": prompt})).tolist()
    asked = theirs.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False)
    assert [order[2], *(order[id] for id in ours)] == asked

    write_hf(assembled.program, assembled.prepared, tmp_path / "out")
    again = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    assert again.apply_chat_template(prompt, tokenize=False) == theirs.apply_chat_template(
        prompt, tokenize=False
    )


def test_a_run_is_not_used_with_another_template(place, tmp_path):
    launch = Launch(threads=1)
    folder = run(compile(place / "spec.yaml"), runs=tmp_path, launch=launch).folder
    file = place / "model" / "chat_template.jinja"
    reopened = reopen(folder)
    file.write_text(TEXT.replace("then", "well"))
    try:
        with pytest.raises(RunError, match=r"the template of the corpus is not the one") as caught:
            reopen(folder)
        drifts = evaluation(folder.path, split="dev", checkpoint="last", over=(), launch=launch).drifts
    finally:
        file.write_text(TEXT)

    assert chat_ids(reopened.parts.text["target"], reopened.parts.adapter)("hello").tolist()
    assert caught.value.exit == 7
    assert [drift.name for drift in drifts] == ["records.template"]


def test_another_template_makes_other_records(place, monkeypatch):
    before = assemble(
        compile(place / "spec.yaml"), splits=(), initial=True
    ).prepared.parts.source_fingerprint()
    file = place / "model" / "chat_template.jinja"
    file.write_text(TEXT.replace("then", "so"))
    try:
        after = assemble(
            compile(place / "spec.yaml"), splits=(), initial=True
        ).prepared.parts.source_fingerprint()
    finally:
        file.write_text(TEXT)

    assert before["template"] != after["template"]
    assert {**before, "template": ""} == {**after, "template": ""}


def test_what_is_wrong_with_a_template_is_told(place):
    text = (place / "spec.yaml").read_text()
    both = place / "both.yaml"
    both.write_text(text.replace("template: {from:", 'template: {turns: {user: "{content}"}, from:'))
    with pytest.raises(SpecError, match="the template is the folder's, and marks stand here as well"):
        compile(both)

    none = place / "none.yaml"
    none.write_text(
        text.replace(f'template: {{from: "{place / "model"}"}}', f'template: {{from: "{place}"}}')
    )
    with pytest.raises(DataError, match="has no chat template") as raised:
        assemble(compile(none), splits=("train",), initial=True)
    assert raised.value.code == "SQ399"

    lines = [_talk(0), {"messages": [{"role": "tool", "content": "x"}, *_talk(0)["messages"]]}]
    (place / "bad").mkdir(exist_ok=True)
    for split in ("train", "dev"):
        (place / "bad" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    bad = place / "bad.yaml"
    bad.write_text(text.replace(str(place / "corpus"), str(place / "bad")))
    with pytest.raises(DataError, match="the folder's template: no tool") as raised:
        assemble(compile(bad), splits=("train",), initial=True)
    assert (raised.value.code, raised.value.row) == ("SQ400", 2)
