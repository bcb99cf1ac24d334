from __future__ import annotations

import pytest

from seqspec.components.adapter._brackets import BadTree, linearised, read_trees, without_traces, words
from seqspec.data.corpus.record import BadRow

from .cases import reader, synthetic

# The shape of the corpus: a nameless outer pair, function labels, indices, traces, brackets as words.
SAMPLE = """
( (S
    (NP-SBJ-1 (DT The) (NN company) )
    (VP (VBD was)
      (VP (VBN sold)
        (NP (-NONE- *-1) )
        (PP=2 (IN to)
          (NP (-LRB- -LRB-) (NNP Ford) (-RRB- -RRB-) ))))
    (. .) ))
( (NP (NN End) ))
"""


def test_a_tree_reads_as_a_line():
    trees = [without_traces(tree) for _, tree in read_trees(SAMPLE)]

    assert " ".join(words(trees[0])) == "The company was sold to -LRB- Ford -RRB- ."
    assert " ".join(linearised(trees[0], tags=True)) == (
        "(S (NP DT NN )NP (VP VBD (VP VBN (PP IN (NP -LRB- NNP -RRB- )NP )PP )VP )VP . )S"
    )
    assert " ".join(linearised(trees[0], tags=False)) == (
        "(S (NP XX XX )NP (VP XX (VP XX (PP XX (NP XX XX XX )NP )PP )VP )VP XX )S"
    )


def test_trees_know_the_line_they_begin_on():
    assert [lines.start for lines, _ in read_trees(SAMPLE)] == [2, 10]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("(S (NP (DT a))", 1),
        ("\n(S ())", 2),
        (")", 1),
        ("\n\nx", 3),
        ("(S word (NN b))", 1),
        ("(NN a)", 1),
        ("(" * 2000, 1),
    ],
)
def test_what_is_no_tree_is_told_with_its_line(text, line):
    with pytest.raises(BadTree) as caught:
        list(read_trees(text))
    assert caught.value.line == line


def test_every_leaf_stands_for_a_word(tmp_path):
    adapter = synthetic("penn_treebank", tmp_path, count=30, tags="xx")

    for row in adapter.examples("train"):
        assert row["target"].split().count("XX") == len(row["source"].split())


def test_a_broken_file_spoils_its_rest_alone(tmp_path):
    synthetic("penn_treebank", tmp_path, count=30)
    path = tmp_path / "wsj" / "22" / "wsj_2200.mrg"
    path.write_text(path.read_text() + "( (S (NP (DT half)")
    rows = list(reader("penn_treebank", tmp_path).examples("dev"))

    assert [isinstance(row, BadRow) for row in rows].count(True) == 1
    assert "never closed" in rows[-1].reason
