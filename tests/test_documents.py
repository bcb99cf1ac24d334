"""What README and docs show is true: links lead somewhere, specs validate, commands exist."""

import re
from pathlib import Path

import pytest
import typer

from seqspec.cli import app
from seqspec.compile import compile as compile_spec

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_whole_specs_compile(page, tmp_path):
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        if block.startswith("seqspec: 1"):
            spec = tmp_path / "spec.yaml"
            spec.write_text(block, encoding="utf-8")

            assert compile_spec(spec).warnings == ()


def test_commands_of_the_readme_exist():
    top = typer.main.get_command(app)
    known = {*top.commands, *(f"data {name}" for name in top.commands["data"].commands)}
    shown = set(re.findall(r"seqspec ((?:data )?[a-z]+)", _code(PAGES[0])))

    assert shown - known == set()


def _code(page):
    text = page.read_text(encoding="utf-8")
    return "\n".join(re.findall(r"(?:^\$ .*$|`[^`\n]+`)", text, re.MULTILINE))
