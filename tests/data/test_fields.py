"""Named fields end to end: any columns of a table, each with its own steps, in examples and batches."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from seqspec.compile.build.data_parts import build_data
from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.data.batching.loader import Loader, evaluation_of, training_loader
from seqspec.data.inspect.html_page import as_page
from seqspec.data.inspect.inspection import inspect
from seqspec.data.inspect.subject import Subject
from seqspec.data.stages.normalize import Statistics
from seqspec.data.stages.prepare import prepare
from tests.compile.experiments import spec

torch.set_num_threads(1)

KINDS = {
    "speaker_audio": {"audio": "voice", "rate": 8000},
    "speaker": {"label": "speaker"},
    "gloss": {"text": "gloss", "language": "en"},
    "durations": {"integers": "durations"},
    "pitch": {"floats": "pitch"},
    "loudness": {"number": "loudness"},
    "voice": {"vector": "embedding", "dim": 6},
    "mel": {"frames": "mel", "dim": 3, "rate": 50},
    "photo": {"image": "photo", "height": 8, "width": 6},
    "regions": {"mask": "regions", "classes": 5, "height": 8, "width": 6},
}


def many(folder, *, kind="csv", fields=KINDS, count=40, **data):
    """A speech recogniser over a synthetic table of many fields."""
    source = {
        "type": kind,
        "splits": {"train": f"train.{kind}", "dev": f"dev.{kind}"},
        "source": {"audio": "speech", "rate": 16000},
        "target": {"text": "said", "language": "en"},
        "fields": fields,
        "synthetic": count,
    }
    change = {
        "data": {
            "source": source,
            "text": {
                "target": {"tokenizer": "characters"},
                "fields": {"gloss": {"normalize": ["uppercase"], "tokenizer": "bytes"}},
            },
            "audio": {
                "features": {"type": "log_mel", "num_bins": 40},
                "fields": {
                    "speaker_audio": {"features": {"type": "log_mel", "num_bins": 12}, "normalize": "global"}
                },
            },
            "filter": {"max_seconds": 30.0, "max_target_tokens": None},
            "batch": {"unit": "seconds", "field": "source", "size": 60.0},
            **data,
        },
    }
    return spec(folder, task="asr", change=change)


def prepared_of(file, cache):
    compiled = compile_spec(file)
    return compiled, prepare(build_data(compiled.plan), cache=cache, processes=1)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fields")
    compiled, prepared = prepared_of(many(folder), folder / "cache")
    return compiled, prepared


def batch_of(prepared):
    return next(iter(training_loader(prepared.parts, prepared.splits["train"], stop=1)))


def test_every_field_of_a_batch_has_the_shape_of_its_kind(found):
    batch = batch_of(found[1])
    fields, rows = batch.fields, len(batch.index)

    assert list(fields) == ["source", "target", *KINDS]
    assert fields["source"].values.shape[2] == 40
    assert fields["speaker_audio"].values.shape[2] == 12
    assert fields["speaker"].values.dtype == torch.int64
    assert fields["speaker"].values.shape == (rows,)
    assert fields["loudness"].values.dtype == torch.float32
    assert fields["voice"].values.shape == (rows, 6)
    assert fields["photo"].values.shape == (rows, 3, 8, 6)
    assert fields["regions"].values.shape == (rows, 8, 6)
    assert fields["regions"].values.dtype == torch.int64
    assert fields["mel"].values.shape[2] == 3
    for role, dtype in (("durations", torch.int64), ("pitch", torch.float32), ("gloss", torch.int64)):
        assert fields[role].values.dtype == dtype
        assert fields[role].values.shape == (rows, int(fields[role].lengths.max()))
    assert {role for role, field in fields.items() if field.lengths is None} == {
        "speaker", "loudness", "voice", "photo", "regions",
    }  # fmt: skip


def test_lengths_stand_by_field_in_every_store(found):
    split = found[1].splits["train"]
    batch = batch_of(found[1])

    assert split.lengths.shape == (40, 2 + len(KINDS))
    for role, field in batch.fields.items():
        if field.lengths is not None:
            assert split.lengths_of(role)[batch.index].tolist() == field.lengths.tolist()
        else:
            assert set(split.lengths_of(role).tolist()) == {1}
    assert split.rates == {"source": 100.0, "speaker_audio": 100.0, "mel": 50.0}


def test_an_example_has_every_value_and_every_text(found):
    split = found[1].splits["train"]
    example = split.example(3)

    assert set(example.values) == {"source", "target", *KINDS}
    assert set(example.texts) == {"target", "speaker", "gloss"}
    assert set(example.audio) == {"source", "speaker_audio"}
    gloss = found[1].parts.text["gloss"]
    assert gloss.decode(example.values["gloss"]) == example.texts["gloss"].upper()


@pytest.mark.parametrize("how", ["none", "unit", "image", "global"])
def test_many_examples_have_the_bits_of_each_alone(found, how):
    statistics = {"photo": Statistics(np.array([0.2, 0.4, 0.6]), np.array([0.3, 0.7, 0.9]))}
    whole = found[1].splits["train"]
    split = replace(
        whole, normalize={**whole.normalize, "photo": how}, statistics={**whole.statistics, **statistics}
    )
    examples = np.array([7, 0, 31, 7])

    for role in ("photo", "regions", "speaker", "durations", "loudness", "voice", "mel"):
        together, alone = split.values(role, examples), [split.value(role, i) for i in examples.tolist()]
        assert [np.asarray(one).tobytes() for one in together] == [np.asarray(one).tobytes() for one in alone]


def test_each_audio_field_is_normalised_by_its_own_statistics(found):
    split = found[1].splits["train"]
    whole = np.concatenate([split.value("speaker_audio", index) for index in range(len(split))])

    assert set(split.statistics) == {"speaker_audio"}
    np.testing.assert_allclose(whole.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(whole.std(axis=0), 1, atol=1e-2)


def test_a_model_learns_from_a_corpus_of_many_fields(found):
    compiled, prepared = found
    compiled = recompile(compiled, facts=dict(prepared.facts))
    program = build(compiled.plan, tree=compiled.tree)
    batch = batch_of(prepared)

    loss = program.losses(program.model, batch)
    (loss.total / batch.loss_normalizer).backward()

    assert torch.isfinite(loss.total)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in program.model.parameters())


def test_the_inspection_covers_every_field(found):
    findings = inspect(Subject(found[1]), name="many").findings
    told = " ".join(finding.message for finding in findings)

    assert "speaker_audio: " in told
    lengths = next(finding for finding in findings if finding.check == "D09")
    assert {"train durations p50", "train pitch p50", "train speaker_audio p50"} <= set(lengths.numbers)


def test_evaluation_has_every_example_once(found):
    _, prepared = found
    batches = list(Loader(evaluation_of(prepared.parts, prepared.splits["dev"]), workers=0))

    assert sorted(i for batch in batches for i in batch.index.tolist()) == list(range(4))


@pytest.mark.parametrize("kind", ["tsv", "jsonl"])
def test_other_tables_give_the_same_fields(kind, tmp_path):
    _, prepared = prepared_of(many(tmp_path, kind=kind, count=80), tmp_path / "cache")

    assert list(batch_of(prepared).fields) == ["source", "target", *KINDS]


def test_filters_name_the_field_they_measure(tmp_path):
    fields = {"durations": {"integers": "durations"}, "speaker_audio": KINDS["speaker_audio"]}
    text = {"target": {"tokenizer": "characters"}, "fields": {}}
    filter_ = {"max_seconds": 30.0, "lengths": {"durations": {"min": 5, "max": 9}}, "max_target_tokens": None}
    file = many(tmp_path, fields=fields, count=40, text=text, filter=filter_)
    _, prepared = prepared_of(file, tmp_path / "cache")
    split = prepared.splits["train"]

    assert 0 < len(split) < 40
    assert 5 <= split.lengths_of("durations").min() <= split.lengths_of("durations").max() <= 9
    assert {"durations shorter than 5 values", "durations longer than 9 values"} == set(split.dropped)


def rows(folder, cells, *, fields):
    """A table of numbers in JSON lines, and what became of its first row."""
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in cells))
    from seqspec.components.adapter.jsonl import Jsonl
    from seqspec.schema.adapter.jsonl import JsonlConfig

    config = JsonlConfig.model_validate(
        {"root": str(folder), "splits": {"train": "t.jsonl"}, "fields": fields}
    )
    return list(Jsonl(config).examples("train"))


def test_numbers_are_read_as_lists_text_and_arrays(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6, dtype=np.float32).reshape(2, 3))
    fields = {"f0": {"floats": "x"}, "n": {"integers": "y"}, "mel": {"frames": "z", "dim": 3}}
    [row, other] = rows(
        tmp_path,
        [{"x": [1.5, 2], "y": "3 1  2", "z": "a.npy"}, {"x": "0.5,1", "y": [4], "z": [[1, 2, 3]]}],
        fields=fields,
    )

    assert [row["f0"].tolist(), row["n"].tolist(), row["mel"].shape] == [[1.5, 2.0], [3, 1, 2], (2, 3)]
    assert [other["f0"].tolist(), other["n"].tolist(), other["mel"].tolist()] == [
        [0.5, 1.0],
        [4],
        [[1, 2, 3]],
    ]


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ({"integers": "x"}, [1.5], "not whole"),
        ({"integers": "x"}, "1 two", "no sequence of numbers"),
        ({"integers": "x"}, [True], "truth values"),
        ({"integers": "x"}, [[1, 2]], "not one sequence"),
        ({"integers": "x"}, None, "is empty"),
        ({"floats": "x"}, ["nan"], "not finite"),
        ({"floats": "x"}, "gone.npy", "does not exist"),
        ({"floats": "x"}, "../a.npy", "leads out of the corpus folder"),
        ({"floats": "x"}, "text.npy", "no array of numbers"),
        ({"number": "x"}, "many", "holds no number"),
        ({"number": "x"}, True, "holds no number"),
        ({"vector": "x", "dim": 3}, [1, 2], "holds 2 numbers, not 3"),
        ({"frames": "x", "dim": 3}, [1, 2, 3], "not frames of 3 numbers"),
    ],
)
def test_cells_that_are_no_numbers_spoil_their_row(column, cell, words, tmp_path):
    (tmp_path / "text.npy").write_text("no array")
    [row] = rows(tmp_path, [{"x": cell}], fields={"held": column})

    assert words in row.reason


def test_an_array_of_objects_is_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], object))
    [row] = rows(tmp_path, [{"x": "a.npy"}], fields={"held": {"floats": "x"}})

    assert "no array of numbers" in row.reason


def test_changed_recordings_are_the_same_whatever_the_workers_and_from_any_batch_on(tmp_path):
    steps = ["speed", {"type": "noise", "snr": [0.0, 5.0]}, "room", {"type": "codec", "sample_rate": 8000}]
    parts, train = prepared_with(tmp_path, waveform_augment=steps)
    plain = replace(parts, waveform_augments={})

    alone = list(training_loader(parts, train, stop=4))
    helped = list(training_loader(parts, train, stop=4, workers=2))
    rest = list(training_loader(parts, train, start=2, stop=4))
    unchanged = list(training_loader(plain, train, stop=4))

    assert list(parts.waveform_augments) == ["source"]
    for one, other in [*zip(alone, helped, strict=True), *zip(alone[2:], rest, strict=True)]:
        assert torch.equal(one.index, other.index)
        assert torch.equal(one.source, other.source)
        assert torch.equal(one.source_lengths, other.source_lengths)
    assert not torch.equal(alone[0].source, unchanged[0].source)
    heard = evaluation_of(parts, train)[0]
    assert torch.equal(heard.source, evaluation_of(plain, train)[0].source)
    html = as_page(inspect(Subject(prepare(parts, cache=tmp_path / "cache", processes=1)), name="x"))
    assert "as training hears them" in html


def prepared_with(folder, **audio):
    file = spec(folder, task="asr", change={"data": {"source": {"synthetic": 24}, "audio": audio}})
    _, found = prepared_of(file, folder / "cache")
    return found.parts, found.splits["train"]
