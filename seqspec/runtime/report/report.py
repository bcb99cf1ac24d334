"""``report.html``: one page that needs nothing else, about what a run was and what came of it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from seqspec.data.store.durable import write_durably
from seqspec.runtime.report.charts import Line, chart, picture
from seqspec.runtime.report.numbers import shown
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.schema.diagnostic import Exit, RunError

SAMPLES = 25

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0
1em;color:#1f2328;background:#fff}
h1{font-size:1.5em;margin-bottom:0}h2{font-size:1.15em;margin-top:2em;border-bottom:1px solid #d1d9e0}
table{border-collapse:collapse}td,th{padding:.25em .8em .25em 0;text-align:left;vertical-align:top}
td.number{text-align:right;font-variant-numeric:tabular-nums}code,pre{font:12.5px/1.45
ui-monospace,monospace} pre{background:#f6f8fa;padding:1em;overflow:auto}small,.faint{color:#59636e}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:1em}
svg{width:100%;background:#f6f8fa}svg text{font:11px system-ui,sans-serif;fill:#59636e} svg
.title{font-size:13px;font-weight:600;fill:#1f2328}svg .grid{stroke:#d1d9e0;stroke-width:.6}
del{background:#ffebe9;color:#a40e26;text-decoration:none}
ins{background:#dafbe1;color:#116329;text-decoration:none}
img.matrix{image-rendering:pixelated;width:100%;max-width:720px;max-height:480px;border:1px solid #d1d9e0}
"""


def write_report(folder: RunFolder, *, output: Path | None = None) -> None:
    """Write the page from what the run directory holds, into it or to ``output``."""
    try:
        text = page(folder)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        why = f"{folder.path} holds what no run has written ({type(error).__name__}: {error})"
        raise RunError(why, exit=Exit.STORAGE, help="look at its JSON files") from None
    write_durably(output or folder.report, text.encode("utf-8", "surrogatepass"))


def page(folder: RunFolder) -> str:
    """The whole page."""
    lock = folder.read("lock.json") or {}
    name = lock.get("spec", {}).get("name", folder.path.parent.name)
    journal = read_journal(folder.metrics)
    sections = (
        _head(folder, name, lock),
        _result(folder),
        _curves(journal, read_journal(folder.speed)),
        _samples(folder),
        _attention(folder),
        _data(folder),
        _texts(folder, lock),
    )
    head = f'<meta charset="utf-8"><title>{_e(name)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(sections)}</body></html>\n'


def _head(folder: RunFolder, name: str, lock: Mapping[str, Any]) -> str:
    launch = folder.read("launch.json") or {}
    spec, digest = lock.get("spec", {}), lock.get("digests", {}).get("all", "")
    machine = lock.get("machine", {})
    facts = (
        f"started {launch.get('started', '?')}, plan <code>{digest[:16]}</code>, "
        f"seed {_e(lock.get('seeds', {}).get('seed'))}, {_e(machine.get('device'))} with "
        f"{_e(machine.get('threads'))} threads ({_e(machine.get('capability'))}), "
        f"torch {_e(machine.get('torch'))}, seqspec {_e(lock.get('seqspec'))}"
    )
    about = f"<p>{_e(spec['description'])}</p>" if spec.get("description") else ""
    command = f"<pre>{_e(' '.join(map(_quoted, launch.get('command', []))))}</pre>"
    return f"<h1>{_e(name)}</h1><p class=faint>{facts}</p>{about}{command}"


def _result(folder: RunFolder) -> str:
    result = folder.read("result.json")
    if not result:
        return "<h2>Result</h2><p>The run has not come to its end.</p>"
    rows = [
        f"<tr><td>{_e(split)}<td>{_e(name)}<td class=number>{_e(shown(name, value))}</tr>"
        for split, metrics in result["metrics"].items()
        for name, value in metrics.items()
    ]
    signatures = {text for one in result["signatures"].values() for text in one.values()}
    listed = "".join(f"<br><code>{_e(text)}</code>" for text in sorted(signatures))
    return (
        f"<h2>Result</h2><table><tr><th>split<th>metric<th></tr>{''.join(rows)}</table>"
        f"<p><small>{result['step']:,} steps; judged with the weights of {_e(result['checkpoint'])}"
        f"{listed}</small></p>"
    )


