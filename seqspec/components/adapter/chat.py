"""Reader of conversations in JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqspec.components.adapter._jinja_template import jinja_of
from seqspec.components.adapter._json_document import refuse_whole_json
from seqspec.components.adapter._synthetic_text import draw, generator, render
from seqspec.components.adapter._table import json_row
from seqspec.components.adapter._write import concrete, write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.text.chat_template import ROLES
from seqspec.data.text.conversation import AnsweredText, NoConversation, messages_of, written
from seqspec.schema.adapter._adapter import ordered, patterns
from seqspec.schema.adapter._chat_template import ASSISTANT, USER
from seqspec.schema.adapter.chat import ChatConfig

if TYPE_CHECKING:
    from seqspec.data.text.chat_template import ChatTemplate


class Chat(Adapter[ChatConfig]):
    """One record a line that holds more than blanks."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.splits)

    def files(self, split: str) -> Iterator[Path]:
        yield from self.found(patterns(self.config.splits[split]), split)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.files(split):
            yield from self._records(path)

    def asked(self, record: Mapping[str, Any]) -> AnsweredText:
        """What the assistant is to go on from.  Raises ``NoConversation``."""
        return self._text(record, asked=True)

    def asked_by(self, text: str) -> AnsweredText:
        """The same where a user says ``text`` and nothing was said before.  Raises ``NoConversation``."""
        return self.asked({self.config.messages: [{"role": USER, "content": text}]})

    def chat_template(self, begin: str | None) -> str:
        """The template in transformers' form; ``begin`` is the piece before every text."""
        if self._folder is not None:
            return self._folder.text
        return jinja_of(self.config.template, begin=begin)

    def more_fingerprint(self) -> dict[str, str]:
        """What decides the records beside the spec and the corpus: the folder's template."""
        if self._folder is None:
            return {}
        held = json.dumps([self._folder.text, self._folder.special], sort_keys=True)
        return {"template": sha256(held.encode()).hexdigest()}

    @cached_property
    def _folder(self) -> ChatTemplate | None:
        """The folder's template.  Raises ``DataError``."""
        if self.config.template.folder is None:
            return None
        from seqspec.data.pretrained.chat_template_file import read_chat_template

        return read_chat_template(self.config.template.folder)

    def _records(self, path: Path) -> Iterator[Record | BadRow]:
        name, file, first = path.relative_to(self.root).as_posix(), str(path), True
        needed = (self.config.messages, "prompt", "completion")
        for line in read_lines(path, corpus=self.corpus):
            if not line.fault and not line.text.strip():
                continue
            if first and not line.fault:
                refuse_whole_json(line.text, path, needed=needed, corpus=self.corpus)
            first = False
            row, id = json_row(line), f"{name}:{line.row}"
            try:
                if row.fault:
                    raise NoConversation(row.fault)
                text = self._text({str(key): value for key, value in row.cells.items()})
            except NoConversation as error:
                yield BadRow(id, str(error), file, line.row, line.byte)
                continue
            spans = np.asarray(text.spans, np.int64).reshape(-1)
            yield {"id": id, "target": text.text, "answers": spans, "file": file, "row": line.row}

    def _text(self, cells: Mapping[str, Any], *, asked: bool = False) -> AnsweredText:
        """Raises ``NoConversation``."""
        template, last = self.config.template, self.config.answers == "last"
        if self._folder is None:
            messages = messages_of(cells, key=self.config.messages, known=tuple(template.turns), asked=asked)
            return written(messages, template, last_only=last, asked=asked)
        messages = messages_of(cells, key=self.config.messages, known=ROLES, asked=asked)
        return self._folder.written(messages, last_only=last, asked=asked)

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """Who did what, asked and answered; some lines are a ``prompt`` and its ``completion``."""
        for split in ordered(self.config.splits):
            for pattern in patterns(self.config.splits[split]):
                rng = generator("chat", seed, split, pattern)
                lines = []
                for _ in range(synthetic_count(split, count)):
                    turns = [_exchange(rng, self.config.language) for _ in range(1 + (rng.random() < 0.3))]
                    lines.append(json.dumps(self._object(turns), ensure_ascii=False))
                write_lines(folder / concrete(pattern), lines)

    def _object(self, turns: list[tuple[str, str]]) -> dict[str, Any]:
        if len(turns) == 1 and len(turns[0][0]) % 4 == 0:
            return {"prompt": turns[0][0], "completion": turns[0][1]}
        said = [(role, text) for turn in turns for role, text in zip((USER, ASSISTANT), turn, strict=True)]
        return {self.config.messages: [{"role": role, "content": text} for role, text in said]}


def _exchange(rng: Any, language: str) -> tuple[str, str]:
    """A sentence, and the same in other words: with the time and the adjectives left out."""
    meaning = draw(rng)
    short = meaning._replace(subject_adjective=-1, thing_adjective=-1, time=-1)
    return render(meaning, language), render(short, language)
