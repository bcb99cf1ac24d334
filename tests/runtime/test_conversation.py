"""``predict`` at a terminal: a line in, its answer at once, the end of input ends it."""

import os
import pty
import sys

import pytest

from seqspec.runtime.prediction.text_inputs import conversation

END_OF_INPUT = b"\x04"


@pytest.fixture
def terminal(monkeypatch):
    """What a person types into: a file descriptor whose other end is standard input."""
    here, there = pty.openpty()
    with os.fdopen(there, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield here
    os.close(here)


def test_every_line_is_handed_on_before_the_next_is_typed(terminal, capsys):
    inputs = conversation()
    heard = []

    for text in ("こんにちは", "a b", ""):
        os.write(terminal, text.encode() + b"\n")
        heard.append(next(inputs))
    os.write(terminal, END_OF_INPUT)

    assert next(inputs, None) is None
    assert [one.value for one in heard] == ["こんにちは", "a b", ""]
    assert capsys.readouterr().err == "> > > > \n"


def test_a_line_that_is_no_utf_8_is_told_and_asked_again(terminal, capsys):
    inputs = conversation()

    os.write(terminal, b"a\xff\nab\n")

    assert next(inputs).value == "ab"
    assert capsys.readouterr().err == "> the line is not UTF-8 from byte 1 on\n> "
