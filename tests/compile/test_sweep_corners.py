"""`validate` compiles a spec at the corners of its own `sweep.space`, and shows mistakes where ranges stand."""

from pathlib import Path

import pytest

from seqspec.compile.resolve.resolve import Overlay
from seqspec.compile.validation import Options, validate_file

SPEC = (Path(__file__).parents[2] / "specs" / "lm_shakespeare_char.yaml").read_text(encoding="utf-8")
TINY = Options(overlays=(Overlay.profile("tiny"),))


def found(tmp_path, *ranges):
    file = tmp_path / "spec.yaml"
    file.write_text(
        SPEC + "\nsweep:\n  space:\n" + "".join(f"    {one}\n" for one in ranges), encoding="utf-8"
    )
    return [d for d in validate_file(file, TINY) if d.severity == "error"], file.read_text(encoding="utf-8")


def test_a_space_that_compiles_everywhere_passes(tmp_path):
    mistakes, _ = found(
        tmp_path, "optimizer.schedule.peak: {log_uniform: [1.0e-4, 1.0e-2]}", "model.decoder.dim: [16, 32]"
    )
    assert mistakes == []


def test_a_value_that_does_not_fit_is_shown_at_its_range(tmp_path):
    (mistake,), text = found(tmp_path, "model.decoder.num_heads: {int: [1, 4]}")

    assert "3 heads" in mistake.message
    assert "num_heads=3" in mistake.note
    assert mistake.span.text == "{int: [1, 4]}"
    assert mistake.span.source.line(mistake.span.line) == text.splitlines()[-1]


def test_a_path_that_is_none_is_shown_at_its_key(tmp_path):
    (mistake,), _ = found(tmp_path, "model.decoder.num_haeds: [1, 2]")

    assert (mistake.code, mistake.span.text) == ("SQ101", "model.decoder.num_haeds")
    assert "num_heads" in mistake.help


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("data.batch.workers: {int: [0, 1]}", "changes no result"),
        ("model.decoder.num_layers: {uniform: [1, 3]}", "takes whole numbers"),
    ],
)
def test_a_setting_that_cannot_be_searched_is_a_mistake_of_the_spec(tmp_path, given, said):
    (mistake,), _ = found(tmp_path, given)

    assert mistake.code == "SQ385"
    assert said in mistake.message
    assert mistake.span.text == given.partition(":")[0]


SECTIONS = """optimizer:
      - {type: adamw, beta2: 0.98}
      - type: sgd
        weight_decay: 0.01
        schedule: {type: constant, peak: 0.1}"""


def test_whole_sections_that_compile_pass(tmp_path):
    mistakes, _ = found(tmp_path, "optimizer.schedule.peak: [0.1, 0.2]", SECTIONS)

    assert mistakes == []


@pytest.mark.parametrize(
    ("right", "wrong", "code", "shown"),
    [
        ("weight_decay", "weight_decai", "SQ101", "weight_decai"),
        ("0.01", "-0.01", "SQ107", "-0.01"),
        ("peak: 0.1}", "peek: 0.1}", "SQ101", "peek"),
        ("type: sgd", "type: sgdd", "SQ103", "sgdd"),
        ("{type: adamw, beta2: 0.98}", "{type: adamw, beta2: 0.98, beta1: 1.0}", "SQ107", "1.0"),
    ],
)
def test_a_mistake_in_a_section_is_shown_where_it_was_written(tmp_path, right, wrong, code, shown):
    (mistake,), text = found(tmp_path, SECTIONS.replace(right, wrong))

    assert (mistake.code, mistake.span.text) == (code, shown)
    assert shown in text.splitlines()[mistake.span.line - 1]
    assert (
        f"optimizer={'adamw' if 'adamw' in wrong else wrong[6:] if 'type' in wrong else 'sgd'}"
        in mistake.note
    )
    assert mistake.span.source.name.endswith("spec.yaml")


@pytest.mark.parametrize(
    ("written", "said", "shown"),
    [
        ("{type: adamw, beta2: {uniform: [0.9, 1.5]}}", "below 1", "{uniform: [0.9, 1.5]}"),
        ("{type: adamw, beta3: {uniform: [0.9, 0.99]}}", "`beta3`", "beta3"),
        (
            "{type: adamw, schedule: {warmup_steps: {uniform: [1, 9]}}}",
            "`optimizer.schedule.warmup_steps` takes whole",
            "optimizer",
        ),
        (
            "{type: adamw, groups: {choice: [[], []]}}",
            "each only once",
            "{type: adamw, groups: {choice: [[], []]}}",
        ),
    ],
)
def test_ranges_inside_a_section_are_checked_where_they_stand(tmp_path, written, said, shown):
    (mistake,), _ = found(
        tmp_path, f"optimizer: [{{type: adam, beta2: {{uniform: [0.9, 0.99]}}}}, {written}]"
    )

    assert said in mistake.message
    assert shown in mistake.span.text


def test_a_range_inside_a_choice_that_another_setting_replaces_is_told(tmp_path):
    (mistake,), _ = found(
        tmp_path,
        "optimizer: [{type: adam, beta2: {uniform: [0.9, 0.99]}}, {type: sgd}]",
        "optimizer.beta2: [0.95, 0.98]",
    )

    assert (mistake.code, mistake.span.text) == ("SQ101", "optimizer.beta2")  # `sgd` has none

    (mistake,), _ = found(
        tmp_path,
        "optimizer: [{type: adam, beta2: {uniform: [0.9, 0.99]}}, {type: adamw}]",
        "optimizer.beta2: [0.95, 0.98]",
    )

    assert "`optimizer.beta2` in a choice is lost" in mistake.message
    assert mistake.span.text == "optimizer"
