"""SARIF 2.1.0 (OASIS standard, 2020), as code-scanning services read it: rules, results, places, fixes.

Columns count code points.  A fingerprint is taken over code, file, path and message, so it survives when
lines move.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import quote

from seqspec import __version__
from seqspec.compile.diagnostics.codes import about, first_line, names, page
from seqspec.compile.diagnostics.formats.json import dumps
from seqspec.compile.diagnostics.formats.text import in_profiles
from seqspec.schema.diagnostic import Diagnostic, Fix, Label
from seqspec.schema.source import Span, dotted

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def write(diagnostics: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """One run with one result a diagnostic."""
    codes = sorted({d.code for d in diagnostics})
    run = {
        "tool": {
            "driver": {
                "name": "seqspec",
                "semanticVersion": __version__,
                "rules": [_rule(code) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, codes) for d in diagnostics],
    }
    return dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, object]:
    rule: dict[str, object] = {"id": code}
    name = names().get(code)
    if name:
        rule["name"] = "".join(part.capitalize() for part in name.split("-"))
        rule["shortDescription"] = {"text": first_line(code) or name}
        rule["fullDescription"] = {"text": about(code) or name}
        rule["help"] = {"text": f"seqspec explain {code}", "markdown": page(code)}
    return rule


def _result(d: Diagnostic, codes: list[str]) -> dict[str, object]:
    said = (
        d.message,
        (words := in_profiles(d)) and f"I{words[1:]}",
        d.help and f"Help: {d.help}",
        d.note and f"Note: {d.note}",
    )
    text = ". ".join(part for part in said if part)
    result: dict[str, object] = {
        "ruleId": d.code,
        "ruleIndex": codes.index(d.code),
        "level": d.severity,
        "message": {"text": text},
        "partialFingerprints": {"seqspec/v1": _fingerprint(d)},
    }
    if d.span is not None:
        result["locations"] = [{**_location(d.span), **_logical(d)}]
    if d.labels:
        result["relatedLocations"] = [_related(label, index) for index, label in enumerate(d.labels)]
    if d.fix is not None:
        result["fixes"] = [_fix(d.fix)]
    return result


def _fingerprint(d: Diagnostic) -> str:
    file = d.span.source.name if d.span else ""
    return hashlib.sha256(
        "\0".join((d.code, file, dotted(d.path), d.message, *d.profiles)).encode()
    ).hexdigest()[:32]


def _logical(d: Diagnostic) -> dict[str, object]:
    return {"logicalLocations": [{"fullyQualifiedName": dotted(d.path), "kind": "member"}]} if d.path else {}


def _location(span: Span) -> dict[str, object]:
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(span)}, "region": _region(span)}}


def _related(label: Label, index: int) -> dict[str, object]:
    return {"id": index, "message": {"text": label.text}, **_location(label.span)}


def _uri(span: Span) -> str:
    return quote(span.source.name.replace("\\", "/"))


def _region(span: Span) -> dict[str, int]:
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _fix(fix: Fix) -> dict[str, object]:
    by_file: dict[str, list[dict[str, object]]] = {}
    for edit in fix.edits:
        replacement = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        by_file.setdefault(_uri(edit.span), []).append(replacement)
    changes = [{"artifactLocation": {"uri": uri}, "replacements": edits} for uri, edits in by_file.items()]
    return {"description": {"text": fix.title}, "artifactChanges": changes}
