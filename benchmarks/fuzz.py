"""No input may crash, hang or print a traceback: a million of them through the front of the compiler.

    python benchmarks/fuzz.py --count 1000000 --seed 1

Input number ``i`` is a function of seed and ``i`` alone, so a failure is repeated by ``--only I``.  A quarter are bytes, a quarter are made-up
YAML and TOML, half are valid specs with a few slips.  Each is read, resolved and validated, and what survives is inferred and checked; what
is wrong with it is written out as text.  Shards run in processes of their own, so that a crash of the process counts as a failure too.
Times are CPU times of one input; memory is the peak of a shard.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHARD = 50_000
SLOW = 0.25
"""Seconds that no input may take."""

BASE = """\
seqspec: 1
name: fuzzed
seed: 1
data:
  source: {type: bitext, root: "${env:CORPUS:-x}", source_language: en, target_language: de, synthetic: 40}
  text:
    source: {normalize: [nfkc, lowercase], tokenizer: {type: characters}}
    target: {tokenizer: characters}
  filter: {max_source_tokens: 64, max_target_tokens: 64}
  batch: {unit: tokens, size: 2048, buckets: auto}
model:
  type: encoder_decoder
  encoder: {type: transformer, num_layers: 1, dim: 32, num_heads: 2, dropout: 0.1}
  decoder: {type: transformer, num_layers: 1}
