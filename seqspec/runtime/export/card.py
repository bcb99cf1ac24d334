"""``model_card.md``: what a person should know of an exported model, from plan, lock and results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import seqspec
from seqspec.runtime.export.subject import Subject
from seqspec.runtime.report.numbers import shown

LICENCES = ("license", "licence", "copying", "readme", "dataset_card", "citation")
"""How files begin that say what may be done with a corpus."""


def model_card(subject: Subject, *, target: str, checks: str, quantized: Mapping[str, Any] | None) -> str:
    """The card as Markdown."""
    plan = subject.compiled.plan
    experiment = plan.experiment
    parts = [
        f"# {experiment.name}",
        f"Exported by seqspec {seqspec.__version__} to `{target}` from the run "
        f"`{subject.folder.path.name}`, checkpoint `{subject.weights.name}`.",
        "## Model",
        _model(subject),
        "## Data",
        _data(subject),
        "## Results",
        _metrics(subject),
        "## Comparison with the run",
        f"On {subject.inputs}:\n\n```\n{checks}```",
        *(["## Quantisation", _quantisation(quantized)] if quantized else []),
        "## Licences",
        _licences(subject),
    ]
    return "\n\n".join(parts) + "\n"


def _model(subject: Subject) -> str:
    model = subject.compiled.plan.experiment.model
    rows = [f"- type: `{model.component[1]}`"]
    for name in type(model).model_fields:
        component = getattr(getattr(model, name), "component", None)
        if component:
            rows.append(f"- {name}: `{component[1]}`")
    count = subject.opened.run.program.num_parameters
    digests = subject.compiled.plan.digests
    return "\n".join([*rows, f"- trainable parameters: {count:,}", f"- plan digest: `{digests['all']}`"])


def _data(subject: Subject) -> str:
    source = subject.compiled.plan.experiment.data.source
    synthetic = getattr(source, "synthetic", None)
    rows = [
        f"- corpus: `{source.component[1]}`" + (", **synthetic: made up, for tests**" if synthetic else "")
    ]
    lock = subject.folder.read("lock.json") or {}
    for split, files in (lock.get("files") or {}).items():
        rows.append(f"- {split}: {len(files):,} files, whose SHA-256 stand in the run's `lock.json`")
    for name, told in (lock.get("dictionaries") or {}).items():
        rows.append(f"- dictionary: `{name}` {told}")
    return "\n".join(rows)


def _metrics(subject: Subject) -> str:
    result = subject.folder.read("result.json") or {}
    rows = ["| split | metric | value |", "|---|---|---|"]
    for split, metrics in (result.get("metrics") or {}).items():
        rows += [f"| {split} | {name} | {shown(name, value).strip()} |" for name, value in metrics.items()]
    if len(rows) == 2:
        return "The run was not evaluated."
    return "\n".join([*rows, "", f"Measured on the run, by `{result.get('checkpoint')}`, before any export."])


def _quantisation(told: Mapping[str, Any]) -> str:
    rows = ["| | float32 | int8 |", "|---|---|---|"]
    rows += [f"| {name} | {before} | {after} |" for name, (before, after) in told["table"].items()]
    return "\n".join([f"{told['how']}, measured on {told['split']}:", "", *rows])


def _licences(subject: Subject) -> str:
    """What is known, and that the rest is not."""
    source = subject.compiled.plan.experiment.data.source
    name = source.component[1]
    if getattr(source, "synthetic", None):
        return (
            "The corpus was made by seqspec and needs no licence. The weights carry no licence of their own."
        )
    found = _beside(Path(subject.opened.parts.adapter.root))
    told = f"it has {', '.join(f'`{one}`' for one in found)}" if found else "no licence was found beside it"
    return (
        f"The licence of the corpus `{name}` is not known to seqspec: {told}. Whoever passes these "
        "weights on must see whether the corpus, and any dictionary or pre-trained weights that the plan "
        "names, allow it. seqspec puts no licence of its own on weights."
    )


def _beside(root: Path) -> list[str]:
    if not root.is_dir():
        return []
    return sorted(one.name for one in root.iterdir() if one.name.lower().startswith(LICENCES))[:5]
