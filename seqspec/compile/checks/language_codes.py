"""A language by its name, its country or its three letters, and not by its BCP 47 code.

The code decides which rules hold for a text: Japanese needs a segmenter for WER, and BLEU its own words. With
``jp`` or ``english`` none of them would be asked. Where the corpus has its files named after the code, three
letters may be theirs, and a warning is all that is said.

Example, in the spec of ``seqspec new mt``::

    data: {source: {source_language: english}}

Use instead::

    data: {source: {source_language: en}}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel

from seqspec.compile.checks._corpus import configs_in
from seqspec.compile.language.language_names import language_code
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding

CODE = "SQ240"
FIELDS = ("language", "source_language", "target_language")


def check(plan: Plan) -> Iterator[Finding]:
    for path, owner in configs_in(plan.experiment.data.source, ("data", "source")):
        for name in FIELDS:
            value = owner.__dict__.get(name)
            if not isinstance(value, str) or (meant := language_code(value)) in (None, value):
                continue
            files = "; its files would be looked for under that name too" if _names_files(owner) else ""
            lenient = bool(files) and len(value) <= 3
            severity: Literal["error", "warning"] = "warning" if lenient else "error"
            yield Finding(
                (*path, name),
                f"`{value}` is not the BCP 47 code of a language",
                help=f"write `{meant}`{files}",
                severity=severity,
            )


def _names_files(owner: BaseModel) -> bool:
    """Whether the code of a language stands in the names of the corpus's files."""
    return any("{language}" in str(value) for _, value in owner)
