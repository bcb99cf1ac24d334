"""Run directories from a stranger: every family × every command × every damage, each answered in words.

    python benchmarks/strangers.py --work /tmp/strangers                     # a share of all combinations
    python benchmarks/strangers.py --work /tmp/strangers --every 1           # all of them: hours
    python benchmarks/strangers.py --work /tmp/strangers --family ctc --command evaluate --damage lock.json:deep

A run of each family is made once.  Each case damages a copy of it, runs one command on it in a process of its own and
holds the answer to four rules: no traceback or SQ900; no end by a signal, a memory limit or the time limit; nothing outside
is written or executed; an answer with exit code 0 says what the undamaged run says, or has a word on standard error.
Which cases belong to a share follows from their names alone, so that a fault is repeated by naming it.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import random
import re
import resource
import shutil
import signal
import sys
import time
import wave
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

SPECS = Path(__file__).resolve().parents[1] / "specs"
SECONDS = 60
"""What no case may take."""
MEMORY = 6 * 2**30
"""Bytes of address space that a case may take beyond what the parent holds."""
STEPS = ("train.max_steps=6", "train.checkpoint_every_steps=2", "train.keep_last=3")
WARM = ("optimizer.schedule.warmup_steps=2",)
CLASSIFIER = """\
seqspec: 1
name: strange_labels
data:
  source: {type: csv, synthetic: 60, splits: {train: train.csv, dev: dev.csv}, source: {text: text, language: en}, target: {label: label}}
  text: {source: {tokenizer: {type: characters}}}
  filter: {max_source_tokens: 256}
  batch: {unit: examples, size: 16}
model: {type: classifier, encoder: {type: transformer, num_layers: 1, dim: 16, num_heads: 2}}
optimizer: {type: adamw, schedule: {type: inverse_sqrt, peak: 1.0e-3, warmup_steps: 2}}
train: {max_steps: 6}
evaluate: {every_steps: 6, metrics: [accuracy]}
"""


@dataclass(frozen=True)
class Family:
    """A small run, and what its model is asked."""

    spec: str | None
    sets: tuple[str, ...] = ()
    asks: str = "a line of text\n"
    """Text; ``.wav`` and ``.png`` stand for a made-up recording and image."""
    task: str | None = None


FAMILIES = {
    "text": Family("mt_tanaka_jaen_raw", ("evaluate.every_steps=6", *WARM), "これは本です。\n"),
    "ctc": Family("asr_librispeech_ctc", ("evaluate.every_steps=6",), ".wav"),
    "classifier": Family(None),
    "lm": Family(
        "lm_shakespeare_char",
        ("evaluate.every_steps=6", "data.source.synthetic=60", *WARM, "optimizer.schedule.decay_end=6"),
    ),
    "image": Family("image_mnist_lenet5", ("evaluate.every_steps=6", "data.source.synthetic=60"), ".png"),
    "two_tasks": Family("multitask_asr_mt", (), "one two three\n", task="mt"),
    "gan": Family("gan_mnist", ("data.source.synthetic=60",), "3\n"),
    "synthesiser": Family("tts_digits", (*WARM, "optimizer.schedule.decay_end=6"), "one two\n"),
}

Damage = Callable[[Path, Path], None]
"""Changes the run directory; the other folder lies outside of it."""


def written(data: bytes) -> Damage:
    return lambda path, outside: path.write_bytes(data) and None


def missing(path: Path, outside: Path) -> None:
    path.unlink()


def half(path: Path, outside: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pipe(path: Path, outside: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path, outside: Path) -> None:
    path.unlink()
    path.mkdir()


def link(path: Path, outside: Path) -> None:
    """To a file that would do, but is not the run's."""
    shutil.move(path, outside / path.name)
    path.symlink_to(outside / path.name)


def loop(path: Path, outside: Path) -> None:
    path.unlink()
    path.symlink_to(path)


