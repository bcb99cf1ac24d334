from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import socket
import tarfile
import threading
from pathlib import Path

import pytest

from seqspec.data.corpus.fetch import Patience, _require_no_links, fetch
from seqspec.schema.adapter._adapter import Download
from seqspec.schema.diagnostic import DataError

from .serving import Site, serving

QUICK = Patience(attempts=3, timeout_seconds=5, pause_seconds=0.001)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site():
    with serving() as site:
        yield site


def _download(site: Site, **keys) -> Download:
    return Download(site.url, "200 kB", **keys)


def _fetch(site: Site, root: Path, **keys):
    return fetch(_download(site, **keys), root, patience=QUICK)


def test_fetches_checks_and_unpacks(site, tmp_path):
    sums = {"md5": hashlib.md5(site.content).hexdigest(), "sha256": hashlib.sha256(site.content).hexdigest()}
    done = _fetch(site, tmp_path, size=len(site.content), **sums)

    assert (done.files, done.bytes, done.fresh) == (1, len(site.content), True)
    assert done.sha256 == sums["sha256"]
    assert (tmp_path / "Corpus" / "a.txt").stat().st_size == 200_000
    assert sorted(path.name for path in tmp_path.iterdir()) == [".fetched", "Corpus"]


def test_a_second_call_asks_nobody(site, tmp_path):
    first = _fetch(site, tmp_path)
    second = _fetch(site, tmp_path)

    assert len(site.asked) == 1
    assert not second.fresh
    assert (second.sha256, second.files) == (first.sha256, first.files)


def test_a_file_that_is_no_archive_stays_as_it_came(site, tmp_path):
    done = _fetch(site, tmp_path, unpack=False, folder="lists")

    assert done.files == 0
    assert (tmp_path / "lists" / "corpus.tar").read_bytes() == site.content


@pytest.mark.parametrize("after", [1, 100_000, 204_799])
def test_a_broken_download_goes_on_where_it_stopped(after, site, tmp_path):
    site.break_after = after
    with pytest.raises(DataError, match="goes on from there") as caught:
        fetch(_download(site), tmp_path, patience=Patience(attempts=1, timeout_seconds=5))
    assert f"{after:,} bytes are kept" in str(caught.value)

    site.break_after = None
    _fetch(site, tmp_path)
    assert site.asked == [None, f"bytes={after}-"]
    assert (tmp_path / "Corpus" / "a.txt").stat().st_size == 200_000


def test_attempts_within_one_call_resume_as_well(site, tmp_path):
    site.break_after = len(site.content) // 3 + 1
    _fetch(site, tmp_path)

    assert [wanted is None for wanted in site.asked] == [True, False, False]


def test_a_file_that_changed_on_the_server_is_begun_anew(site, tmp_path):
    site.break_after = 1000
    with pytest.raises(DataError):
        fetch(_download(site), tmp_path, patience=Patience(attempts=1, timeout_seconds=5))
    site.content, site.etag, site.break_after = site.content.replace(b"\x01", b"\x02"), '"2"', None
    done = _fetch(site, tmp_path)

    assert done.sha256 == hashlib.sha256(site.content).hexdigest()


def test_a_server_without_ranges_is_begun_anew(site, tmp_path):
    site.ranges, site.break_after = False, 1000
    with pytest.raises(DataError):
        fetch(_download(site), tmp_path, patience=Patience(attempts=1, timeout_seconds=5))
    site.break_after = None

    assert _fetch(site, tmp_path).sha256 == hashlib.sha256(site.content).hexdigest()


def test_a_whole_part_that_was_not_yet_placed_is_taken(site, tmp_path):
    notes = tmp_path / ".fetched"
    notes.mkdir()
    (notes / "corpus.tar.part").write_bytes(site.content)
    (notes / "corpus.tar.part.json").write_text(json.dumps({"validator": site.etag}))

    assert _fetch(site, tmp_path).files == 1
    assert site.asked == [f"bytes={len(site.content)}-"]


@pytest.mark.parametrize("wrong", [{"md5": "0" * 32}, {"sha256": "0" * 64}, {"size": 7}])
def test_another_file_than_the_published_one_is_thrown_away(wrong, site, tmp_path):
    with pytest.raises(DataError, match="not the published file"):
        _fetch(site, tmp_path, **wrong)

    assert not (tmp_path / "Corpus").exists()
    assert not list((tmp_path / ".fetched").glob("*.part*"))


def test_redirections_are_followed_but_not_to_files(site, tmp_path):
    site.redirect = "/moved.tar"
    assert _fetch(site, tmp_path).files == 1

    (tmp_path / "secret").write_text("mine")
    site.redirect = f"file://{tmp_path}/secret"
    with pytest.raises(DataError, match="edirection to"):
        _fetch(site, tmp_path / "other")


