"""A model card: Mitchell et al. (2019), "Model Cards for Model Reporting", FAT*; with the head of YAML that
model hubs read (``model-index`` holds the results).
"""

from __future__ import annotations

from typing import Any

import yaml

from seqspec.runtime.describe.facts import Facts
from seqspec.runtime.report.curves import main_metrics
from seqspec.runtime.report.numbers import is_rate, shown

UNKNOWN = (
    "The licence of the corpus is not known to seqspec; see its own terms before the weights are passed on."
)
SYNTHETIC = "**The corpus is synthetic: it was made up to try the experiment, and the scores say nothing.**"


def card(facts: Facts, *, library: str = "seqspec") -> str:
    """``README.md`` of a model that ``library`` opens."""
    parts = (
        f"---\n{yaml.safe_dump(_head(facts, library), sort_keys=False, allow_unicode=True, width=120)}---\n",
        f"# {facts.name}\n",
        f"{facts.description}\n",
        *([f"{SYNTHETIC}\n"] if facts.synthetic else []),
        "## Results\n",
        _results(facts),
        "## Data\n",
        _data(facts),
        "## Training\n",
        _training(facts),
        "## Use\n",
        "```console\n$ seqspec predict RUN INPUT…         # a copy of the run directory\n"
        "$ seqspec reproduce RUN              # trains again, and compares to the bit\n```\n",
        "## Licence and limits\n",
        f"{facts.licence or UNKNOWN} The scores hold for the splits and the signatures above; nothing was "
        "measured on other data.\n",
        "## Every setting\n",
        _settings(facts),
    )
    return "\n".join(parts)


def _head(facts: Facts, library: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "language": facts.languages,
        "license": facts.licence,
        "library_name": library,
        "pipeline_tag": facts.hub_task,
        "tags": ["seqspec", facts.plan.experiment.model.component[1]],
        "datasets": [facts.corpus],
        "metrics": sorted(
            {name for metrics in _metrics(facts).values() for name in main_metrics(list(metrics))}
        ),
        "model-index": [{"name": facts.name, "results": _index(facts)}] if _metrics(facts) else None,
    }
    return {name: value for name, value in found.items() if value}


def _metrics(facts: Facts) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = facts.result.get("metrics", {})
    return found


def _index(facts: Facts) -> list[dict[str, Any]]:
    return [
        {
            "task": {"type": facts.hub_task or "other"},
            "dataset": {"name": facts.corpus, "type": facts.corpus, "split": split},
            "metrics": [
                {"type": name, "value": round(100 * value if is_rate(name) else value, 4),
                 "name": f"{name}, %" if is_rate(name) else name}
                for name, value in metrics.items()
                if name in main_metrics(list(metrics))
            ],
        }
        for split, metrics in _metrics(facts).items()
    ]  # fmt: skip


def _results(facts: Facts) -> str:
    if not facts.result:
        return "The run has not come to its end.\n"
    rows = [
        f"| {split} | {name} | {shown(name, value)} |"
        for split, metrics in _metrics(facts).items()
        for name, value in metrics.items()
    ]
    signatures = sorted({s for one in facts.result.get("signatures", {}).values() for s in one.values()})
    listed = "".join(f"- `{signature}`\n" for signature in signatures)
    table = "\n".join(["| split | metric | value |", "|---|---|---|", *rows])
    return (
        f"{table}\n\n{facts.result['step']:,} steps, weights of `{facts.result['checkpoint']}`.\n\n{listed}"
    )


def _data(facts: Facts) -> str:
    examples = facts.examples
    splits = "".join(f"- {split}: {count:,} examples\n" for split, count in examples.items())
    languages = f" ({', '.join(facts.languages)})" if facts.languages else ""
    steps = "".join(f"- {role}: {_text_steps(told)}\n" for role, told in facts.lock.get("text", {}).items())
    hashed = f"{len(facts.files):,} files, each with its SHA-256 in the run's `lock.json`.\n"
    return f"Corpus `{facts.corpus}`{languages}: {hashed}\n{splits}{steps}"


def _text_steps(told: dict[str, Any]) -> str:
    """Normalisers, segmenter with its dictionary, tokenizer."""
    normal = ", ".join(str(one.get("type")) for one in told.get("normalize") or []) or "not normalised"
    segment = told.get("segment") or {}
    words = ", ".join(str(segment[key]) for key in ("type", "dictionary", "version") if segment.get(key))
    tokenizer = (told.get("tokenizer") or {}).get("type", "")
    return "; ".join(
        part for part in (normal, f"words by {words}" if words else "", f"tokens by {tokenizer}") if part
    )


def _training(facts: Facts) -> str:
    machine = facts.lock.get("machine", {})
    return (
        f"Plan `{facts.digest}`, seed {facts.plan.experiment.seed}; {machine.get('device')} "
        f"({machine.get('capability')}, {machine.get('threads')} threads), torch {machine.get('torch')}, "
        f"seqspec {facts.lock.get('seqspec')}, begun {facts.started or 'at an unknown time'}.\n"
    )


def _settings(facts: Facts) -> str:
    rows = [f"| {name} | {_piped(value)} |" for name, value in facts.parameters.items()]
    return "\n".join(["| setting | value |", "|---|---|", *rows]) + "\n"


def _piped(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")
