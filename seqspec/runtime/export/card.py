"""The card of an exported model: that of its run, with what the export adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import seqspec
from seqspec.runtime.describe.card import card
from seqspec.runtime.describe.facts import Facts
from seqspec.runtime.export.subject import Subject

LICENCES = ("license", "licence", "copying", "readme", "dataset_card", "citation")
"""How files begin that say what may be done with a corpus."""


def export_card(
    subject: Subject,
    *,
    target: str,
    library: str,
    checks: str,
    quantized: Mapping[str, Any] | None,
    graphs: Mapping[str, Any] | None = None,
    driver: bool = False,
    loads: str | None = None,
) -> str:
    """The card as Markdown; ``library`` opens what was written.  ``graphs`` are the functions as
    ``export.json`` has them, and ``driver`` says whether ``driver.py`` lies beside them; ``loads`` is
    the Python that makes a function of torch of one ``file``.
    """
    facts = Facts(subject.folder, task=subject.task or None)
    count = subject.opened.run.program.num_parameters
    parts = [
        card(facts, library=library).rstrip(),
        "## Export",
        f"Exported by seqspec {seqspec.__version__} to `{target}` from the run `{subject.folder.path.name}`, "
        f"checkpoint `{subject.weights.name}`; {count:,} trainable parameters. Compared with the run on "
        f"{subject.inputs}:\n\n```\n{checks}```",
        *([_functions(graphs, driver=driver, loads=loads)] if graphs else []),
        *([_quantisation(quantized)] if quantized else []),
        *([] if facts.synthetic else [_licences(subject)]),
    ]
    return "\n\n".join(parts) + "\n"


def _functions(graphs: Mapping[str, Any], *, driver: bool, loads: str | None) -> str:
    """What each takes and gives; how they are called by the driver, or by torch."""
    lines = [
        f"- `{name}` of {_ports(told['inputs'], told['arguments'])} gives "
        f"{_ports(told['outputs'], told['results'])}. {told['note']}".rstrip()
        for name, told in graphs.items()
    ]
    calls: list[str] = []
    if driver:
        calls = _calls_of_driver(graphs)
    elif loads is not None:
        calls = [
            "import torch",
            "",
            *(_call(told, loads.format(file=told["file"])) for told in graphs.values()),
        ]
    shown = ["", "```python", *calls, "```"] if calls else []
    told = "Its functions (`preprocessing.json` says how inputs are made):"
    return "\n".join([told, "", *lines, *shown])


def _calls_of_driver(graphs: Mapping[str, Any]) -> list[str]:
    calls = ["from driver import Exported  # Beside this file; it needs numpy and onnxruntime.", "",
             'exported = Exported(".")']  # fmt: skip
    calls += [
        f"[{', '.join(told['results'])}] = exported.run({name!r}, [{', '.join(told['arguments'])}])"
        for name, told in graphs.items()
    ]
    if "refine" in graphs:
        taken = ", ".join(graphs["encode"]["arguments"])
        calls.append(f"spoken = exported.frames({taken})  # All of it, to the end.")
    return calls


def _call(told: Mapping[str, Any], function: str) -> str:
    return f"[{', '.join(told['results'])}] = {function}({', '.join(told['arguments'])})"


def _ports(ports: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(
        f"`{name}` {ports[name]['dtype']}[{', '.join(map(str, ports[name]['shape']))}]" for name in names
    )


def _quantisation(told: Mapping[str, Any]) -> str:
    rows = ["| | float32 | int8 |", "|---|---|---|"]
    rows += [f"| {name} | {before} | {after} |" for name, (before, after) in told["table"].items()]
    return "\n".join([f"{told['how']}, measured on {told['split']}:", "", *rows])


def _licences(subject: Subject) -> str:
    """What is known, and that the rest is not."""
    found = _beside(Path(subject.opened.parts.adapter.root))
    told = ", ".join(f"`{one}`" for one in found) or "no licence"
    return (
        f"Beside the corpus lies {told}. Whoever passes these weights on must see whether the corpus, and "
        "any dictionary or pre-trained weights that the plan names, allow it."
    )


def _beside(root: Path) -> list[str]:
    if not root.is_dir():
        return []
    return sorted(one.name for one in root.iterdir() if one.name.lower().startswith(LICENCES))[:5]
