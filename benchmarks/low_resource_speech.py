"""CTC on 60 labelled utterances: after wav2vec 2.0's pre-training without labels, and from scratch.

    python benchmarks/low_resource_speech.py --digits DIGITS --work /tmp/low --seeds 1 2 3

``DIGITS`` is a corpus in LibriSpeech's layout (``LibriSpeech/train-clean-100`` and ``dev-clean``). Of its
training part 60 utterances keep their labels, as many of each speaker; the encoder is trained without labels
on all of it. Words are the units, as in recognisers of digit strings ever since TIDIGITS (Leonard 1984). Both learners take the same 60 utterances, batches, steps and schedule; from scratch the
convolutions over samples learn too, and after pre-training they stand still. A JSON line a seed, the rates
those of the whole dev part at the last step.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run

SPECS = Path(__file__).resolve().parents[1] / "specs"
LAUNCH = Launch(device="cpu", threads=1, quiet=True)
LABELLED = 60


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--pretraining-steps", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--rate", type=float, default=1e-3)
    given = parser.parse_args()
    labelled = write_labelled(given.digits, given.work / "labelled")
    for seed in given.seeds:
        begun = time.process_time()
        taught = trained(
            "wav2vec2_pretrain_digits", given.digits, given.work, seed=seed, steps=given.pretraining_steps,
            more=[],
        )  # fmt: skip
        pretraining = time.process_time() - begun
        start = (
            f"initialize=[{{from: '{taught}', parts: {{model.encoder: model.encoder}}, checkpoint: last}}]"
        )
        found = {}
        for name, more in {"pretrained": [start], "scratch": ["model.encoder.train_features=true"]}.items():
            path = trained(
                "wav2vec2_finetune_digits", labelled, given.work / name, seed=seed, steps=given.steps,
                more=[*more, f"optimizer.schedule.peak={given.rate}", "data.text.target.tokenizer=words"],
            )  # fmt: skip
            found[name] = rates(path)
        print(json.dumps({
            "seed": seed, "pretraining_steps": given.pretraining_steps, "steps": given.steps,
            "pretraining_cpu_seconds": round(pretraining), **found,
        }), flush=True)  # fmt: skip


def write_labelled(digits: Path, root: Path) -> Path:
    """A corpus of the first utterances of each speaker, in turn, and of the whole dev part."""
    source, here = digits / "LibriSpeech", root / "LibriSpeech"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(source / "dev-clean", here / "dev-clean")
    speakers = sorted(path for path in (source / "train-clean-100").iterdir() if path.is_dir())
    share, rest = divmod(LABELLED, len(speakers))
    for place, speaker in enumerate(speakers):
        lines = [
            (file.parent, line)
            for file in sorted(speaker.glob("*/*.trans.txt"))
            for line in file.read_text(encoding="utf-8").splitlines()
        ]
        for folder, line in lines[: share + (place < rest)]:
            _copy(folder, here / folder.relative_to(source), line)
    return root


def _copy(folder: Path, to: Path, line: str) -> None:
    """One utterance with its transcript."""
    to.mkdir(parents=True, exist_ok=True)
    name = line.split()[0]
    shutil.copy(folder / f"{name}.flac", to)
    with (to / f"{folder.parent.name}-{folder.name}.trans.txt").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def trained(spec: str, digits: Path, work: Path, *, seed: int, steps: int, more: list[str]) -> Path:
    """The folder of a run."""
    settings = [
        f"seed={seed}", f"data.source.root={digits}", f"train.max_steps={steps}",
        f"optimizer.schedule.decay_end={steps}", f"train.checkpoint_every_steps={steps}",
        f"optimizer.schedule.warmup_steps={max(1, steps // 10)}", f"evaluate.every_steps={steps}", *more,
    ]  # fmt: skip
    compiled = compile_spec(SPECS / f"{spec}.yaml", overlays=[Overlay.set(one) for one in settings])
    return run(compiled, runs=work / "runs", launch=LAUNCH).folder.path


def rates(path: Path) -> dict[str, Any]:
    """Word and character error rates of the last evaluation."""
    rows = [json.loads(line) for line in (path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    found: dict[str, Any] = {}
    for row in rows:
        told = {**row, **row.get("metrics", {})}
        found |= {name: round(told[name], 4) for name in ("wer", "cer") if name in told}
    return found


if __name__ == "__main__":
    main()
