"""Every diagnostic has a page; its wrong example raises exactly that code, and its right example none."""

import re
import shlex
from pathlib import Path

import pytest

from seqspec.compile.diagnostics import codes
from seqspec.compile.resolve.resolve import Overlay
from seqspec.compile.validation import Options, validate_file, validate_specs

PACKAGE = Path(codes.__file__).parents[2]
EXAMPLE = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")
OURS = sorted(file.stem[:5] for file in (PACKAGE / "compile" / "diagnostics" / "pages").glob("*.md"))
BLOCK = re.compile(r"^(Wrong|Right):\n\n```(\w+)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
RAISED_ELSEWHERE = {
    "SQ002", "SQ003", "SQ005", "SQ006", "SQ027", "SQ040", "SQ114", "SQ140", "SQ141", "SQ201", "SQ209", "SQ265", "SQ281", "SQ304", "SQ314", "SQ316", "SQ601", "SQ602", "SQ900",
    "SQ270", "SQ271", "SQ272", "SQ274", "SQ275",
    "SQ350",
    "SQ360", "SQ362",
    "SQ399",
}  # fmt: skip
"""Codes whose mistake takes more than a few lines of a spec; the tests of their stage raise them."""


def examples():
    for code in OURS:
        for which, language, text in BLOCK.findall(codes.page(code)):
            yield pytest.param(code, which, language, text, id=f"{code}-{which.lower()}")


def test_every_code_in_the_package_has_a_page():
    used = {
        code
        for file in PACKAGE.rglob("*.py")
        for code in re.findall(r'"(SQ\d{3})"', file.read_text(encoding="utf-8"))
    }

    assert used - set(codes.names()) == set()


def test_no_page_is_of_a_code_that_nothing_raises():
    text = "".join(file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py"))

    assert [code for code in OURS if f'"{code}"' not in text] == []


def test_names_are_unique():
    names = list(codes.names().values())

    assert len(names) == len(set(names))


@pytest.mark.parametrize("code", [code for code in OURS if code < "SQ4" or code > "SQ6"])
def test_page_has_both_examples(code):
    kinds = [which for which, _, _ in BLOCK.findall(codes.page(code))]

    assert kinds == ([] if code in RAISED_ELSEWHERE else ["Wrong", "Right"])


@pytest.mark.parametrize(("code", "which", "language", "text"), list(examples()))
def test_example(code, which, language, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(EXAMPLE, encoding="utf-8")
    found = console(text) if language == "console" else spec(text, language)

    assert {d.code for d in found} == ({code} if which == "Wrong" else set())


def spec(text, language):
    """The example as a spec that extends the whole one, unless it extends something itself."""
    if "extends" not in text and not text.startswith(("- ", "#")):
        extends = 'extends = "base.yaml"' if language == "toml" else "extends: base.yaml"
        text = f"{extends}\n{text}" if "\n---\n" in text and text[0] != "%" else f"{text}\n{extends}"
    file = Path(f"spec.{language}")
    file.write_text(text + "\n", encoding="utf-8")
    return validate_file(file, Options())


def console(text):
    Path("spec.yaml").write_text(EXAMPLE, encoding="utf-8")
    words = shlex.split(text)
    assert words[:2] == ["seqspec", "validate"]
    over = []
    for option, value in zip(words[3::2], words[4::2], strict=True):
        over.append({"--set": Overlay.set, "--profile": Overlay.profile}[option](value))
    file = Path(words[2])
    if not file.exists():
        assert validate_specs([file], Options()).exit == 2
    return validate_file(file, Options(overlays=tuple(over)))
