"""A folder in Hugging Face's layout, which `transformers` opens: models of the shapes it knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqspec.runtime.export.hf import compare_hf, write_hf
from seqspec.runtime.export.hf_encoder import compare_encoder, largest_allowed, write_encoder
from seqspec.runtime.export.hf_pair import compare_pair, write_pair
from seqspec.runtime.export.hf_speech import compare_speech, write_speech
from seqspec.runtime.export.subject import Subject
from seqspec.runtime.export.target import Check, required
from seqspec.schema.diagnostic import Exit, RunError

LIBRARY = "transformers"
"""What model hubs open the folder with."""


def require() -> dict[str, str]:
    """The package that opens the folder."""
    package = required("transformers", extra="hf", wanted_by="`--to hf`")
    return {"transformers": package.__version__}


def write(subject: Subject, folder: Path) -> dict[str, Any]:
    """Settings, weights, the tokenizer where it has their form, a card; adapters beside merged weights."""
    opened = subject.opened.run
    if _is_over_an_encoder(subject):
        write_encoder(opened.program, opened, folder, labels=opened.kept.labels)
        return {
            "files": sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
        }
    if _is_pair(subject):
        (write_speech if _hears(subject) else write_pair)(opened.program, opened, folder)
        return {"files": sorted(file.name for file in folder.iterdir())}
    config = subject.compiled.plan.experiment.model
    if getattr(config, "decoder", None) is None or hasattr(subject.model, "encoder"):
        kind = config.component[1]
        raise RunError(
            f"`--to hf` writes language models, encoders with a head or a decoder, and this is a `{kind}`",
            exit=Exit.USAGE,
            help="use `--to onnx` or `--to torch_export`",
        )
    files = write_hf(opened.program, opened, folder)
    return {"files": [file.name for file in files]}


def compare(subject: Subject, folder: Path) -> Sequence[Check]:
    """Logits of random ids, as a share of the largest, and what is written greedily."""
    if _is_over_an_encoder(subject):
        apart = compare_encoder(subject.opened.run.program, subject.opened.run, folder)
        return [Check("answers in transformers", apart, largest_allowed())]
    run = subject.opened.run
    compared = compare_speech if _hears(subject) else compare_pair if _is_pair(subject) else compare_hf
    found = compared(run.program, run, folder)
    return [
        Check("logits in transformers", found.largest, found.tolerance),
        Check("greedy texts in transformers", 0.0 if found.texts_equal else 1.0, 0.0),
    ]


def _is_over_an_encoder(subject: Subject) -> bool:
    return hasattr(subject.compiled.plan.experiment.model, "folder_form")


def _is_pair(subject: Subject) -> bool:
    return all(hasattr(subject.model, name) for name in ("encoder", "decoder", "source_end"))


def _hears(subject: Subject) -> bool:
    return _is_pair(subject) and "source" not in subject.opened.run.parts.text
