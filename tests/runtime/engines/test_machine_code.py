"""Machine code that is kept: made once, and run only where it is what this user has made; the compiler is played."""

import json
import os
import threading
import time
from pathlib import Path

import pytest
import torch
from torch import nn
from torch._inductor import config

from seqspec.components.graphs import Function
from seqspec.runtime.devices.torch_compiler import cpp_compiler
from seqspec.runtime.prediction.engines import machine_code
from seqspec.runtime.prediction.engines.machine_code import MANY_ROWS, NAME, RANGES, Arguments
from seqspec.schema.diagnostic import Exit, RunError

NOTHING = Function(nn.Linear(1, 1), lambda x: (x,))


class Loader:
    """A package is what its metadata are."""

    def __init__(self, path, *_):
        try:
            self.told = json.loads(Path(path).read_bytes())
        except ValueError as error:
            raise RuntimeError(path) from error

    def get_metadata(self):
        return self.told


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Names of what was compiled."""
    made = []

    def compile(function, arguments, recipe, *, name):
        made.append(name)
        return json.dumps({NAME: name, RANGES: "[]"}).encode()

    monkeypatch.setenv("SEQSPEC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(machine_code, "_compiled", compile)
    monkeypatch.setattr(machine_code, "cpp_compiler", lambda: "g++")
    monkeypatch.setattr(torch._C._aoti, "AOTIModelPackageLoader", Loader)
    return made


def code(key="a"):
    return machine_code.machine_code(
        NOTHING, Arguments([torch.ones(1)], [[0]]), key=key, recipe=MANY_ROWS, what="a test"
    )


def test_processes_that_want_the_same_compile_once(compiled, monkeypatch, capsys):
    compile, told = machine_code._compiled, []

    def compile_last(*given, **named):
        until = time.monotonic() + 60
        while "".join(told).count("another process is compiling a test") < 3 and time.monotonic() < until:
            time.sleep(0.01)
            told.append(capsys.readouterr().err)
        return compile(*given, **named)

    monkeypatch.setattr(machine_code, "_compiled", compile_last)
    waiting = [threading.Thread(target=code) for _ in range(4)]
    for one in waiting:
        one.start()
    for one in waiting:
        one.join()
    code()

    assert len(compiled) == 1
    assert "".join(told).count("another process is compiling a test") == 3


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda file, other: os.truncate(file, 5), "is damaged"),
        (lambda file, other: file.write_bytes(other.read_bytes()), "is damaged"),
        (lambda file, other: file.chmod(0o666), "may have been written by another user"),
    ],
    ids=["cut", "replaced", "anyone's"],
)
def test_code_that_may_be_another_is_made_anew(compiled, capsys, spoil, told):
    code("b")
    code("a")
    folder = machine_code.default_cache() / "compiled"
    other, file = (folder / f"{name}.pt2" for name in compiled)
    spoil(file, other)

    code("a")
    said = capsys.readouterr().err
    code("a")

    assert f"{file} {told} and is made anew" in said
    assert compiled[1:] == [file.stem] * 2
    assert file.stat().st_mode & 0o777 == 0o644


def test_code_of_another_user_is_not_run(compiled, monkeypatch):
    code()
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    if os.getuid() == 0:
        os.chown(next((machine_code.default_cache() / "compiled").glob("*.pt2")), 1234, -1)

    code()

    assert len(compiled) == 2


def test_a_cache_that_cannot_be_written_is_told_before_anything_is_compiled(compiled, tmp_path):
    (tmp_path / "cache").write_text("")

    with pytest.raises(RunError, match="cannot be written") as caught:
        code()

    assert caught.value.exit == Exit.STORAGE
    assert "SEQSPEC_CACHE" in caught.value.help
    assert not compiled


@pytest.mark.parametrize("compiler", ["", "/no/such/g++", "/tmp"])
def test_without_a_compiler_the_remedy_is_told_and_nothing_begun(compiled, monkeypatch, capsys, compiler):
    monkeypatch.setattr(machine_code, "cpp_compiler", cpp_compiler)

    # Torch reads CXX once a process.
    with config.patch({"cpp.cxx": (compiler,)}), pytest.raises(RunError, match="it needs a C") as caught:
        code()

    assert caught.value.exit == Exit.USAGE
    assert "CXX" in caught.value.help
    assert not compiled
    assert capsys.readouterr().err == ""
