"""How much of the way to its teacher a quarter-size student comes, with a tenth of the labels of spoken digits.

    python benchmarks/student_teacher.py --digits FOLDER --work /tmp/student --seeds 1 2 3

``--digits`` is a corpus in LibriSpeech's layout (``LibriSpeech/train-clean-100`` and ``dev-clean``).  The
teacher, of four times the student's weights, learns from all labels.  Every student sees a tenth of them, in the same
batches, steps and rates:

- ``alone``: CTC on that tenth;
- ``posteriors``: the same utterances, and beside CTC the divergence from the teacher's posteriors at each state
  (Hinton et al. 2015, arXiv:1503.02531);
- ``answers``: all utterances, the others with what the teacher hears in them for a transcript (after Kim & Rush
  2016, arXiv:1606.07947), and the posteriors too.

A JSON line a seed: error rates of the whole dev part, parameters, and ``closed``, the part of the gap between
the student alone and its teacher.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import seqspec
from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.compile.resolve.overlay import Overlay
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.run import run

SPEC = Path(__file__).resolve().parents[1] / "specs" / "asr_librispeech_ctc.yaml"
LAUNCH = Launch(device="cpu", threads=1, quiet=True)
SHARE = 10
"""One utterance in so many keeps its label."""
SOFT = "losses={gold: {type: ctc, weight: 0.5}, soft: {type: distillation, teacher: large, weight: %g}}"


def main() -> None:
    given = _arguments()
    given.work.mkdir(parents=True, exist_ok=True)
    tenth = write_corpus(
        given.digits, given.work / "tenth", told=lambda id_, text, labelled: labelled and text
    )
    for seed in given.seeds:
        begun = time.process_time()
        teacher = trained(given, given.digits, seed, given.steps, [f"model.encoder.dim={given.dim}"])
        small = [f"model.encoder.dim={given.student_dim}", *_vocabulary(teacher)]
        told = {
            "teacher": told_of(teacher),
            "alone": told_of(trained(given, tenth, seed, given.steps, small)),
        }
        taught = [
            *small,
            "loss=null",
            SOFT % given.soft,
            f"teachers={{large: {{from: '{teacher}', checkpoint: last}}}}",
        ]
        told["posteriors"] = told_of(trained(given, tenth, seed, given.steps, taught))
        heard = answers(teacher, given.digits)
        every = write_corpus(
            given.digits, given.work / f"answers_{seed}",
            told=lambda id_, text, labelled, heard=heard: text if labelled else heard[id_],
        )  # fmt: skip
        told["answers"] = told_of(trained(given, every, seed, given.steps, taught))
        gap = told["alone"]["wer"] - told["teacher"]["wer"]
        closed = {
            name: round((told["alone"]["wer"] - told[name]["wer"]) / gap, 3) if gap else None
            for name in ("posteriors", "answers")
        }
        print(json.dumps({
            "seed": seed, "steps": given.steps, **told, "closed": closed,
            "cpu_seconds": round(time.process_time() - begun),
        }), flush=True)  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--dim", type=int, default=112, help="width of the teacher")
    parser.add_argument("--student-dim", type=int, default=46)
    parser.add_argument("--soft", type=float, default=0.5, help="weight of the teacher's posteriors")
    return parser.parse_args()


def write_corpus(digits: Path, root: Path, *, told: Callable[[str, str, bool], str | bool]) -> Path:
    """A corpus of the utterances for which ``told`` has a transcript, and of the whole dev part."""
    source, here = digits / "LibriSpeech", root / "LibriSpeech"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(source / "dev-clean", here / "dev-clean")
    numbers = itertools.count()
    for file in sorted((source / "train-clean-100").glob("*/*/*.trans.txt")):
        to = here / file.parent.relative_to(source)
        to.mkdir(parents=True)
        lines = []
        for id_, _, text in (line.partition(" ") for line in file.read_text(encoding="utf-8").splitlines()):
            found = told(id_, text, next(numbers) % SHARE == 0)
            if found:
                lines.append(f"{id_} {found}\n")
                shutil.copy(file.parent / f"{id_}.flac", to)
        (to / file.name).write_text("".join(lines), encoding="utf-8")
    return root


def trained(given: argparse.Namespace, digits: Path, seed: int, steps: int, more: list[str]) -> Path:
    """The folder of a run."""
    settings = [
        f"seed={seed}", f"data.source.root={digits}", f"train.max_steps={steps}", "train.ema=0.98",
        "data.source.parts={train: [train-clean-100], dev: [dev-clean]}", "data.batch.size=40.0",
        "data.audio.features.num_bins=40",
        f"optimizer.schedule.decay_end={steps}", f"train.checkpoint_every_steps={steps}",
        f"optimizer.schedule.warmup_steps={max(1, steps // 10)}", f"evaluate.every_steps={steps}",
        "evaluate.search=ctc_greedy", *more,
    ]  # fmt: skip
    overlays = [Overlay.profile("digits"), *map(Overlay.set, settings)]
    return run(compile_spec(SPEC, overlays=overlays), runs=given.work / "runs", launch=LAUNCH).folder.path


def _vocabulary(teacher: Path) -> list[str]:
    """Both must have one vocabulary, so the student reads what its teacher has learned."""
    file = teacher / "vocabularies" / "data.text.target.tokenizer"
    return [f"data.text.target.tokenizer={{type: symbols_file, vocabulary: '{file}', unit: words}}"]


def answers(teacher: Path, digits: Path) -> dict[str, str]:
    """What the teacher hears in every training utterance; one in which it hears nothing is left out."""
    files = sorted((digits / "LibriSpeech" / "train-clean-100").glob("*/*/*.flac"))
    found = seqspec.open_run(teacher).predict([str(file) for file in files])
    return {file.stem: one.hypotheses[0].text for file, one in zip(files, found, strict=True)}


def told_of(path: Path) -> dict[str, Any]:
    """Error rate of the last evaluation, and the trainable parameters."""
    metrics = json.loads((path / "result.json").read_text(encoding="utf-8"))["metrics"]["dev"]
    compiled = compile_spec(path / "spec.yaml")
    facts = json.loads((path / "facts.json").read_text(encoding="utf-8"))["facts"]
    compiled = recompile(compiled, facts=facts)
    parameters = build(compiled.plan, tree=compiled.tree, device="meta").num_parameters
    return {"wer": round(metrics["wer"], 4), "parameters": parameters}


if __name__ == "__main__":
    main()
