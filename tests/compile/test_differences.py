import json
import subprocess

import pytest

from seqspec.compile.commands import diff, overlays
from tests.compile.experiments import spec


def run(a, b, **options):
    return diff(str(a), str(b), **{"over": (), "format": "text", "fail_on": (), "params": False, **options})


@pytest.fixture
def pair(tmp_path):
    change = {"train": {"max_steps": 30000}, "model": {"encoder": {"dim": 320}}}
    return spec(tmp_path, name="a.yaml"), spec(tmp_path, name="b.yaml", change=change)


def test_the_same_meaning_exits_0_and_prints_nothing(tmp_path):
    a, b = spec(tmp_path, name="a.yaml"), spec(tmp_path, name="b.yaml")
    b.write_text("# another comment\n" + b.read_text())

    assert run(a, b) == run(b, a)
    assert (run(a, b).out, run(a, b).exit) == ("", 0)


def test_text_names_both_places_and_what_follows(pair):
    a, b = pair

    outcome = run(a, b)

    line = next(line for line in outcome.out.splitlines() if "train.max_steps" in line)
    assert "20000 → 30000" in line
    assert f"{a}:" in line
    assert f"{b}:" in line
    assert "model.decoder.dim" in outcome.out.partition("what follows")[2]
    assert "parameters" in outcome.out
    assert "digest train" in outcome.out
    assert outcome.exit == 1


def test_json_is_one_object(pair):
    report = json.loads(run(*pair, format="json").out)

    change = next(c for c in report["differences"][0]["changes"] if c["path"] == ["train", "max_steps"])
    assert (change["old"], change["new"], change["group"], change["affects"]) == (
        20000,
        30000,
        "training",
        "result",
    )
    assert report["same"] is False
    names = [item["name"] for item in report["differences"][0]["consequences"]]
    assert "effective batch" not in names
    assert "seen in all" in names
    assert "digest all" in names


def test_markdown_is_tables(pair):
    text = run(*pair, format="markdown").out

    assert "| `train.max_steps` | 20000 → 30000 |" in text


def test_a_cosmetic_change_is_the_same_experiment(tmp_path):
    a, b = spec(tmp_path, name="a.yaml"), spec(tmp_path, name="b.yaml", change={"name": "other"})

    assert run(a, b).exit == 0
    assert "cosmetic" in run(a, b).out
    assert run(a, b, fail_on=("cosmetic",)).exit == 1
    assert run(a, b, fail_on=("any",)).exit == 1


@pytest.mark.parametrize(
    ("cause", "exit"), [("model", 1), ("tokenizer", 0), ("none", 0), ("result", 1), ("speed", 0)]
)
def test_fail_on_chooses_what_counts(pair, cause, exit):
    assert run(*pair, fail_on=(cause,)).exit == exit


def test_overlays_go_over_both_sides(pair):
    assert run(*pair, over=overlays(["tiny"], ["model.encoder.dim=64"])).exit == 0


def test_folders_are_compared_spec_by_spec(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    for folder in (one, other):
        spec(folder, name="same.yaml")
    spec(one, name="changed.yaml")
    spec(other, name="changed.yaml", change={"seed": 7})
    spec(other, name="added.yaml")

    outcome = run(one, other)

    assert "same.yaml" not in outcome.out
    assert "1 → 7" in outcome.out
    assert f"only in {other}/added.yaml" in outcome.out
    assert outcome.exit == 1


def test_a_run_directory_stands_for_its_spec(tmp_path, pair):
    run_directory = tmp_path / "run"
    run_directory.mkdir()
    (run_directory / "spec.yaml").write_text(pair[0].read_text())

    assert run(run_directory, pair[0]).exit == 0
    assert run(run_directory, pair[1]).exit == 1


def test_a_revision_of_git_is_read_with_its_bases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    spec(tmp_path, name="base.yaml")
    derived = tmp_path / "specs" / "derived.yaml"
    derived.write_text("extends: ../base.yaml\nseed: 3\n")
    git("init", "-q")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "first")
    spec(tmp_path, name="base.yaml", change={"train": {"max_steps": 30000}})

    outcome = run("HEAD:specs/derived.yaml", "specs/derived.yaml")

    line = next(line for line in outcome.out.splitlines() if "train.max_steps" in line)
    assert "20000 → 30000" in line
    assert "HEAD:base.yaml:" in line
    assert run("HEAD:specs", "specs").exit == 1


def git(*arguments):
    subprocess.run(["git", *arguments], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("a", "words"),
    [
        ("nothing.yaml", "no file, folder, run directory or `REV:path`"),
        ("NOPE:specs/a.yaml", "NOPE"),
        ("-o:x", "no revision"),
    ],
)
def test_what_cannot_be_found_is_said_in_one_line(tmp_path, monkeypatch, a, words):
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    spec(tmp_path, name="b.yaml")

    outcome = run(a, "b.yaml")

    assert outcome.exit == 2
    assert words in outcome.error
    assert outcome.error.count("\n") == 1


def test_a_spec_with_a_mistake_is_shown_and_exits_2(tmp_path):
    a, b = spec(tmp_path, name="a.yaml"), spec(tmp_path, name="b.yaml", change={"train": {"max_stepz": 1}})

    outcome = run(a, b)

    assert outcome.exit == 2
    assert "SQ101" in outcome.error


def test_unknown_formats_and_causes_are_refused(pair):
    assert run(*pair, format="yaml").exit == 2
    assert run(*pair, fail_on=("modle",)).exit == 2
