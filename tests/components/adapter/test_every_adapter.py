"""Promises that every adapter keeps, tested for each file of the folder."""

from __future__ import annotations

import copy
import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from seqspec.components.adapter._generated import Generated
from seqspec.data.corpus.record import AudioRef, BadRow
from seqspec.schema.adapter._adapter import SPLITS
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import (
    Classes,
    Floats,
    Frames,
    Image,
    Integers,
    Mask,
    Points,
    Text,
    Unknown,
    Vector,
    Waveform,
    WordStarts,
)

from .cases import CASES, config, reader, same, synthetic

EVERY = [
    pytest.param(name, keys, id=f"{name}{number or ''}")
    for name, cases in CASES.items()
    for number, keys in enumerate(cases)
]


def test_every_adapter_has_a_case():
    assert set(CASES) == set(Catalogue().names("adapter"))


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    made = {}

    def corpus(name, keys):
        key = f"{name}{sorted(keys.items())}"
        if key not in made:
            made[key] = synthetic(name, tmp_path_factory.mktemp(name), **keys)
        return made[key]

    return corpus


@pytest.mark.parametrize(("name", "keys"), EVERY)
def test_reads_back_every_split_of_what_it_writes(name, keys, corpora):
    adapter = corpora(name, keys)

    for split in adapter.splits():
        rows = list(adapter.examples(split))
        assert rows
        assert not [row for row in rows if isinstance(row, BadRow)]
        ids = [row["id"] for row in rows]
        assert len(set(ids)) == len(ids)
        assert all(isinstance(id, str) and id.isprintable() for id in ids)


@pytest.mark.parametrize(("name", "keys"), EVERY)
def test_records_hold_what_the_config_declares(name, keys, corpora):
    adapter = corpora(name, keys)
    declared = config(name, **keys).roles()
    roles = {role: type_ for role, type_ in declared.items() if not isinstance(type_, WordStarts)}

    for split in adapter.splits():
        for row in adapter.examples(split):
            assert {"source", "target"} & set(row) <= set(roles) <= set(row)
            for role, type_ in roles.items():
                _check(row[role], type_, adapter)


@pytest.mark.parametrize(("name", "keys"), EVERY)
def test_tables_alone_decide_a_listing(name, keys, tmp_path):
    adapter = synthetic(name, tmp_path, **keys)
    before = {split: adapter.listing(split) for split in adapter.splits()}
    named = {split: set(listing.named) for split, listing in before.items() if listing is not None}
    tables = {path for listing in before.values() if listing is not None for path in listing.tables}
    for path in set().union(*named.values()) - tables:
        path.unlink(missing_ok=True)

    assert {split: set(adapter.listing(split).named) for split in named} == named


def _check(value, type_, adapter):
    match type_:
        case Text():
            assert isinstance(value, str)
            assert value.strip() or adapter.config.component[1] in ("lines", "enwik8")
        case Classes():
            assert isinstance(value, str)
            assert value
            assert type_.num in (10, 16, Unknown("data.target.classes"), Unknown("data.speaker.classes"))
        case Waveform():
            read = adapter.audio()
            assert isinstance(value, AudioRef)
            assert read.rate == type_.rate
            samples = read(value)
            assert samples.dtype == np.float32
            assert samples.ndim == 1
            assert len(samples) == read.num_samples(value)
            assert 0.01 < np.abs(samples).max() <= 1
        case Image():
            assert value.dtype == np.uint8
            assert value.shape == (type_.channels, type_.height, type_.width)
            assert value.std() > 0
        case Mask():
            assert value.dtype == np.uint8
            assert value.shape == (1, type_.height, type_.width)
            assert ((value < type_.classes) | (value == type_.ignore)).all()
        case Points():
            assert value.dtype == np.float32
            assert value.ndim == 2
            assert value.shape[1] == type_.dim
            assert np.isfinite(value).all()
        case Integers() | Floats():
            assert value.ndim == 1
            assert len(value)
            assert value.dtype.kind == ("i" if isinstance(type_, Integers) else "f")
        case Frames():
            assert value.dtype == np.float32
            assert value.shape == (len(value), type_.dim)
            assert np.isfinite(value).all()
        case Vector():
            assert value.dtype == np.float32
            assert value.shape == (1, type_.dim)
            assert np.isfinite(value).all()
        case _:
            raise AssertionError(type_)


OTHER_ROWS = ("enwik8", "lines1", "maestro1")
"""Corpora of one contiguous text, which has no rows to leave out, and of rows that are cut into many."""


