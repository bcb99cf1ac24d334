"""Conversations that an assistant is to go on with: JSON lines, or what a user says, a line each.

The run's own adapter, where it has ``asked`` and ``asked_by``, says how they become the text of its template.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import numpy as np

from seqspec.components.adapter._table import json_row
from seqspec.data.corpus.lines import Line
from seqspec.data.text.answers import AnswerIds
from seqspec.data.text.conversation import AnsweredText, NoConversation
from seqspec.runtime.prediction.input import Input
from seqspec.schema.diagnostic import DataError

if TYPE_CHECKING:
    from seqspec.data.stages.parts import TextSteps

NOT_A_PROMPT = "SQ406"
_HELP = 'write {"messages": [{"role": "user", "content": "…"}]}, or the text alone'


class Asked(Protocol):
    """An adapter of conversations."""

    def asked(self, record: Mapping[str, Any]) -> AnsweredText: ...

    def asked_by(self, text: str) -> AnsweredText: ...


def is_asked(adapter: object) -> TypeGuard[Asked]:
    """Whether the run has learned from conversations."""
    return hasattr(adapter, "asked")


def chat_inputs(lines: Iterable[Input], adapter: Asked) -> Iterator[Input]:
    """Lines of a file, or of standard input, as prompts: objects with messages or a prompt, and any other
    line as what a user says.  A line that is none is an input that says so; blank ones are passed over.
    """
    for one in lines:
        if one.error is not None:
            yield one
        elif str(one.value).strip():
            yield _input(one, adapter)


def chat_ids(steps: TextSteps, adapter: Asked) -> Callable[[Any], np.ndarray]:
    """The ids of a prompt, cut as in training; a program may hand over a text in its place."""
    encode = AnswerIds(steps).encode

    def ids(prompt: AnsweredText | str) -> np.ndarray:
        try:
            asked = prompt_of(prompt, adapter) if isinstance(prompt, str) else prompt
        except NoConversation as error:
            raise DataError(str(error), help=_HELP, code=NOT_A_PROMPT) from None
        return np.asarray(encode(asked), np.int64)

    return ids


def prompt_of(text: str, adapter: Asked) -> AnsweredText:
    """What a line, or a text that a program hands over, asks for.  Raises ``NoConversation``."""
    if not text.lstrip().startswith("{"):
        return adapter.asked_by(text)
    row = json_row(Line(1, 0, text))
    if row.fault:
        raise NoConversation(row.fault)
    return adapter.asked({str(key): value for key, value in row.cells.items()})


def _input(one: Input, adapter: Asked) -> Input:
    text = str(one.value)
    try:
        prompt = prompt_of(text, adapter)
    except NoConversation as error:
        fault = DataError(str(error), file=one.file, row=one.row, help=_HELP, code=NOT_A_PROMPT)
        return replace(one, value="", error=fault)
    columns = json.loads(text) if text.lstrip().startswith("{") else None
    return replace(one, value=prompt, columns=columns)
