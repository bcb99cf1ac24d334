"""YAML: 1.2 core values, guards, and the place of every key and value."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seqspec.compile.parse.parse import parse, parse_text
from seqspec.schema.source import POISON, Source
from tests.compile.trees import codes, mistakes, tree


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3e-4", 3e-4), ("1.0e-3", 1e-3), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("-0", 0), ("+7", 7), ("0o10", 8),
        ("0x1F", 31), ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("NO", "NO"),
        ("true", True), ("True", True), ("FALSE", False), ("null", None), ("~", None), ("", None), ("none", "none"),
        ("1:30", "1:30"), ("190:20:30", "190:20:30"), ("2026-01-31", "2026-01-31"), ("1_000", "1_000"),
        ("1.2.3", "1.2.3"), ("0b11", "0b11"), ("=", "="), ("13a", "13a"), ("'64'", "64"), ('"no"', "no"),
        (".", "."), ("-", None), ("...x", "...x"), ("1e", "1e"), ("0.10", 0.1), ("-.inf", float("-inf")), ("007a", "007a"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(written, value):
    if written == "-":
        assert tree("a: [x, y]").data() == {"a": ["x", "y"]}
        return

    found = tree(f"a: {written}\n").data()["a"]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: 010", "SQ020"), ("a: -08", "SQ020"), ("a: 00.5", "SQ020"), ("a: 9223372036854775808", "SQ021"),
        ("a: " + "9" * 5000, "SQ021"), ("a: 1e999", "SQ021"), ("a: 0x" + "f" * 20, "SQ021"), ("a: 1\na: 2", "SQ010"),
        ("a: {b: 1, b: 2}", "SQ010"), ("1: a", "SQ011"), ("true: a", "SQ011"), ("null: a", "SQ011"), ("? [a]\n: b", "SQ011"),
        ("? {a: b}\n: c", "SQ011"), ("1.5: x", "SQ011"), ("?\n: x", "SQ011"), ("a: !!str 1", "SQ012"), ("a: !x [1]", "SQ012"),
        ("!!map {a: 1}", "SQ012"), ("a: &x 1", "SQ013"), ("a: &x [1]\nb: *x", "SQ013"), ("a: *x", "SQ013"),
        ("a: {<<: {b: 1}}", "SQ014"), ("a: 1\n---\nb: 2", "SQ015"), ("", "SQ016"), ("# only a comment\n", "SQ016"),
        ("---\n...\n", "SQ016"), ("a:\n\tb: 1", "SQ018"), ("a: \x07", "SQ019"), ("a: b\rc: d", "SQ019"), ("a: \u2028", "SQ019"),
        ("a: b # x\u0085c: d", "SQ019"), ("a: \ud800", "SQ019"), ("x\ufeffa: 1", "SQ019"), ("%YAML 1.1\n---\na: 1", "SQ022"),
        ("%TAG ! tag:x,2000:\n---\na: 1", "SQ022"), ('a: "\\ud83d\\ude00"', "SQ024"), ("[" * 100_000, "SQ004"),
        ("a: " + "[" * 65 + "]" * 65, "SQ004"), ("a:\n" + "- 1\n" * 20_001, "SQ005"), ("a: " + "x" * 70_000, "SQ006"),
        ("x" * 300 + ": 1", "SQ006"), ("a: " + "#" * (1 << 20), "SQ003"), ("a: [1", "SQ001"), ("a: {b: 1", "SQ001"), ("a: 'x", "SQ001"),
        ("a: b: c", "SQ001"), ("a\nb: 1", "SQ001"), ("a: @x", "SQ001"), ("a: `x`", "SQ001"), ("a: [1 2]: 3", "SQ001"), ("- a\nb: 1", "SQ001"),
    ],
)  # fmt: skip
def test_traps_are_refused_by_name(text, code):
    assert codes(text) == [code]


def test_every_mistake_is_told_at_once():
    assert codes("a: 010\nb: !x 1\na: 3\nc: *y\n") == ["SQ020", "SQ012", "SQ010", "SQ013"]


def test_what_survives_goes_on_with_poison_in_place_of_what_did_not():
    from seqspec.schema.diagnostic import SpecError

    with pytest.raises(SpecError) as raised:
        tree("a: 010\nb: 2\n")

    assert raised.value.tree.at(("a",)).value is POISON
    assert raised.value.tree.at(("b",)).value == 2


def test_an_alias_bomb_costs_nothing():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    start = time.process_time()

    assert set(codes("\n".join(rows))) == {"SQ013"}
    assert time.process_time() - start < 0.5


def test_a_million_brackets_cost_nothing():
    start = time.process_time()

    assert codes("[" * 1_000_000) == ["SQ004"]
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_places_hold_whatever_the_encoding_of_lines(ending, mark):
    text = mark + ending.join(
        ["# 日本語 😀", "a: {鍵: 'x y', b: [1, 2.5]}", "c:", "  d: |", "    two", "    lines", ""]
    )
    root = tree(text)

    assert root.at(("a", "鍵")).span.text == "'x y'"
    assert root.at(("a", "鍵")).key.text == "鍵"
    assert root.at(("a", "b", 1)).span.text == "2.5"
    assert (root.at(("a", "b", 1)).span.line, root.at(("a", "b", 1)).span.column) == (2, 22)
    assert root.at(("a", "b")).span.text == "[1, 2.5]"
    assert root.at(("c", "d")).value == "two\nlines\n"
    assert root.at(("c", "d")).key.line == 4


def test_files_are_read_as_utf8(tmp_path):
    file = tmp_path / "spec.yaml"
    file.write_bytes("description: 日本語\n".encode("shift_jis"))

    (found,) = mistakes(parse, file)

    assert (found.code, found.span.line, found.span.column) == ("SQ002", 1, 14)


def test_a_file_that_is_not_there(tmp_path):
    assert [d.code for d in mistakes(parse, tmp_path / "no.yaml")] == ["SQ000"]
    assert [d.code for d in mistakes(parse, tmp_path)] == ["SQ000"]


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    file = tmp_path / "spec.yaml"
    file.write_bytes(b"#" * ((1 << 20) + 1))

    assert [d.code for d in mistakes(parse, file)] == ["SQ003"]


def test_an_alias_is_mended_with_the_path_of_its_anchor():
    (found,) = mistakes(tree, "a: {b: &x 3}\nc: [*x]\n")

    assert found.fix.edits[0].text == '"${a.b}"'


@pytest.mark.parametrize(
    ("text", "place", "help"),
    [
        ("a: 1\nb 2\nc: 3\n", (2, 1), "`b: 2`"),
        ("train：\n  max_steps: 1\n", (1, 6), "half-width"),
        ("a: {b: ${c.d}}\n", (1, 8), '`"${c.d}"`'),
        ("a:\n  　b: 1\n", (2, 3), "half-width"),
    ],
)
def test_slips_are_told_where_they_are(text, place, help):
    (found,) = mistakes(tree, text)

    assert (found.span.line, found.span.column) == place
    assert help in found.help


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text("abc日 :#-", min_size=1, max_size=5), values, min_size=1, max_size=4))
@example({"a": {"{{\U00010000": None}})
@example({":": "[!\U00010000"})
@example({"a：": "\U00010000"})
def test_what_yaml_writes_is_what_we_read(data):
    import json

    text = json.dumps(data, ensure_ascii=True)
    found = mistakes(tree, text)

    if not found:
        assert tree(text).data() == data
    assert {d.code for d in found} <= {"SQ024"}


@settings(max_examples=150, deadline=None)
@given(values)
def test_spans_hold_the_text_of_their_value(value):
    import json

    text = "root: " + json.dumps({"x": value}, ensure_ascii=True)
    if mistakes(tree, text):
        return
    root = tree(text)

    for path, leaf in root.leaves():
        assert (
            parse_text(Source("again", f"x: {leaf.span.text}"), language="yaml").at(("x",)).value
            == leaf.value
        ), path
