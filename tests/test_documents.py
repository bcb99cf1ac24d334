"""What README and docs show is true: links lead somewhere, specs validate, commands exist."""

import re
import shlex
from pathlib import Path
from textwrap import dedent

import pytest
import typer
from typer.testing import CliRunner

from seqspec.cli import app
from seqspec.compile.parse.parse import parse_text
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.schema.experiment import Experiment
from seqspec.schema.source import Source

ROOT = Path(__file__).parents[1]
LANGUAGE = {*Experiment.model_fields, "extends", "profiles"}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_whole_specs_compile(page, tmp_path):
    for block, _ in _snippets(page):
        if block.startswith("seqspec: 1"):
            spec = tmp_path / "spec.yaml"
            spec.write_text(block, encoding="utf-8")

            assert compile_spec(spec).warnings == ()


def test_commands_of_the_readme_exist():
    top = typer.main.get_command(app)
    known = {*top.commands, *(f"data {name}" for name in top.commands["data"].commands)}
    shown = set(re.findall(r"seqspec ((?:data )?[a-z]+)", _code(PAGES[0])))

    assert shown - known == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_shown_have_the_options_they_use(page):
    top = typer.main.get_command(app)
    wrong = []
    for line in _commands(page):
        words = shlex.split(line, comments=True)
        command = top.commands.get(words[0])
        if hasattr(command, "commands"):
            command = command.commands.get(words[1])
        options = {name for each in command.params for name in each.opts} | {"--help"} if command else set()
        wrong += [line for word in words[1:] if word.startswith("--") and word not in options]
        wrong += [line] if command is None else []

    assert wrong == []


def _commands(page):
    """What follows `seqspec` in the lines of console blocks, up to a pipe or a redirection."""
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^(?:\$ .*?|    |.*- run: )seqspec ([a-z][^|<>\n]*)", text, re.MULTILINE)
    return [re.split(r"  {3,}", line)[0] for line in lines]


def test_sources_that_are_shown_for_speech_compile(tmp_path):
    shown = [
        text for text, _ in _snippets(ROOT / "docs" / "own_data.md") if text.startswith("data:\n  source:")
    ]
    sources = [text.removeprefix("data:\n") for text in shown if "audio" in text or "language: en" in text]
    spec = (ROOT / "seqspec" / "compile" / "reference" / "templates" / "asr_own.yaml").read_text(
        encoding="utf-8"
    )
    file = tmp_path / "spec.yaml"

    for source in sources:
        cut = "" if "dev:" in source or "common_voice" in source else "  split: {dev: 0.1}\n"
        file.write_text(
            re.sub(r"(?s)  # A NeMo.*?(?=  audio:\n)", lambda _, new=source + cut: new, spec),
            encoding="utf-8",
        )
        assert compile_spec(file).plan.experiment.data.source.roles()["source"]

    assert len(sources) == 5


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_snippets_of_specs_have_toml_beside_yaml(page):
    for yaml, toml in _snippets(page):
        abridged_or_empty = "…" in yaml or re.fullmatch(r"#.*\n", yaml)
        if abridged_or_empty or not set(meaning := _meaning(yaml, "yaml")) <= LANGUAGE:
            continue

        assert toml is not None, f"no tab with TOML beside:\n{yaml}"
        assert _meaning(toml, "toml") == meaning


def _meaning(text, language):
    return _without_null(parse_text(Source(f"snippet.{language}", text), language=language).data())


def _without_null(value):
    """TOML has no null: a component that is null in YAML is written `none` there."""
    match value:
        case dict():
            return {key: _without_null(each) for key, each in value.items()}
        case list():
            return [_without_null(each) for each in value]
    return "none" if value is None else value


def _snippets(page):
    """The blocks of YAML, each with the TOML of its neighbouring tab, if it stands in one."""
    text = page.read_text(encoding="utf-8")
    tab = r'(?:\n+=== "TOML"\n\n    ```toml\n(.*?)^    ```$)?'
    found = re.findall(rf"^ *```yaml\n(.*?)^ *```${tab}", text, re.DOTALL | re.MULTILINE)
    return [(dedent(yaml), dedent(toml) if toml else None) for yaml, toml in found]


def _code(page):
    text = page.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"(?:^\$ .*$|`[^`\n]+`)", text, re.MULTILINE))


@pytest.mark.parametrize("words", [["-h"], ["new", "-h"], ["data", "prepare", "-h"]])
def test_h_asks_for_help(words):
    assert "Usage: " in CliRunner().invoke(app, words).output
