"""A conversation as one text: which record is one, how a template writes it, and where its answers stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from seqspec.schema.adapter._chat_template import ASSISTANT, CONTENT, SYSTEM, USER

if TYPE_CHECKING:
    from seqspec.schema.adapter._chat_template import Template

MOST_MESSAGES = 10_000


class Message(NamedTuple):
    """What one speaker says."""

    role: str
    content: str


@dataclass(frozen=True)
class AnsweredText:
    """A text and the spans of its answers, half-open and in order, in code points."""

    text: str
    spans: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        return self.text

    def pieces(self) -> list[tuple[str, bool]]:
        """The text cut where answers begin and end, each piece with whether it is one; none is empty."""
        found: list[tuple[str, bool]] = []
        at = 0
        for begin, end in self.spans:
            found += [(self.text[at:begin], False), (self.text[begin:end], True)]
            at = end
        found.append((self.text[at:], False))
        return [(piece, learned) for piece, learned in found if piece]


class NoConversation(ValueError):
    """A record is none, with the reason."""


def messages_of(
    record: Mapping[str, Any], *, key: str, known: Sequence[str], asked: bool = False
) -> tuple[Message, ...]:
    """The messages of a record; ``asked``: it ends where the assistant is to speak.

    Raises ``NoConversation``.
    """
    if key in record:
        found = _messages(record[key], key, known)
    elif "prompt" in record:
        found = _side(record, "prompt", USER, known)
        if not asked:
            found += _side(record, "completion", ASSISTANT, known)
        elif "completion" in record:
            raise NoConversation("the record has a `completion` already, and a prompt is expected")
    else:
        raise NoConversation(f"the record has neither `{key}` nor `prompt`")
    _require_order(found, asked=asked)
    return found


def _messages(value: Any, key: str, known: Sequence[str]) -> tuple[Message, ...]:
    if not isinstance(value, list):
        raise NoConversation(f"`{key}` is no list of messages")
    if not value:
        raise NoConversation(f"`{key}` is empty")
    if len(value) > MOST_MESSAGES:
        raise NoConversation(f"`{key}` holds more than {MOST_MESSAGES:,} messages")
    return tuple(_message(one, number, known) for number, one in enumerate(value, start=1))


def _message(value: Any, number: int, known: Sequence[str]) -> Message:
    if not isinstance(value, dict) or "role" not in value or "content" not in value:
        raise NoConversation(f"message {number} is no object with `role` and `content`")
    role, content = value["role"], value["content"]
    if role not in known:
        roles = ", ".join(f"`{one}`" for one in known)
        raise NoConversation(
            f"message {number} is of role `{str(role)[:40]}`, and the template knows {roles}"
        )
    if not isinstance(content, str):
        raise NoConversation(f"the content of message {number} is no text")
    if not content.strip():
        raise NoConversation(f"the content of message {number} is empty")
    return Message(role, content)


def _side(record: Mapping[str, Any], key: str, role: str, known: Sequence[str]) -> tuple[Message, ...]:
    value = record.get(key)
    if isinstance(value, str):
        return (_message({"role": role, "content": value}, 1 if role == USER else 2, known),)
    if value is None:
        raise NoConversation(f"the record has no `{key}`")
    return _messages(value, key, known)


def _require_order(found: Sequence[Message], *, asked: bool) -> None:
    """The assistant answers: it neither begins nor speaks twice in a row."""
    before = SYSTEM
    for number, message in enumerate(found, start=1):
        if message.role == ASSISTANT and before in (SYSTEM, ASSISTANT):
            again = "speaks twice in a row" if before == ASSISTANT else "speaks first"
            raise NoConversation(f"message {number}: the assistant {again}, and answers are learned")
        before = message.role
    if asked and found[-1].role == ASSISTANT:
        raise NoConversation("the last message is the assistant's already, and a prompt is expected")
    if not asked and all(message.role != ASSISTANT for message in found):
        raise NoConversation("no message is the assistant's: there is nothing to learn")


def written(
    messages: Sequence[Message], template: Template, *, last_only: bool = False, asked: bool = False
) -> AnsweredText:
    """The conversation as text; ``asked``: with the beginning of the assistant's next turn behind it."""
    text, spans = template.begin, []
    for number, (role, content) in enumerate(messages):
        before, after = template.turns[role].split(CONTENT)
        text += (template.between if number else "") + before
        begin, text = len(text), text + content + after
        if role == ASSISTANT:
            spans.append((begin, len(text)))
    if asked:
        text += template.between + template.turns[ASSISTANT].split(CONTENT)[0]
    return AnsweredText(text, tuple(spans[-1:] if last_only else spans))
