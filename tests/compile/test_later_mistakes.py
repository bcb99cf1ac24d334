"""Mistakes of different stages are told at once, and none that only follows from another."""

from pathlib import Path

import pytest

from seqspec.compile.analysis.analysis import analyze
from seqspec.compile.analysis.front_end import read
from seqspec.compile.resolve.overlay import Overlay
from seqspec.compile.validation import Options, validate_file

EXAMPLE = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")
SPECS = Path(__file__).parents[2] / "specs"
HEADS = ("num_heads: 2", "num_heads: 3")


@pytest.fixture
def told(tmp_path):
    def told(*changes):
        text = EXAMPLE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        file = tmp_path / "spec.yaml"
        file.write_text(text, encoding="utf-8")
        return sorted(d.code for d in validate_file(file, Options()))

    return told


def test_the_example_is_clean(told):
    assert told() == []
    assert told(HEADS) == ["SQ200"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("train: {", "train: {clip_nrm: 1.0, "), "SQ101"),
        (("train: {", "train: {clip_norm: -1.0, "), "SQ107"),
        (("train: {", "train: {accumulate: 010, "), "SQ020"),
        (("seqspec: 1", "seqspec: 1\nseed: x"), "SQ106"),
        (("size: 2048", "size: 2048, shufle: true"), "SQ101"),
        (("evaluate: {", "evaluate: {stop: {afer: 3}, "), "SQ101"),
        (("evaluate: {", 'evaluate: {max_examples: "${nope}", '), "SQ310"),
    ],
)
def test_a_mistake_elsewhere_does_not_hide_the_shapes(told, change, code):
    assert told(change, HEADS) == sorted([code, "SQ200"])


def test_a_model_that_does_not_fit_leaves_its_schedule_alone(told):
    schedule = ("type: inverse_sqrt, peak: 1.0e-3", "type: transformer")

    assert told(schedule) == []
    assert told(schedule, HEADS) == ["SQ200"]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (("dim: 32", "dmi: 32"), ["SQ101"]),
        (("dim: 32", 'dim: "33"'), ["SQ106"]),
        (("max_steps: 200,", ""), ["SQ102"]),
        (("max_steps: 200", "max_step: 200"), ["SQ101"]),
        (("type: adam", "type: adom"), ["SQ103"]),
        (("metrics: [chrf]", "metrics: [chrff]"), ["SQ103"]),
        (("every_steps: 100,", "every_steps: many,"), ["SQ106"]),
    ],
)
def test_nothing_follows_from_a_mistake(told, change, codes):
    assert told(change) == codes


@pytest.mark.parametrize(
    "change",
    [("peak: 1.0e-3", 'peak: "1e-3"'), ("peak: 1.0e-3", "peek: 1.0e-3"), ("peak: 1.0e-3", "peak: -1")],
)
def test_a_mistake_beside_it_does_not_hide_a_rule_of_the_same_component(told, change):
    long = ("warmup_steps: ", "warmup_steps: 1000")  # of 200 steps

    assert "SQ216" in told(long)
    found = told(long, change)

    assert len(found) == 2
    assert "SQ216" in found


def test_a_default_beside_a_misspelt_key_is_not_blamed(told):
    assert told(("warmup_steps", "warmup_stpes")) == ["SQ101"]
    assert "SQ216" not in told(("warmup_steps", "warmup_stpes"), ("max_steps: 200", "max_steps: 5"))


@pytest.mark.parametrize(
    ("spec", "setting", "code"),
    [
        ("gan_mnist", "procedure=null", "SQ113"),
        ("mt_tanaka_enja_student", "losses.soft.type=abcx", "SQ103"),
        ("mt_wmt14_ende_rnmt_plus", "optimizer.schedule.decay_end=abcx", "SQ106"),
        ("mt_wmt14_ende_rnmt_plus", "data.batch.buckets=-3", "SQ106"),
        ("multimodel", "tasks.imagenet.data.source.width=0", "SQ107"),
    ],
)
def test_what_rests_on_a_refused_setting_is_not_told(spec, setting, code):
    reading = read(SPECS / f"{spec}.yaml")
    found = analyze(reading, [Overlay.set(setting)]).found

    assert [d.code for d in found if d.severity == "error"] == [code]