class Executed:
    """Unpickled, it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def pickled(path: Path, outside: Path) -> None:
    path.write_bytes(pickle.dumps(Executed(outside / "EXECUTED")))


def odd_leaf(number: int) -> Damage:
    """One value somewhere in the file becomes of another type."""

    def damage(path: Path, outside: Path) -> None:
        dice = random.Random(f"{number}:{path.name}")
        lines = path.suffix == ".jsonl"
        text = path.read_text()
        documents = [json.loads(one) for one in text.splitlines()] if lines else [json.loads(text)]
        at: list[object] = documents
        keys: object = dice.randrange(len(documents)) if documents else None
        while keys is not None and isinstance(at[keys], dict | list) and at[keys] and dice.random() < 0.85:  # type: ignore[index,call-overload]
            at = at[keys]  # type: ignore[index,call-overload]
            keys = dice.choice(sorted(at) if isinstance(at, dict) else range(len(at)))
        if keys is not None:
            at[keys] = dice.choice([None, [], {}, "x", -1, 10**30, 0.5, True, [[[]]], {"a": {}}, "../../x"])  # type: ignore[index,call-overload]
        path.write_text("".join(json.dumps(one) + "\n" for one in documents))

    return damage


WAYS: dict[str, Damage] = {
    "missing": missing,
    "empty": written(b""),
    "nul": written(b"\0" * 300),
    "garbage": written(b"\x80\x04\xff\xfe garbage"),
    "deep": written(b"[" * 100_000),
    "number": written(b"17\n"),
    "list": written(b"[]\n"),
    "object": written(b"{}\n"),
    "half": half,
    "pipe": pipe,
    "folder": folder,
    "link": link,
    "loop": loop,
    "pickle": pickled,
}
LEAVES = 4
FILES = (
    "spec.yaml", "lock.json", "facts.json", "plan.txt", "metrics.jsonl", "speed.jsonl", "result.json", "data.json",
    "launch.json", "tasks.json", "predictions/*.jsonl", "vocabularies/*",
)  # fmt: skip


def on_file(pattern: str, way: Damage) -> Damage:
    def damage(run: Path, outside: Path) -> None:
        for path in [one for one in sorted(run.glob(pattern)) if one.is_file()]:
            way(path, outside)

    return damage


def on_weights(way: Damage) -> Damage:
    return on_file("checkpoints/step-*/weights.safetensors", way)


def header(text: bytes, length: int | None = None) -> Damage:
    return written((len(text) if length is None else length).to_bytes(8, "little") + text)


def resealed(change: Callable[[object], object]) -> Damage:
    """Every checkpoint with other tensors under a manifest that fits them."""

    def damage(run: Path, outside: Path) -> None:
        from seqspec.runtime.checkpoints.checkpoint import read_checkpoint, write_checkpoint

        for step in sorted((run / "checkpoints").glob("step-*")):
            found = read_checkpoint(step)
            tensors = {name: {k: change(t) for k, t in file.items()} for name, file in found.tensors.items()}
            write_checkpoint(run / "checkpoints", replace(found, tensors=tensors))  # type: ignore[arg-type]

    return damage


def renamed(run: Path, outside: Path) -> None:
    from seqspec.runtime.checkpoints.checkpoint import read_checkpoint, write_checkpoint

    for step in sorted((run / "checkpoints").glob("step-*")):
        found = read_checkpoint(step)
        weights = {f"other.{name}": tensor for name, tensor in found.tensors["weights"].items()}
        write_checkpoint(run / "checkpoints", replace(found, tensors={**found.tensors, "weights": weights}))


def manifest(text: bytes) -> Damage:
    import hashlib

    body = hashlib.sha256(text).hexdigest().encode() + b"\n" + text
    return on_file("checkpoints/step-*/MANIFEST.json", written(body))


def no_checkpoints(run: Path, outside: Path) -> None:
    shutil.rmtree(run / "checkpoints")


def linked_checkpoints(run: Path, outside: Path) -> None:
    shutil.move(run / "checkpoints", outside / "checkpoints")
    (run / "checkpoints").symlink_to(outside / "checkpoints")


def damages() -> dict[str, Damage]:
    found = {f"{file}:{name}": on_file(file, way) for file in FILES for name, way in WAYS.items()}
    for file in FILES:
        if ".json" in file:
            found |= {f"{file}:leaf{n}": on_file(file, odd_leaf(n)) for n in range(LEAVES)}
    found |= {f"weights:{name}": on_weights(way) for name, way in WAYS.items()}
    found |= {
        "weights:huge_header": on_weights(header(b"{}", 2**62)),
        "weights:deep_header": on_weights(header(b"[" * 100_000)),
        "weights:header_list": on_weights(header(b"[]")),
        "weights:one_column": resealed(lambda t: t[..., :1].clone() if t.ndim else t),  # type: ignore[attr-defined,index]
        "weights:double": resealed(lambda t: t.double()),  # type: ignore[attr-defined]
        "weights:renamed": renamed,
        "manifest:deep": manifest(b"[" * 100_000),
        "manifest:list": manifest(b"[]"),
        "manifest:outside": manifest(b'{"step": 6, "state": "", "files": {"../../x": {}}}'),
        "checkpoints:none": no_checkpoints,
        "checkpoints:link": linked_checkpoints,
    }
    return found


def commands(family: Family, run: Path, other: Path, asked: Path, out: Path) -> dict[str, list[str]]:
    """What is asked of the run directory ``run``; all writing goes to ``out`` or into the run."""
    task = ["--task", family.task] if family.task else []
    return {
        "evaluate": ["evaluate", str(run), *task, "--threads", "1"],
        "predict": ["predict", str(run), str(asked), *task, "--out", str(out / "values"), "--threads", "1"],
        "report": ["report", str(run)],
        "resume": ["run", "--resume", str(run), "--quiet", "--threads", "1"],
        "describe": ["describe", str(run), *task],
        "describe_ro_crate": [
            "describe",
            str(run),
            *task,
            "--as",
            "ro-crate",
            "--output",
            str(out / "crate"),
        ],
        "doctor": ["doctor", str(run / "spec.yaml"), "--steps", "2", "--quiet"],
        "export": ["export", str(run), *task, "--to", "safetensors", "--output", str(out / "exported")],
        "serve": ["serve", str(run), "--port", "0", "--threads", "1"],
        "demo": ["demo", str(run), *task, "--threads", "1"],
        "compare": ["compare", str(other), str(run)],
        "runs": ["runs", str(run.parent.parent)],
        "average": ["average", str(run), "--output", str(out / "mean.safetensors")],
        "reproduce": ["reproduce", str(run), "--runs", str(out / "runs"), "--quiet"],
        "validate": ["validate", str(run / "spec.yaml")],
        "diff": ["diff", str(other), str(run)],
    }


@dataclass(frozen=True)
class Answer:
    """How a command ended; ``code`` is negative for a signal, 124 for the time limit."""

    code: int
    out: str
    error: str


def answer(arguments: list[str], *, at: Path, seconds: int = SECONDS) -> Answer:
    """In a process of its own, forked from this one, which holds torch already."""
    child = os.fork()
    if not child:
        try:
            _child(arguments, at)
        finally:
            os._exit(99)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return Answer(os.waitstatus_to_exitcode(status), *_told(at))
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Answer(124, *_told(at))


def _told(at: Path) -> tuple[str, str]:
    return tuple((at / name).read_text(errors="replace") for name in ("stdout", "stderr"))  # type: ignore[return-value]


def _child(arguments: list[str], at: Path) -> None:
    os.setsid()
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(at / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY,) * 2)
    sys.argv = ["seqspec", *arguments]
    code = 1
    try:
        with _without_servers():
            from seqspec.cli import main

            main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _without_servers() -> mock._patch:  # type: ignore[type-arg]
    """Start-up alone is examined."""
    import uvicorn

    import seqspec.runtime.commands.demo as demo
    import seqspec.runtime.demo.page as page

    demo.require_gradio = lambda: None
    page.show = lambda trial, **_: None
    return mock.patch.object(uvicorn.Server, "run")


def make(family: str, *, work: Path) -> None:
    """``finished`` and ``stopped`` runs of the family, and what its model is asked."""
    home = work / family
    if (home / "made").exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    kind = FAMILIES[family]
    spec, profile = (
        (SPECS / f"{kind.spec}.yaml", ["--profile", "tiny"]) if kind.spec else (home / "spec.yaml", [])
    )
    if not kind.spec:
        spec.write_text(CLASSIFIER)
    sets = [word for one in (*STEPS, *kind.sets) for word in ("--set", one)]
    words = ["run", str(spec), *profile, *sets, "--runs", str(home / "runs"), "--quiet", "--threads", "1"]
    for _ in range(2):
        made = answer(words, at=home, seconds=600)
        if made.code:
            raise SystemExit(f"{family}: no run to begin with\n{made.out}{made.error}")
        time.sleep(1.1)
    finished, other = sorted((home / "runs").glob("*/2*"))
    finished.rename(home / "finished")
    other.rename(home / "other")
    _stop(home / "finished", home / "stopped")
    _ask(kind, home)
    (home / "made").touch()


def _stop(finished: Path, stopped: Path) -> None:
    """The run as a kill after its last checkpoint but one left it."""
    shutil.copytree(finished, stopped)
    shutil.rmtree(sorted((stopped / "checkpoints").glob("step-*"))[-1])
    for name in ("result.json", "report.html", "LOCK"):
        (stopped / name).unlink(missing_ok=True)


def _ask(kind: Family, home: Path) -> None:
    match kind.asks:
        case ".wav":
            with wave.open(str(home / "asked.wav"), "wb") as sound:
                sound.setparams((1, 2, 16000, 0, "NONE", ""))
                sound.writeframes(random.Random(1).randbytes(32000))
        case ".png":
            from PIL import Image

            Image.new("L", (28, 28), 90).save(home / "asked.png")
        case text:
            (home / "asked.txt").write_text(text)


_CHANGES = re.compile(
    r"\d+(\.\d+)?( ?(ms|s|seconds|ago|MB|MiB)\b)|\b\d{8}-\d{6}\b|\d{4}-\d\d-\d\d[T ][\d:.+]+"
)


def case(family: str, command: str, damage: Damage | None, *, work: Path) -> tuple[Answer, str | None]:
    """The command's answer on a damaged copy, and what it did outside; ``None`` where it did nothing."""
    home, place = work / family, work / "case"
    shutil.rmtree(place, ignore_errors=True)
    run, out, outside = (
        place / "runs" / "strange" / "20260101-000000-00000000",
        place / "out",
        place / "outside",
    )
    for one in (run.parent, out, outside):
        one.mkdir(parents=True)
    shutil.copytree(home / ("stopped" if command == "resume" else "finished"), run)
    if damage:
        damage(run, outside)
    before = _outside(outside)
    asked = next(home.glob("asked.*"))
    found = answer(commands(FAMILIES[family], run, home / "other", asked, out)[command], at=place)
    changed = None if _outside(outside) == before else "something outside was written"
    return found, "a pickle was executed" if (outside / "EXECUTED").exists() else changed