def _last(key: str) -> str:
    """What a value of the journal is, whichever phase gave it: ``critic/rate`` is a ``rate``."""
    return key.rpartition("/")[2]


def _lines(steps: Sequence[Mapping[str, Any]], what: str) -> list[Line]:
    """A line for each phase."""
    keys = [key for key in (steps[-1] if steps else {}) if _last(key) == what]
    return [Line(key, [(s["step"], s[key]) for s in steps if key in s]) for key in keys]


def _curves(journal: Sequence[Mapping[str, Any]], speed: Sequence[Mapping[str, Any]]) -> str:
    steps = [line for line in journal if line["event"] == "train"]
    judged = [line for line in journal if line["event"] == "evaluate"]
    names = [
        key
        for key in (steps[-1] if steps else {})
        if _last(key) not in ("event", "step", "rate", "norm", "dropped") and ":" not in key
    ]
    terms = [Line(name, [(s["step"], s[name]) for s in steps if name in s]) for name in names]
    charts = [
        chart("training loss", terms[:1]),
        chart("terms of the loss", terms[1:]) if len(terms) > 2 else "",
        chart("learning rate", _lines(steps, "rate")),
        chart("gradient norm", _lines(steps, "norm")),
        *_gauge_charts(steps),
        *_metric_charts(judged),
        *_speed_charts(speed),
    ]
    drawn = "".join(one for one in charts if one)
    return f"<h2>Curves</h2><div class=charts>{drawn}</div>" if drawn else ""


