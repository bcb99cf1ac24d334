"""``predict`` at a terminal: a line in, its answer at once, the end of input ends it."""

import os
import pty
import sys

import pytest

from seqspec.runtime.evaluation.evaluator import Found
from seqspec.runtime.prediction.predict import _text_answers

END_OF_INPUT = b"\x04"


@pytest.fixture
def terminal(monkeypatch):
    """What a person types into: a file descriptor whose other end is standard input."""
    here, there = pty.openpty()
    with os.fdopen(there, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield here
    os.close(here)


def reversed_texts(texts):
    return [Found(row, ((text[::-1], -1.0),)) for row, text in enumerate(texts)]


def test_every_line_is_answered_before_the_next_is_typed(terminal, capsys):
    answers = _text_answers(reversed_texts, (), list)
    heard = []

    for text in ("こんにちは", "a b", ""):
        os.write(terminal, text.encode() + b"\n")
        heard.append(next(answers))
    os.write(terminal, END_OF_INPUT)

    assert next(answers, None) is None
    assert [(name, found.hypotheses[0][0]) for name, found in heard] == [
        ("こんにちは", "はちにんこ"), ("a b", "b a"), ("", ""),
    ]  # fmt: skip
    assert capsys.readouterr().err == "> > > > \n"


def test_a_line_that_is_no_utf_8_is_told_and_asked_again(terminal, capsys):
    answers = _text_answers(reversed_texts, (), list)

    os.write(terminal, b"a\xff\nab\n")

    assert next(answers)[0] == "ab"
    assert capsys.readouterr().err == "> the line is not UTF-8 from byte 1 on\n> "
