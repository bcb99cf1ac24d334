"""The SGML files of WMT's test sets: documents of numbered segments.  SGML is no XML (ampersands stand bare),
so none is parsed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from seqspec.data.corpus.lines import open_bytes
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

MAX_BYTES = 2**26
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
        other = targets.get((doc, seg))
        if other and text:
            place = {"speaker": doc, "file": str(source), "row": row}
            yield {"id": f"{name}:{doc}:{seg}", "source": text, "target": other, **place}
        else:
            reason = f"segment {show(seg)} of document {show(doc)} is empty or has no counterpart"
            yield BadRow(f"{name}:{doc}:{seg}", reason, str(source), row)


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


def _segments(path: Path, corpus: str) -> dict[tuple[str, str], str]:
    with open_bytes(path, corpus=corpus) as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise DataError(
            f"the file is larger than {MAX_BYTES // 2**20} MiB, no test set is",
            corpus=corpus,
            file=show(path),
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"not valid UTF-8 ({error.reason})", corpus=corpus, file=show(path), byte=error.start
        ) from None
    found: dict[tuple[str, str], str] = {}
    doc = ""
    for match in _TOKEN.finditer(text):
        if match["seg"] is None:
            doc = match["doc"]
            continue
        if (doc, match["seg"]) in found:
            raise DataError(
                f"document {show(doc)} has two segments {match['seg']}", corpus=corpus, file=show(path)
            )
        found[doc, match["seg"]] = " ".join(html.unescape(match["text"]).split())
    if not found:
        raise DataError("the file holds no segments", corpus=corpus, file=show(path))
    return found
