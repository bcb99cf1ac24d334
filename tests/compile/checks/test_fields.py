"""What is told of fields, each mistake once."""

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.schema.diagnostic import SpecError
from tests.compile.experiments import spec

SPEAKER = {"audio": "voice", "rate": 8000}


def told(folder, *, fields=None, filter_=None, batch=None, audio=None, text=None):
    """Codes and messages of a recogniser with a second recording and a gloss."""
    source = {
        "type": "csv",
        "splits": {"train": "train.csv", "dev": "dev.csv"},
        "source": {"audio": "file", "rate": 16000},
        "target": {"text": "said", "language": "en"},
        "fields": {"speaker_audio": SPEAKER, "gloss": {"text": "gloss", "language": "en"}} | (fields or {}),
    }
    steps = {"gloss": {"tokenizer": "bytes"}} if text is None else text
    data = {
        "source": source,
        "text": {"target": {"tokenizer": "characters"}, "fields": steps},
        "audio": {"fields": {"speaker_audio": {"features": "log_mel"}} if audio is None else audio},
        "filter": {"max_seconds": 20.0, "max_target_tokens": None} | (filter_ or {}),
        "batch": {"unit": "seconds", "field": "source", "size": 600.0} | (batch or {}),
    }
    try:
        compile_spec(spec(folder, task="asr", change={"data": data}))
    except SpecError as error:
        return [(d.code, d.message) for d in error.diagnostics if d.severity == "error"]
    return []


def test_a_corpus_of_many_fields_is_sound(tmp_path):
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"audio": {"speker_audio": {}}}, "SQ470", "no field `speker_audio`"),
        ({"text": {"glos": {"tokenizer": "bytes"}}}, "SQ470", "no field `glos`"),
        ({"text": {}}, "SQ200", "`data.text.fields.gloss` does not cut it up"),
        ({"audio": {}}, "SQ200", "both go through the same steps"),
        ({"batch": {"field": "sourse"}}, "SQ470", "no field `sourse`"),
        ({"batch": {"field": None}}, "SQ234", "`source` and `speaker_audio` are"),
        ({"batch": {"field": "gloss"}}, "SQ234", "has no seconds"),
        ({"batch": {"unit": "examples", "size": 8}}, "SQ234", "counted whole"),
        ({"filter_": {"lengths": {"gloss": {"max_seconds": 3.0}}}}, "SQ471", "measures sound"),
        (
            {"filter_": {"lengths": {"target": {"max": 9}}, "max_target_tokens": 5}},
            "SQ471",
            "the same length",
        ),
        ({"filter_": {"lengths": {"gloss": {"min": 9, "max": 3}}}}, "SQ222", "at least 9 and at most 3"),
        (
            {"filter_": {"max_seconds": None, "lengths": {"source": {"max_seconds": 9.0}}}},
            "SQ219",
            "`speaker_audio` is sound",
        ),
        ({"fields": {"row": {"number": "x"}}}, "SQ200", "can be called `row`"),
        ({"fields": {"pitch_hash": {"number": "x"}}}, "SQ200", "can be called `pitch_hash`"),
        ({"fields": {"voice": {"vector": "x"}}}, "SQ200", "need their width"),
        ({"fields": {"voice": {"vector": "x", "dim": 3, "rate": 5}}}, "SQ200", "`rate` says nothing"),
        ({"fields": {"mask": {"mask": "x", "height": 2, "width": 2}}}, "SQ200", "number of their classes"),
    ],
)
def test_a_mistake_is_told_once(change, code, words, tmp_path):
    [(found, message)] = told(tmp_path, **change)

    assert found == code
    assert words in message


def test_a_field_of_fields_enters_the_digest_and_its_absence_does_not(tmp_path):
    def digest(lengths):
        change = {"data": {"filter": {"lengths": lengths}}} if lengths is not None else {}
        return compile_spec(spec(tmp_path, change=change)).plan.digests["data"]

    assert digest(None) == digest({})
    assert digest(None) != digest({"source": {"min": 2}})
