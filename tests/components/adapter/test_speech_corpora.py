"""Common Voice, LJSpeech, JSUT, AN4 and the spoken digits: the traps of each."""

from __future__ import annotations

import numpy as np
import pytest

from seqspec.components.adapter._synthetic_speech import write_audio
from seqspec.data.corpus.record import BadRow
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError

from .cases import config, reader, synthetic


def _reasons(rows):
    return [row.reason if isinstance(row, BadRow) else "" for row in rows]


def _release(tmp_path, *rows: str, header="client_id\tpath\tsentence\taccent"):
    folder = tmp_path / "ja"
    (folder / "clips").mkdir(parents=True)
    (folder / "train.tsv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return list(reader("common_voice", tmp_path, language="ja").examples("train"))


def test_common_voice_quotes_are_text(tmp_path):
    rows = _release(tmp_path, 'c1\ta.mp3\t"はい\t', "c2\tb.mp3\tいいえ\t")

    assert [(row["id"], row["target"], row["speaker"]) for row in rows] == [
        ("a", '"はい', "c1"),
        ("b", "いいえ", "c2"),
    ]


def test_common_voice_columns_come_in_any_order_and_number(tmp_path):
    header = "sentence\tsentence_id\tpath\tup_votes\tclient_id\tvariant"
    rows = _release(tmp_path, "はい\t77\told_name\t2\tc1\t", header=header)

    assert rows[0]["source"].path.name == "old_name.mp3"
    assert rows[0]["target"] == "はい"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("c\t../../x.mp3\ta\t", "names no clip"),
        ("c\t/etc/passwd\ta\t", "names no clip"),
        ("c\t\ta\t", "names no clip"),
        ("c\ta.mp3\t \t", "sentence is empty"),
        ("c\ta.mp3", "2 columns, not 4"),
    ],
)
def test_common_voice_bad_rows(row, reason, tmp_path):
    assert reason in _reasons(_release(tmp_path, row))[0]


def test_common_voice_without_its_columns_is_refused(tmp_path):
    with pytest.raises(DataError, match="no column `client_id`, `sentence`"):
        _release(tmp_path, header="path\ttext")


def test_common_voice_clips_are_resampled(tmp_path):
    adapter = synthetic("common_voice", tmp_path, language="ja", rate=8000)
    ref = next(iter(adapter.examples("dev")))["source"]

    assert adapter.audio().num_samples(ref) == len(adapter.audio()(ref))


def test_ljspeech_bad_rows(tmp_path):
    folder = tmp_path / "LJSpeech-1.1"
    (folder / "wavs").mkdir(parents=True)
    (folder / "wavs" / "a.wav").touch()
    rows = ['a|1 "x|one x', "b|2|two", "a|raw alone", "../a|1|one", "a|1| ", "a|1|one|more"]
    (folder / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    reasons = _reasons(reader("ljspeech", tmp_path).examples("train"))

    assert reasons[0] == ""
    for reason, part in zip(
        reasons[1:], ["no file", "2 columns", "no name", "no text", "4 columns"], strict=True
    ):
        assert part in reason


def test_ljspeech_gives_either_column(tmp_path):
    folder = tmp_path / "LJSpeech-1.1"
    (folder / "wavs").mkdir(parents=True)
    (folder / "wavs" / "a.wav").touch()
    (folder / "metadata.csv").write_text('a|in 1901, "x|in nineteen-oh-one, "x\n', encoding="utf-8")
    texts = [
        next(reader("ljspeech", tmp_path, text=text).examples("train"))["target"]
        for text in ("raw", "normalized")
    ]

    assert texts == ['in 1901, "x', 'in nineteen-oh-one, "x']


def test_jsut_text_may_hold_colons_and_heads_are_cut_off(tmp_path):
    adapter = synthetic("jsut", tmp_path, count=3, dev=2, test=1)
    path = tmp_path / "jsut_ver1.1" / "basic5000" / "transcript_utf8.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{lines[0].split(':')[0]}:時刻は10:30です", *lines[1:]]), encoding="utf-8")
    ids = {split: [row["id"] for row in adapter.examples(split)] for split in adapter.splits()}

    assert next(iter(adapter.examples("test")))["target"] == "時刻は10:30です"
    assert ids == {
        "test": ["BASIC5000_0001"],
        "dev": ["BASIC5000_0002", "BASIC5000_0003"],
        "train": ["BASIC5000_0004", "BASIC5000_0005", "BASIC5000_0006"],
    }


