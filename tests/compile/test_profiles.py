"""Every profile of a spec is evaluated alone over it, and each mistake is told once."""

import json
from pathlib import Path

import pytest

from seqspec.compile.diagnostics.report import FORMATS, render
from seqspec.compile.pipeline import compile
from seqspec.compile.resolve.resolve import Overlay
from seqspec.compile.validation import Options, validate_file, validate_specs

WHOLE = (Path(__file__).parents[1] / "mistakes" / "base" / "whole.yaml").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the whole spec; ``project(name, text)`` writes a spec that extends it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "whole.yaml").write_text(WHOLE, encoding="utf-8")

    def write(text, name="spec.yaml", base="whole.yaml"):
        Path(name).write_text(f"extends: {base}\nname: it\n{text}", encoding="utf-8")
        return Path(name)

    return write


def told(file, **options):
    return [(d.code, ".".join(map(str, d.path)), d.profiles) for d in validate_file(file, Options(**options))]


def test_a_mistake_in_a_profile_is_told_without_choosing_it(project):
    spec = project("profiles: {fast: {train: {max_step: 9}}}\n")
    (found,) = validate_file(spec, Options())

    assert (found.code, found.profiles, found.span.line) == ("SQ101", ("fast",), 3)
    assert found.help == "did you mean `max_steps`?"


def test_numbers_of_a_profile_are_inferred_and_checked(project):
    spec = project("profiles: {odd: {model: {encoder: {num_heads: 3}}}}\n")

    assert told(spec) == [("SQ200", "model.encoder.num_heads", ("odd",))]


def test_each_profile_stands_alone(project):
    spec = project(
        "profiles:\n"
        "  narrow: {model: {encoder: {dim: 30}}}\n"
        "  threefold: {model: {encoder: {num_heads: 3}}}\n"  # 3 divides 30, and not 32
    )

    assert told(spec) == [("SQ200", "model.encoder.num_heads", ("threefold",))]


def test_what_the_base_has_is_told_once_and_of_no_profile(project):
    spec = project("train: {max_step: 9}\nprofiles: {a: {seed: 2}, b: {seed: 3}}\n")

    assert told(spec) == [("SQ101", "train.max_step", ())]


def test_what_two_profiles_inherit_is_told_once(project):
    spec = project("profiles: {tiny: {train: {max_step: 9}}}\n", name="parent.yaml")
    child = project("profiles: {tiny: {seed: 4}, other: {seed: 5}}\n", name="child.yaml", base="parent.yaml")
    verdict = validate_specs([spec, child], Options())

    assert verdict.out.count("error[") == 1
    assert verdict.out.count("parent.yaml:3:27  train.max_step  in profile tiny\n") == 1
    assert verdict.summary.startswith("2 specs: 1 error,")


def test_a_reference_that_a_profile_breaks_names_every_profile(project):
    spec = project(
        "description: 'of ${model.encoder.num_layers} layers'\n"
        "profiles: {a: {model: {encoder: {type: bilstm, num_layer: 1}}}, b: {model: {encoder: bilstm}}}\n"
    )
    by_code = {code: profiles for code, _, profiles in told(spec)}

    assert by_code["SQ310"] == ("a", "b")
    assert by_code["SQ101"] == ("a",)


def test_a_chosen_profile_is_judged_alone(project):
    spec = project("profiles: {good: {seed: 2}, bad: {sed: 2}}\n")

    assert told(spec, overlays=(Overlay.profile("good"),)) == []
    assert told(spec, overlays=(Overlay.profile("bad"),)) == [("SQ101", "sed", ())]


def test_what_the_command_line_brings_about_is_no_mistake_of_a_profile(project):
    spec = project("profiles: {narrow: {model: {encoder: {dim: 30, num_heads: 5}}}, bad: {sed: 1}}\n")

    assert told(spec, overlays=(Overlay.set("model.encoder.num_heads=4"),)) == [("SQ101", "sed", ("bad",))]
    assert len(told(spec, overlays=(Overlay.set("train.max_step=4"),))) == 2


def test_a_warning_becomes_an_error_under_a_profile_only_where_it_is_one(project):
    spec = project("profiles: {long: {optimizer: {schedule: {warmup_steps: 900}}}}\n")
    verdict = validate_specs([spec], Options())

    assert {d.severity for d in validate_file(spec, Options())} == {"warning"}
    assert verdict.exit == 0
    assert validate_specs([spec], Options(strict=True)).exit == 1


def test_a_comment_silences_a_warning_of_a_profile(project):
    line = "profiles: {long: {optimizer: {schedule: {warmup_steps: 900}}}}"
    (code,) = {code for code, _, _ in told(project(line + "\n"))}

    assert told(project(f"{line}  # seqspec: ignore[{code}]\n")) == []
    assert [
        c for c, _, _ in told(project(f"profiles: {{long: {{seed: 3}}}}  # seqspec: ignore[{code}]\n"))
    ] == ["SQ030"]


def test_a_compilation_of_the_spec_alone_calls_no_comment_idle_that_a_profile_may_need(project):
    line = "profiles: {long: {optimizer: {schedule: {warmup_steps: 900}}}}"
    (code,) = {code for code, _, _ in told(project(line + "\n"))}
    spec = project(f"{line}  # seqspec: ignore[{code}]\n")

    assert compile(spec).warnings == ()


def test_the_limits_on_cost_hold_for_every_profile(project):
    spec = project("profiles: {large: {model: {encoder: {dim: 256}}}}\n")
    (found,) = validate_file(spec, Options(max_params=1_000_000))

    assert (found.code, found.profiles) == ("SQ601", ("large",))


def test_fixes_reach_into_profiles(project):
    spec = project("profiles: {fast: {train: {max_step: 9}}}  # kept\n")
    verdict = validate_specs([spec], Options(unsafe_fixes=True))

    assert verdict.exit == 0
    assert "profiles: {fast: {train: {max_steps: 9}}}  # kept\n" in spec.read_text(encoding="utf-8")


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_names_the_profile(project, format):
    spec = project("profiles: {fast: {train: {max_step: 9}}}\n")
    written = validate_specs([spec], Options(format=format))

    assert written.exit == 1
    if format == "json":
        assert json.loads(written.out)["diagnostics"][0]["profiles"] == ["fast"]
    else:
        assert "n profile fast" in written.out


def test_of_many_profiles_some_are_named(project):
    spec = project("profiles: {fast: {train: {max_step: 9}}}\n")
    (found,) = validate_file(spec, Options())

    assert "in profiles p0, p1, p2, p3 and 5 more" in render(
        [found._replace(profiles=tuple(f"p{number}" for number in range(9)))]
    )


def test_the_home_of_nobody_is_a_missing_corpus(project):
    spec = project('data: {source: {root: "~no_such_user/x", synthetic: 0}}\n')
    (found,) = validate_file(spec, Options(with_data=True))

    assert (found.code, found.message.split("`")[1]) == ("SQ401", "~no_such_user/x")
