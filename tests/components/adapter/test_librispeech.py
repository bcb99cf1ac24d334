from __future__ import annotations

import pytest

from seqspec.data.corpus.record import BadRow
from seqspec.schema.diagnostic import DataError

from .cases import reader, synthetic


def _chapter(tmp_path, transcript: str, *names: str):
    folder = tmp_path / "LibriSpeech" / "dev-clean" / "84" / "121"
    folder.mkdir(parents=True)
    (folder / "84-121.trans.txt").write_text(transcript, encoding="utf-8")
    for name in names:
        (folder / f"{name}.flac").touch()
    return list(reader("librispeech", tmp_path).examples("dev"))


def test_reads_transcripts(tmp_path):
    rows = _chapter(tmp_path, "84-121-0000 GO ON\n84-121-0001 STOP\n", "84-121-0000", "84-121-0001")

    assert [(row["id"], row["target"], row["speaker"], row["row"]) for row in rows] == [
        ("84-121-0000", "GO ON", "84", 1),
        ("84-121-0001", "STOP", "84", 2),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("84-121-0000", "no transcript"),
        ("84-121-0000 ", "no transcript"),
        ("84-122-0000 A", "not an utterance of chapter"),
        ("../../x A", "not an utterance of chapter"),
        ("84-121-0009 A", "no file 84-121-0009.flac"),
        ("", "not an utterance"),
    ],
)
def test_bad_lines_are_told_with_file_and_row(line, reason, tmp_path):
    rows = _chapter(tmp_path, f"84-121-0001 OK\n{line}\n", "84-121-0000", "84-121-0001")
    bad = [row for row in rows if isinstance(row, BadRow)]

    assert reason in bad[0].reason
    assert (bad[0].row, bad[0].file[-16:]) == (2, "84-121.trans.txt")


def test_a_second_line_for_an_utterance_and_audio_without_a_line_are_bad(tmp_path):
    rows = _chapter(tmp_path, "84-121-0000 A\n84-121-0000 B\n", "84-121-0000", "84-121-0001")

    assert [isinstance(row, BadRow) for row in rows] == [False, True, True]
    assert "no line" in rows[2].reason


def test_a_chapter_without_a_transcript_is_bad_not_silent(tmp_path):
    folder = tmp_path / "LibriSpeech" / "dev-clean" / "84" / "121"
    folder.mkdir(parents=True)
    (folder / "84-121-0000.flac").touch()

    assert [type(row) for row in reader("librispeech", tmp_path).examples("dev")] == [BadRow]


def test_root_may_be_the_corpus_or_the_folder_that_holds_it(tmp_path):
    synthetic("librispeech", tmp_path, count=4)
    ids = [
        [row["id"] for row in reader("librispeech", root).examples("train")]
        for root in (tmp_path, tmp_path / "LibriSpeech")
    ]

    assert ids[0] == ids[1] != []


def test_a_missing_part_stops_only_its_split(tmp_path):
    adapter = synthetic("librispeech", tmp_path, parts={"train": ["train-clean-5"], "dev": ["dev-clean-2"]})
    whole = reader("librispeech", tmp_path, parts={"train": ["train-clean-5"], "test": ["test-clean"]})

    assert list(whole.examples("train")) == list(adapter.examples("train"))
    with pytest.raises(DataError, match="test-clean") as caught:
        list(whole.examples("test"))
    assert "347 MB" in caught.value.help


def test_files_that_other_systems_leave_behind_are_passed_over(tmp_path):
    rows = _chapter(tmp_path, "84-121-0000 A\n", "84-121-0000", "._84-121-0000", ".hidden")

    assert [row["id"] for row in rows] == ["84-121-0000"]


def test_speakers_of_splits_differ(tmp_path):
    adapter = synthetic("librispeech", tmp_path, count=60)
    speakers = [{row["speaker"] for row in adapter.examples(split)} for split in ("train", "dev", "test")]

    assert all(speakers)
    assert not speakers[0] & speakers[1]
    assert not speakers[0] & speakers[2]