def test_jsut_is_refused_at_a_rate_that_it_has_not_unless_resampled(tmp_path):
    adapter = synthetic("jsut", tmp_path, count=1, dev=0, test=0, resample=16000)
    ref = next(iter(adapter.examples("train")))["source"]

    assert adapter.splits() == ("train",)
    assert adapter.audio()(ref).dtype == np.float32
    assert config("jsut", resample=16000).roles()["source"].rate == 16000


def _kaldi(tmp_path, scp: str, text="u1 hello\n", segments: str | None = None):
    folder = tmp_path / "data" / "train"
    folder.mkdir(parents=True)
    (tmp_path / "a.wav").touch()
    (folder / "wav.scp").write_text(scp)
    (folder / "text").write_text(text)
    if segments is not None:
        (folder / "segments").write_text(segments)
    return list(reader("kaldi", tmp_path, language="en", rate=16000).examples("train"))


@pytest.mark.parametrize("command", ["touch {flag} |", "| touch {flag}", "sox a.wav -t wav - |"])
def test_kaldi_commands_are_never_run(command, tmp_path):
    flag = tmp_path / "ran"
    rows = _kaldi(tmp_path, f"u1 {command.format(flag=flag)}\n")

    assert "never run" in rows[0].reason
    assert not flag.exists()


@pytest.mark.parametrize("entry", ["../../etc/passwd", "feats.ark:17"])
def test_kaldi_paths_stay_below_the_corpus(entry, tmp_path):
    assert isinstance(_kaldi(tmp_path, f"u1 {entry}\n")[0], BadRow)


def test_kaldi_segments_are_pieces(tmp_path):
    segments = "u1 r 0.5 1.25\nu2 r 2 1\nu3 r 0\nu4 other 0 1\nu5 r inf nan\n"
    text = "".join(f"u{n} word\n" for n in range(1, 7))
    rows = _kaldi(tmp_path, "r a.wav\n", text, segments)

    assert (rows[0]["source"].start, rows[0]["source"].end) == (8000, 20000)
    assert [isinstance(row, BadRow) for row in rows] == [False, True, True, True, True, True]


def test_kaldi_absolute_paths_within_the_corpus_are_fine(tmp_path):
    assert _kaldi(tmp_path, f"u1 {tmp_path}/a.wav\n")[0]["source"].path == tmp_path / "a.wav"


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_kaldi_resamples_recordings_that_lie_elsewhere(rate, tmp_path):
    elsewhere = tmp_path / "elsewhere.wav"
    write_audio(elsewhere, np.zeros(2 * rate, np.float32), rate=rate)
    files = {
        "wav.scp": f"r {elsewhere}\n",
        "text": "u1 one\nu2 two\n",
        "segments": "u1 r 0 0.5\nu2 r 0.5 -1\n",
    }
    for name, text in files.items():
        file = tmp_path / "s5" / "data" / "train" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    adapter = reader("kaldi", tmp_path / "s5", language="en", rate=16000, resample=True)
    rows = list(adapter.examples("train"))

    assert [len(adapter.audio()(row["source"])) for row in rows] == [8000, 24000]
    assert elsewhere in set(adapter.files("train"))


