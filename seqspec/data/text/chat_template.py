"""A Jinja template of conversations, as model folders have it, rendered in a sandbox.

The text is what ``apply_chat_template`` of transformers gives with ``tokenize=False``.  Answers are what
stands in ``{% generation %}``.  Of a template without such marks, the turn of the assistant is what follows,
in the conversation up to it, the conversation before it with the beginning of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from seqspec.data.text.conversation import AnsweredText, Message, NoConversation
from seqspec.schema.adapter._chat_template import ASSISTANT

MOST_TEMPLATE = 256 << 10
"""Characters of a template."""
ROLES = ("system", "user", ASSISTANT, "developer", "tool")
"""Roles that are handed to a template, which refuses those that it does not know."""


class BadTemplate(ValueError):
    """A template that cannot be used, with the reason."""


class ChatTemplate:
    """One template; picklable.  ``special``: texts of special pieces by the names that templates use."""

    def __init__(self, text: str, special: Mapping[str, str]) -> None:
        self.text = text
        self.special = dict(special)

    def __reduce__(self) -> Any:
        return type(self), (self.text, self.special)

    def check(self) -> None:
        """Raises ``BadTemplate`` where it is too large or no template."""
        if len(self.text) > MOST_TEMPLATE:
            raise BadTemplate(f"has {len(self.text):,} characters, and {MOST_TEMPLATE:,} are the most")
        _ = self._compiled

    def written(
        self, messages: Sequence[Message], *, last_only: bool = False, asked: bool = False
    ) -> AnsweredText:
        """The conversation as text; ``asked``: with the beginning of an answer behind it.

        Raises ``NoConversation`` where the template refuses it, or fails.
        """
        text, spans = self._rendered(messages, asked=asked)
        if asked:
            return AnsweredText(text)
        if not self.marks_answers:
            spans = self._by_prefixes(text, messages)
        elif not spans:
            raise NoConversation("the template marks nothing of this conversation as an answer")
        return AnsweredText(text, tuple(spans[-1:] if last_only else spans))

    @cached_property
    def marks_answers(self) -> bool:
        """Whether it says itself what the assistant's is."""
        from jinja2 import nodes

        tree = self._environment.parse(self.text)
        called = (
            block.call.node for block in tree.find_all(nodes.CallBlock) if isinstance(block.call, nodes.Call)
        )
        return any(isinstance(node, nodes.ExtensionAttribute) and node.name == "_answer" for node in called)

    @cached_property
    def _environment(self) -> Any:
        try:
            from seqspec.data.text.template_sandbox import Sandbox
        except ImportError:
            raise BadTemplate("is rendered by the package `jinja2`, which is not installed here") from None
        return Sandbox()

    @cached_property
    def _compiled(self) -> Any:
        from jinja2 import TemplateSyntaxError, nodes

        environment = self._environment
        try:
            tree = environment.parse(self.text)
            environment.constants = sum(len(data.data) for data in tree.find_all(nodes.TemplateData))
            return environment.from_string(self.text)
        except TemplateSyntaxError as error:
            raise BadTemplate(f"cannot be read: line {error.lineno}: {str(error.message)[:200]}") from None
        except (RecursionError, MemoryError, OverflowError, ValueError):
            raise BadTemplate("is nested too deeply, or holds numbers that are too large") from None

    def _rendered(
        self, messages: Sequence[Message], *, asked: bool = False
    ) -> tuple[str, list[tuple[int, int]]]:
        """The text, and what is marked in it."""
        from seqspec.data.text.template_sandbox import WORK, Work

        compiled, work, blocks = self._compiled, Work(), []
        given = [message._asdict() for message in messages]
        token = WORK.set(work)
        try:
            more = {"tools": None, "documents": None, "add_generation_prompt": asked}
            for block in compiled.generate(**self.special, **more, messages=given):
                blocks.append(block)
                work.written += len(block)
                work.spend(len(block))
        # What a stranger's template may raise has no bounds: types, keys, depth, its own refusals.
        except Exception as error:
            raise NoConversation(f"the folder's template: {_one_line(error)}") from None
        finally:
            WORK.reset(token)
        return "".join(blocks), work.spans

    def _by_prefixes(self, text: str, messages: Sequence[Message]) -> list[tuple[int, int]]:
        spans = []
        for number, message in enumerate(messages):
            if message.role != ASSISTANT:
                continue
            before, _ = self._rendered(messages[:number], asked=True)
            whole = text if number == len(messages) - 1 else self._rendered(messages[: number + 1])[0]
            if not (text.startswith(whole) and whole.startswith(before)) or len(whole) == len(before):
                raise NoConversation(
                    f"the folder's template writes message {number + 1} otherwise where more follows it, "
                    "and marks no answers with `{% generation %}`"
                )
            spans.append((len(before), len(before) + _answer(whole[len(before) :], message.content)))
        return spans


def _answer(turn: str, content: str) -> int:
    """How much of the end of a turn is the answer's: a mark of its end is, blanks behind the mark are not."""
    bare = turn.rstrip()
    return len(turn) if bare.endswith(content.rstrip()) else len(bare)


def _one_line(error: Exception) -> str:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return first[:200]
