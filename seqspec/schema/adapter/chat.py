"""Conversations for language models: JSON lines of ``messages`` or of ``prompt`` and ``completion``."""

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig, Language, Splits
from seqspec.schema.adapter._chat_template import Template
from seqspec.schema.types import AnswerSpans, Text, Type

Key = Annotated[str, Field(min_length=1, max_length=100)]


class ChatConfig(AdapterConfig):
    """Read one conversation a line; only what the assistant says is learned.

    A line holds ``{"messages": [{"role": …, "content": …}, …]}``, or a ``prompt`` and its ``completion``,
    which are a user's and the assistant's.  Begin and end of the whole are put there by the model; where the
    template writes them too they stand once.
    """

    language: Language
    """Language of the conversations."""
    splits: Splits = {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"}
    """Files of each split, read one after the other."""
    template: Template
    """How roles and messages become text.  There is no default: a model that has learned one template
    understands no other.
    """
    messages: Key = "messages"
    """Key of the list of messages."""
    answers: Literal["all", "last"] = "all"
    """Learn every turn of the assistant, or the last of each conversation only."""

    def roles(self) -> dict[str, Type]:
        self.template.check()
        return {"target": Text(self.language), "answers": AnswerSpans("target")}
