"""The SGML files of WMT's test sets: documents of numbered segments.  SGML is no XML (ampersands stand bare),
so none is parsed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from seqspec.data.corpus.lines import Line, read_lines
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

MOST_CHARACTERS = 2**26
# Nothing reads past the next tag, so that text that is no SGML costs no more than its length.
_TOKEN = re.compile(
    r"<doc\b[^<>]*?\bdocid=[\"'](?P<doc>[^\"'<>]*)[\"'][^<>]*>"
    r"|<seg\b[^<>]*?\bid=[\"']?(?P<seg>\w+)[\"']?[^<>]*>(?P<text>(?:[^<]|<(?!/?seg\b))*)</seg>",
    re.IGNORECASE,
)


def read_sgm_pairs(source: Path, target: Path, *, root: Path, corpus: str) -> Iterator[Record | BadRow]:
    """Segments of the source in order, each with the target's segment of the same document and number."""
    sources, targets = _segments(source, corpus), _segments(target, corpus)
    if len(sources) != len(targets):
        message = f"`{show(source)}` has {len(sources):,} segments and `{show(target)}` has {len(targets):,}"
        raise DataError(message, corpus=corpus, file=show(source))
    name = source.relative_to(root).as_posix()
    for row, ((doc, seg), text) in enumerate(sources.items(), 1):
        other, id = targets.get((doc, seg)), f"{name}:{doc}:{seg}"
        fault = next((side for side in (text, other) if isinstance(side, _Undecoded)), None)
        if fault is not None:
            yield BadRow(id, fault.reason, str(fault.file), fault.row, fault.byte)
        elif other and text:
            place = {"speaker": doc, "file": str(source), "row": row}
            yield {"id": id, "source": text, "target": other, **place}
        else:
            reason = f"segment {show(seg)} of document {show(doc)} is empty or has no counterpart"
            yield BadRow(id, reason, str(source), row)


def sgm_text(lines: Sequence[str], *, side: str, language: str) -> str:
    """A test set of documents of ten segments."""
    kind = "srcset" if side == "src" else "refset"
    rows = [f'<{kind} setid="synthetic" srclang="any" trglang="{language}">']
    for start in range(0, len(lines), 10):
        rows.append(f'<doc sysid="{side}" docid="doc-{start // 10}" genre="news" origlang="en">\n<p>')
        segments = enumerate(lines[start : start + 10], 1)
        rows += [f'<seg id="{number}">{html.escape(line, quote=False)}</seg>' for number, line in segments]
        rows.append("</p>\n</doc>")
    return "\n".join([*rows, f"</{kind}>", ""])


class _Undecoded(NamedTuple):
    """A segment with bytes that are not UTF-8."""

    reason: str
    file: Path
    row: int
    byte: int


def _segments(path: Path, corpus: str) -> dict[tuple[str, str], str | _Undecoded]:
    lines, size = [], 0
    for line in read_lines(path, corpus=corpus):
        lines.append(line)
        size += len(line.text)
        if size > MOST_CHARACTERS:
            message = f"the file has more than {MOST_CHARACTERS:,} characters, no test set has"
            raise DataError(message, corpus=corpus, file=show(path))
    text, faults = "\n".join(line.text for line in lines), [line for line in lines if line.fault]
    found: dict[tuple[str, str], str | _Undecoded] = {}
    doc = ""
    for match in _TOKEN.finditer(text):
        if match["seg"] is None:
            doc = match["doc"]
            continue
        if (doc, match["seg"]) in found:
            raise DataError(
                f"document {show(doc)} has two segments {match['seg']}", corpus=corpus, file=show(path)
            )
        fault = _fault_in(match, faults)
        found[doc, match["seg"]] = (
            " ".join(html.unescape(match["text"]).split())
            if fault is None
            else _Undecoded(str(fault.fault), path, fault.row, fault.byte)
        )
    if not found:
        raise DataError("the file holds no segments", corpus=corpus, file=show(path))
    return found


def _fault_in(match: re.Match[str], faults: Sequence[Line]) -> Line | None:
    """The first line of a segment that is not UTF-8."""
    if not faults:
        return None
    first = match.string.count("\n", 0, match.start()) + 1
    last = first + match.group().count("\n")
    return next((line for line in faults if first <= line.row <= last), None)