optimizer: {type: adam, schedule: {type: inverse_sqrt, peak: 1.0e-3, warmup_steps: 10}}
train: {max_steps: 200, checkpoint_every_steps: 100}
evaluate: {every_steps: "${train.checkpoint_every_steps}", search: {type: beam, size: 4}, metrics: [{type: bleu, tokenize: 13a}, chrf]}
profiles: {tiny: {train: {max_steps: 100}}}
"""
PLAIN = (
    "~", "null", "true", "no", "0", "-1", "010", "3e-4", "1e999", ".inf", ".nan", "64", '"64"', "1:30", "1_000", "99999999999999999999", "0x1f", "1e5",
    "transformer", "conformer", "lstm", "characters", "bpe", "beam", "tokens", "auto", "日本語", "[]", "{}", "[1, x]", "{a: b}", "{type: lstm}", "{type: 3}",
    '"${train.max_steps}"', '"${nope}"', '"$${x}"', '"${env:HOME}"', '"${data}"', '"x${data.batch.size}"', '"\u3000"', "x", "1048577", "0.5", "e\u0301",
)  # fmt: skip
"""Values that leave the text YAML."""
NASTY = (
    "", "：", "　", "\t", "&a", "*a", "!t", "<<", "---", "...", "%YAML 1.1", "${", "${x}", "'", '"', "#", ": ", "- ", "? ", "|", ">", "\\", "\r", "\x00", "\x1b[2J",
    "\u2028", "\u202e", "\ufeff", "\ud800", "😀", "x" * 300, "[" * 80, "extends: fuzzed.yaml", "# seqspec: ignore[SQ101]",
)  # fmt: skip
WORDS = PLAIN + NASTY
KEYS = (
    "train",
    "data",
    "model",
    "encoder",
    "type",
    "dim",
    "max_steps",
    "batch",
    "size",
    "metrics",
    "profiles",
    "extends",
    "plugins",
    "dropuot",
    "lr",
    "hidden_size",
)
_VALUE = re.compile(r"(?<=: )[^\s{}\[\],]+")
_KEY = re.compile(r"\w+(?=: |:\n)")
SETS = (
    "train.max_steps=3",
    "model.encoder={type: lstm}",
    "evaluate.metrics[0]=wer",
    "seed=${name}",
    "model.encoder.dim=no",
    "a.b[3].c=1",
    "x",
    "train=3",
)


@dataclass
class Tally:
    """What became of the inputs."""

    kinds: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    mebibytes: float = 0.0


def main() -> None:
    """Parse arguments, run the shards, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="show one input and what is told of it")
    parser.add_argument("--shard", type=int, nargs=2, metavar=("FIRST", "LAST"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only is not None:
        show(arguments.seed, arguments.only)
    elif arguments.shard:
        print(json.dumps(as_plain(run(arguments.seed, range(*arguments.shard)))))
    else:
        sys.exit(report(shards(arguments.seed, arguments.count)))


def shards(seed: int, count: int) -> Tally:
    """Every shard in a process of its own.  Interrupted, it gives what is done so far."""
    total = Tally()
    for first in range(0, count, SHARD):
        last = min(first + SHARD, count)
        command = [sys.executable, __file__, "--seed", str(seed), "--shard", str(first), str(last)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except KeyboardInterrupt:
            break
        if done.returncode != 0:
            total.failures.append(
                f"inputs {first}-{last}: the process ended with {done.returncode}: {done.stderr[-300:]}"
            )
            continue
        add(total, json.loads(done.stdout))
        print(f"{last:,} of {count:,}: {len(total.failures)} failures", file=sys.stderr, flush=True)
    return total


def run(seed: int, numbers: range) -> Tally:
    """The inputs of one shard."""
    tally = Tally()
    look("seed: 1", "yaml", ())  # imports are no part of an input's time
    for number in numbers:
        kind, text, language, sets = make(seed, number)
        begin = time.process_time()
        try:
            found = look(text, language, sets)
        except Exception as error:
            tally.failures.append(f"input {number} ({kind}): {type(error).__name__}: {error}"[:300])
            continue
        tally.times.append(time.process_time() - begin)
        tally.kinds[kind] += 1
        tally.codes.update(found or ("clean",))
    tally.mebibytes = peak()
    return tally


def look(text: str, language: str, sets: tuple[str, ...]) -> list[str]:
    """The codes of what is wrong with a text, after writing it all out; raises only what must never be raised."""
    from seqspec.compile.analysis.front_end import read_text
    from seqspec.compile.analysis.profiles import analyze_profiles, everything_found
    from seqspec.compile.diagnostics.report import render
    from seqspec.compile.resolve.resolve import Overlay
    from seqspec.schema.diagnostic import SpecError
    from seqspec.schema.source import Source

    try:
        reading = read_text(Source("fuzzed.yaml", text), language)
        looks = analyze_profiles(reading, [Overlay.set(s) for s in sets])
        diagnostics = everything_found(looks, reading)
    except SpecError as error:
        diagnostics = error.diagnostics
    written = render(diagnostics)
    if "Traceback" in written or any(not (char.isprintable() or char in "\n\u3000") for char in written):
        raise AssertionError(f"a diagnostic that cannot be shown: {written[:100]!r}")
    return [d.code for d in diagnostics]


def make(seed: int, number: int) -> tuple[str, str, str, tuple[str, ...]]:
    """Kind, text, language and settings of input ``number``."""
    draw = random.Random(f"{seed}:{number}")
    language = "toml" if draw.random() < 0.2 else "yaml"
    sets = (draw.choice(SETS),) if draw.random() < 0.1 else ()
    share = draw.random()
    if share < 0.25:
        raw = (
            draw.randbytes(draw.randint(0, 200))
            if draw.random() < 0.5
            else bytes(draw.choices(b"{}[],:-#&*!|>'\"%@` \n\tab01.$=", k=draw.randint(0, 120)))
        )
        return (
            "bytes",
            raw.decode("utf-8", "surrogateescape" if draw.random() < 0.1 else "replace"),
            language,
            sets,
        )
    if share < 0.5:
        return "made up", (toml if language == "toml" else yaml)(draw), language, sets
    return "mutated", mutated(draw), "yaml", sets


def mutated(draw: random.Random) -> str:
    """The valid spec with one to four slips."""
    text = BASE
    for _ in range(draw.randint(1, 4)):
        text = draw.choice(SLIPS)(text, draw)
    return text


def _value(text: str, draw: random.Random) -> str:
    """Another value for a key."""
    places = list(_VALUE.finditer(text))
    place = draw.choice(places) if places else None
    return text[: place.start()] + draw.choice(PLAIN) + text[place.end() :] if place else text


def _key(text: str, draw: random.Random) -> str:
    """Another key, or the same one with two letters exchanged."""
    places = list(_KEY.finditer(text))
    if not places:
        return text
    place = draw.choice(places)
    word = place.group()
    at = draw.randrange(len(word))
    slip = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    return text[: place.start()] + draw.choice((slip, slip, draw.choice(KEYS))) + text[place.end() :]


def _insert(text: str, draw: random.Random) -> str:
    at = draw.randint(0, len(text))
    return text[:at] + draw.choice(WORDS) + text[at:]


def _delete(text: str, draw: random.Random) -> str:
    at = draw.randint(0, len(text))
    return text[:at] + text[at + draw.randint(1, 12) :]


def _exchange(text: str, draw: random.Random) -> str:
    at = draw.randint(0, max(0, len(text) - 2))
    return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]


def _word(text: str, draw: random.Random) -> str:
    words = text.split(" ")
    words[draw.randrange(len(words))] = draw.choice(WORDS)
    return " ".join(words)


def _line(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    lines.insert(draw.randint(0, len(lines)), lines[draw.randrange(len(lines))])
    return "\n".join(lines)


SLIPS = (_value, _value, _value, _value, _key, _key, _key, _insert, _delete, _exchange, _word, _line)


def yaml(draw: random.Random, depth: int = 0) -> str:
    """Made-up YAML in block style with flow values."""
    lines = []
    for _ in range(draw.randint(1, 4)):
        key = draw.choice(KEYS) if draw.random() < 0.8 else draw.choice(WORDS)
        if depth < 4 and draw.random() < 0.4:
            below = yaml(draw, depth + 1).replace("\n", "\n  ")
            lines.append(f"{key}:\n  {below}")
        else:
            lines.append(f"{key}: {flow(draw, 0)}")
    return "\n".join(lines)


def flow(draw: random.Random, depth: int) -> str:
    """A value in flow style."""
    share = draw.random()
    if depth > 3 or share < 0.6:
        return draw.choice(WORDS)
    inner = [flow(draw, depth + 1) for _ in range(draw.randint(0, 3))]
    if share < 0.8:
        return "[" + ", ".join(inner) + "]"
    return "{" + ", ".join(f"{draw.choice(KEYS)}: {value}" for value in inner) + "}"


def toml(draw: random.Random) -> str:
    """Made-up TOML."""
    lines = []
    for _ in range(draw.randint(1, 8)):
        key = ".".join(draw.choice(KEYS) for _ in range(draw.randint(1, 3)))
        share = draw.random()
        lines.append(
            f"[{key}]"
            if share < 0.2
            else f"[[{key}]]"
            if share < 0.3
            else f"{key} = {flow(draw, 0).replace(': ', ' = ')}"
        )
    return "\n".join(lines)


def peak() -> float:
    """Peak memory of this process, in MiB."""
    import resource

    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def as_plain(tally: Tally) -> dict[str, object]:
    """A tally for the pipe."""
    return {**vars(tally), "times": [round(seconds * 1e6) for seconds in tally.times]}


def add(total: Tally, shard: dict[str, object]) -> None:
    """One shard more."""
    total.kinds.update(shard["kinds"])
    total.codes.update(shard["codes"])
    total.times += [microseconds / 1e6 for microseconds in shard["times"]]
    total.failures += shard["failures"]
    total.mebibytes = max(total.mebibytes, shard["mebibytes"])


def report(total: Tally) -> int:
    """Print what happened; the exit code is 1 where something went wrong."""
    times = sorted(total.times)
    slow = sum(seconds > SLOW for seconds in times)
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(total.kinds.items()))
    print(f"inputs    {len(times):,} ({kinds})")
    print(f"failures  {len(total.failures)}")
    if times:
        at = {
            name: times[min(len(times) - 1, int(len(times) * share))] * 1e3
            for name, share in (("median", 0.5), ("p99", 0.99), ("max", 1.0))
        }
        print(
            "CPU time  "
            + ", ".join(f"{name} {value:.2f} ms" for name, value in at.items())
            + f"; {slow} above {SLOW * 1e3:.0f} ms"
        )
    print(f"memory    {total.mebibytes:.0f} MiB at most")
    print("told      " + ", ".join(f"{code} {number:,}" for code, number in total.codes.most_common()))
    for failure in total.failures[:20]:
        print(failure)
    return 1 if total.failures or slow else 0


def show(seed: int, number: int) -> None:
    """One input, and what is told of it."""
    kind, text, language, sets = make(seed, number)
    print(f"--- {kind}, {language}, {sets}\n{text!r}\n---")
    print(look(text, language, sets))


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    main()
