"""Does every self-attention train?  The loss before and after some steps of a small spec.

    python benchmarks/attentions_train.py [--steps 150]     # a table of docs/benchmarks.md

Attentions that see both ways classify short ListOps expressions (``specs/listops_long.yaml``); those that read
from left to right write characters (``specs/lm_text_window.yaml``); both by their profile ``tiny``, with windows,
segments and memories that are shorter than the rows.  ``transformer_xl`` and ``compressive`` are trained with
rows apart and, as ``… along lanes``, with a memory that goes on from row to row.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.resolve import Overlay
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run
from seqspec.runtime.run_folder.metrics_log import read_journal

SPECS = Path(__file__).parents[1] / "specs"
BOTH_WAYS = {
    "full": "null",
    "sliding_window": "{type: sliding_window, window: 6, global_tokens: 1}",
    "bigbird": "{type: bigbird, block: 2, num_random: 1}",
    "linformer": "{type: linformer, max_length: 2000, num_slots: 8}",
    "linear": "{type: linear}",
    "performer": "{type: performer, num_features: 16}",
}
XL = "{type: transformer_xl, segment: 16, memory: 32}"
COMPRESSIVE = "{type: compressive, segment: 16, memory: 16, compressed: 16, rate: 4}"
APART, LANES = (
    ("data.pack.sample=offsets",),
    ("data.pack.sample=lanes", "data.pack.length=32", "data.batch.size=16"),
)
ONE_WAY = {
    "full": ("null", "rotary", APART),
    "sliding_window": ("{type: sliding_window, window: 16}", "rotary", APART),
    "linear": ("{type: linear}", "rotary", APART),
    "performer": ("{type: performer, num_features: 16}", "rotary", APART),
    "mamba2": ("{type: mamba2}", "none", APART),
    "transformer_xl": (XL, "none", APART),
    "transformer_xl along lanes": (XL, "none", LANES),
    "compressive": (COMPRESSIVE, "none", APART),
    "compressive along lanes": (COMPRESSIVE, "none", LANES),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=150)
    steps = parser.parse_args().steps
    print("| attention | task | loss of the first 10 steps | of the last 10 | dev |\n|---|---|---|---|---|")
    for name, attention in BOTH_WAYS.items():
        sets = (f"model.encoder.self_attention={attention}",)
        told(name, "ListOps, both ways", "listops_long.yaml", sets, steps)
    for name, (attention, positions, pack) in ONE_WAY.items():
        sets = (f"model.decoder.self_attention={attention}", f"model.decoder.positions={positions}", *pack)
        told(name, "characters, one way", "lm_text_window.yaml", sets, steps)


def told(name: str, task: str, spec: str, sets: tuple[str, ...], steps: int) -> None:
    """One row of the table."""
    length = (f"train.max_steps={steps}", "train.log_every_steps=10", f"train.checkpoint_every_steps={steps}",
              f"evaluate.every_steps={steps}")  # fmt: skip
    overlays = [Overlay.profile("tiny"), *(Overlay.set(one) for one in (*sets, *length))]
    with tempfile.TemporaryDirectory() as runs:
        folder = run(
            compile_spec(SPECS / spec, overlays=overlays),
            runs=Path(runs),
            launch=Launch(device="cpu", threads=1, quiet=True),
        ).folder
        lines = read_journal(folder.metrics)
    losses = [line["loss"] for line in lines if line["event"] == "train"]
    metric, value = next(iter(lines[-1]["metrics"].items()))
    print(f"| {name} | {task} | {losses[0]:.3f} | {losses[-1]:.3f} | {metric} {value:.3f} |", flush=True)


if __name__ == "__main__":
    main()