@pytest.mark.parametrize(("name", "keys"), [one for one in EVERY if one.id not in OTHER_ROWS])
def test_a_byte_that_is_not_utf8_makes_one_row_bad(name, keys, corpora):
    adapter = corpora(name, keys)
    whole = {split: len(list(adapter.examples(split))) for split in adapter.splits()}

    for path in [path for path in sorted(adapter.root.rglob("*")) if _has_rows(path)][:5]:
        raw = path.read_bytes()
        lines = raw.split(b"\n")
        number = max(range(1, len(lines)), key=lambda at: len(lines[at]))
        middle = len(lines[number]) * 4 // 5
        lines[number] = lines[number][:middle] + b"\xff" + lines[number][middle:]
        path.write_bytes(b"\n".join(lines))
        try:
            read = {split: list(reader(name, adapter.root, **keys).examples(split)) for split in whole}
        finally:
            path.write_bytes(raw)
        bad = [row for rows in read.values() for row in rows if isinstance(row, BadRow)]

        assert {split: len(rows) for split, rows in read.items()} == whole
        assert bad or not _is_read(adapter, path)
        byte = len(b"\n".join(lines[:number])) + 1
        assert all((row.file, row.row) == (str(path), number + 1) for row in bad)
        assert all(byte <= row.byte <= byte + middle for row in bad)


def _has_rows(path):
    """Whether a file is text of several lines that is no document of JSON, and no list of folders."""
    if not path.is_file() or path.name == "synsetoffset2category.txt":
        return False
    try:
        return len(path.read_bytes().decode().splitlines()) > 2
    except UnicodeDecodeError:
        return False


def _is_read(adapter, path):
    return any(path in set(adapter.files(split)) for split in adapter.splits())


@pytest.mark.parametrize(("name", "keys"), EVERY)
def test_reads_the_same_twice(name, keys, corpora):
    adapter = corpora(name, keys)

    for split in adapter.splits():
        assert all(same(a, b) for a, b in zip(adapter.examples(split), adapter.examples(split), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_the_seed_decides_every_byte(name, tmp_path):
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        synthetic(name, tmp_path / folder, seed=seed, **CASES[name][0])

    assert _contents(tmp_path / "a") == _contents(tmp_path / "b")
    assert _contents(tmp_path / "a") != _contents(tmp_path / "c")


def _contents(folder: Path):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): hashlib.sha256(path.read_bytes()).digest() for path in files}


@pytest.mark.parametrize(("name", "keys"), EVERY)
def test_files_are_there_and_hold_what_records_name(name, keys, corpora):
    adapter = corpora(name, keys)

    for split in adapter.splits():
        files = list(adapter.files(split))
        assert files
        assert all(path.is_file() for path in files)
        audio = {
            row["source"].path for row in adapter.examples(split) if isinstance(row.get("source"), AudioRef)
        }
        assert audio <= set(files)


@pytest.mark.parametrize(("name", "keys"), EVERY)
def test_splits_come_in_their_fixed_order(name, keys):
    splits = reader(name, **keys).splits()

    assert list(splits) == [split for split in SPLITS if split in splits]
    assert "train" in splits


@pytest.mark.parametrize(("name", "keys"), EVERY)
def test_a_missing_corpus_is_told_with_its_remedies(name, keys, tmp_path):
    nowhere = reader(name, tmp_path / "nowhere", **keys)
    unnamed = [] if isinstance(nowhere, Generated) else [reader(name, **keys)]
    for adapter in (nowhere, reader(name, tmp_path, **keys), *unnamed):
        for split in adapter.splits():
            with pytest.raises(DataError) as caught:
                list(adapter.examples(split))

            assert caught.value.code == "SQ401"
            assert "--set data.source" in caught.value.help


@pytest.mark.parametrize("name", CASES)
def test_survives_a_copy_and_a_trip_to_a_worker(name, corpora):
    adapter = corpora(name, CASES[name][0])
    split = adapter.splits()[0]

    for twin in (copy.copy(adapter), pickle.loads(pickle.dumps(adapter))):
        assert all(same(a, b) for a, b in zip(twin.examples(split), adapter.examples(split), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_downloads_say_their_size_and_go_over_the_web(name):
    for download in config(name, **CASES[name][0]).downloads():
        assert download.url.startswith(("https://", "http://"))
        assert download.about.endswith((" kB", " MB", " GB"))
        assert "/" not in download.name
        assert download.name
