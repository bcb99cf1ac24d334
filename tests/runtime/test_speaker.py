"""Processes that one command has started say a mistake once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from seqspec.compile.commands import Outcome
from seqspec.runtime.commands.guard import guarded
from seqspec.runtime.devices.speaker import share_the_word, takes_the_word
from seqspec.schema.diagnostic import Exit, RunError


@pytest.fixture
def word(monkeypatch):
    monkeypatch.setenv("SEQSPEC_SPEAKER", "")  # put back at the end
    end = share_the_word()
    yield end
    os.close(end)


def fail() -> Outcome:
    raise RunError("the disk is full", exit=Exit.STORAGE)


def test_one_process_always_says_it():
    assert [guarded(fail).error for _ in range(2)] == ["error: the disk is full\n"] * 2


def test_of_two_processes_the_first_says_it_and_both_end_with_its_code(word):
    program = "from tests.runtime.test_speaker import *; told = guarded(fail); print(told.exit, told.error)"
    other = [sys.executable, "-c", program]
    first = subprocess.run(other, pass_fds=(word,), capture_output=True, text=True, check=True)
    second = guarded(fail)

    assert first.stdout.split(maxsplit=1) == ["5", "error: the disk is full\n\n"]
    assert second == Outcome(error="", exit=Exit.STORAGE)


def test_what_succeeds_takes_no_word(word):
    assert guarded(lambda: Outcome("done\n", "warning: old\n")) == Outcome("done\n", "warning: old\n")
    assert takes_the_word()
    assert not takes_the_word()
