"""Fixes are edits of the text: comments and layout survive, and nothing is changed that was right."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.compile.analysis.front_end import understand_text
from seqspec.compile.diagnostics.fixes import apply_fixes, choose, edited, unified
from seqspec.schema.diagnostic import Diagnostic, Edit, Fix
from seqspec.schema.source import Source, Span
from tests.compile.trees import mistakes

EXAMPLE = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")


def look(source):
    return mistakes(understand_text, source, "yaml")


def fixed(text, *, unsafe=False):
    return apply_fixes(Source("spec.yaml", text), look, unsafe=unsafe)


def test_safe_fixes_keep_comments_and_layout():
    broken = EXAMPLE.replace("max_steps: 200,", 'max_steps: "200",   # a comment\n   ').replace(
        "metrics: [chrf]", "metrics: chrf"
    )
    result = fixed(broken)

    assert result.left == ()
    assert result.text == broken.replace('"200"', "200").replace("metrics: chrf", "metrics: [chrf]")
    assert len(result.applied) == 2


@pytest.mark.parametrize(
    "change",
    [
        ("max_steps: 200", 'max_steps: "-200"'),
        ("max_steps: 200", "max_steps: １.５"),
        ("metrics: [chrf]", "metrics: nothing"),
        ("seqspec: 1\n", "seqspec: 1\nname: -2\n"),
    ],
)
def test_nothing_is_written_that_its_place_does_not_take(change):
    broken = EXAMPLE.replace(*change)
    result = fixed(broken, unsafe=True)

    assert (result.text, result.applied) == (broken, ())
    assert result.left


def test_unsafe_fixes_are_made_only_when_asked():
    broken = EXAMPLE.replace("num_heads", "nhead").replace(
        "transformer, num_layers: 1, dim", "transfromer, num_layers: 1, dim"
    )

    assert fixed(broken).text == broken
    assert fixed(broken, unsafe=True).text == EXAMPLE


def test_a_syntax_slip_is_mended_before_what_it_hid():
    broken = EXAMPLE.replace("every_steps: 100", "every_steps: ${train.max_steps}").replace(
        "seqspec: 1\n", "seqspec: 1\nseed: '7'\n"
    )
    result = fixed(broken)

    assert 'every_steps: "${train.max_steps}"' in result.text
    assert "seed: 7\n" in result.text
    assert result.left == ()


def test_anchors_and_aliases_become_references():
    broken = EXAMPLE.replace("max_steps: 200", "max_steps: &steps 200").replace(
        "every_steps: 100", "every_steps: *steps"
    )
    result = fixed(broken)

    assert result.left == ()
    assert "max_steps: 200" in result.text
    assert 'every_steps: "${train.max_steps}"' in result.text


def test_mending_twice_changes_nothing_more():
    broken = EXAMPLE.replace("max_steps: 200", 'max_steps: "200"').replace("num_heads", "n_heads")
    once = fixed(broken, unsafe=True).text

    assert fixed(once, unsafe=True).text == once


def test_what_is_right_is_left_alone():
    assert fixed(EXAMPLE, unsafe=True) == (EXAMPLE, (), ())


def test_a_fix_that_makes_things_worse_is_not_made():
    source = Source("a", "x")
    worse = Diagnostic(
        "SQ101", "m", Span(source, 0, 1), fix=Fix("f", (Edit(Span(source, 0, 1), "y"),), safe=True)
    )

    def find(text):
        return [worse] if text.text == "x" else [worse, Diagnostic("SQ102", "n")]

    assert apply_fixes(source, find, unsafe=False).text == "x"


def test_overlapping_fixes_wait_for_the_next_round():
    source = Source("a", "abcdef")
    fixes = [Fix(str(n), (Edit(Span(source, n, n + 2), "x"),), safe=True) for n in range(3)]
    found = [Diagnostic("SQ101", "m", fix=fix) for fix in fixes]

    assert [d.fix.title for d in choose(found, source, unsafe=False)] == ["0", "2"]


def test_fixes_of_other_files_are_not_made():
    other = Source("base.yaml", "abc")
    found = [Diagnostic("SQ101", "m", fix=Fix("f", (Edit(Span(other, 0, 1), "x"),), safe=True))]

    assert choose(found, Source("spec.yaml", "abc"), unsafe=True) == []


def test_the_change_is_a_patch():
    text = unified("a.yaml", "x: 1\ny: 2", "x: 1\ny: 3")

    assert text.splitlines() == [
        "--- a/a.yaml", "+++ b/a.yaml", "@@ -1,2 +1,2 @@", " x: 1", "-y: 2", "\\ No newline at end of file", "+y: 3", "\\ No newline at end of file",
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    st.text("abcdef\n", max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.text("xyz", max_size=3)), max_size=4, unique_by=lambda e: e[0]),
)
def test_edits_change_their_spans_and_nothing_else(text, places):
    source = Source("a", text)
    edits = [Edit(Span(source, at, at + 1), new) for at, new in places if at < len(text)]
    expected = "".join(
        next((e.text for e in edits if e.span.start == i), char) for i, char in enumerate(text)
    )

    assert edited(text, edits) == expected
