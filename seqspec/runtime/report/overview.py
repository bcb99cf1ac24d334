"""What a run was, how it stands, and what it came to."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from seqspec.pages.markup import Cell, Markup, badge, escape, folded, listing, paragraph, table
from seqspec.pages.page import Section
from seqspec.runtime.report.curves import main_metrics, metric_names, split_of
from seqspec.runtime.report.numbers import shown
from seqspec.runtime.run_folder.documents import read_bytes
from seqspec.runtime.run_folder.folder import RunFolder, steps_of
from seqspec.runtime.run_folder.state import State

Rows = Sequence[Mapping[str, Any]]
MOST_EVALUATIONS = 400
MOST_LISTED = 200


def lead(folder: RunFolder, lock: Mapping[str, Any], state: State) -> str:
    """State, plan, machine and the exact command."""
    launch = folder.read("launch.json") or {}
    spec, machine = lock.get("spec", {}), lock.get("machine", {})
    facts = [
        f"started {escape(launch.get('started', '?'))}",
        f"plan <code>{escape(str(lock.get('digests', {}).get('all', ''))[:16])}</code>",
        f"seed {escape(lock.get('seeds', {}).get('seed'))}",
        f"{escape(machine.get('device'))} with {escape(machine.get('threads'))} threads "
        f"({escape(machine.get('capability'))})",
        f"torch {escape(machine.get('torch'))}",
        f"seqspec {escape(lock.get('seqspec'))}",
    ]
    about = paragraph(str(spec["description"])) if spec.get("description") else ""
    command = shlex.join(map(str, launch.get("command", [])))
    return (
        f"<p>{badge(state)} <span class=faint>{', '.join(facts)}</span></p>{about}"
        f'<pre class="command">{escape(command)}</pre>'
    )


def result_section(folder: RunFolder, journal: Rows, lock: Mapping[str, Any], state: State) -> Section:
    """The final metrics with their signatures; of a run that is not at its end, how far it is."""
    result = folder.read("result.json")
    if not result:
        return Section("Result", _not_yet(folder, journal, lock, state))
    rows = [
        (split, name, shown(name, value))
        for split, metrics in result["metrics"].items()
        for name, value in metrics.items()
    ]
    signatures = sorted({text for one in result["signatures"].values() for text in one.values()})
    listed = "".join(f"<br><code>{escape(text)}</code>" for text in signatures)
    with_weights = f"evaluated with the weights of <code>{escape(result['checkpoint'])}</code>"
    evaluated = with_weights if rows else "<code>evaluate.metrics</code> names nothing to evaluate it by"
    note = f"<p><small>{result['step']:,} steps; {evaluated}{listed}</small></p>"
    return Section("Result", (table(("split", "metric", "value"), rows) if rows else "") + note)


def _not_yet(folder: RunFolder, journal: Rows, lock: Mapping[str, Any], state: State) -> str:
    step = max((row["step"] for row in journal), default=0)
    step = max((step, *steps_of(folder.checkpoints)))  # A signal stops between two lines of the journal.
    last = lock.get("spec", {}).get("train", {}).get("max_steps")
    of = f" of {last:,}" if isinstance(last, int) else ""
    match state:
        case "running":
            told = (
                f"The run is going on: {step:,}{of} steps are written down. `seqspec report` shows it anew."
            )
        case "failed":
            bad = folder.read("not_finite.json") or {}
            told = f"The run ended at step {bad.get('step', step):,}, where a number was not finite."
        case _:
            on = f"`seqspec run --resume {folder.path.name}` goes on"
            told = f"The run was stopped after step {step:,}{of}; {on}."
    return paragraph(told)


def evaluations_section(folder: RunFolder, journal: Rows) -> Section:
    """Every evaluation while training, the best of the first metric marked."""
    rows = [row for row in journal if row["event"] == "evaluate"]
    names = main_metrics(metric_names(journal))
    kept = rows[-MOST_EVALUATIONS:]
    best = _best(folder, kept)
    body = table(
        ("step", "split", *names),
        [(row["step"], split_of(row), *(_shown(row["metrics"], name) for name in names)) for row in kept],
        best=best,
    )
    cut = paragraph(f"the last {len(kept):,} of {len(rows):,}", kind="faint") if len(kept) < len(rows) else ""
    return Section("Evaluations while training", f"{body}{cut}" if rows else "")


def _best(folder: RunFolder, rows: Rows) -> list[int]:
    result = folder.read("result.json") or {}
    return [n for n, row in enumerate(rows) if result.get("checkpoint") == f"step-{row['step']:08d}"]


def other_evaluations_section(folder: RunFolder) -> Section:
    """Records of later evaluations, of other checkpoints, settings or data among them."""
    files = sorted(folder.evaluations.glob("*.json"))[:MOST_LISTED] if folder.evaluations.is_dir() else []
    held = [(file.stem, folder.read(f"evaluations/{file.name}")) for file in files]
    records = [(stem, one) for stem, one in held if one is not None]
    names = main_metrics(list(dict.fromkeys(name for _, one in records for name in one["metrics"])))
    rows = [
        (
            Markup(f"<code>{escape(stem)}</code>"),
            one["split"],
            one["checkpoint"],
            (one.get("search") or {}).get("type", ""),
            *(_shown(one["metrics"], name) for name in names),
        )
        for stem, one in records
    ]
    drifts = [f"{stem}: {drift}" for stem, one in records for drift in one.get("drifts", [])]
    told = paragraph("Not as in the run's lock:", kind="faint") + listing(drifts) if drifts else ""
    body = table(("evaluation", "split", "weights", "search", *names), rows) + told
    return Section("Later evaluations", body if rows else "")


def data_section(folder: RunFolder, speed: Rows) -> Section:
    """Examples and what was left out of each split, padding, memory."""
    held = folder.read("data.json")
    if not held:
        return Section("Data", "")
    rows: list[tuple[Cell, ...]] = []
    for split, count in held["examples"].items():
        reasons = {**(held["dropped"].get(split) or {})}
        if beyond := held.get("tokens_left_out", {}).get(split):
            reasons["tokens that fill no row"] = beyond
        rows.append((split, count, "; ".join(f"{n:,} {reason}" for reason, n in reasons.items()) or "none"))
    note = ""
    if speed:
        padding = speed[-1].get("padding", 0)
        note = paragraph(
            Markup(f"Padding: {padding:.1%} of all places in training batches.{_memory(speed[-1])}")
        )
    return Section("Data", table(("split", "examples", "left out"), rows) + note)


def _memory(speed: Mapping[str, Any]) -> str:
    """The most memory that training had held by its last line."""
    kinds = {"peak_mb": "of the process", "peak_gpu_mb": "of the GPU"}
    told = [f"{speed[key]:,} MB {whose}" for key, whose in kinds.items() if key in speed]
    return f" Memory, at most: {', '.join(told)}." if told else ""


def in_full_section(folder: RunFolder, lock: Mapping[str, Any]) -> Section:
    """Plan, spec and packages."""
    parts = []
    for title, path in (("Plan", folder.plan), ("Spec, resolved", folder.spec)):
        if path.exists():
            parts.append(
                folded(title, f"<pre>{escape(read_bytes(path).decode(errors='replace')[:200_000])}</pre>")
            )
    packages = "\n".join(f"{name} {version}" for name, version in lock.get("packages", {}).items())
    parts.append(folded("Packages", f"<pre>{escape(packages)}</pre>"))
    return Section("In full", "".join(parts))


def _shown(metrics: Mapping[str, Any], name: str) -> str:
    return shown(name, metrics[name]) if name in metrics else ""
