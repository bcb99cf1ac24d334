"""The data of a run as Croissant: Akhtar et al. (2024), "Croissant: A Metadata Format for ML-Ready Datasets";
MLCommons Croissant 1.0, JSON-LD.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from seqspec.runtime.describe.facts import Facts
from seqspec.schema.types import Classes, Image, Integers, Mask, Scalar, Text, Type, Waveform

CR = (
    "citeAs", "column", "extract", "field", "fileObject", "fileProperty", "fileSet", "format", "includes",
    "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
    "repeated", "replace", "separator", "source", "subField", "transform",
)  # fmt: skip
"""Terms of Croissant's own vocabulary."""
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{name: f"cr:{name}" for name in CR},
}
"""As the specification prescribes it."""
FORMATS = {
    ".csv": "text/csv", ".flac": "audio/flac", ".gz": "application/gzip", ".jpg": "image/jpeg",
    ".json": "application/json", ".jsonl": "application/jsonlines", ".png": "image/png",
    ".parquet": "application/vnd.apache.parquet", ".tar": "application/x-tar", ".wav": "audio/x-wav",
    ".tsv": "text/tab-separated-values", ".xml": "application/xml", ".zip": "application/zip",
}  # fmt: skip
DATA_TYPES: tuple[tuple[type[Type], str], ...] = (
    (Text, "sc:Text"), (Classes, "sc:Text"), (Waveform, "sc:AudioObject"), (Image, "sc:ImageObject"),
    (Mask, "sc:ImageObject"), (Scalar, "sc:Float"), (Integers, "sc:Integer"),
)  # fmt: skip


def croissant(facts: Facts) -> str:
    """``croissant.json``: the corpus's files with their hashes, and what an example holds."""
    found = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": facts.corpus,
        "description": f"The data of the experiment {facts.name}, as seqspec read them.",
        "datePublished": facts.started,
        "license": facts.licence,
        "inLanguage": facts.languages,
        "version": facts.plan.digests["data"][:16],
        "distribution": [_file(split, name, sha256) for split, name, sha256 in facts.files],
        "recordSet": [_records(split, facts) for split in sorted({split for split, _, _ in facts.files})],
    }
    kept = {name: value for name, value in found.items() if value}
    return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


def _file(split: str, name: str, sha256: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": f"{split}/{name}",
        "name": name,
        "contentUrl": name,
        "encodingFormat": FORMATS.get(PurePosixPath(name).suffix.lower(), "text/plain"),
        "sha256": sha256,
    }


def _records(split: str, facts: Facts) -> dict[str, Any]:
    """What an example of a split holds; which file each field comes from, the adapter alone knows."""
    fields = [
        {"@type": "cr:Field", "@id": f"{split}/fields/{role}", "name": role, "dataType": _data_type(kind)}
        for role, kind in facts.roles.items()
    ]
    examples = facts.examples
    count = f", {examples[split]:,} examples after every filter" if split in examples else ""
    return {
        "@type": "cr:RecordSet",
        "@id": f"{split}/records",
        "name": split,
        "description": f"The split {split} by the adapter {facts.corpus}{count}.",
        "field": fields,
    }


def _data_type(kind: Type) -> str:
    return next((name for wanted, name in DATA_TYPES if isinstance(kind, wanted)), "sc:Float")
