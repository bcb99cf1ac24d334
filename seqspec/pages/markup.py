"""Text of others, made safe for a page, and the small elements that every page is put together from."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence


class Markup(str):
    """Text that is HTML already; everything else is escaped."""

    __slots__ = ()


Cell = str | int | float | None


def escape(value: object) -> Markup:
    """Safe in HTML; control characters and direction marks are made visible."""
    return Markup(html.escape("".join(map(_visible, str(value)))))


def prose(text: str) -> Markup:
    """A message for people: what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))


def shortened(text: str, most: int) -> str:
    """At most ``most`` code points, with an ellipsis where something was left out."""
    return text if len(text) <= most else text[: most - 1] + "…"


def identity(text: object) -> Markup:
    """An id on one line: the whole of it is shown on hover, and by selecting."""
    return Markup(f'<span class="id" title="{escape(text)}">{escape(text)}</span>')


def badge(word: str, *, kind: str | None = None) -> Markup:
    """A word in a frame, coloured by what it says."""
    return Markup(f'<span class="badge {escape(kind or word)}">{escape(word)}</span>')


def table(
    head: Sequence[Cell], rows: Iterable[Sequence[Cell]], *, kind: str = "", best: Iterable[int] = ()
) -> Markup:
    """Rows under headings; it scrolls in itself where it is wider than the page.  ``best`` are numbers of
    rows that stand out.
    """
    out = set(best)
    written = [list(row) for row in rows]
    numeric = [all(not isinstance(row[n], str) for row in written if n < len(row)) for n in range(len(head))]
    headings = "".join(
        f'<th{_numeric(numeric[n] and written)} scope="col">{cell(name)}</th>' for n, name in enumerate(head)
    )
    body = "".join(
        f"<tr{' class=best' if number in out else ''}>{''.join(map(_data, row))}</tr>"
        for number, row in enumerate(written)
    )
    top = f"<thead><tr>{headings}</tr></thead>" if any(head) else ""
    return scrolling(f'<table class="{kind}">{top}<tbody>{body}</tbody></table>', name="table")


def scrolling(inside: str, *, name: str) -> Markup:
    """Something wide that scrolls in itself, with the keyboard too."""
    return Markup(f'<div class="wide" tabindex="0" role="region" aria-label="{escape(name)}">{inside}</div>')


def cell(value: Cell) -> Markup:
    """A value as people read it."""
    match value:
        case None:
            return Markup("")
        case Markup():
            return value
        case bool() | str():
            return escape(value)
        case int():
            return Markup(f"{value:,}")
        case float():
            return Markup(f"{value:,.4g}")


def listing(items: Iterable[str]) -> Markup:
    """A bulleted list, empty where there is nothing."""
    found = "".join(f"<li>{one if isinstance(one, Markup) else escape(one)}</li>" for one in items)
    return Markup(f"<ul>{found}</ul>" if found else "")


def folded(title: str, inside: str) -> Markup:
    """What is shown when it is asked for."""
    return Markup(f"<details><summary>{escape(title)}</summary>{inside}</details>")


def paragraph(text: str, *, kind: str = "") -> Markup:
    """One paragraph; text that is no markup is prose."""
    inside = text if isinstance(text, Markup) else prose(text)
    return Markup(f"<p class={kind!r}>{inside}</p>" if kind else f"<p>{inside}</p>")


def attributes(values: Mapping[str, object]) -> str:
    """``name="value"`` pairs with a blank before each."""
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items())


LONG = 24
"""Code points from which a text keeps some width, so that a phone scrolls rather than stacks letters."""


def _data(value: Cell) -> str:
    long = isinstance(value, str) and not isinstance(value, Markup) and len(value) > LONG
    kind = ' class="text"' if long else _numeric(isinstance(value, int | float))
    return f"<td{kind}>{cell(value)}</td>"


def _numeric(asked: object) -> str:
    return ' class="number"' if asked else ""


def _visible(character: str) -> str:
    if character.isprintable() or character in " \n\t\u3000":
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()
