"""A corpus in an object store: copied once, again when it changes, and what is said when it cannot be."""

import functools
import http.server
import json
import socket
import threading

import pytest

from seqspec.components.adapter.lines import Lines
from seqspec.data.corpus import remote
from seqspec.data.corpus.remote import NOTES, mirror
from seqspec.data.store import object_store
from seqspec.schema.adapter.lines import LinesConfig
from seqspec.schema.diagnostic import DataError, RunError

pytest.importorskip("fsspec")

# Servers of tests leave sockets for the interpreter to close.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning",
                                        "ignore::DeprecationWarning")  # fmt: skip


@pytest.fixture
def web(tmp_path):
    """A folder, its address, and the paths that were asked for."""
    pytest.importorskip("aiohttp")
    folder, asked = tmp_path / "web", []
    (folder / "corpus" / "deep").mkdir(parents=True)
    (folder / "corpus" / "train.txt").write_text("one\ntwo\n")
    (folder / "corpus" / "deep" / "dev.txt").write_text("three\n")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append((self.command, self.path))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder / "corpus", f"http://127.0.0.1:{server.server_port}/corpus", asked
    server.shutdown()
    server.server_close()


def test_files_are_copied_once_and_again_when_they_change(web, tmp_path):
    folder, address, asked = web
    place = mirror(address, corpus="lines", cache=tmp_path / "cache")
    assert (place / "train.txt").read_text() == "one\ntwo\n"
    assert (place / "deep" / "dev.txt").read_text() == "three\n"

    asked.clear()
    assert mirror(address, corpus="lines", cache=tmp_path / "cache") == place
    assert ("GET", "/corpus/train.txt") not in asked

    (folder / "train.txt").write_text("one\ntwo\nthree\n")
    (folder / "deep" / "dev.txt").unlink()
    mirror(address, corpus="lines", cache=tmp_path / "cache")
    assert (place / "train.txt").read_text() == "one\ntwo\nthree\n"
    assert not (place / "deep" / "dev.txt").exists()
    assert json.loads((place / NOTES).read_text())["train.txt"]["bytes"] == 14


def test_a_folder_that_is_not_there_is_told(web, tmp_path):
    with pytest.raises(DataError, match="there is no folder") as caught:
        mirror(f"{web[1]}/nothing", corpus="lines", cache=tmp_path / "cache")
    assert caught.value.code == "SQ401"


def test_a_file_that_changes_while_it_is_copied_is_not_taken(web, tmp_path, monkeypatch):
    folder, address, _ = web
    (folder / "train.txt").write_text("a" * 100)
    calls = []

    def opened(place):
        store, root = object_store.opened(place)
        get = store.info

        def info(name, **more):
            calls.append(name)
            return {**get(name, **more), "ETag": str(len(calls))}

        monkeypatch.setattr(store, "info", info)
        return store, root

    monkeypatch.setattr(remote, "opened", opened)
    monkeypatch.setattr(object_store, "PAUSE_SECONDS", 0)
    with pytest.raises(RunError, match="was changed while it was copied") as caught:
        mirror(address, corpus="lines", cache=tmp_path / "cache")

    assert caught.value.exit == 5
    assert not list(tmp_path.glob("cache/remote/*/train.txt"))


def test_an_address_of_the_environment_with_a_key_is_refused_and_not_repeated(tmp_path):
    with pytest.raises(DataError, match="must hold no user, key or query") as caught:
        mirror("s3://key:hidden@bucket/folder", corpus="lines", cache=tmp_path)
    assert "hidden" not in f"{caught.value} {caught.value.help}"


def test_a_file_that_is_missing_is_told_by_its_address(web, tmp_path, monkeypatch):
    _, address, _ = web
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "cache"))
    adapter = Lines(LinesConfig(root=address, language="en", splits={"train": "trian.txt"}))
    with pytest.raises(DataError) as caught:
        list(adapter.examples("train"))

    assert f"needs the file `{address}/trian.txt`" in str(caught.value)
    assert "cache" not in f"{caught.value} {caught.value.help}"


def test_an_address_of_no_known_store_is_told():
    with pytest.raises(DataError, match="no corpus is read from `ftp://x/y`"):
        _ = Lines(LinesConfig(root="ftp://x/y", language="en")).root


def test_a_store_that_cannot_be_reached_is_told_with_exit_5(tmp_path, monkeypatch):
    monkeypatch.setattr("seqspec.data.store.object_store.PAUSE_SECONDS", 0.0)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with pytest.raises(RunError, match="cannot be reached") as caught:
        mirror(f"http://127.0.0.1:{port}/corpus", corpus="lines", cache=tmp_path / "cache")
    assert caught.value.exit == 5


@pytest.mark.slow
def test_a_corpus_in_a_bucket(s3, tmp_path):
    s3.mkdir("corpora")
    with s3.open("corpora/mt/train.en", "wb") as file:
        file.write(b"a b\n" * 1000)

    place = mirror("s3://corpora/mt", corpus="bitext", cache=tmp_path / "cache")
    assert (place / "train.en").read_bytes() == b"a b\n" * 1000
    assert "ETag" in json.loads((place / NOTES).read_text())["train.en"]["version"]

    with s3.open("corpora/mt/train.en", "wb") as file:
        file.write(b"c d\n" * 1000)
    mirror("s3://corpora/mt", corpus="bitext", cache=tmp_path / "cache")
    assert (place / "train.en").read_bytes() == b"c d\n" * 1000


def test_a_bucket_without_credentials_is_told_with_exit_5(tmp_path, monkeypatch):
    pytest.importorskip("s3fs")
    monkeypatch.setattr("seqspec.data.store.object_store.PAUSE_SECONDS", 0.0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(RunError, match="does not let this machine in") as caught:
        mirror("s3://corpora/other", corpus="bitext", cache=tmp_path / "cache")
    assert caught.value.exit == 5
    assert "AWS_ACCESS_KEY_ID" in caught.value.help
