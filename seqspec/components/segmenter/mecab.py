"""MeCab words with exact code-point spans, through fugashi.

The library prints the surfaces of words with a space after each.  Those that add up to the text give exact
spans by their lengths alone.  Where they do not, gaps of white space are looked for, or the text is cut into
parts that the library can hold: NUL ends its input, a blank of 64 KiB swallows a word, a run of 190,000
letters overflows its stack.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from seqspec.components.segmenter._cut import parts
from seqspec.components.segmenter._dictionary import (
    HASHED,
    Dictionary,
    find_dictionary,
    find_user_dictionary,
    hash_files,
)
from seqspec.components.segmenter._fields import Fields, fields_of
from seqspec.components.segmenter._filter import part_of_speech_filter
from seqspec.schema.diagnostic import DataError
from seqspec.schema.segmenter.mecab import MecabConfig
from seqspec.schema.types import Type

if TYPE_CHECKING:
    import fugashi

MOST = 4_096
"""Code points that MeCab is shown at once: it crashes at forty times as many, and its time grows with the
square of a run of letters of one kind."""
_PRINTED = '-F "%m " -U "%m " -E ""'
_BLANKS = " \t\n\v"
"""What dictionaries take for white space between words; none of it is a word's first letter."""
_SURROGATES = {code: "\ufffd" for code in range(0xD800, 0xE000)}


class Word(NamedTuple):
    """One word: where it stands and what stands for it."""

    start: int
    end: int
    text: str


