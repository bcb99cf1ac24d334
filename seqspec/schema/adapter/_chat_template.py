"""How a conversation becomes one text: the marks around what each speaker says."""

from typing import Annotated

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.units import Later

Marks = Annotated[str, Field(max_length=4096)]
"""Text that stands around what people say."""
Role = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
"""Who speaks."""
CONTENT = "{content}"
"""Stands in a turn where the message stands."""
USER, ASSISTANT, SYSTEM = "user", "assistant", "system"


class Template(Config):
    """How a conversation becomes one text: by marks that stand here, or as the template of a folder says.

    Of marks, what follows the message in the assistant's turn is part of the answer, so that its end is
    learned; nothing else is added, whoever speaks.
    """

    # ``from`` is a word of Python, so that it cannot be declared as other fields are.
    __annotations__["from"] = Annotated[
        Annotated[str, Field(min_length=1, max_length=4096)] | None, Field(default=None), Environment, Later
    ]
    """Folder in Hugging Face's layout whose Jinja template is rendered, in a sandbox, in place of ``turns``;
    the template's text is part of the data.
    """
    begin: Marks = ""
    """What stands before the first turn."""
    turns: Annotated[dict[Role, Marks], Field(max_length=64)] = {}
    """The turn of each role, with ``{content}`` where its message stands; other roles are refused."""
    between: Marks = "\n"
    """What stands between two turns; it is no part of an answer."""

    @property
    def folder(self) -> str | None:
        """The folder, with the names of variables in it."""
        found: str | None = getattr(self, "from")
        return found

    def check(self) -> None:
        """Raises ``Mismatch`` where a turn has no place for its message, or a speaker no turn."""
        if self.folder is not None:
            if self.turns or self.begin:
                raise Mismatch(
                    "the template is the folder's, and marks stand here as well",
                    at=("template", "turns" if self.turns else "begin"),
                    help="take them out, or `from`",
                )
            return
        for role, turn in self.turns.items():
            if turn.count(CONTENT) != 1:
                raise Mismatch(
                    f"the turn of `{role}` holds `{CONTENT}` {turn.count(CONTENT)} times",
                    at=("template", "turns", role),
                    help=f"write it once, where the message stands: `{CONTENT}`",
                )
        for role in (USER, ASSISTANT):
            if role not in self.turns:
                raise Mismatch(
                    f"the template has no turn of the {role}",
                    at=("template", "turns"),
                    help=f'add one, such as `{role}: "{role}: {CONTENT}"`',
                )
