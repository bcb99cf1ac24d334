"""Algorithmic problems of Tensor2Tensor: Kaiser & Sutskever (2016), "Neural GPUs Learn Algorithms", ICLR,
arXiv:1511.08228; ``data_generators/algorithmic.py`` and ``cipher.py``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.config import Config, Mismatch
from seqspec.schema.types import Nothing, Text, Type
from seqspec.schema.units import Positive, PositiveFloat, Seed

Problem = Literal["identity", "reverse", "shift", "sort", "addition", "multiplication", "cipher"]
ARITHMETIC = ("addition", "multiplication")


class TrainingExamples(Config):
    """What is drawn for training; the numbers are Tensor2Tensor's."""

    max_length: Positive = 40
    """Most symbols of a source."""
    count: Positive = 100_000
    """Examples."""


class HeldOutExamples(Config):
    """What is drawn for evaluating: longer, so that the algorithm is what counts."""

    max_length: Positive = 400
    """Most symbols of a source."""
    count: Positive = 10_000
    """Examples."""


class AlgorithmicConfig(AdapterConfig):
    """Sequences of symbols whose target follows from the source by a rule; nothing is downloaded.

    An example is a pure function of (``seed``, split, index).  Symbols are numbers from 0 with a space
    between, so tokenizer ``words`` gives each an id.  With ``root``, ``<split>.tsv`` is read instead, a
    source and its target a line.
    """

    problem: Problem = "reverse"
    """``shift`` adds ``offset`` to each symbol; ``cipher`` takes ``key`` from each, modulo ``symbols``;
    ``addition`` and ``multiplication`` write numbers with their least significant digit first.
    """
    symbols: Annotated[int, Field(ge=2, le=1_000_000)] = 10
    """Different symbols of a source, and the base of the numbers in arithmetic."""
    offset: Positive | None = None
    """What ``shift`` adds; Tensor2Tensor adds 10."""
    key: list[Positive] | None = None
    """What ``cipher`` takes from the symbols, repeated: one number is Caesar's cipher, several Vigenère's."""
    lengths: Literal["uniform", "fixed", "normal"] = "uniform"
    """``uniform`` from 1 to ``max_length``; ``fixed`` at it; ``normal`` about its half with a tenth of it as
    standard deviation, like sentences.
    """
    frequencies: Literal["uniform", "zipf", "rising"] | list[PositiveFloat] = "uniform"
    """How often each symbol is drawn: all alike, as one over rank ** ``exponent``, as its own number, or
    these weights.
    """
    exponent: PositiveFloat | None = None
    """Exponent of ``zipf``."""
    train: TrainingExamples = TrainingExamples()
    """Training examples."""
    dev: HeldOutExamples = HeldOutExamples()
    """Examples that decide when to stop."""
    test: HeldOutExamples = HeldOutExamples()
    """Examples for the last word."""
    seed: Seed = 0
    """Decides the examples, whatever the seed of the experiment."""

    def roles(self) -> dict[str, Type]:
        return {"source": Text("zxx"), "target": Text("zxx")}

    def output(self, source: Type) -> Type:
        """Nothing flows; refuses settings that have no meaning together."""
        for field, owner in (("offset", "shift"), ("key", "cipher")):
            self._belongs(field, self.problem == owner, f"problem `{owner}`")
        self._belongs("exponent", self.frequencies == "zipf", "`frequencies: zipf`")
        self._check_arithmetic()
        if isinstance(self.frequencies, list) and len(self.frequencies) != self.symbols:
            raise Mismatch(
                f"{len(self.frequencies)} frequencies for {self.symbols} symbols", at=("frequencies",)
            )
        return Nothing()

    def _belongs(self, field: str, wanted: bool, owner: str) -> None:
        stated = getattr(self, field) is not None
        if stated and not wanted:
            raise Mismatch(f"`{field}` has a meaning for {owner} only", at=(field,), help="take it out")
        if wanted and not stated:
            raise Mismatch(f"{owner} needs `{field}`", help=f"set `{field}`")

    def _check_arithmetic(self) -> None:
        if self.problem not in ARITHMETIC:
            return
        for field, usual in (("lengths", "uniform"), ("frequencies", "uniform")):
            if getattr(self, field) != usual:
                message = f"the numbers of {self.problem} have their own `{field}`"
                raise Mismatch(message, at=(field,), help="take it out")
        for split in ("train", "dev", "test"):
            if getattr(self, split).max_length < 3:
                message = f"two numbers and what stands between take 3 symbols, and {split} has less"
                raise Mismatch(message, at=(split, "max_length"))