class Mecab:
    """Built in each process when first used; only settings travel between processes."""

    separator = ""

    def __init__(self, config: MecabConfig, source: Type) -> None:
        self.config = config
        self._dictionary_name, self._user_names = config.dictionary, tuple(config.user_dictionaries)
        self._reading, self._unknown_reading = config.reading, config.unknown_reading
        self._filter = part_of_speech_filter(keep=config.keep, drop=config.drop)
        self.surface = self._reading is None
        """Whether words are the text at their spans."""
        self._forget()

    def _forget(self) -> None:
        self._tagger: fugashi.GenericTagger | None = None
        self._fields: Fields | None = None
        # The library's call, once open, where no words are chosen.
        self._parse: Callable[[str], str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        for name in ("_tagger", "_fields", "_parse"):
            del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    @property
    def dictionary(self) -> Dictionary:
        """The dictionary on this machine.  Raises ``DataError`` where it is missing."""
        return find_dictionary(self._dictionary_name)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Spans of the words.

        Between them stand ASCII spaces, tabs and newlines, or what ``keep`` and ``drop`` leave out.
        """
        parse = self._parse
        if parse is not None and len(text) <= MOST:
            try:
                words = parse(text).split(" ")
            except UnicodeEncodeError:  # lone surrogates
                return self._careful_spans(text)
            ends = list(accumulate(map(len, words), initial=0))
            if ends[-1] == len(text) and text:
                return list(pairwise(ends))
        return self._careful_spans(text)

    def _careful_spans(self, text: str) -> list[tuple[int, int]]:
        printed = self._printed(text)
        if printed is None:
            return [(word.start, word.end) for word in self._analyse(text)]
        found = _between_blanks(text, printed.split(" ") if printed else [])
        return [(word.start, word.end) for word in self._analyse(text)] if found is None else found

    def words(self, text: str) -> list[str]:
        """The words, or their readings where ``reading`` is set."""
        if self._reading is not None:
            return [word.text for word in self._analyse(text)]
        return [text[start:end] for start, end in self.spans(text)]

    def joined(self, text: str) -> str | None:
        """The words with one space between, where they are the whole of the text; ``None`` elsewhere."""
        printed = self._printed(text) if self.surface else None
        covers = printed is not None and len(printed) - printed.count(" ") == len(text)
        return printed if covers else None

    def _printed(self, text: str) -> str | None:
        """What the library prints of a text; ``None`` where it cannot hold it, or words are chosen."""
        if self._tagger is None:
            self._open()
        if self._parse is None or len(text) > MOST:
            return None
        try:
            return self._parse(text)
        except UnicodeEncodeError:  # lone surrogates
            return None

    def fingerprint(self) -> dict[str, Any]:
        """Library, dictionary bytes, options and Unicode version: everything that decides the words."""
        from importlib.metadata import version
        from unicodedata import unidata_version

        found = self.dictionary
        users = [find_user_dictionary(name) for name in self._user_names]
        return {
            "type": "mecab",
            "library": f"fugashi-{version('fugashi')}",
            "dictionary": found.name if found.version else "folder",
            "version": found.version,
            "sha256": hash_files([found.folder / file for file in HASHED]),
            "user_dictionaries": [next(iter(hash_files([path]).values())) for path in users],
            "reading": self._reading,
            "unknown_reading": self._unknown_reading,
            "keep": list(self.config.keep),
            "drop": list(self.config.drop),
            "most_code_points": MOST,
            "unicode": unidata_version,
        }

    def _open(self) -> fugashi.GenericTagger:
        if self._tagger is None:
            self._tagger = _open_tagger(
                self.dictionary, users=[str(find_user_dictionary(n)) for n in self._user_names]
            )
            self._parse = self._tagger.parse if self._filter is None else None
            if self._reading is not None:
                self._fields = _find_fields(self._tagger, self._dictionary_name)
        return self._tagger

    def _analyse(self, text: str) -> Iterator[Word]:
        """Words with features: slower, for readings and parts of speech."""
        for start, end, whole in parts(text, most=MOST, alone="\0"):
            if whole:
                yield Word(start, end, text[start:end])
            else:
                yield from self._analyse_part(text[start:end], start)

    def _analyse_part(self, text: str, start: int) -> Iterator[Word]:
        position = start
        tagger = self._tagger or self._open()
        for node in tagger(_encodable(text)):
            begin = position + len(node.white_space)
            position = begin + len(node.surface)
            if self._filter is not None and not self._filter.passes(node.feature):
                continue
            surface = text[begin - start : position - start]
            yield Word(begin, position, surface if self._reading is None else self._read(node, surface))

    def _read(self, node: Any, surface: str) -> str:
        assert self._fields is not None
        at = self._fields.kana if self._reading == "kana" else self._fields.pronunciation
        feature = node.feature
        reading = feature[at] if at < len(feature) else None
        if reading and reading != "*":
            return str(reading)
        return surface if self._unknown_reading == "surface" else _katakana(surface)


def _open_tagger(dictionary: Dictionary, *, users: list[str]) -> fugashi.GenericTagger:
    """The library over one dictionary, with no settings file of this machine."""
    import fugashi

    arguments = f'-r {os.devnull} -d {_quote(str(dictionary.folder))} -O "" {_PRINTED}'
    if users:
        arguments += f" -u {_quote(','.join(users))}"
    try:
        return fugashi.GenericTagger(arguments)
    except RuntimeError as error:
        reason = _reason(str(error))
        raise DataError(
            f"MeCab cannot open the dictionary `{dictionary.name}` in {dictionary.folder}: {reason}",
            help="compile user dictionaries against this one: `fugashi-build-dict -d "
            f"{dictionary.folder} -f utf-8 -t utf-8 -u user.dic user.csv`"
            if users
            else "install it again",
            code="SQ422",
        ) from None


def _quote(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _reason(banner: str) -> str:
    """The one line of MeCab's message that says what is wrong."""
    lines = [line.strip() for line in banner.splitlines()]
    return next(
        (line for line in lines if ".cpp(" in line),
        next((line for line in reversed(lines) if line), "no reason given"),
    )


def _encodable(text: str) -> str:
    """``text`` with lone surrogates, which UTF-8 cannot hold, as U+FFFD, one for one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.translate(_SURROGATES)
    return text


def _between_blanks(text: str, words: list[str]) -> list[tuple[int, int]] | None:
    """Spans of words between which stands white space; ``None`` where they do not cover the rest."""
    spans: list[tuple[int, int]] = []
    position = 0
    for word in words:
        while not text.startswith(word, position):
            if text[position : position + 1] not in _BLANKS or position >= len(text):
                return None
            position += 1
        spans.append((position, position := position + len(word)))
    # fugashi takes white space off the end of what is printed, so a last word may be missing.
    return None if text[position:].strip(" ") else spans


def _find_fields(tagger: fugashi.GenericTagger, name: str) -> Fields:
    """The dictionary's table, by the features of a word that every Japanese dictionary knows."""
    return fields_of(len(tagger("日本")[0].feature), dictionary=name)


def _katakana(text: str) -> str:
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" or c in "ゝゞ" else c for c in text)