def test_endless_redirections_end(site, tmp_path):
    site.redirect = site.url

    with pytest.raises(DataError, match="could not be fetched"):
        _fetch(site, tmp_path)


def test_a_missing_file_is_not_asked_for_twice(site, tmp_path):
    site.status = 404

    with pytest.raises(DataError, match="404"):
        _fetch(site, tmp_path)
    assert len(site.asked) == 1


def test_a_busy_server_is_asked_again(site, tmp_path):
    site.failures = 2

    assert _fetch(site, tmp_path).files == 1
    assert len(site.asked) == 3


def test_no_network_is_told_in_one_message(tmp_path):
    gone = Download("http://127.0.0.1:9/corpus.tar", "1 MB")

    with pytest.raises(DataError, match="cannot be reached") as caught:
        fetch(gone, tmp_path, patience=QUICK)
    assert gone.url in caught.value.help
    assert "by hand" in caught.value.help


def test_an_unknown_host_is_not_waited_for(tmp_path, monkeypatch):
    def unknown(*args, **keys):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    nowhere = Download("http://no-such-host.invalid/corpus.tar", "1 MB")

    with pytest.raises(DataError, match=r"no-such-host.invalid cannot be reached") as caught:
        fetch(nowhere, tmp_path, patience=Patience(attempts=2, pause_seconds=60))
    assert "is there a network?" in str(caught.value)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x.tar"])
def test_other_schemes_are_refused(address, tmp_path):
    with pytest.raises(DataError, match="could not be fetched"):
        fetch(Download(address, "1 kB"), tmp_path, patience=QUICK)


def test_a_full_disk_while_unpacking_costs_no_second_download(site, tmp_path, monkeypatch):
    def full(*args, **keys):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("seqspec.data.corpus.fetch.extract", full)
        with pytest.raises(DataError, match="no space left"):
            _fetch(site, tmp_path)

    assert _fetch(site, tmp_path).files == 1
    assert len(site.asked) == 1


def test_a_hostile_archive_unpacks_nothing(site, tmp_path):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../../evil"))
    site.content = raw.getvalue()

    with pytest.raises(DataError, match="leads out"):
        _fetch(site, tmp_path / "root")
    assert [path.name for path in (tmp_path / "root").iterdir()] == [".fetched"]
    assert not (tmp_path / "evil").exists()


def test_two_at_once_fetch_it_once(site, tmp_path):
    done = []
    threads = [threading.Thread(target=lambda: done.append(_fetch(site, tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(fetched.fresh for fetched in done) == [False, False, False, True]
    assert len(site.asked) == 1


def test_what_another_call_takes_away_meanwhile_is_not_in_the_way(site, tmp_path, monkeypatch):
    part = tmp_path / ".fetched" / "corpus.tar.part"
    part.parent.mkdir()
    part.touch()
    exists = Path.exists

    def gone_once_seen(path, **keys):
        found = exists(path, **keys)
        path.unlink(missing_ok=True)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", gone_once_seen)
        _require_no_links(_download(site), part.parent)


def test_a_download_that_was_killed_while_unpacking_is_taken_up_again(site, tmp_path):
    notes = tmp_path / ".fetched"
    (tmp_path / ".extracting-corpus.tar" / "Corpus").mkdir(parents=True)
    notes.mkdir()
    (notes / "corpus.tar").write_bytes(site.content)

    assert _fetch(site, tmp_path).files == 1
    assert site.asked == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [".fetched", "Corpus"]


@pytest.mark.parametrize("name", [".fetched", ".fetched/{}.part", ".fetched/{}.lock", ".fetched/{}.json.tmp"])
def test_nothing_is_written_through_a_link(name, site, tmp_path):
    corpus, outside = tmp_path / "corpus", tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"mine")
    link = corpus / name.format(_download(site).name)
    link.parent.mkdir(parents=True)
    link.symlink_to(outside if name == ".fetched" else outside / "precious")

    with pytest.raises(DataError, match="nothing is written through links"):
        _fetch(site, corpus)
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_bytes() == b"mine"


@pytest.mark.parametrize("name", [".fetched/{}.lock", ".fetched/{}.part", ".fetched/{}.json"])
def test_a_pipe_in_place_of_a_note_is_named_and_not_waited_for(name, site, tmp_path):
    pipe = tmp_path / "corpus" / name.format(_download(site).name)
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)

    with pytest.raises(DataError, match="is no regular file"):
        _fetch(site, tmp_path / "corpus")
