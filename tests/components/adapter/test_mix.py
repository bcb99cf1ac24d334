from __future__ import annotations

import pytest

from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError

from .cases import config, reader, synthetic

PARTS = [{"name": "wiki", "source": {"type": "kftt"}}, {"name": "talk", "source": {"type": "jesc"}}]


def _with(*, second=None, **keys):
    parts = [dict(part) for part in PARTS]
    parts[1] |= second or {}
    return {"parts": parts, **keys}


def test_records_say_where_they_are_from(tmp_path):
    adapter = synthetic("mix", tmp_path, count=7, parts=PARTS)
    rows = list(adapter.examples("train"))

    assert [row["corpus"] for row in rows] == ["wiki"] * 4 + ["talk"] * 3
    assert all(row["id"].startswith(f"{row['corpus']}/") for row in rows)


def test_parts_stand_below_the_root_or_where_they_say(tmp_path):
    synthetic("mix", tmp_path / "both", count=4, parts=PARTS)
    below = reader("mix", tmp_path / "both", parts=PARTS)
    elsewhere = [
        {**part, "source": {**part["source"], "root": str(tmp_path / "both" / part["name"])}}
        for part in PARTS
    ]
    apart = reader("mix", parts=elsewhere)

    assert list(below.examples("dev")) == list(apart.examples("dev"))
    assert apart.root == tmp_path / "both"


def test_a_split_holds_the_parts_that_have_it(tmp_path):
    adapter = synthetic("mix", tmp_path, count=4, parts=PARTS)

    assert adapter.splits() == ("train", "dev", "dev_other", "test")
    assert {row["corpus"] for row in adapter.examples("dev_other")} == {"wiki"}


def test_a_missing_part_is_blamed_at_its_place(tmp_path):
    parts = [{**PARTS[0], "source": {"type": "kftt", "root": str(tmp_path)}}, PARTS[1]]

    with pytest.raises(DataError) as caught:
        list(reader("mix", parts=parts).examples("train"))
    assert "--set data.source.parts[0].source.root=FOLDER" in caught.value.help


def test_speakers_of_different_parts_are_different_people(tmp_path):
    parts = [{"name": name, "source": {"type": "librispeech"}} for name in ("a", "b")]
    adapter = synthetic("mix", tmp_path, parts=parts)
    by_part = [
        {row["speaker"] for row in adapter.examples("train") if row["corpus"] == part} for part in "ab"
    ]

    assert by_part[0]
    assert not by_part[0] & by_part[1]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (_with(second={"name": "wiki"}), "two parts"),
        (_with(second={"source": {"type": "jesc", "synthetic": 3}}), "as synthetic as"),
        (_with(second={"weight": 2.0}), "some parts have a weight"),
        (_with(second={"source": {"type": "jesc", "source_language": "en"}}), "`talk` gives"),
        (_with(second={"source": {"type": "mnist"}}), "`talk` gives"),
        (
            {"parts": [{**part, "weight": 1.0} for part in PARTS], "temperature": 2.0},
            "both decide",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(keys, message):
    with pytest.raises(Mismatch, match=message):
        config("mix", **keys).roles()


def _heard(*channels):
    table = {"type": "tsv", "splits": {"train": "t"}, "target": {"text": "t", "language": "en"}}
    parts = [
        {"name": name, "source": {**table, "source": {"audio": "a", "rate": 8000, "channel": channel}}}
        for name, channel in zip("ab", channels, strict=True)
    ]
    return reader("mix", parts=parts).audio()


def test_parts_read_one_channel():
    assert _heard(2, 2).channel == 2
    assert _heard(None, 2).channel == 2
    assert _heard("mean", None).mix_down
    with pytest.raises(DataError, match="different channels: 2, mean"):
        _heard("mean", 2)
