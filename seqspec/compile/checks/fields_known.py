"""A field that the corpus does not have, or that is of another kind than its place is for.

Steps under ``text.fields``, ``audio.fields`` and ``image.fields``, limits under ``filter.lengths`` and the
``field`` of a batch name a field of the corpus.

Example, in the spec of ``seqspec new mt``::

    data: {filter: {lengths: {sorce: {min: 2}}}}

Use instead::

    data: {filter: {lengths: {source: {min: 2}}}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqspec.compile.checks._corpus import roles
from seqspec.compile.language.suggestions import nearest
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.source import Path
from seqspec.schema.types import Image, Poison, Text, Type, Waveform

CODE = "SQ470"


def check(plan: Plan) -> Iterator[Finding]:
    given = roles(plan)
    if any(isinstance(type_, Poison) for type_ in given.values()):
        return
    for place, name, kind in _named(plan):
        if name not in given:
            close = nearest(name, given)
            help = f"did you mean `{close}`?" if close else f"it has {_listed(given)}"
            yield Finding(place, f"the corpus has no field `{name}`", help=help, on_key=place[-1] == name)
        elif kind is not None and not isinstance(given[name], kind):
            message = f"`{name}` is {given[name]}, and these steps are for {_KINDS[kind]}"
            yield Finding(place, message, help="take it out", on_key=True)


_KINDS: dict[type[Type], str] = {Text: "text", Waveform: "audio", Image: "images"}


def _named(plan: Plan) -> Iterator[tuple[Path, str, type[Type] | None]]:
    """Every place that names a field, the name, and the kind that its place is for."""
    data = plan.experiment.data
    sections = ((data.text, "text", Text), (data.audio, "audio", Waveform), (data.image, "image", Image))
    for section, name, kind in sections:
        for field in section.fields if section is not None else ():
            yield ("data", name, "fields", field), field, kind
    for field in data.filter.lengths:
        yield ("data", "filter", "lengths", field), field, None
    if data.batch.field is not None:
        yield ("data", "batch", "field"), data.batch.field, None


def _listed(given: Mapping[str, Type]) -> str:
    return " and ".join(f"`{role}`" for role in given)
