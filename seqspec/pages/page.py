"""The template of every page: one file that asks for nothing from outside.

A policy in the page itself allows only what was written into it: scripts by their hash, styles, images and
sound as data.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from seqspec.pages.markup import Markup, escape, prose

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading of its own; one without body and label is left out."""

    title: str
    body: str
    mark: str = ""
    """Markup before the title and in the list of sections."""
    label: str = ""
    """What it is called in the list of sections; left out, its title."""

    @property
    def anchor(self) -> str:
        """What links to it say."""
        return re.sub(r"[^a-z0-9]+", "-", (self.label or self.title).lower()).strip("-") or "section"

    @property
    def heading(self) -> Markup:
        """The title as markup."""
        label = f'<span class="faint">{escape(self.label)}</span> ' if self.label else ""
        return Markup(f"{self.mark}{label}{prose(self.title)}")


def page(title: str, *, lead: str = "", sections: Sequence[Section]) -> str:
    """The whole page.  ``lead`` is markup below the title; charts become interactive where there are any."""
    kept = [section for section in sections if section.body or section.label]
    anchors = _unique([section.anchor for section in kept])
    links = "".join(
        f'<a href="#{anchor}">{section.mark}{escape(section.label or section.title)}</a>'
        for section, anchor in zip(kept, anchors, strict=True)
    )
    body = "".join(
        f'<section id="{anchor}"><h2>{section.heading}</h2>{section.body}</section>'
        for section, anchor in zip(kept, anchors, strict=True)
    )
    nav = f'<nav aria-label="sections">{links}</nav>' if len(kept) > 1 else ""
    scripts = _scripts() if 'class="chart"' in body else ()
    return (
        f'<!doctype html>\n<html lang="en"><head>{_head(title, scripts)}</head>\n'
        f"<body><header><h1>{escape(title)}</h1>{lead}</header>{nav}<main>{body}</main>"
        f"{''.join(f'<script>{script}</script>' for script in scripts)}</body></html>\n"
    )


def _head(title: str, scripts: Sequence[str]) -> str:
    allowed = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts) or "'none'"
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src {allowed}; img-src data:; "
        "media-src data:; base-uri 'none'; form-action 'none'"
    )
    style = _static("page.css") + (_static("uplot/uPlot.min.css") if scripts else "")
    return (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title>'
        f'<link rel="icon" href="data:,"><style>{style}</style>'
    )


def _scripts() -> tuple[str, ...]:
    """The charting library with its licence, and what starts it."""
    licence = f"/*!\n{_static('uplot/LICENSE')}*/\n"
    return licence + _static("uplot/uPlot.iife.min.js"), _static("page.js")


@cache
def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _unique(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        number = sum(one == name or one.startswith(f"{name}-") for one in found)
        found.append(f"{name}-{number + 1}" if name in found else name)
    return found


def joined(*parts: str) -> Markup:
    """Markup one after the other."""
    return Markup("".join(parts))
