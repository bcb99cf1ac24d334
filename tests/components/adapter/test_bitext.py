from __future__ import annotations

import pytest

from seqspec.data.corpus.record import BadRow
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError

from .cases import config, reader

SIDES = {"source_language": "ja", "target_language": "en", "splits": {"train": "train"}}


def _read(tmp_path, source: bytes, target: bytes, **keys):
    (tmp_path / "train.ja").write_bytes(source)
    (tmp_path / "train.en").write_bytes(target)
    return list(reader("bitext", tmp_path, **SIDES, **keys).examples("train"))


@pytest.mark.parametrize(("left", "right"), [(3, 2), (2, 3), (1, 0), (0, 2)])
def test_unequal_files_are_refused_with_both_counts(left, right, tmp_path):
    with pytest.raises(DataError) as caught:
        _read(tmp_path, b"a\n" * left, b"b\n" * right)

    message = str(caught.value)
    assert f"train.ja` has {left:,} lines" in message
    assert f"train.en` has {right:,}" in message
    assert caught.value.file.endswith("train.en" if right < left else "train.ja")


@pytest.mark.parametrize("inner", ["\u2028", "\x85", "\x1c", "\r", "\x00"])
def test_strange_characters_do_not_misalign(inner, tmp_path):
    rows = _read(tmp_path, f"a{inner}b\nc\n".encode(), b"1\n2\n")

    assert [(row["source"], row["target"]) for row in rows] == [(f"a{inner}b", "1"), ("c", "2")]


def test_bad_bytes_and_empty_sides_spoil_their_pair_alone(tmp_path):
    rows = _read(tmp_path, "あ\n\xff".encode("latin-1", "ignore") + b"\nc\nd\n", b"1\n2\n \n\xfe\n")
    bad = {row.row: row for row in rows if isinstance(row, BadRow)}

    assert sorted(bad) == [2, 3, 4] or sorted(bad) == [1, 2, 3, 4]
    assert "empty" in bad[3].reason
    assert bad[3].file.endswith("train.en")
    assert "UTF-8" in bad[4].reason


def test_compressed_files_stand_for_plain_ones(tmp_path):
    import gzip

    for language, text in (("ja", "犬\n"), ("en", "dog\n")):
        (tmp_path / f"train.{language}.gz").write_bytes(gzip.compress(text.encode()))
    rows = list(reader("bitext", tmp_path, **SIDES).examples("train"))

    assert [(row["id"], row["source"], row["target"]) for row in rows] == [("train.ja.gz:1", "犬", "dog")]


def test_several_names_and_globs_are_read_in_order(tmp_path):
    for name in ("a", "b", "c1", "c2"):
        for language in ("ja", "en"):
            (tmp_path / f"{name}.{language}").write_text(f"{name}-{language}\n", encoding="utf-8")
    adapter = reader("bitext", tmp_path, **{**SIDES, "splits": {"train": ["b", "c*", "a"]}})

    assert [row["source"] for row in adapter.examples("train")] == ["b-ja", "c1-ja", "c2-ja", "a-ja"]
    assert [row["target"] for row in adapter.examples("train")] == ["b-en", "c1-en", "c2-en", "a-en"]
    assert len({row["id"] for row in adapter.examples("train")}) == 4


def test_globs_that_match_unequally_are_refused(tmp_path):
    for name in ("c1.ja", "c2.ja", "c1.en"):
        (tmp_path / name).write_text("x\n", encoding="utf-8")

    with pytest.raises(DataError, match="2 files of the source side and 1"):
        list(reader("bitext", tmp_path, **{**SIDES, "splits": {"train": "c*"}}).files("train"))


def test_environment_variables_stand_in_root(tmp_path, monkeypatch):
    _read(tmp_path, b"a\n", b"b\n")
    monkeypatch.setenv("CORPUS_HOME", str(tmp_path))

    assert len(list(reader("bitext", **SIDES, root="${env:CORPUS_HOME}").examples("train"))) == 1
    assert len(list(reader("bitext", **SIDES, root=f"${{env:NO_SUCH:-{tmp_path}}}").examples("train"))) == 1
    with pytest.raises(DataError, match="NO_SUCH") as caught:
        list(reader("bitext", **SIDES, root="${env:NO_SUCH}").examples("train"))
    assert "set the environment variable NO_SUCH" in caught.value.help


@pytest.mark.parametrize("root", ["x" * 4000, "no\x1bsuch", "", "   ", "${env:NO_SUCH:-}"])
def test_roots_that_are_none_are_missing_corpora(root, tmp_path):
    keys = {"root": root} if root else {}
    with pytest.raises(DataError) as caught:
        list(reader("bitext", **SIDES, **keys).examples("train"))

    assert caught.value.code == "SQ401"
    assert all(char.isprintable() for char in str(caught.value))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("template", ["x.{language}", "{split}.txt", "x"])
def test_templates_name_split_and_language(template):
    with pytest.raises(Mismatch, match="template"):
        config("bitext", **SIDES, template=template).roles()
