"""``seqspec explain``: a code, a component, a slot, a key of the language, or a spec and what is in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from seqspec.compile.diagnostics.codes import names, page
from seqspec.compile.diff.initial_digests import initial_text
from seqspec.compile.explain.folders_text import folders_text
from seqspec.compile.explain.plan_text import plan_text
from seqspec.compile.explain.provenance import provenance
from seqspec.compile.language.paths import NoSuchPath, parse_path
from seqspec.compile.language.suggestions import nearest
from seqspec.compile.reference.component_page import (
    catalogue_text,
    component_page,
    field_lines,
    nested_models,
)
from seqspec.compile.resolve.resolve import Overlay
from seqspec.schema.catalogue import SLOTS, Catalogue, UnknownComponent
from seqspec.schema.config import Config
from seqspec.schema.experiment import Experiment


class NothingToExplain(Exception):
    """The words name nothing; the message offers what comes nearest."""


def explain(
    subject: str,
    *,
    path: str | None = None,
    overlays: Sequence[Overlay] = (),
    plugins: tuple[str, ...] = (),
) -> str:
    """The page of ``subject``.  Raises ``NothingToExplain``, and ``SpecError`` for a spec with mistakes."""
    if Path(subject).is_file() or (Path(subject) / "spec.yaml").is_file():
        return explain_spec(Path(subject), path=path, overlays=overlays)
    if path is not None:
        raise NothingToExplain(f"there is no spec `{subject}`")
    if re.fullmatch(r"(?i)sq\d+", subject):
        return _code(subject.upper())
    if subject in SLOTS:
        return catalogue_text(Catalogue(plugins), slot=subject)
    if subject.partition(".")[0] in SLOTS:
        found = _component(subject, Catalogue(plugins))
        if found is not None:
            return found
    return _field(subject)


def explain_spec(file: Path, *, path: str | None, overlays: Sequence[Overlay]) -> str:
    """The plan of a spec, or of a run directory, or where one value of it comes from."""
    from seqspec.compile.pipeline import compile

    file = file / "spec.yaml" if file.is_dir() else file
    compiled = compile(file, overlays=overlays)
    if path is None:
        plan = compiled.plan
        return plan_text(plan) + initial_text(plan, file) + folders_text(plan)
    try:
        return provenance(compiled, path=parse_path(path))
    except NoSuchPath as error:
        raise NothingToExplain(str(error)) from None


def _code(code: str) -> str:
    found = page(code)
    if found is None:
        known = ", ".join(sorted(name for name in names() if name[:3] == code[:3])) or "SQ001 to SQ900"
        raise NothingToExplain(f"there is no diagnostic {code}; there are {known}")
    return found


def _component(subject: str, catalogue: Catalogue) -> str | None:
    slot, _, name = subject.partition(".")
    name, _, field = name.partition(".")
    try:
        if field:
            return _below(catalogue.config(slot, name), field.split("."), subject)
        return component_page(catalogue, slot=slot, name=name)
    except UnknownComponent:
        if hasattr(Experiment.model_fields.get(slot), "annotation"):
            return None
        close = nearest(name, catalogue.names(slot))
        hint = f"; did you mean `{slot}.{close}`?" if close else f"; see `seqspec list {slot}`"
        raise NothingToExplain(f"there is no {slot} `{name}`{hint}") from None


def _field(subject: str) -> str:
    """A key of the language, such as ``train.max_steps``."""
    return _below(Experiment, subject.split("."), subject)


def _below(cls: type[BaseModel], parts: list[str], subject: str) -> str:
    for depth, part in enumerate(parts):
        field = cls.model_fields.get(part)
        if field is None:
            raise NothingToExplain(_nothing(cls, part, subject, depth, tuple(parts)))
        models = nested_models(field.annotation)
        if depth + 1 == len(parts):
            lines = field_lines(cls, part)
            for model in models:
                lines += ["", *(line for inner in model.model_fields for line in field_lines(model, inner))]
            return "\n".join([subject, "", *lines]) + "\n"
        cls = models[0] if models else Config
    raise NothingToExplain(f"there is nothing to say about `{subject}`")


def _nothing(cls: type[BaseModel], part: str, subject: str, depth: int, parts: tuple[str, ...]) -> str:
    pages = _pages(parts)
    if pages:
        return f"there is no key `{subject}`; did you mean {' or '.join(f'`{name}`' for name in pages)}?"
    close = nearest(part, tuple(cls.model_fields))
    if close:
        return f"there is no `{part}` in `{subject}`; did you mean `{close}`?"
    if depth:
        return f"there is no `{part}` in `{subject}`"
    return (
        f"`{subject}` is no spec, code (SQ101), slot (encoder), component (encoder.conformer) "
        "or key (train.max_steps)"
    )


def _pages(parts: tuple[str, ...]) -> list[str]:
    """Components and slots that ``sentencepiece`` or ``model.encoder`` may be meant for."""
    *outer, last = parts
    catalogue = Catalogue()
    if outer:
        return [last] if last in SLOTS else []
    return [f"{slot}.{last}" for slot in SLOTS if last in catalogue.names(slot)]
