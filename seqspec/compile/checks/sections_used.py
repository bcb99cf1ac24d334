"""A section for something that the corpus does not have.

Nothing would read it, so what stands in it would do nothing.

Example, in the spec of ``seqspec new mt``::

    data: {audio: {normalize: global}}

Use instead, for a corpus of text, no ``audio`` at all::

    data: {text: {source: {normalize: [nfc]}}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqspec.compile.checks._corpus import roles
from seqspec.compile.plan.plan import Plan
from seqspec.schema.diagnostic import Finding
from seqspec.schema.sections.data import Filter
from seqspec.schema.types import SEQUENCES, Image, Poison, Text, Type, Waveform

CODE = "SQ224"


def check(plan: Plan) -> Iterator[Finding]:
    given = roles(plan)
    if any(isinstance(type_, Poison) for type_ in given.values()):
        return
    kinds = {type(type_) for type_ in given.values()}
    yield from _sections(plan, kinds, given)
    yield from _pipelines(plan, given)
    limits = plan.experiment.data.filter
    for name in ("min_seconds", "max_seconds"):
        if getattr(limits, name) is not None and Waveform not in kinds:
            yield _dead(
                ("data", "filter", name), f"`{name}` measures sound, and the corpus gives {_listed(given)}"
            )
    yield from _counts(limits, given)


def _counts(limits: Filter, given: Mapping[str, Type]) -> Iterator[Finding]:
    """Limits in ids on what has none."""
    usual = {role: given[role] for role in ("source", "target") if role in given}
    whole = {role: type_ for role, type_ in usual.items() if not isinstance(type_, SEQUENCES)}
    for role, type_ in whole.items():
        for name in (f"min_{role}_tokens", f"max_{role}_tokens"):
            if getattr(limits, name) is not None:
                yield _dead(("data", "filter", name), f"`{name}` counts ids, and the {role} is {type_}")
    if whole and limits.max_length_ratio is not None:
        at = ("data", "filter", "max_length_ratio")
        yield _dead(at, f"`max_length_ratio` compares lengths, and the corpus gives {_listed(given)}")


def _sections(plan: Plan, kinds: set[type[Type]], given: Mapping[str, Type]) -> Iterator[Finding]:
    for name, kind, what in (("audio", Waveform, "sound"), ("image", Image, "images")):
        if getattr(plan.experiment.data, name) is not None and kind not in kinds:
            yield _dead(("data", name), f"`{name}` is for {what}, and the corpus gives {_listed(given)}")


def _pipelines(plan: Plan, given: Mapping[str, Type]) -> Iterator[Finding]:
    text = plan.experiment.data.text
    texts = [role for role, type_ in given.items() if isinstance(type_, Text)]
    for role in ("source", "target"):
        if getattr(text, role) is not None and role not in texts:
            is_ = str(given[role]) if role in given else "not there"
            yield _dead(("data", "text", role), f"`{role}` is no text in this corpus: it is {is_}")
    if text.shared is not None and all(text.place(role) != ("shared",) for role in texts):
        yield _dead(
            ("data", "text", "shared"), "every role has a pipeline of its own, so nothing reads `shared`"
        )


def _dead(at: tuple[str, ...], message: str) -> Finding:
    return Finding(at, message, help="take it out", on_key=True)


def _listed(given: Mapping[str, Type]) -> str:
    return " and ".join(f"{type_} as its {role}" for role, type_ in given.items())
