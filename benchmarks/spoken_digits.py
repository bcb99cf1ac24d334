"""Digit strings that nobody said, spoken by a small synthesiser and written down by a recogniser.

    python benchmarks/spoken_digits.py --digits FOLDER --work /tmp/spoken --seeds 1
    python benchmarks/spoken_digits.py --digits FOLDER --work /tmp/spoken --set model.aligner.temperature=0.0005

``FOLDER`` is a corpus of read digit strings in LibriSpeech's layout (``LibriSpeech/train-clean-100`` and
``dev-clean``). Its training part teaches ``specs/asr_librispeech_ctc.yaml`` (profile ``digits``), which never
hears anything else, and ``specs/tts_digits.yaml``, as it is but for ``--set``. Every voice of the corpus then reads strings of 3
to 7 digits that stand in no transcript, and the recogniser writes down what it hears. Beside that stand the
word error rates of the same recogniser on the recordings of the dev part as they are, which is what it gets
wrong by itself, and on the same recordings turned into mel frames and back by the spec's vocoder (copy
synthesis), which is the best that frames without any error could have.

Training and speaking are the commands that a user would type, on one thread. A run that was broken off goes
on where it stood, and one that is done is taken as it is. Prints a JSON line a seed; CPU seconds are those of
the whole ``seqspec run``, start, preparation of the data and evaluation included, and of the last sitting
alone where a run was broken off.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import soundfile

import seqspec
from seqspec.components.feature.mel_spectrogram import MelSpectrogram
from seqspec.components.metric._edits import Edits, count_edits
from seqspec.components.vocoder.griffin_lim import GriffinLim
from seqspec.schema.types import Waveform

SPECS = Path(__file__).resolve().parents[1] / "specs"
DIGITS = ["ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"]
RATE = 16_000


@dataclass(frozen=True)
class Spoken:
    """A sound file, who speaks in it, and what is said."""

    file: Path
    voice: str
    text: str


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[1], help="of the synthesiser and its strings"
    )
    parser.add_argument("--judge-steps", type=int, default=1000)
    parser.add_argument("--strings", type=int, default=20, help="unseen strings a voice")
    parser.add_argument("--checkpoint", default="last", help="of the synthesiser")
    parser.add_argument("--set", nargs="+", default=[], help="over the synthesiser's spec: path=value")
    given = parser.parse_args()
    root = f"data.source.root={given.digits}"
    half = given.judge_steps // 2
    judge, judge_seconds = trained(
        "asr_librispeech_ctc", given.work, "--profile", "digits", *sets(
            root, f"train.max_steps={given.judge_steps}", f"evaluate.every_steps={half}",
            f"optimizer.schedule.decay_end={given.judge_steps}",
        ),
    )  # fmt: skip
    real = list(recordings(given.digits, "dev-clean"))
    copied = copies(real, given.work / "copies", given.set)
    anchors = {"wer_real": rates(judge, real), "wer_copy_synthesis": rates(judge, copied)}
    for seed in given.seeds:
        run, seconds = trained("tts_digits", given.work, *sets(root, f"seed={seed}", *given.set))
        said = synthesised(run, given.work / "spoken" / run.name, unseen(given.digits, given.strings, seed),
                           checkpoint=given.checkpoint)  # fmt: skip
        print(json.dumps({
            "seed": seed, "set": given.set, "steps": json.loads((run / "result.json").read_text())["step"],
            "cpu_seconds": round(seconds), "judge_steps": given.judge_steps,
            "judge_cpu_seconds": round(judge_seconds), "strings": len(said),
            "wer_synthetic": rates(judge, said), **anchors, "run": str(run), "sound": str(said[0].file.parent),
        }), flush=True)  # fmt: skip


def sets(*settings: str) -> list[str]:
    return [word for one in settings for word in ("--set", one)]


def trained(spec: str, work: Path, *options: str) -> tuple[Path, float]:
    """The folder of a run, and the CPU seconds of the sitting that ended it."""
    kept = work / "cpu_seconds.json"
    held = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    before = _children()
    told = _seqspec(
        "run", str(SPECS / f"{spec}.yaml"), "--resume", "auto", "--runs", str(work / "runs"),
        "--device", "cpu", "--threads", "1", *options,
    )  # fmt: skip
    path = told.splitlines()[-1]
    held.setdefault(path, _children() - before)
    kept.write_text(json.dumps(held), encoding="utf-8")
    return Path(path), held[path]


def recordings(digits: Path, part: str) -> Iterable[Spoken]:
    """Every recording of a part of the corpus."""
    for file in sorted((digits / "LibriSpeech" / part).glob("*/*/*.trans.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            name, text = line.split(maxsplit=1)
            yield Spoken(file.parent / f"{name}.flac", file.parent.parent.name, text)


def unseen(digits: Path, count: int, seed: int) -> list[tuple[str, str]]:
    """For every voice ``count`` strings of 3 to 7 digits that are in no transcript."""
    known = [one for part in ("train-clean-100", "dev-clean") for one in recordings(digits, part)]
    taken, drawn = {one.text for one in known}, random.Random(seed)
    found: list[tuple[str, str]] = []
    for voice in sorted({one.voice for one in known}):
        while sum(one == voice for one, _ in found) < count:
            text = " ".join(drawn.choices(DIGITS, k=drawn.randint(3, 7)))
            if text not in taken:
                taken.add(text)
                found.append((voice, text))
    return found


def synthesised(
    run: Path, folder: Path, strings: Sequence[tuple[str, str]], *, checkpoint: str
) -> list[Spoken]:
    """What ``predict`` makes of a table of voices and texts."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "strings.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("speaker", "text"), *strings])
    told = _seqspec(
        "predict", str(run), str(table), "--column", "text", "--checkpoint", checkpoint, "--out", str(folder),
        "--format", "jsonl", "--device", "cpu", "--threads", "1",
    )  # fmt: skip
    files = [json.loads(line)["hypotheses"][0]["file"] for line in told.splitlines()]
    pairs = zip(files, strings, strict=True)
    return [Spoken(folder / file, voice, text) for file, (voice, text) in pairs]


