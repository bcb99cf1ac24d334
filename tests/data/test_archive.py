from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.data.corpus.archive import Limits, extract
from seqspec.schema.diagnostic import DataError


def _tar(path, *members, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                for key, value in content.items():
                    setattr(info, key, value)
                tar.addfile(info)
    return path


def _zip(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, content in members:
            whole.writestr(name, content)
    return path


def _outside(tmp_path):
    """Everything that lies beside the folder into which is unpacked."""
    return sorted(path.name for path in tmp_path.iterdir())


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "in" / "corpus"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_unpacks_tars(mode, tmp_path, into):
    suffix = mode.removeprefix("w").replace(":", ".")
    archive = _tar(
        tmp_path / f"a.tar{suffix}", ("x/y.txt", b"hello"), ("./z", b""), ("深い/ファイル", b"1"), mode=mode
    )

    assert extract(archive, into) == 3
    assert (into / "x" / "y.txt").read_bytes() == b"hello"
    assert (into / "深い" / "ファイル").read_bytes() == b"1"
    assert sorted(path.name for path in into.iterdir()) == ["x", "z", "深い"]


def test_unpacks_zips_over_what_is_there(tmp_path, into):
    (into / "x").mkdir()
    (into / "x" / "y").write_bytes(b"old")
    (into / "x" / "mine").write_bytes(b"kept")
    archive = _zip(tmp_path / "a.zip", ("x/", ""), ("x/y", b"new"))

    assert extract(archive, into) == 1
    assert (into / "x" / "y").read_bytes() == b"new"
    assert (into / "x" / "mine").read_bytes() == b"kept"


EVIL = [
    "../evil",
    "x/../../evil",
    "/tmp/evil",
    "..",
    "x\\..\\evil",
    "C:/evil",
    "a\nb",
    "\x1b]0;evil\x07",
    "a" * 300,
]


@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_doubtful_names_are_refused_and_nothing_stays(name, kind, tmp_path, into):
    make, file = (_tar, "a.tar.gz") if kind == "tar" else (_zip, "a.zip")
    archive = make(tmp_path / file, ("good", b"1"), (name, b"evil"))
    before = _outside(tmp_path / "in")

    with pytest.raises(DataError, match="member") as caught:
        extract(archive, into)
    assert list(into.iterdir()) == []
    assert _outside(tmp_path / "in") == before
    assert all(char.isprintable() for char in str(caught.value))


SPECIAL = [
    {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
    {"type": tarfile.LNKTYPE, "linkname": "good"},
    {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
    {"type": tarfile.FIFOTYPE},
]


@pytest.mark.parametrize("special", SPECIAL, ids=["symbolic", "hard", "device", "fifo"])
def test_links_and_devices_are_refused(special, tmp_path, into):
    archive = _tar(tmp_path / "a.tar.gz", ("good", b"1"), ("link", special), ("link/x", b"through"))

    with pytest.raises(DataError, match="only files and folders"):
        extract(archive, into)
    assert list(into.iterdir()) == []


def test_links_in_zips_are_refused(tmp_path, into):
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    archive = _zip(tmp_path / "a.zip", (info, "/etc/passwd"))

    with pytest.raises(DataError, match="a link"):
        extract(archive, into)


def test_nothing_is_unpacked_through_a_link_that_stands_in_the_folder(tmp_path, into):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (into / "x").symlink_to(elsewhere)
    archive = _tar(tmp_path / "a.tar.gz", ("x/y", b"1"))

    with pytest.raises(DataError, match="is a link"):
        extract(archive, into)
    assert list(elsewhere.iterdir()) == []


def test_a_link_in_place_of_a_file_is_replaced_not_followed(tmp_path, into):
    secret = tmp_path / "secret"
    secret.write_bytes(b"mine")
    (into / "y").symlink_to(secret)
    extract(_tar(tmp_path / "a.tar.gz", ("y", b"new")), into)

    assert secret.read_bytes() == b"mine"
    assert (into / "y").read_bytes() == b"new"


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_bombs_stop_at_the_ratio(kind, tmp_path, into):
    content = bytes(40_000_000)
    archive = (
        _tar(tmp_path / "a.tar.gz", ("b", content))
        if kind == "tar"
        else _zip(tmp_path / "a.zip", ("b", content))
    )

    with pytest.raises(DataError, match="unpack to more than"):
        extract(archive, into)
    assert list(into.iterdir()) == []


def test_sizes_that_a_zip_declares_are_not_believed(tmp_path, into):
    archive = _zip(tmp_path / "a.zip", ("b", bytes(1_000_000)))
    raw = archive.read_bytes()
    size = (1_000_000).to_bytes(4, "little")
    archive.write_bytes(raw.replace(size, (10).to_bytes(4, "little")))

    with pytest.raises(DataError):
        extract(archive, into, limits=Limits(bytes=1000))
    assert list(into.iterdir()) == []


def test_a_tar_of_empty_folders_counts_too(tmp_path, into):
    archive = _tar(
        tmp_path / "a.tar.gz", *((f"d{index}", {"type": tarfile.DIRTYPE}) for index in range(2000))
    )

    with pytest.raises(DataError, match="unpack to more"):
        extract(archive, into, limits=Limits(ratio=1))


def test_a_header_that_asks_for_much_memory_is_refused(tmp_path, into):
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**30
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(100_000)))

    with pytest.raises(DataError, match="header of"):
        extract(archive, into)


def test_too_many_files_stop(tmp_path, into):
    archive = _tar(tmp_path / "a.tar.gz", *((str(index), b"") for index in range(20)))

    with pytest.raises(DataError, match="more than 10 files"):
        extract(archive, into, limits=Limits(files=10))


def test_names_that_collide_are_refused(tmp_path, into):
    with pytest.raises(DataError, match="two members"):
        extract(_tar(tmp_path / "a.tar.gz", ("x", b"1"), ("./x", b"2")), into)
    with pytest.raises(DataError, match="both a file and a folder"):
        extract(_tar(tmp_path / "b.tar.gz", ("x", b"1"), ("x/y", b"2")), into)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip", "a.tar.xz", "a.tar"])
def test_damage_is_a_data_error(name, tmp_path, into):
    path = tmp_path / name
    path.write_bytes(b"PK this is no archive at all" * 40)

    with pytest.raises(DataError, match=r"damaged|header"):
        extract(path, into)


def test_a_truncated_archive_leaves_nothing(tmp_path, into):
    archive = _tar(tmp_path / "a.tar.gz", ("x", os.urandom(50_000)), ("y", os.urandom(50_000)))
    archive.write_bytes(archive.read_bytes()[:60_000])

    with pytest.raises(DataError, match="damaged"):
        extract(archive, into)
    assert list(into.iterdir()) == []


def test_unknown_kinds_are_refused(tmp_path, into):
    (tmp_path / "a.rar").write_bytes(b"Rar!")

    with pytest.raises(DataError, match="no archive that seqspec knows"):
        extract(tmp_path / "a.rar", into)


@settings(max_examples=60)
@given(st.lists(st.text(max_size=12), max_size=3))
def test_no_name_escapes(tmp_path_factory, names):
    base = tmp_path_factory.mktemp("law")
    into = base / "in"
    into.mkdir()
    try:
        archive = _tar(base / "a.tar", *((name, b"x") for name in names), mode="w")
    except UnicodeError:
        return
    try:
        extract(archive, into)
    except DataError:
        assert list(into.iterdir()) == []
    assert sorted(path.name for path in base.iterdir()) == ["a.tar", "in"]


def test_a_zip_entry_without_a_name_is_refused(tmp_path, into):
    archive = _zip(tmp_path / "a.zip", ("x", b"text"))
    raw = archive.read_bytes()
    name = raw.index(b"x", 30)
    raw = raw[:26] + b"\0\0" + raw[28:name] + raw[name + 1 :]
    central = raw.index(b"PK\x01\x02")
    raw = raw[: central + 28] + b"\0\0" + raw[central + 30 :]
    at = raw.index(b"x", central)
    raw = raw[:at] + raw[at + 1 :]
    end = raw.index(b"PK\x05\x06")
    raw = (
        raw[: end + 12]
        + (end - central).to_bytes(4, "little")
        + central.to_bytes(4, "little")
        + raw[end + 20 :]
    )
    archive.write_bytes(raw)

    with pytest.raises(DataError, match="has no name"):
        extract(archive, into)


@pytest.mark.parametrize("headers", [
    {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
    {"GNU.sparse.map": "a,b", "GNU.sparse.size": "9"},
    {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "x"},
    {"GNU.sparse.size": "100000000000000"},
])  # fmt: skip
def test_sparse_members_by_pax_headers_are_refused(headers, tmp_path, into):
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("x")
        info.size, info.pax_headers = 512, headers
        tar.addfile(info, io.BytesIO(b"not a map\n" + bytes(502)))

    with pytest.raises(DataError):
        extract(tmp_path / "a.tar", into)
    assert list(into.iterdir()) == []