def _gauge_charts(steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What parts of the model measured: a chart for each gauge with a line a part, or for each part where the
    gauge has several values (``load.00``, ``load.01``, …).
    """
    grouped: dict[str, list[str]] = {}
    for key in (key for key in (steps[-1] if steps else {}) if ":" in key):
        part, _, gauge = key.rpartition(":")
        name, dot, _ = gauge.partition(".")
        grouped.setdefault(f"{part}: {name}" if dot else name, []).append(key)
    for title, keys in grouped.items():
        yield chart(title, [Line(key, [(s["step"], s[key]) for s in steps if key in s]) for key in keys])


def _metric_charts(judged: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = dict.fromkeys(name for line in judged for name in line["metrics"])
    splits = dict.fromkeys(line["split"] for line in judged)
    for name in names:
        values = {
            split: [
                (one["step"], one["metrics"][name])
                for one in judged
                if one["split"] == split and name in one["metrics"]
            ]
            for split in splits
        }
        yield chart(name, [Line(split, points) for split, points in values.items()])


def _speed_charts(speed: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    rates = [key for key in (speed[-1] if speed else {}) if key.endswith("_per_second")]
    for rate in rates[:1]:
        yield chart(rate.replace("_", " "), [Line(rate, [(s["step"], s[rate]) for s in speed if rate in s])])
    yield chart(
        "share of time waiting for data", [Line("waiting", [(s["step"], s["waiting"]) for s in speed])]
    )


def _samples(folder: RunFolder) -> str:
    parts = []
    for file in sorted(folder.predictions.glob("*.jsonl")):
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
        if not lines:
            continue
        chosen = lines[:: max(1, len(lines) // SAMPLES)][:SAMPLES]
        rows = "".join(
            f"<tr><td><small>{_e(one['id'])}{_fields(one)}</small><td>{_e(one['reference'])}<br>"
            f"{_difference(one['reference'], one['hypothesis'])}"
            f"<td class=number><small>{one['score']:.2f}</small></tr>"
            for one in chosen
        )
        parts.append(
            f"<h2>Samples of {_e(file.stem)}</h2><p><small>Reference above, hypothesis below: "
            f"<ins>written only by the model</ins>, <del>missed</del>, "
            f"case passed over; {len(chosen)} of {len(lines):,}.</small></p>"
            f"<table>{rows}</table>"
        )
    return "".join(parts)


def _fields(prediction: dict[str, Any]) -> str:
    """The texts of an example's other fields, a line each."""
    held = prediction.get("fields", {})
    return "".join(f"<br>{_e(name)}: {_e(text)}" for name, text in held.items())


def _difference(reference: str, hypothesis: str) -> str:
    """The hypothesis with what it adds and what it lacks marked; by words where there are spaces.  Case makes
    no difference: scores are told apart by it only where they say so.
    """
    words = " " in reference.strip()
    a, b = (text.split(" ") if words else list(text) for text in (reference, hypothesis))
    join = " " if words else ""
    parts = []
    low_a, low_b = ([one.casefold() for one in side] for side in (a, b))
    for kind, a0, a1, b0, b1 in SequenceMatcher(None, low_a, low_b, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(_e(join.join(b[b0:b1])))
            continue
        lacks, adds = join.join(a[a0:a1]), join.join(b[b0:b1])
        parts += [f"<del>{_e(lacks)}</del>"] if lacks else []
        parts += [f"<ins>{_e(adds)}</ins>"] if adds else []
    return join.join(parts)


def _attention(folder: RunFolder) -> str:
    held = folder.read("attention.json")
    if not held:
        return ""
    rows = held["weights"]
    top = max((max(row) for row in rows), default=0.0) or 1.0
    uri = picture([[value / top for value in row] for row in rows])
    return (
        "<h2>Where the model looked</h2>"
        f"<p>{_e(held['target'])}</p>"
        f"<img class=matrix src='{uri}' alt='attention, a row for each target symbol'>"
        f"<p><small>One row for each target symbol, from above; columns are the source from left to right, "
        f"example {_e(held['id'])}.</small></p>"
    )


def _data(folder: RunFolder) -> str:
    held = folder.read("data.json")
    if not held:
        return ""
    dropped = {
        split: "; ".join(f"{n:,} {reason}" for reason, n in reasons.items())
        for split, reasons in held["dropped"].items()
    }
    rows = "".join(
        f"<tr><td>{_e(split)}<td class=number>{count:,}<td>{_e(dropped.get(split) or 'none')}</tr>"
        for split, count in held["examples"].items()
    )
    speed = read_journal(folder.speed)
    padding = ""
    if speed:
        share = f"{speed[-1].get('padding', 0):.1%}"
        padding = f"<p>Padding: {share} of all places in training batches.{_memory(speed[-1])}</p>"
    return f"<h2>Data</h2><table><tr><th>split<th>examples<th>left out</tr>{rows}</table>{padding}"


def _memory(speed: Mapping[str, Any]) -> str:
    """The most memory that training had held by its last line."""
    kinds = {"peak_mb": "of the process", "peak_gpu_mb": "of the GPU"}
    told = [f"{speed[key]:,} MB {whose}" for key, whose in kinds.items() if key in speed]
    return f" Memory, at most: {', '.join(told)}." if told else ""


def _texts(folder: RunFolder, lock: Mapping[str, Any]) -> str:
    parts = []
    for title, path in (("Plan", folder.plan), ("Spec, resolved", folder.spec)):
        if path.exists():
            text = _e(path.read_text(encoding="utf-8"))
            parts.append(f"<details><summary>{title}</summary><pre>{text}</pre></details>")
    packages = "\n".join(f"{name} {version}" for name, version in lock.get("packages", {}).items())
    parts.append(f"<details><summary>Packages</summary><pre>{_e(packages)}</pre></details>")
    return f"<h2>In full</h2>{''.join(parts)}"


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)


def _e(value: object) -> str:
    """Escaped, control characters made visible."""
    text = "".join(c if c >= " " or c in "\n\t" else f"\\x{ord(c):02x}" for c in str(value))
    return html.escape(text)
