"""The seeded mistakes of this folder: what a person reads for each, and how good that is.

The first line of a case names the codes that it must raise and no others, and after ``|`` the options of the command line.  The
line that is to be blamed ends with ``# HERE``, where a comment can stand there.

Score of a case: 0 where nothing is told, or the wrong thing; 1 where the mistake is told without a place; 2 with the place, but
without its path or what to do; 3 with file, line and column on the right line, the setting's name, and what was expected or the remedy.
"""

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from seqspec.compile.diagnostics.formats.text import MOST_LINES
from seqspec.compile.resolve.resolve import Overlay
from seqspec.compile.validation import Options, validate_file, validate_specs

HERE = Path(__file__).parent
CASES = sorted((*HERE.glob("*.yaml"), *HERE.glob("*.toml")))
EXPECTATION = re.compile(r"takes|needs|given twice|is missing|cannot|may not|does not")

CATALOGUE = re.compile(r"(choose one of|shows the|it takes) (?:`\w+`(?:, )?|\d+ there are)+…?")
"""Names of components and keys, of which there will be more."""


@pytest.fixture(autouse=True)
def _in_this_folder(monkeypatch):
    monkeypatch.chdir(HERE)


def head(case):
    codes, _, options = case.read_text(encoding="utf-8-sig").split("\n")[0].lstrip("# ").partition(" | ")
    words = shlex.split(options)
    kinds = {"--set": Overlay.set, "--profile": Overlay.profile}
    over = [kinds[option](value) for option, value in zip(words[::2], words[1::2], strict=True)]
    return sorted(codes.split()), Options(overlays=tuple(over))


def told(case):
    return validate_file(Path(case.name), head(case)[1])


@cache
def shown(case):
    return validate_specs([Path(case.name)], head(case)[1])


def score(case):
    codes, _ = head(case)
    found = told(case)
    if sorted(d.code for d in found) != codes:
        return 0
    return min(_score(d, case) for d in found)


def _score(d, case):
    if d.span is None:
        return 1
    named = d.path or "`" in d.message or d.code < "SQ030"
    useful = bool(d.help) or EXPECTATION.search(d.message)
    return 3 if named and useful and _right_line(d, case) else 2


def _right_line(d, case):
    lines = case.read_text(encoding="utf-8").split("\n")
    marked = [number for number, line in enumerate(lines, 1) if "# HERE" in line]
    return not marked or d.span.source.name != case.name or len(told(case)) > 1 or d.span.line in marked


def test_there_are_enough_mistakes_of_every_family():
    families = [code[:3] for case in CASES for code in head(case)[0]]

    assert len(CASES) >= 60
    assert {"SQ0", "SQ1", "SQ2", "SQ3"} <= set(families)


def test_the_base_is_without_a_mistake():
    assert validate_file(Path("base/whole.yaml"), Options()) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_a_person_reads(case, update):
    golden = case.with_suffix(".txt") if case.suffix == ".yaml" else case.with_suffix(".toml.txt")
    text = CATALOGUE.sub(r"\1 …", shown(case).out)
    if update:
        golden.write_text(text, encoding="utf-8")

    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_raises_its_codes_and_no_others(case):
    assert sorted(d.code for d in told(case)) == head(case)[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_is_short_and_without_traceback(case):
    diagnostics = shown(case).out.split("\n\n")

    assert max(len(text.strip("\n").split("\n")) for text in diagnostics) <= MOST_LINES
    assert "Traceback" not in shown(case).out
    assert "SQ900" not in shown(case).out


def test_mean_score():
    scores = {case.stem: score(case) for case in CASES}
    low = {name: value for name, value in scores.items() if value < 3}

    assert sum(scores.values()) / len(scores) >= 2.9, low
