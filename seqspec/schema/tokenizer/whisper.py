"""The tokenizer of a Whisper folder, which puts language, task and form in front of each text: Radford et al.
(2022), "Robust Speech Recognition via Large-Scale Weak Supervision", arXiv:2212.04356, section 2.3.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from seqspec.schema.config import Config, Mismatch
from seqspec.schema.environment import Environment
from seqspec.schema.types import Text, Tokens, Type, Unknown


class WhisperConfig(Config):
    """Special pieces become ids 0 to 3 and the prompt's the next ones; all others keep their order, and the
    rows of tables that come from the same folder move with them.
    """

    vocabulary_field: ClassVar[str] = "from"
    vocabulary_inside: ClassVar[str] = "tokenizer.json"

    # ``from`` is a word of Python, so that it cannot be declared as other fields are.
    __annotations__["from"] = Annotated[str, Field(min_length=1, max_length=4096), Environment]
    """Folder with ``tokenizer.json``; the file's bytes are part of the tokenizer digest."""
    language: Annotated[str, Field(pattern="^[a-z]{2,4}$")] | None = None
    """Language of the piece ``<|ja|>``, in the folder's code, or ``none`` for the English-only folders, which
    want neither language nor task; left out, that of the text.
    """
    task: Literal["transcribe", "translate"] = "transcribe"
    """Write what is said, or an English translation of it."""
    timestamps: bool = False
    """Leave ``<|notimestamps|>`` out: texts of the corpus hold times such as ``<|0.00|>``."""

    @property
    def folder(self) -> str:
        """The folder, with the names of variables in it."""
        return str(getattr(self, "from"))

    def output(self, source: Type) -> Tokens:
        if not isinstance(source, Text):
            raise Mismatch(f"a tokenizer takes text, not {source}")
        return Tokens(vocab=Unknown(""), prompt=len(self.prompt(source.language)))

    def prompt(self, language: str) -> tuple[str, ...]:
        """The pieces in front of a text in ``language``, behind the start."""
        spoken = self.language or language.split("-")[0].lower()
        told = () if spoken == "none" else (f"<|{spoken}|>", f"<|{self.task}|>")
        return told if self.timestamps else (*told, "<|notimestamps|>")
