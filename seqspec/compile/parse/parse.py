"""Text to tree: YAML 1.2 and TOML, with the place of every key and value.

Guards stand before any construction: size of the file, depth, number of values, length of a scalar, no
aliases, no tags.
"""

from __future__ import annotations

import re
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from seqspec.compile.parse.limits import MOST_BYTES, MOST_ENTRIES, MOST_TOML_BYTES
from seqspec.data.regular_file import open_regular
from seqspec.schema.diagnostic import Diagnostic, SpecError
from seqspec.schema.source import Node, Source, Span, Tree

Language = Literal["yaml", "toml"]

SUFFIXES = (".yaml", ".yml", ".toml")
"""How the names of specs end."""
SHIPPED = Path(__file__).parents[2] / "specs"
"""The shipped experiments: a link to ``specs/`` in a checkout, the files themselves in a wheel."""

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]|(?<!^)\ufeff|\r(?!\n)"
)


def parse(file: Path) -> Tree:
    """Read a spec; a name that ends in ``.toml`` is TOML, any other is YAML.  Raises ``SpecError``."""
    language: Language = "toml" if file.suffix == ".toml" else "yaml"
    return parse_text(Source(str(file), read_text(file)), language=language)


def parse_text(source: Source, *, language: Language) -> Tree:
    """The tree of a text.  Raises ``SpecError`` with every mistake that can be told apart."""
    if source.text.startswith("\ufeff"):
        source = Source(source.name, source.text[1:])
    _guard(source, MOST_TOML_BYTES if language == "toml" else MOST_BYTES)
    if language == "toml":
        from seqspec.compile.parse.toml_reader import read
    else:
        from seqspec.compile.parse.yaml_reader import read
    tree = read(source)
    if len(source.text) > 2 * MOST_ENTRIES:
        _require_few_entries(tree)
    return tree


def read_text(file: Path) -> str:
    """The text of a spec file, which must be UTF-8.  Raises ``SpecError``."""
    try:
        _require_spec(file)
        with open_regular(file) as stream:
            raw = stream.read(MOST_BYTES + 1) or b""
    except (OSError, ValueError, RuntimeError) as error:  # no path holds a NUL, and links lead in a circle
        raise SpecError([_unreadable(file, error)]) from None
    if len(raw) > MOST_BYTES:
        raise SpecError([_too_large(Source(str(file), ""), MOST_BYTES)])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError([_not_utf8(file, raw, error)]) from None


def _require_spec(file: Path) -> None:
    """By its name, and by the name of what a link leads to: of another file no line is ever shown."""
    real = file.resolve(strict=True)
    odd = next((path for path in (file, real) if path.suffix not in SUFFIXES), None)
    if odd is not None and real.is_file():
        led = f", which `{file}` leads to," if odd is not file else ""
        message = f"`{odd}`{led} is no spec: the names of specs end in {', '.join(SUFFIXES)}"
        raise SpecError([Diagnostic("SQ040", message, help="name a spec, or give the file such a name")])


def _guard(source: Source, most: int) -> None:
    if len(source.text) > most:
        raise SpecError([_too_large(source, most)])
    if source.text.replace("\n", "").isprintable():
        return
    match = _FORBIDDEN.search(source.text)
    if match:
        raise SpecError([_forbidden(source, match)])


def _require_few_entries(node: Node) -> None:
    """No list or mapping may be so long that looking at each entry beside the others takes its time."""
    if not isinstance(node.value, dict | list):
        return
    if len(node.value) > MOST_ENTRIES:
        kind = "mapping" if isinstance(node.value, dict) else "list"
        message = f"a {kind} holds more than {MOST_ENTRIES:,} entries"
        help = "put lists of that size in files of their own"
        raise SpecError([Diagnostic("SQ005", message, node.key or node.span, help=help)])
    for child in node.value.values() if isinstance(node.value, dict) else node.value:
        _require_few_entries(child)


def _unreadable(file: Path, error: Exception) -> Diagnostic:
    reason = (isinstance(error, OSError) and error.strerror) or "the path leads to no file"
    return Diagnostic("SQ000", f"cannot read `{file}`: {reason.lower()}", help=meant_by(file))


def meant_by(file: Path) -> str:
    """The remedy for a path that cannot be read: the run, the spec beside it, or the shipped one that it most
    likely means.
    """
    with suppress(OSError, ValueError):
        if (run := file / "spec.yaml").is_file():
            return f"name the run's spec: `{run}`"
        beside = {} if file.exists() else _specs_beside(file)
        near = get_close_matches(file.stem, beside, 1, 0.75)
        if near:
            return f"did you mean `{beside[near[0]]}`?"
        if (SHIPPED / f"{file.stem}.yaml").is_file() and not file.exists():
            return f"`seqspec new {file.stem} --output {file.stem}.yaml` writes the shipped spec of that name"
    return "name a spec file that exists and can be read"


def _specs_beside(file: Path) -> dict[str, Path]:
    folder = file.parent.iterdir() if file.parent.is_dir() else ()
    return {one.stem: one for one in sorted(folder) if one.suffix in SUFFIXES}


def _too_large(source: Source, most: int) -> Diagnostic:
    return Diagnostic(
        "SQ003",
        f"the spec is larger than {most // 1024} KiB",
        Span(source, 0, 0),
        help="a spec describes an experiment; put word lists and other data in files of their own",
    )


def _not_utf8(file: Path, raw: bytes, error: UnicodeDecodeError) -> Diagnostic:
    good = raw[: error.start].decode("utf-8")
    source = Source(str(file), good + "\ufffd")
    name = "UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "another encoding"
    return Diagnostic(
        "SQ002",
        f"byte 0x{raw[error.start]:02x} at offset {error.start} is not UTF-8",
        Span(source, len(good), len(good) + 1),
        help=f"the file seems to be in {name}; save it as UTF-8",
    )


def _forbidden(source: Source, match: re.Match[str]) -> Diagnostic:
    char = match.group()
    span = Span(source, match.start(), match.end())
    if char == "\r":
        return Diagnostic(
            "SQ019", "a carriage return stands without a line feed", span, help="end lines with a line feed"
        )
    return Diagnostic(
        "SQ019",
        f"the character U+{ord(char):04X} may not stand in a spec",
        span,
        help=f'delete it; within double quotes it can be written as `"\\u{ord(char):04X}"`',
    )
