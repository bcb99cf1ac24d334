"""Sudachi words with exact code-point spans, through SudachiPy."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from seqspec.components.segmenter._cut import parts
from seqspec.components.segmenter._dictionary import hash_files
from seqspec.components.segmenter._filter import part_of_speech_filter
from seqspec.schema.diagnostic import DataError
from seqspec.schema.environment import expand
from seqspec.schema.segmenter.sudachi import DICTIONARIES, SudachiConfig
from seqspec.schema.types import Type

MOST = 12_000
"""Code points that Sudachi is shown at once: its limit of 49,149 bytes divided by the four bytes of the
largest code point."""
_FORMS = {"normalized": "normalized_form", "dictionary": "dictionary_form", "reading": "reading_form"}
_SURROGATES = {code: "\ufffd" for code in range(0xD800, 0xE000)}


class Word(NamedTuple):
    """One word: where it stands and what stands for it."""

    start: int
    end: int
    text: str


class Sudachi:
    """Built in each process when first used; only settings travel between processes."""

    separator = ""

    def __init__(self, config: SudachiConfig, source: Type) -> None:
        self.config = config
        self._mode, self._dictionary_name, self._form = config.mode, config.dictionary, config.form
        self._filter = part_of_speech_filter(keep=config.keep, drop=config.drop)
        self.surface = self._form == "surface"
        """Whether words are the text at their spans."""
        self._tokenizer: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tokenizer": None}

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Spans of the words; white space is none of them."""
        if self._filter is None and len(text) <= MOST:
            found = (self._tokenizer or self._open()).tokenize(text.translate(_SURROGATES))
            return [(a, b) for m in found if (a := m.begin()) < (b := m.end()) and not text[a:b].isspace()]
        return [(word.start, word.end) for word in self._analyse(text)]

    def words(self, text: str) -> list[str]:
        """The words in the form that ``form`` names."""
        return [word.text for word in self._analyse(text)]

    def fingerprint(self) -> dict[str, Any]:
        """Library, dictionary bytes and options: everything that decides the words."""
        from importlib.metadata import version
        from unicodedata import unidata_version

        path = _find(self._dictionary_name)
        packaged = self._dictionary_name in DICTIONARIES
        return {
            "type": "sudachi",
            "library": f"sudachipy-{version('sudachipy')}",
            "dictionary": self._dictionary_name if packaged else "file",
            "version": version(f"sudachidict-{self._dictionary_name}") if packaged else "",
            "sha256": hash_files([path])[path.name],
            "mode": self._mode,
            "form": self._form,
            "keep": list(self.config.keep),
            "drop": list(self.config.drop),
            "most_code_points": MOST,
            "unicode": unidata_version,
        }

    def _analyse(self, text: str) -> Iterator[Word]:
        for start, end, _ in parts(text, most=MOST):
            part = text[start:end]
            for morpheme in self._open().tokenize(part.translate(_SURROGATES)):
                begin, stop = morpheme.begin(), morpheme.end()
                if begin == stop or part[begin:stop].isspace():
                    continue
                if self._filter is not None and not self._filter.passes(morpheme.part_of_speech()):
                    continue
                given = part[begin:stop] if self.surface else getattr(morpheme, _FORMS[self._form])()
                yield Word(start + begin, start + stop, given)

    def _open(self) -> Any:
        if self._tokenizer is None:
            self._tokenizer = _open_tokenizer(_find(self._dictionary_name), mode=self._mode)
        return self._tokenizer


def _open_tokenizer(path: Path, *, mode: str) -> Any:
    import sudachipy

    try:
        dictionary = sudachipy.Dictionary(dict=str(path))
        unit = getattr(sudachipy.SplitMode, mode)
        # ``create`` was renamed in 0.7.
        make = getattr(dictionary, "tokenizer", None) or dictionary.create
        return make(mode=unit)
    except Exception as error:  # the library raises its own class, which it does not export
        raise DataError(
            f"Sudachi cannot open the dictionary {path}: {str(error).splitlines()[0]}",
            help="library and dictionary must be of the same age: pip install -U sudachipy sudachidict-core",
            code="SQ422",
        ) from None


def _find(name: str) -> Path:
    """The ``system.dic`` of a packaged dictionary, or the file itself."""
    _require_library()
    if name not in DICTIONARIES:
        path = Path(expand(name)).expanduser()
        if not path.is_file():
            raise DataError(
                f"the Sudachi dictionary `{path}` does not exist", help="give a .dic file", code="SQ421"
            )
        return path
    try:
        module = import_module(f"sudachidict_{name}")
    except ImportError:
        raise DataError(
            f"the dictionary `{name}` of segmenter `sudachi` is not installed",
            help=f"pip install sudachidict-{name}",
            code="SQ420",
        ) from None
    return Path(next(iter(module.__path__))) / "resources" / "system.dic"


def _require_library() -> None:
    try:
        import sudachipy  # noqa: F401
    except ImportError:
        raise DataError(
            "segmenter `sudachi` needs SudachiPy",
            help="pip install 'seqspec-compiler[sudachi]'",
            code="SQ420",
        ) from None
