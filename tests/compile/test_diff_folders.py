"""Folders of git are compared to their end, in the words in which they were named."""

import subprocess
from pathlib import Path

import pytest

from seqspec.compile.commands import diff

EXAMPLE = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "a.yaml").write_text(EXAMPLE)
    (tmp_path / "specs" / "b.yaml").write_text(EXAMPLE.replace("max_steps: 200", "max_stps: 200"))
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-c", "user.email=a@b", "-c", "user.name=a", *command], check=True)
    (tmp_path / "specs" / "a.yaml").write_text(EXAMPLE + "seed: 4\n")
    (tmp_path / "specs" / "b.yaml").write_text(EXAMPLE)
    return tmp_path


def compared(a, b, format="text"):
    return diff(a, b, over=(), format=format, fail_on=(), params=False)


@pytest.mark.parametrize("format", ["text", "json", "markdown"])
def test_one_invalid_spec_does_not_hide_the_others(format, repository):
    done = compared("HEAD:specs", "specs", format)

    assert done.exit == 2
    assert "seed" in done.out
    assert "HEAD:specs/b.yaml" in done.out
    assert "SQ101" in done.out
    assert "/tmp" not in done.out


def test_a_single_invalid_spec_is_shown_in_its_revision(repository):
    done = compared("HEAD:specs/b.yaml", "specs/b.yaml")

    assert done.exit == 2
    assert "--> HEAD:specs/b.yaml:" in done.error


def test_an_unknown_revision_is_told_in_our_words(repository):
    done = compared("nope:specs", "specs")

    assert done.exit == 2
    assert done.error.startswith("git knows no revision `nope` here")
    assert "fatal" not in done.error
