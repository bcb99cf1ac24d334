"""A run as a research object: RO-Crate 1.1 with a process run, to lie in the run directory as
``ro-crate-metadata.json``.  Soiland-Reyes et al. (2022), "Packaging research artefacts with RO-Crate", Data
Science 5(2).
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from seqspec.runtime.describe.facts import Facts

FORMATS = {".json": "application/json", ".jsonl": "application/jsonlines", ".txt": "text/plain",
           ".yaml": "application/yaml", ".safetensors": "application/octet-stream"}  # fmt: skip
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"


def ro_crate(facts: Facts) -> str:
    """The whole graph."""
    files = [_file(*one) for one in facts.outputs]
    corpus = [_input(*one) for one in facts.files]
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        _root(facts, files),
        _software(facts),
        _action(facts, corpus, files),
        *files,
        *corpus,
    ]
    crate = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return json.dumps(crate, indent=1, ensure_ascii=False) + "\n"


def _root(facts: Facts, files: list[dict[str, Any]]) -> dict[str, Any]:
    found = {
        "@id": "./",
        "@type": "Dataset",
        "name": facts.name,
        "description": facts.description,
        "datePublished": facts.ended or facts.started,
        "license": facts.licence or "The licence of the corpus is not known.",
        "identifier": facts.digest,
        "conformsTo": {"@id": PROFILE},
        "hasPart": [{"@id": one["@id"]} for one in files],
        "mentions": {"@id": "#run"},
    }
    return {name: value for name, value in found.items() if value}


def _software(facts: Facts) -> dict[str, Any]:
    return {
        "@id": "#seqspec",
        "@type": "SoftwareApplication",
        "name": "seqspec",
        "softwareVersion": str(facts.lock.get("seqspec")),
        "softwareRequirements": [
            f"{name} {version}" for name, version in facts.lock.get("packages", {}).items()
        ],
    }


def _action(facts: Facts, corpus: list[dict[str, Any]], files: list[dict[str, Any]]) -> dict[str, Any]:
    done = (
        "http://schema.org/CompletedActionStatus" if facts.result else "http://schema.org/FailedActionStatus"
    )
    found = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"Training and evaluation of {facts.name}",
        "description": "seqspec run spec.yaml",
        "instrument": {"@id": "#seqspec"},
        "startTime": facts.started,
        "endTime": facts.ended,
        "actionStatus": {"@id": done},
        "object": [{"@id": one["@id"]} for one in corpus],
        "result": [{"@id": one["@id"]} for one in files],
    }
    return {name: value for name, value in found.items() if value}


def _file(path: str, size: int, sha256: str) -> dict[str, Any]:
    return {
        "@id": path,
        "@type": "File",
        "name": path,
        "contentSize": str(size),
        "encodingFormat": FORMATS.get(PurePosixPath(path).suffix, "application/octet-stream"),
        "sha256": sha256,
    }


def _input(split: str, name: str, sha256: str) -> dict[str, Any]:
    """A file of the corpus, which is no part of the crate."""
    return {"@id": f"#corpus/{split}/{name}", "@type": "CreativeWork", "name": name, "sha256": sha256}
