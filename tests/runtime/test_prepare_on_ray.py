"""Preparing on a Ray cluster: the bytes of one machine, and one message for what can go wrong."""

from __future__ import annotations

import os
import socket
import sys
import types
from pathlib import Path

import pytest

from seqspec.compile.commands import Outcome, overlays
from seqspec.runtime.commands import prepare_on_ray as module
from seqspec.runtime.commands.corpus import prepare
from seqspec.runtime.commands.prepare_on_ray import _address, prepare_on_ray, require_alone

SPECS = Path(__file__).parents[2] / "specs"


class RayError(Exception):
    pass


class RayTaskError(RayError):
    def __init__(self, cause):
        self.cause = cause


def fake_ray(*, cpus=2, lost=None):
    """Ray in this process: a task is done when it is asked for; ``lost`` is what becomes of shard 2."""
    ray = types.ModuleType("ray")
    ray.exceptions = types.SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
    ray.started, ray.init = [], lambda **options: ray.started.append(options["runtime_env"])
    ray.shutdown = lambda: ray.started.append("shutdown")
    ray.cluster_resources = lambda: {"CPU": cpus} if cpus else {}
    ray.wait = lambda waiting, num_returns: (waiting[:1], waiting[1:])
    ray.cancel = lambda one, force: None

    def get(task):
        function, call, shard = task
        if lost is not None and shard.startswith("2/"):
            raise lost
        return function(call, shard)

    ray.get = get
    ray.remote = lambda **_: (
        lambda function: types.SimpleNamespace(remote=lambda call, shard: (function, call, shard))
    )
    return ray


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Prepares a small corpus on the Ray that is given."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.chdir(tmp_path)

    def call(ray, cache, shards=None):
        monkeypatch.setitem(sys.modules, "ray", ray)
        monkeypatch.setenv("SEQSPEC_CACHE", str(cache))
        return prepare_on_ray(
            SPECS / "lm_shakespeare_char.yaml", over=OVER, splits=(), shards=shards, verify=False,
            quiet=True, format="text",
        )  # fmt: skip

    return call


OVER = overlays(["tiny"], [])


def stores(cache):
    return {
        str(file.relative_to(cache)): file.read_bytes()
        for stage in ("ids", "index", "records", "vocabulary")
        for file in (cache / stage).rglob("*")
        if file.is_file() and file.name != "manifest.json"
    }


def test_shards_of_a_cluster_are_the_stores_of_one_machine(here, tmp_path, monkeypatch):
    ray = fake_ray()
    found = here(ray, tmp_path / "many")
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "one"))
    alone = prepare(
        SPECS / "lm_shakespeare_char.yaml", over=OVER, splits=(), processes=1, verify=False, quiet=True,
        format="text",
    )  # fmt: skip

    assert found.exit == 0, found.error
    assert found.out.replace("many", "one") == alone.out
    assert stores(tmp_path / "many") == stores(tmp_path / "one") != {}
    assert ray.started[0]["env_vars"]["SEQSPEC_CACHE"] == str(tmp_path / "many")
    assert ray.started[-1] == "shutdown"


def test_who_finds_all_shards_tells_of_the_whole(here, tmp_path, monkeypatch):
    def once(*_, shard=None, **__):
        return Outcome("part\n", "", 0, whole=False) if shard != "3/3" else Outcome("whole\n")

    monkeypatch.setattr(module, "prepare", once)
    assert here(fake_ray(), tmp_path / "cache", shards=3) == Outcome("whole\n")


def test_where_no_shard_found_all_others_the_whole_is_opened_here(here, tmp_path, monkeypatch):
    def never(*_, shard=None, **__):
        return Outcome("part\n", "", 0, whole=False) if shard else Outcome("opened here\n")

    monkeypatch.setattr(module, "prepare", never)
    assert here(fake_ray(), tmp_path / "cache", shards=3) == Outcome("opened here\n")


@pytest.mark.parametrize(
    ("lost", "exit", "words"),
    [
        (RayError("the worker died"), 5, "shard 2 of 3 was lost 4 times with its worker: the worker died"),
        (RayTaskError(ModuleNotFoundError("No module named 'seqspec'")), 2, "cannot load seqspec"),
    ],
)
def test_a_worker_that_is_lost_is_told(here, tmp_path, lost, exit, words):
    found = here(fake_ray(lost=lost), tmp_path / "cache", shards=3)
    assert (found.exit, words in found.error) == (exit, True), found.error
    assert "= help:" in found.error
    assert here(fake_ray(), tmp_path / "cache", shards=3).exit == 0


def test_what_a_worker_says_is_said(here, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "prepare", lambda *_, **__: Outcome("", "error: a row is bad\n", 3))
    assert here(fake_ray(), tmp_path / "cache") == Outcome("", "error: a row is bad\n", 3)


def test_a_cluster_that_is_not_there_is_told(here, tmp_path, monkeypatch):
    assert "no CPU to give" in here(fake_ray(cpus=0), tmp_path / "cache").error
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{one.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    found = here(fake_ray(), tmp_path / "cache")
    assert found.exit == 5
    assert f"the Ray cluster at `{address}` cannot be reached" in found.error
    found = here(None, tmp_path / "cache")
    assert (found.exit, "pip install 'seqspec-compiler[ray]'" in found.error) == (2, True)


def test_a_worker_that_sees_other_files_is_told(tmp_path):
    call = module.Call(tmp_path / "no.yaml", (), (), False, "text", tmp_path)
    assert "does not see" in module.work_out_shard(call, "1/2").error
    call = module.Call(tmp_path / "no.yaml", (), (), False, "text", tmp_path, version="0")
    assert "install one version everywhere" in module.work_out_shard(call, "1/2").error


def test_options_that_do_not_go_together():
    assert require_alone("ray", shard=None, processes=None) is None
    assert "add `--on ray`" in require_alone(None, shard=None, processes=None).error
    assert "is one part" in require_alone("ray", shard="1/2", processes=None).error
    assert "take out `--processes`" in require_alone("ray", shard=None, processes=2).error


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_local_cluster(tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "many"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    found = prepare_on_ray(
        SPECS / "lm_shakespeare_char.yaml", over=OVER, splits=(), shards=2, verify=False, quiet=True,
        format="text",
    )  # fmt: skip
    assert not ray.is_initialized()
    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "one"))
    prepare(
        SPECS / "lm_shakespeare_char.yaml", over=OVER, splits=(), processes=1, verify=False, quiet=True,
        format="text",
    )  # fmt: skip

    assert found.exit == 0, found.error
    assert stores(tmp_path / "many") == stores(tmp_path / "one") != {}


def test_the_note_of_a_cluster_that_was_killed_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    assert _address() is None
    (tmp_path / "ray").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (tmp_path / "ray" / "ray_current_cluster").write_text(f"127.0.0.1:{port}")
        assert _address() is None
    assert _address() == "local"
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert _address() is None