def test_an4_lists_must_agree(tmp_path):
    synthetic("an4", tmp_path)
    etc = tmp_path / "an4" / "etc"
    lines = (etc / "an4_test.transcription").read_text(encoding="utf-8").splitlines()
    lines[0] = lines[0].replace("(an1", "(an9")
    lines[1] = lines[1].split("(")[0]
    (etc / "an4_test.transcription").write_text("\n".join(lines) + "\n", encoding="utf-8")
    reasons = _reasons(reader("an4", tmp_path).examples("test"))
    assert ["does not belong" in reason for reason in reasons] == [True, True, False, False]

    (etc / "an4_test.transcription").write_text("\n".join(lines[:2]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="4 lines"):
        list(reader("an4", tmp_path).examples("test"))


def test_an4_markers_are_no_text(tmp_path):
    adapter = synthetic("an4", tmp_path)

    for split in adapter.splits():
        assert not [row for row in adapter.examples(split) if set(row["target"]) & set("<>()/")]


def test_digits_split_by_recording_or_by_speaker(tmp_path):
    adapter = synthetic("free_spoken_digits", tmp_path, count=40)
    by_recording = {split: list(adapter.examples(split)) for split in adapter.splits()}
    assert {int(row["id"].rsplit("_", 1)[1]) for row in by_recording["test"]} == {0, 1, 2, 3, 4}
    assert min(int(row["id"].rsplit("_", 1)[1]) for row in by_recording["train"]) == 5

    apart = reader("free_spoken_digits", tmp_path, split="by_speaker", test_speakers=["george"])
    assert {row["speaker"] for row in apart.examples("test")} == {"george"}
    assert "george" not in {row["speaker"] for row in apart.examples("train")}


def test_digits_metadata_is_never_run_and_strange_names_are_bad(tmp_path):
    synthetic("free_spoken_digits", tmp_path)
    (tmp_path / "metadata.py").write_text("raise SystemExit")
    (tmp_path / "recordings" / "noise.wav").touch()
    reasons = [
        reason for reason in _reasons(reader("free_spoken_digits", tmp_path).examples("train")) if reason
    ]

    assert len(reasons) == 1
    assert "noise.wav" in reasons[0]


@pytest.mark.parametrize("keys", [{"split": "by_speaker"}, {"test_speakers": ["theo"]}])
def test_digits_speakers_and_split_belong_together(keys):
    with pytest.raises(Mismatch, match="belong together"):
        config("free_spoken_digits", **keys).roles()


def test_kaldi_tells_segments_that_have_no_text(tmp_path):
    adapter = reader("kaldi", tmp_path, language="en", rate=8000, splits={"train": "d"})
    adapter.write_synthetic(tmp_path, count=6, seed=1)
    text = tmp_path / "d" / "text"
    first, *rest = text.read_text(encoding="utf-8").splitlines()
    text.write_text("\n".join(rest) + "\n", encoding="utf-8")

    rows = list(adapter.examples("train"))

    lost = [row for row in rows if isinstance(row, BadRow)]
    assert len(rows) == 6
    assert [row.reason for row in lost] == [f"`{first.split()[0]}` stands in `segments` and not in `text`"]


@pytest.mark.parametrize(("name", "clip"), [("a", "a.mp3"), ("a.mp3", "a.mp3"), ("a.wav", "a.wav")])
def test_common_voice_clips_may_be_converted(name, clip, tmp_path):
    (tmp_path / "train.tsv").write_text(f"client_id\tpath\tsentence\ns\t{name}\tyes\n")
    rows = list(reader("common_voice", tmp_path, language="en").examples("train"))

    assert rows[0]["source"].path.name == clip


def test_kaldi_paths_may_be_whole(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.wav").touch()
    (tmp_path / "corpus").mkdir()

    rows = _kaldi(tmp_path / "corpus", f"u1 {tmp_path}/elsewhere/a.wav\n")

    assert rows[0]["source"].path == tmp_path / "elsewhere" / "a.wav"


@pytest.mark.parametrize(
    ("segment", "found"),
    [
        ("r 0.5 -1", (8000, None)),
        ("r 0.5 1.0 0", (8000, 16000)),
        ("r 0.5 1.0 1", "is on channel 1"),
        ("r 1.0 0.5", "ends before it begins"),
        ("r -2 0.5", "begins before its recording"),
        ("r x 0.5", "are no numbers"),
        ("r 0.5", "has 3 columns"),
    ],
)
def test_kaldi_segments_mean_what_kaldi_says(segment, found, tmp_path):
    (tmp_path / "a.wav").touch()

    row = _kaldi(tmp_path, "r a.wav\n", "u hello\n", f"u {segment}\n")[0]

    if isinstance(found, str):
        assert found in row.reason
    else:
        assert row["source"][1:] == found


def test_kaldi_archives_are_told_with_what_to_do(tmp_path):
    row = _kaldi(tmp_path, "u1 dump/data_wav.ark:42\n")[0]

    assert "Kaldi archive" in row.reason
    assert "kaldiio" in row.remedy


def test_rows_of_kaldi_tables_that_cannot_be_used_make_their_utterances_bad(tmp_path):
    adapter = synthetic("kaldi", tmp_path, language="en", rate=16000)
    names = [row["id"] for row in adapter.examples("dev")]
    segments = tmp_path / "data" / "dev" / "segments"
    rows = segments.read_text().splitlines()
    segments.write_text("\n".join([*rows[:-1], rows[-1].split(" ")[0], rows[0], "", "stray"]) + "\n")

    read = list(reader("kaldi", tmp_path, language="en", rate=16000).examples("dev"))

    assert [row.id if isinstance(row, BadRow) else row["id"] for row in read] == [*names, "segments:7"]
    bad = [row for row in read if isinstance(row, BadRow)]
    assert [(row.row, row.reason) for row in bad] == [
        (5, f"`{names[0]}` stands twice"),
        (4, "the row has one column"),
        (7, "the row has one column"),
    ]
