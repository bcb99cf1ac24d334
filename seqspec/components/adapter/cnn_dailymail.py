"""Reader of the stories of CNN and the Daily Mail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._synthetic_text import draw, generator, render, sentence
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.lines import Line, read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.cnn_dailymail import CnnDailymailConfig
from seqspec.schema.diagnostic import DataError

_LISTS = {"train": "all_train.txt", "dev": "all_val.txt", "test": "all_test.txt"}
_PUBLISHERS = ("cnn", "dailymail")
_HIGHLIGHT = "@highlight"
_ENDS = (".", "!", "?", "...", "'", "`", '"', "\u2019", "\u201d", ")")


class CnnDailymail(Adapter[CnnDailymailConfig]):
    """Articles in the order of the lists."""

    def splits(self) -> tuple[str, ...]:
        return tuple(_LISTS)

    def files(self, split: str) -> Iterator[Path]:
        yield self._list(split)
        yield from sorted(
            story for line in self._addresses(split) if (story := self._story(line.text)) is not None
        )

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        addresses = self._list(split)
        for line in self._addresses(split):
            name = _name(line.text)
            story = None if line.fault else self._story(line.text)
            if story is None:
                reason = line.fault or f"there is no story {name} for `{show(line.text[:100])}`"
                yield BadRow(name, reason, str(addresses), line.row, line.byte)
            else:
                yield self._record(name, story)

    def _addresses(self, split: str) -> Iterator[Line]:
        return (
            line
            for line in read_lines(self._list(split), corpus=self.corpus)
            if line.fault or line.text.strip()
        )

    def _list(self, split: str) -> Path:
        path = self.root / "url_lists" / _LISTS[split]
        if not path.is_file():
            raise self.missing(f"there is no list `{show(path)}`")
        return path

    def _story(self, address: str) -> Path | None:
        found = (self.root / publisher / "stories" / f"{_name(address)}.story" for publisher in _PUBLISHERS)
        return next((path for path in found if path.is_file()), None)

    def _record(self, name: str, story: Path) -> Record | BadRow:
        article: list[str] = []
        highlights: list[str] = []
        into = article
        try:
            for line in read_lines(story, corpus=self.corpus):
                if line.fault:
                    return BadRow(name, line.fault, str(story), line.row, line.byte)
                text = line.text.strip()
                if text == _HIGHLIGHT:
                    into = highlights
                elif text:
                    into.append(self._ended(text))
        except DataError as error:
            return BadRow(name, error.message, str(story))
        if not article or not highlights:
            return BadRow(name, f"the story has no {'highlights' if article else 'article'}", str(story))
        joined = self.config.separator.join
        return {"id": name, "source": joined(article), "target": joined(highlights), "file": str(story)}

    def _ended(self, text: str) -> str:
        return text if not self.config.end_sentences or text.endswith(_ENDS) else f"{text} ."

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """The highlight says what the first sentence says."""
        for split, name in _LISTS.items():
            rng = generator("cnn_dailymail", seed, split)
            addresses = []
            for index in range(synthetic_count(split, count)):
                publisher = _PUBLISHERS[index % 2]
                address = f"http://web.archive.org/web/2015/http://{publisher}.invalid/{split}/{index}"
                head = render(draw(rng), "en").removesuffix(" .")
                body = [head, *(sentence(rng, "en") for _ in range(rng.randint(1, 4)))]
                story = folder / publisher / "stories" / f"{_name(address)}.story"
                write_lines(story, [line for text in (*body, _HIGHLIGHT, head) for line in (text, "")])
                addresses.append(address)
            write_lines(folder / "url_lists" / name, addresses)


def _name(address: str) -> str:
    return hashlib.sha1(address.strip().encode(), usedforsecurity=False).hexdigest()