def copies(real: Sequence[Spoken], folder: Path, settings: Sequence[str]) -> list[Spoken]:
    """The recordings as the spec's own frames and vocoder give them back."""
    folder.mkdir(parents=True, exist_ok=True)
    experiment = seqspec.load(SPECS / "tts_digits.yaml", set=settings).plan.experiment
    source, config = Waveform(RATE), experiment.data.audio.features
    frames = MelSpectrogram(config, source)
    vocoder = GriffinLim(experiment.model.vocoder, config.output(source))
    found = []
    for number, one in enumerate(real):
        samples, rate = soundfile.read(one.file, dtype="float32")
        assert rate == RATE, f"{one.file} has {rate} samples a second, not {RATE}"
        file = folder / f"{number:05d}.wav"
        soundfile.write(file, vocoder.sound(frames(samples)).samples_T, RATE)
        found.append(Spoken(file, one.voice, one.text))
    return found


def rates(judge: Path, said: Sequence[Spoken]) -> dict[str, float]:
    """Word error rates of all voices together and of each, as fractions."""
    launch = seqspec.Launch(device="cpu", threads=1, quiet=True)
    heard = seqspec.open_run(judge).predict([str(one.file) for one in said], launch=launch)
    edits: dict[str, Edits] = {}
    for one, prediction in zip(said, heard, strict=True):
        assert prediction.hypotheses, f"{one.file} was not heard: {prediction.error}"
        counted = count_edits(prediction.hypotheses[0].text.split(), one.text.split())
        for name in ("all", one.voice):
            edits[name] = edits.get(name, Edits()) + counted
    return {name: round(one.rates("wer")["wer"], 4) for name, one in edits.items()}


def _seqspec(*arguments: str) -> str:
    """What a command prints; it shows its progress where this script does."""
    done = subprocess.run(
        [sys.executable, "-m", "seqspec", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
