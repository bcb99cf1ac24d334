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