def _outside(folder: Path) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


def fault(found: Answer, sound: Answer) -> str | None:
    """What is wrong with an answer; ``None`` where nothing is."""
    told = found.out + found.error
    if "Traceback" in told or "SQ900" in told or found.code == 70:
        return next((line for line in told.splitlines() if "SQ900" in line), told.strip().splitlines()[-1])
    if found.code == 124:
        return f"nothing after {SECONDS} s"
    if found.code < 0:
        return f"ended by signal {-found.code}"
    if found.code and not found.error.strip() and not found.out.strip():
        return f"exit {found.code} without a word"
    if not found.code and not sound.code and _same(found.out) != _same(sound.out) and not found.error.strip():
        return "another answer than the undamaged run gives, and not a word"
    return None


def _same(text: str) -> str:
    return _CHANGES.sub("#", text)


def cases(asked: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    for family in asked.family or FAMILIES:
        for command in asked.command or commands(FAMILIES[family], *[Path()] * 4):
            for damage in damages():
                if asked.damage and damage not in asked.damage:
                    continue
                if zlib.crc32(f"{family}/{command}/{damage}".encode()) % asked.every == 0:
                    yield family, command, damage


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for runs and copies")
    parser.add_argument("--family", action="append", choices=FAMILIES)
    parser.add_argument("--command", action="append")
    parser.add_argument("--damage", action="append")
    parser.add_argument("--every", type=int, default=12, help="one case in so many")
    parser.add_argument("--show", action="store_true", help="print every answer")
    asked = parser.parse_args()
    if asked.damage:
        asked.every = 1
    asked.work = asked.work.resolve()
    os.environ.setdefault("SEQSPEC_CACHE", str(asked.work / "cache"))
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _load()
    raise SystemExit(1 if attack(asked) else 0)


def _load() -> None:
    """What every command needs is loaded once, before processes are forked."""
    import seqspec.cli
    import seqspec.runtime.commands.runs
    import seqspec.runtime.run
    import seqspec.runtime.serving.server  # noqa: F401


def attack(asked: argparse.Namespace) -> int:
    """The number of faults; one line for each."""
    sound: dict[tuple[str, str], Answer] = {}
    faults = count = 0
    every = damages()
    for family, command, damage in cases(asked):
        if (family, command) not in sound:
            make(family, work=asked.work)
            sound[family, command], _ = case(family, command, None, work=asked.work)
            if sound[family, command].code:
                last = (sound[family, command].error or sound[family, command].out).strip().splitlines()
                print(
                    f"{family} {command}: undamaged, exit {sound[family, command].code}: {last[:1]}",
                    flush=True,
                )
        found, outside = case(family, command, every[damage], work=asked.work)
        count += 1
        if asked.show:
            print(f"--- {family} {command} {damage}: {found.code}\n{found.out[-600:]}{found.error[-900:]}")
        wrong = outside or fault(found, sound[family, command])
        if wrong:
            faults += 1
            print(f"FAULT {family} {command} {damage} (exit {found.code}): {wrong[:200]}", flush=True)
    print(f"{count} cases, {faults} faults")
    return faults


if __name__ == "__main__":
    main()
