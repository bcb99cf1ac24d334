"""The six ways in which diagnostics are written down."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.compile.diagnostics.formats.text import MOST_LINES, MOST_SHOWN, escape, width
from seqspec.compile.diagnostics.report import FORMATS, render
from seqspec.compile.validation import Options, validate_file
from seqspec.schema.diagnostic import Diagnostic, Edit, Fix, Label
from seqspec.schema.source import Source, Span

HERE = Path(__file__).parent
MISTAKES = HERE.parents[1] / "mistakes"
TEXT = "# 設定\ntrain: {最大ステップ: 400, clip_norm: -1}\nseed: 2\nother: 3\n"
SOURCE = Source("specs/モデル, 1.yaml", TEXT)


def span(word, source=SOURCE):
    start = source.text.index(word)
    return Span(source, start, start + len(word))


UNKNOWN = Diagnostic("SQ101", "`最大ステップ` is not a key of `train`", span("最大ステップ"), help="did you mean `max_steps`?",
                     fix=Fix("rename it", (Edit(span("最大ステップ"), "max_steps"),), safe=False), path=("train", "最大ステップ"))  # fmt: skip
WARNING = Diagnostic(
    "SQ030",
    "100% of it: nothing, is told",
    span("seed"),
    severity="warning",
    labels=(Label(span("other"), "here"),),
)
NOWHERE = Diagnostic("SQ000", "cannot read `x`", None, help="name a file")
ALL = [WARNING, UNKNOWN, NOWHERE]


def test_text():
    assert render([UNKNOWN, WARNING]) == (
        "error[SQ101 unknown-key]: `最大ステップ` is not a key of `train`\n"
        " --> specs/モデル, 1.yaml:2:9  train.最大ステップ\n"
        "  |\n"
        "2 | train: {最大ステップ: 400, clip_norm: -1}\n"
        "  |         ^^^^^^^^^^^^\n"
        "  = help: did you mean `max_steps`?   (`seqspec validate --unsafe-fixes` can change it)\n"
        "\n"
        "warning[SQ030 unused-ignore]: 100% of it: nothing, is told\n"
        " --> specs/モデル, 1.yaml:3:1\n"
        "  |\n"
        "3 | seed: 2\n"
        "  | ^^^^\n"
        "4 | other: 3\n"
        "  | ----- here\n"
    )


def test_concise():
    assert render(ALL, format="concise") == (
        "error: SQ000 cannot read `x` (name a file)\n"
        "specs/モデル, 1.yaml:2:9: error: SQ101 `最大ステップ` is not a key of `train` (did you mean `max_steps`?)\n"
        "specs/モデル, 1.yaml:3:1: warning: SQ030 100% of it: nothing, is told\n"
    )


def test_json():
    given = json.loads(render(ALL, format="json", files=["a.yaml"]))

    assert (given["errors"], given["warnings"], given["files"]) == (2, 1, ["a.yaml"])
    assert given["diagnostics"][1]["place"] == {
        "file": "specs/モデル, 1.yaml", "line": 2, "column": 9, "end_line": 2, "end_column": 15, "start": 13, "end": 19,
    }  # fmt: skip
    assert given["diagnostics"][1]["fix"]["edits"][0]["text"] == "max_steps"


def test_github():
    first, second, third, last = render(ALL, format="github").splitlines()

    assert first == "::error title=SQ000 unreadable-file::cannot read `x`%0Ahelp: name a file"
    assert second.startswith(
        "::error file=specs/モデル%2C 1.yaml,line=2,endLine=2,col=9,endColumn=14,title=SQ101 unknown-key::"
    )
    assert third.endswith("::100%25 of it: nothing, is told")
    assert last == "seqspec: 2 errors in 3 diagnostics"


def test_junit():
    root = ElementTree.fromstring(
        render([UNKNOWN, WARNING], format="junit", files=["clean.yaml", SOURCE.name])
    )
    clean, faulty = root.iter("testcase")

    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert (clean.get("name"), list(clean)) == ("clean.yaml", [])
    assert faulty.find("failure").get("type") == "SQ101 unknown-key"
    assert "SQ030" in faulty.find("system-out").text


def test_sarif_keeps_to_the_standard():
    given = json.loads(render(ALL, format="sarif"))
    jsonschema.validate(given, json.loads((HERE / "sarif.schema.json").read_text(encoding="utf-8")))
    run = given["runs"][0]

    assert [result["ruleId"] for result in run["results"]] == ["SQ000", "SQ101", "SQ030"]
    assert all(run["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])


def test_sarif_of_every_seeded_mistake_keeps_to_the_standard(monkeypatch):
    monkeypatch.chdir(MISTAKES)
    found = [d for case in sorted(MISTAKES.glob("*.yaml")) for d in validate_file(Path(case.name), Options())]
    schema = json.loads((HERE / "sarif.schema.json").read_text(encoding="utf-8"))

    jsonschema.validate(json.loads(render(found, format="sarif")), schema)
    assert len(found) > 60


def test_sarif_fingerprints_survive_a_shift_of_lines():
    def fingerprint(text):
        source = Source("a.yaml", text)
        found = Diagnostic("SQ101", "m", span("x", source), path=("x",))
        return json.loads(render([found], format="sarif"))["runs"][0]["results"][0]["partialFingerprints"]

    assert fingerprint("x: 1") == fingerprint("\n\n# y\nx: 1")


def test_only_twenty_are_shown_in_full():
    many = [Diagnostic("SQ101", f"mistake {n}", Span(SOURCE, n, n + 1)) for n in range(25)]

    assert render(many).count("error[SQ101") == MOST_SHOWN
    assert render(many).endswith("\n… and 5 more\n")
    assert render(many, format="concise").count("\n") == 25


def test_each_is_told_once():
    assert render([UNKNOWN, UNKNOWN]) == render([UNKNOWN])


def test_colour_only_where_asked():
    assert "\x1b" not in render(ALL)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", render(ALL, color=True))

    assert plain == render(ALL)


@pytest.mark.parametrize("format", FORMATS)
def test_foreign_control_characters_never_get_through(format):
    source = Source("a\x1b[2J.yaml", "key: \x1b]0;title\x07 \u202e abc\n")
    found = Diagnostic("SQ101", "bad \x1b[31m\u202e word", Span(source, 5, 9), help="x\ny", note="\x07")

    for char in render([found], format=format, files=[source.name]):
        assert char == "\n" or char.isprintable()


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("日本", 4), ("ｶﾅ", 2), ("Ａ", 2), ("が", 2), ("か\u3099", 2), ("é", 1), ("😀", 2)],
)
def test_width_is_east_asian(text, columns):
    assert width(text) == columns


def test_a_long_line_is_cut_around_the_place():
    source = Source("a.yaml", "x: [" + "日本, " * 200 + "here, " + "y, " * 200 + "]\n")
    lines = render([Diagnostic("SQ101", "m", span("here", source))]).splitlines()

    assert width(lines[3]) < 120
    at = lines[4].index("^")
    assert lines[4][at:] == "^^^^"
    assert _from_column(lines[3], at).startswith("here")


def test_marks_of_a_long_line_stand_below_their_own_words():
    source = Source("a.yaml", "x: {" + "a, " * 30 + "first, " + "b, " * 30 + "second, " + "c, " * 30 + "}\n")
    labels = (Label(span("first", source), "the other"),)
    lines = render([Diagnostic("SQ101", "m", span("second", source), labels=labels)]).splitlines()

    for mark, word in (("^", "second"), ("-", "first")):
        (number,) = [
            number for number, line in enumerate(lines) if "|" in line and mark in line.split("|")[1]
        ]
        assert _from_column(lines[number - 1], lines[number].index(mark)).startswith(word)


def _from_column(text, column):
    for index in range(len(text)):
        if width(text[:index]) == column:
            return text[index:]
    return ""


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60),
    st.text(max_size=20), st.text(max_size=20),
)  # fmt: skip
def test_any_diagnostic_can_be_shown(text, start, length, other, message, note):
    source = Source("a.yaml", text)
    start, other = min(start, len(text)), min(other, len(text))
    place = Span(source, start, min(start + length, len(text)))
    labels = (
        Label(Span(source, other, other), "label"),
        Label(Span(Source("b.yaml", "x"), 0, 1), "elsewhere"),
    )
    found = Diagnostic("SQ101", message, place, labels=labels, help="help", note=note)

    assert len(render([found]).rstrip("\n").split("\n")) <= MOST_LINES
    for format in FORMATS:
        render([found], format=format)


def test_escape_keeps_what_can_be_seen():
    assert escape("日本語 é 😀\u3000x") == "日本語 é 😀\u3000x"
    assert escape("\x1b\n\u202e\U000e0001") == "\\x1b\\n\\u202e\\U000e0001"
