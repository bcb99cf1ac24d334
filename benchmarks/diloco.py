"""DiLoCo against synchronous training of a small model: loss and bytes sent.

    python benchmarks/diloco.py --text FOLDER --steps 1000 --every 4 --exchange sign --rate 1 --momentum 0 \
        --peaks 0.004 0.008 0.016 --svg FILE

``FOLDER`` holds ``input.txt``, any text of a megabyte or so; ``--tanaka FOLDER`` translates instead.  All runs see as
much: four replicas with a quarter of a batch each, or one model with the whole of it, whose gradients four machines
would all-reduce after every step.  Each weight that leaves a machine once counts as four bytes there, whatever the
all-reduce makes of it.  Either side has the same peaks of its learning rate to choose from.  With ``--start RUN``
both begin as the model of that run.  ``--apart-only`` leaves synchronous training out, and ``--settings`` adds to
the procedure, such as ``"fragments: 4, overlap: 1"``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

REPLICAS = 4
SPECS = Path(__file__).parents[1] / "specs"


def main() -> None:
    asked = argparse.ArgumentParser()
    data = asked.add_mutually_exclusive_group(required=True)
    data.add_argument("--text", type=Path)
    data.add_argument("--tanaka", type=Path)
    asked.add_argument("--steps", type=int, default=1000)
    asked.add_argument("--every", type=int, default=4)
    asked.add_argument("--exchange", default="sign")
    asked.add_argument("--rate", type=float, default=0.7)
    asked.add_argument("--momentum", type=float, default=0.9)
    asked.add_argument("--settings", help="further settings of the procedure")
    asked.add_argument("--apart-only", action="store_true", help="no synchronous training")
    asked.add_argument("--peaks", type=float, nargs="+", default=[1e-3])
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--dim", type=int, default=64)
    asked.add_argument("--start", type=Path, help="run directory whose weights both begin with")
    asked.add_argument("--folder", type=Path, default=Path("runs/diloco"))
    asked.add_argument("--svg", type=Path, help="draw the loss of the two best here")
    given = asked.parse_args()
    outer = f"every: {given.every}, rate: {given.rate}, momentum: {given.momentum}"
    outer += f", {given.settings}" if given.settings else ""
    apart = f"procedure={{type: diloco, replicas: {REPLICAS}, {outer}, exchange: {given.exchange}}}"
    whole = 2048 if given.tanaka else 48
    rows = []
    for peak in given.peaks:
        ways = {"synchronous": [f"data.batch.size={whole}"],
                "diloco": [f"data.batch.size={whole // REPLICAS}", apart]}  # fmt: skip
        if given.apart_only:
            del ways["synchronous"]
        for way, sets in ways.items():
            found = trained(given, f"{way}-{peak:g}", *sets, f"optimizer.schedule.peak={peak}")
            if way == "synchronous":
                found["sent_megabytes"] = round(found["weights_megabytes"] * given.steps, 1)
            rows.append({"way": way, "peak": peak, **found})
            print(json.dumps({key: value for key, value in rows[-1].items() if key != "curve"}), flush=True)
    if given.apart_only:
        return
    together, best = (
        min((row for row in rows if row["way"] == way), key=lambda row: row["loss"]) for way in ways
    )
    print(json.dumps({
        "peaks": {row["way"]: row["peak"] for row in (together, best)},
        "loss_ratio": round(best["loss"] / together["loss"], 4),
        "bytes_ratio": round(best["sent_megabytes"] / together["sent_megabytes"], 5),
    }))  # fmt: skip
    if given.svg:
        given.svg.write_text(plot([together, best]), encoding="utf-8")


def trained(given: argparse.Namespace, name: str, *sets: str) -> dict:
    """A run to its end: loss on dev, what it sent, and the loss of training at each 50th step."""
    size = [f"train.max_steps={given.steps}", f"train.checkpoint_every_steps={given.steps}",
            f"evaluate.every_steps={given.steps}", f"seed={given.seed}", "evaluate.metrics=[perplexity]"]  # fmt: skip
    if given.tanaka:
        spec, place = "mt_tanaka_jaen_raw.yaml", {"TANAKA": str(given.tanaka.resolve())}
        size += [f"model.encoder.dim={given.dim}", "model.encoder.num_layers=1", "model.decoder.num_layers=1",
                 "optimizer.schedule.warmup_steps=100"]  # fmt: skip
    else:
        spec, place = "lm_shakespeare_char.yaml", {"SHAKESPEARE": str(given.text.resolve())}
        size += [f"model.decoder.dim={given.dim}", "model.decoder.num_layers=2",
                 f"optimizer.schedule.decay_end={given.steps}"]  # fmt: skip
    if given.start:
        size.append(f"initialize=[{{from: {given.start.resolve()}}}]")
    options = [part for one in (*size, *sets) for part in ("--set", one)]
    done = subprocess.run(
        [sys.executable, "-m", "seqspec", "run", str(SPECS / spec), "--runs", str(given.folder / name), *options,
         "--format", "json", "--quiet", "--device", "cpu", "--threads", "1"],
        env={**os.environ, **place}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    lines = map(json.loads, (Path(found["run"]) / "metrics.jsonl").read_text().splitlines())
    logged = [line for line in lines if line["event"] == "train"]
    weights = next((Path(found["run"]) / "checkpoints").glob("*/weights.safetensors"))
    return {
        "loss": round(found["metrics"]["loss"], 4), "sent_megabytes": logged[-1].get("sent_megabytes"),
        "weights_megabytes": weights.stat().st_size / 1e6,
        "curve": [(line["step"], line["loss"]) for line in logged],
    }  # fmt: skip


WIDE, HIGH, LEFT, TOP = 520, 300, 60, 30


def plot(rows: list[dict]) -> str:
    """Loss of training by step, an SVG."""
    most, losses = rows[0]["curve"][-1][0], [loss for row in rows for _, loss in row["curve"]]
    low, high = min(losses) - 0.05, max(losses)

    def at(step: float, loss: float) -> str:
        return f"{LEFT + WIDE * step / most:.1f} {TOP + HIGH * (high - loss) / (high - low):.1f}"

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + 30} {TOP + HIGH + 40}" '
        'font-family="sans-serif" font-size="12" role="img" aria-label="Loss by step">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="{TOP - 12}">loss of training, nats a token, by step</text>',
    ]
    for i in range(5):
        loss, step = low + (high - low) * i / 4, most * i / 4
        _, y = at(0, loss).split()
        x, _ = at(step, low).split()
        lines += [
            f'<path d="M{LEFT} {y}h{WIDE}" stroke="#ddd"/>',
            f'<text x="{LEFT - 8}" y="{float(y) + 4:.1f}" text-anchor="end">{loss:.2f}</text>',
            f'<text x="{x}" y="{TOP + HIGH + 18}" text-anchor="middle">{step:,.0f}</text>',
        ]
    for row, colour, y in zip(rows, ("#377eb8", "#e41a1c"), (TOP + 20, TOP + 40), strict=True):
        path = "L".join(at(*point) for point in row["curve"])
        told = f"{row['way']}, peak {row['peak']:g}: {row['sent_megabytes']:,.1f} MB sent, {row['loss']:.3f} on dev"
        lines += [
            f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<text x="{LEFT + WIDE}" y="{y}" fill="{colour}" text-anchor="end">{told}</text>',
        ]
    return "\n".join([*lines, "</svg>\n"])


if __name__ == "__main__":
    main()
