"""TOML: the same verdict and the same values as ``tomllib``, with the place of every key and value."""

import json
import math
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.compile.parse.toml_reader import read
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.source import Source
from tests.compile.trees import codes, mistakes, tree

OURS_ONLY = {"SQ003", "SQ004", "SQ005", "SQ006", "SQ016", "SQ020", "SQ021", "SQ023"}
"""Texts that ``tomllib`` takes and a spec must not hold."""


def verdict(text):
    """The value, or the codes of the mistakes."""
    try:
        return read(Source("spec.toml", text)).data()
    except SpecError as error:
        return {d.code for d in error.diagnostics}


def agrees(text):
    try:
        theirs = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        theirs = None
    ours = verdict(text)
    if isinstance(ours, set):
        return theirs is None or bool(ours & OURS_ONLY)
    return theirs is not None and same(ours, theirs)


def same(ours, theirs):
    if isinstance(ours, float) and isinstance(theirs, float):
        return ours == theirs or (math.isnan(ours) and math.isnan(theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return type(ours) is type(theirs) and ours == theirs


HARD = """
a.b.c = 1
a.b.d = 2

[a.b.e]
f = 3
---
[a]
b.c = 1
[a.b]
---
[a]
b.c = 1
[a.b.d]
x = 1
---
[[a]]
[a.b]
c = 1
[[a]]
[a.b]
c = 2
---
a = [1]
[[a]]
---
[[a]]
[a]
---
[a]
[[a]]
---
a = {b = {c = 1}}
[a.b.d]
---
a = {b.c = 1, b.d = 2}
---
a = {b = {c = 1}, b.d = 2}
---
a = {b = 1}
a.c = 2
---
[a.b]
[a]
b.c = 1
---
[a.b]
[a]
b = 1
---
[a.b.c]
[a.b]
x = 1
[a]
y = 1
---
a = 1
[a.b]
---
[x]
a.b = 1
[x.a]
c = 2
---
[[a.b]]
x = 1
[a.b.c]
y = 1
[[a.b]]
[a.c]
---
a = \"\"\"\"quoted\"\"\"\"
---
a = ''''quoted'''''
---
a = \"\"\"
first
  second \\
     third\"\"\"
---
a = '''
raw \\n'''
---
a = "\\u00e9\\U0001F600\\t\\"\\\\"
---
a = "\\x41"
---
"quoted key" = 1
'lit.eral'.x = 2
"" = 3
---
a = 0x_ff
---
a = 0xdead_beef
b = 0o755
c = 0b1101
d = 1_000
e = -0
f = +1.5e+3
g = inf
h = -nan
---
a = 1._5
---
a = .5
---
a = 5.
---
a = 1e5
b = 1E-0_5
---
a = [1, "x", [2, {b = 3}],
  # comment
  4,
]
---
a = [1,, 2]
---
a = [,]
---
a = {b = 1,}
---
a = {
b = 1}
---
a = {}
[a.b]
---
a = 1 b = 2
---
a = 1 # comment
b = true# comment
---
a = true1
---
[ a . b ]
c=1
---
[ [a] ]
---
[a]]
---
[]
---
[a.]
---
a..b = 1
---
a =
---
= 1
---
a
---
a = "x
---
a = 'x
---
a = \"\"\"x
---
1 = 2
1.2 = 3
""".strip("\n").split("\n---\n")


@pytest.mark.parametrize("text", HARD)
def test_hard_texts_are_judged_as_tomllib_judges_them(text):
    assert agrees(text), verdict(text)


keys = st.text("abc-_1", min_size=1, max_size=2) | st.sampled_from(['"q k"', "'l'", "a.b", "a . b", "a.c"])
scalars = (
    st.integers(-(2**63), 2**63 - 1).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.text(max_size=5).map(lambda text: json.dumps(text, ensure_ascii=True).replace("\\u007f", "x"))
    | st.sampled_from(["true", "false", "'lit'", '"""m\n l"""', "'''r\n'''", "inf", "0x1f", "1_0"])
)
inline = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ",\n ".join(items) + "]")
        | st.lists(st.tuples(keys, inner), max_size=3).map(
            lambda items: "{" + ", ".join(f"{k} = {v}" for k, v in items) + "}"
        )
    ),
    max_leaves=6,
)
lines = st.one_of(
    st.tuples(keys, inline).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    keys.map(lambda key: f"[{key}]"),
    keys.map(lambda key: f"[[{key}]]"),
    st.just("# comment"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(lines, min_size=1, max_size=6).map("\n".join))
def test_made_up_texts_are_judged_as_tomllib_judges_them(text):
    assert agrees(text), verdict(text)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(lines, min_size=1, max_size=4).map("\n".join),
    st.integers(0, 200),
    st.sampled_from("\"'[]{}=.,#\n a1_\\"),
)
def test_damaged_texts_are_judged_as_tomllib_judges_them(text, at, char):
    at %= len(text) + 1
    damaged = text[:at] + char + text[at + 1 :]

    assert agrees(damaged), verdict(damaged)


@settings(max_examples=150, deadline=None)
@given(st.lists(lines, min_size=1, max_size=5).map("\n".join))
def test_spans_hold_the_text_of_their_value(text):
    if isinstance(verdict(text), set):
        return

    for path, leaf in read(Source("spec.toml", text)).leaves():
        if not isinstance(leaf.value, dict | list):
            assert same(tomllib.loads(f"x = {leaf.span.text}")["x"], leaf.value), path
            assert leaf.key is None or leaf.key.text.strip("\"'") == str(path[-1])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a = 1\na = 2", "SQ010"), ("a = 2026-01-31", "SQ023"), ("a = 07:32:00", "SQ023"), ("a = 010", "SQ020"),
        ("a = 9223372036854775808", "SQ021"), ("a = 1e999", "SQ021"), ("", "SQ016"), ("# nothing", "SQ016"),
        (".".join("a" * 70) + " = 1", "SQ004"), ("a = " + "[" * 70 + "]" * 70, "SQ004"), ("a = [" + "1," * 20_001 + "]", "SQ005"),
        ("a = '" + "x" * 70_000 + "'", "SQ006"), ("a = '" + "x" * (1 << 18) + "'", "SQ003"), ('a = "\\ud800"', "SQ024"), ("a = nope", "SQ001"),
    ],
)  # fmt: skip
def test_traps_are_refused_by_name(text, code):
    assert codes(text, "toml") == [code]


def test_both_languages_give_the_same_tree():
    toml = (
        "seed = 1\n[train]\nmax_steps = 10\nclip_norm = 1.5\n[evaluate]\nmetrics = ['wer', {type = 'bleu'}]\n"
    )
    yaml = "seed: 1\ntrain: {max_steps: 10, clip_norm: 1.5}\nevaluate: {metrics: [wer, {type: bleu}]}\n"

    assert tree(toml, "toml").data() == tree(yaml).data()


def test_a_key_given_twice_shows_both_places():
    (found,) = mistakes(tree, "[a]\nb = 1\n[c]\n[a]\n", "toml")

    assert (found.span.line, found.labels[0].span.line) == (4, 1)
