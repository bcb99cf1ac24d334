"""DiLoCo against synchronous training of a character model: loss and bytes sent.

    python benchmarks/diloco.py --text FOLDER --steps 1000 --every 100

``FOLDER`` holds ``input.txt``, any text of a megabyte or so.  Both runs see the same number of characters: four
replicas with a batch of 12 each, or one model with a batch of 48 whose gradients four machines would all-reduce after
every step.  Each weight that leaves a machine once counts as four bytes, whatever the all-reduce makes of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

REPLICAS = 4
SPEC = Path(__file__).parents[1] / "specs" / "lm_shakespeare_char.yaml"


def trained(text: Path, folder: Path, *sets: str) -> dict:
    options = [part for one in sets for part in ("--set", one)]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "seqspec", "run", str(SPEC), "--runs", str(folder), *options, "--format", "json",
         "--quiet", "--device", "cpu", "--threads", "1"],
        env={**os.environ, "SHAKESPEARE": str(text.resolve())}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    lines = (Path(found["run"]) / "metrics.jsonl").read_text().splitlines()
    evaluated = [json.loads(line) for line in lines if '"event": "evaluate"' in line]
    sent = [json.loads(line).get("sent_megabytes") for line in lines if '"event": "train"' in line]
    weights = (Path(found["run"]) / "checkpoints").glob("*/weights.safetensors")
    return {
        "loss": found["metrics"]["loss"], "seconds": round(time.monotonic() - began),
        "curve": {one["step"]: round(one["metrics"]["loss"], 4) for one in evaluated},
        "sent_megabytes": sent[-1], "weights_megabytes": next(weights).stat().st_size / 1e6,
    }  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--text", type=Path, required=True)
    asked.add_argument("--steps", type=int, default=1000)
    asked.add_argument("--every", type=int, default=100)
    asked.add_argument("--dim", type=int, default=64)
    asked.add_argument("--layers", type=int, default=2)
    asked.add_argument("--folder", type=Path, default=Path("runs/diloco"))
    given = asked.parse_args()
    size = [f"model.decoder.dim={given.dim}", f"model.decoder.num_layers={given.layers}",
            f"train.max_steps={given.steps}", f"optimizer.schedule.decay_end={given.steps}",
            f"evaluate.every_steps={given.steps // 4}", f"train.checkpoint_every_steps={given.steps // 2}"]  # fmt: skip
    apart = f"procedure={{type: diloco, replicas: {REPLICAS}, every: {given.every}}}"
    diloco = trained(given.text, given.folder / "diloco", *size, apart)
    together = trained(given.text, given.folder / "together", *size, f"data.batch.size={12 * REPLICAS}")
    together["sent_megabytes"] = round(together["weights_megabytes"] * given.steps, 1)
    print(json.dumps({
        "together": together, "diloco": diloco, "loss_ratio": round(diloco["loss"] / together["loss"], 4),
        "bytes_ratio": round(diloco["sent_megabytes"] / together["sent_megabytes"], 5),
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
