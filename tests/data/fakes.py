"""A corpus in memory and text steps without a library, for tests of the data engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from seqspec.data.stages.parts import DataParts
from seqspec.schema.config import Config
from seqspec.schema.diagnostic import DataError
from seqspec.schema.sections.data import Data
from seqspec.schema.types import Text, Type


class FakeConfig(Config):
    component: ClassVar[tuple[str, str]] = ("adapter", "fake")
    kind: str = "lines"


class FakeTokenizerConfig(Config):
    component: ClassVar[tuple[str, str]] = ("tokenizer", "fake")


@dataclass
class FakeAdapter:
    """Reads ``<split>.jsonl`` below its folder; a row may be a record or ``{"bad": reason}``."""

    root: Path
    version: int = 1
    reads: list[str] = field(default_factory=list)

    def splits(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in self.root.glob("*.jsonl")))

    def passed_over(self, split):
        return {}

    def files(self, split: str) -> Iterator[Path]:
        path = self.root / f"{split}.jsonl"
        if not path.exists():
            raise DataError(f"split `{split}` is not there", corpus="fake", file=str(path))
        yield path

    def examples(self, split: str) -> Iterator[Any]:
        from seqspec.data.corpus.record import BadRow

        self.reads.append(split)
        for number, line in enumerate((self.root / f"{split}.jsonl").read_text().splitlines(), 1):
            row = json.loads(line)
            if "bad" in row:
                yield BadRow(f"{split}:{number}", row["bad"], file=f"{split}.jsonl", row=number)
            else:
                yield {"id": f"{split}:{number}", **row}

    def audio(self) -> None:
        return None


class FakeSteps:
    """Words as ids, in the order in which training saw them."""

    trainable = True

    def __init__(self, name: str = "words") -> None:
        self.name = name
        self.words: dict[str, int] = {}
        self.trained = 0

    @property
    def vocab_size(self) -> int:
        return 4 + len(self.words)

    def gather(self, texts: Sequence[str]) -> list[str]:
        return [word for text in texts for word in text.split()]

    def learn(self, gathered: Iterable[list[str]]) -> bytes:
        self.trained += 1
        return json.dumps(list(dict.fromkeys(word for words in gathered for word in words))).encode()

    def load(self, artifact: bytes) -> None:
        self.words = {word: number + 4 for number, word in enumerate(json.loads(artifact))}

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        if any("\0" in text for text in texts):
            raise DataError("a text holds NUL")
        return [[self.words.get(word, 1) for word in text.split()] for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        names = {number: word for word, number in self.words.items()}
        return " ".join(names.get(int(number), "?") for number in ids)

    def fingerprint(self) -> dict[str, Any]:
        return {"name": self.name}


def write_corpus(folder: Path, **splits: Sequence[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in splits.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def pairs(count: int, *, start: int = 0) -> list[dict[str, str]]:
    """Sentence pairs of 1 to 9 words."""
    return [
        {
            "source": " ".join(f"s{(n * 7 + k) % 23}" for k in range(1 + n % 9)),
            "target": " ".join(f"t{(n * 5 + k) % 19}" for k in range(1 + (n * 3) % 8)),
        }
        for n in range(start, start + count)
    ]


def data_config(**changes: Any) -> Data:
    pipeline = {"tokenizer": FakeTokenizerConfig()}
    fields: dict[str, Any] = {
        "source": FakeConfig(),
        "text": {"source": pipeline, "target": pipeline},
        "batch": {"unit": "tokens", "size": 60},
    }
    return Data.model_validate({**fields, **changes})


def make_parts(folder: Path, *, roles: dict[str, Type] | None = None, **changes: Any) -> DataParts:
    kinds = roles or {"source": Text("ja"), "target": Text("en")}
    text = {role: FakeSteps() for role, kind in kinds.items() if isinstance(kind, Text)}
    return DataParts(
        config=data_config(**changes),
        adapter=FakeAdapter(folder),
        roles=kinds,
        text=text,
        fingerprints={},
        seed=7,
    )
