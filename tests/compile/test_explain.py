import re

import pytest

from seqspec.compile.commands import explain, list_components, new, overlays
from seqspec.compile.explain.explain import NothingToExplain
from seqspec.compile.explain.explain import explain as page
from seqspec.compile.reference.starting_specs import tasks
from seqspec.schema.catalogue import SLOTS, Catalogue
from seqspec.schema.experiment import Experiment
from tests.compile.experiments import spec

COMPONENTS = [f"{slot}.{name}" for slot in SLOTS for name in Catalogue().names(slot)]


def told(subject, *, path=None, profiles=(), sets=()):
    return page(str(subject), path=path, overlays=overlays(profiles, sets))


def test_a_spec_is_explained_by_its_plan(tmp_path):
    text = told(spec(tmp_path))

    assert "model.encoder: transformer" in text
    assert "Frames(dim=256) → States(dim=256)" in text
    assert re.search(r"  decoder\.dim +256 +inferred: the encoder's width\n", text)
    assert "step       2,000  0.001" in text


def test_nothing_of_this_machine_stands_in_a_plan(tmp_path):
    assert str(tmp_path) not in told(spec(tmp_path))


def test_a_value_is_followed_through_every_overlay(tmp_path):
    base = spec(tmp_path, name="base.yaml")
    derived = tmp_path / "derived.yaml"
    derived.write_text("extends: base.yaml\ntrain: {max_steps: 30000}\n")

    text = told(derived, path="train.max_steps", profiles=["tiny"], sets=["train.max_steps=9"])

    steps = text.splitlines()[:5]
    assert steps[0] == "train.max_steps = 9"
    assert "<command line>" in steps[1]
    assert steps[2].startswith("  replaces 200 ")
    assert "derived.yaml:2:" in steps[3]
    assert f"replaces 20000  at {base}:" in steps[4]
    assert "Optimiser steps in all." in text


def test_an_inferred_value_says_why(tmp_path):
    text = told(spec(tmp_path), path="model.decoder.dim")

    assert text.startswith("model.decoder.dim = 256\n  inferred: the encoder's width\n")


def test_a_reference_is_followed(tmp_path):
    file = spec(tmp_path, change={"train": {"checkpoint_every_steps": "${evaluate.every_steps}"}})

    assert "through ${evaluate.every_steps} at" in told(file, path="train.checkpoint_every_steps")


def test_a_component_in_a_spec_has_its_types(tmp_path):
    text = told(spec(tmp_path), path="model.decoder")

    assert "takes memory: States(dim=256)" in text
    assert "gives States(dim=256, causal=True)" in text


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_has_a_page_with_every_field(component):
    slot, _, name = component.partition(".")

    text = told(component)

    assert text.startswith(f"{slot} `{name}`")
    assert [
        field for field in Catalogue().config(slot, name).model_fields if f"  {field}: " not in text
    ] == []


@pytest.mark.parametrize("key", list(Experiment.model_fields))
def test_every_key_of_the_language_is_explained(key):
    assert len(told(key).splitlines()) >= 4 or key in SLOTS


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("encoder.transfomer", "did you mean `encoder.transformer`?"),
        ("trian", "did you mean `train`?"),
        ("train.max_step", "did you mean `max_steps`?"),
        ("SQ299", "there is no diagnostic SQ299"),
        ("nonsense", "no spec, code (SQ101)"),
        ("optimizer.adamw.beta3", "did you mean `beta"),
    ],
)
def test_what_is_unknown_is_answered_by_what_comes_nearest(subject, words):
    with pytest.raises(NothingToExplain) as raised:
        told(subject)

    assert words in str(raised.value)


@pytest.mark.parametrize("path", ["train.nope", "model..x", "evaluate.metrics[7]", "a b", "name.x", ""])
def test_a_path_that_leads_nowhere_is_a_usage_error(tmp_path, path):
    outcome = explain(str(spec(tmp_path)), path=path, over=())

    assert outcome.exit == 2
    assert outcome.error
    assert outcome.out == ""


def test_parameters_end_with_their_total(tmp_path):
    outcome = explain(str(spec(tmp_path)), path=None, over=overlays(["tiny"], []), table="params")

    *rows, total = [line.rsplit(None, 1) for line in outcome.out.splitlines()]
    assert total[0] == "total"
    assert int(total[1].replace(",", "")) == sum(int(size.replace(",", "")) for _, size in rows)


def test_cost_is_told_without_building_the_weights(tmp_path):
    text = explain(str(spec(tmp_path)), path=None, over=(), table="cost").out

    assert re.search(r"parameters +11,682,624\n", text)
    assert re.search(r"memory +about [\d.]+ [GM]iB\n", text)


def test_batches_of_an_epoch_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "cache"))
    small = overlays(["tiny"], ["data.source.synthetic=60", "data.text.source.tokenizer=characters",
                                "data.text.target.tokenizer=characters"])  # fmt: skip

    outcome = explain(str(spec(tmp_path)), path=None, over=small, table="batches")

    assert outcome.error == ""
    assert re.search(r"training split: \d+ examples, \d+ optimizer steps an epoch", outcome.out)
    assert re.search(r"data.text.source.tokenizer.vocab = \d+", outcome.out)
    assert "padding:" in outcome.out


def test_a_missing_corpus_is_said_with_the_exit_code_of_data(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "cache"))

    outcome = explain(
        str(spec(tmp_path)), path=None, over=overlays([], ["data.source.root=/nowhere"]), table="batches"
    )

    assert outcome.exit == 3
    assert "/nowhere" in outcome.error


def test_a_slot_is_listed_and_an_unknown_one_corrected():
    assert "transformer" in list_components("encoder").out
    assert list_components("encodr").error == "there is no slot `encodr`; did you mean `encoder`?\n"
    assert all(f"\n{slot}\n" in "\n" + list_components(None).out for slot in SLOTS)


@pytest.mark.parametrize("task", tasks())
@pytest.mark.parametrize("profile", [[], ["tiny"]], ids=["whole", "tiny"])
def test_a_new_spec_is_valid_and_commented(tmp_path, task, profile):
    from seqspec.compile.pipeline import compile as compile_spec

    file = tmp_path / "new.yaml"
    assert new(task, output=file).exit == 0

    assert compile_spec(file, overlays=overlays(profile, [])).warnings == ()
    assert file.read_text().count("#") > 8


def test_new_never_writes_over_a_file(tmp_path):
    file = tmp_path / "new.yaml"
    file.write_text("mine")

    assert new("mt", output=file).exit == 2
    assert file.read_text() == "mine"


def test_an_unknown_task_lists_those_there_are():
    outcome = new("translation", output=None)

    assert outcome.exit == 2
    assert "mt" in outcome.error


@pytest.mark.parametrize(
    ("word", "task"),
    [
        ("translation", "mt"),
        ("classifier", "classification"),
        ("speech", "asr"),
        ("summaries", "summarization"),
    ],
)
def test_a_task_is_found_by_what_people_call_it(word, task):
    assert f"did you mean `{task}`?" in new(word, output=None).error


@pytest.mark.parametrize(
    ("subject", "meant"),
    [
        ("sentencepiece", "`tokenizer.sentencepiece`"),
        ("transformer", "`encoder.transformer` or `decoder.transformer`"),
        ("model.encoder", "`encoder`"),
    ],
)
def test_a_component_without_its_slot_is_led_there(subject, meant):
    with pytest.raises(NothingToExplain, match=f"did you mean {re.escape(meant)}"):
        told(subject)
