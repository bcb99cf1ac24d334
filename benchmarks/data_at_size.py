"""Data at size: compressed recordings, MeCab over processes, and the training of subword vocabularies.

    python benchmarks/data_at_size.py --only audio --files 300
    python benchmarks/data_at_size.py --only in_turns --files 500 --longest 6 --repeats 9
    python benchmarks/data_at_size.py --only two_cores --files 2100 --longest 6
    python benchmarks/data_at_size.py --only opening --files 10000
    python benchmarks/data_at_size.py --only mecab,pieces --lines train.ja --most 50000

``audio``: files of mp3, ogg and flac that are made here (cut from harmonics and noise, 16 kHz), as ``seqspec
data prepare`` indexes and featurises them, beside libsndfile alone over the same files, and libsndfile with
the same features in a plain loop.  ``in_turns``: the same in one process that has loaded everything, in short
turns, for a machine that is busy with other things.  ``two_cores``: the same by two processes, beside two of libsndfile and two
such loops.  ``opening``: what it takes to open a prepared corpus of recordings, and to go on with a run in the
middle of an epoch, of a tenth of the files and of all.  ``mecab``: ``data prepare`` of segmented text with one process and with
two.  ``lines``: the same of raw text, a quarter, a half and all of the lines, to see what each further one
costs.  ``pieces``: our SentencePiece beside the trainers of Hugging Face's ``tokenizers``, one thread each.

Each contender runs in a process of its own, in turns, each first in every other turn; CPU seconds (user and
system, children included), medians of the turns, what starting costs taken off where it says so.  One JSON
line a row.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from harness.critical_path import run

RATE = 16_000
DISTINCT = 512
"""Recordings of each format that are encoded: making thousands would take longer than reading them."""
KINDS = {"mp3": ("MP3", "MPEG_LAYER_III"), "ogg": ("OGG", "VORBIS"), "flac": ("FLAC", "PCM_16")}
AUDIO = """
seqspec: 1
name: compressed
data:
  source:
    type: tsv
    root: {root}
    splits: {{train: train.tsv}}
    source: {{audio: file, rate: 16000}}
    target: {{text: words, language: en}}
  audio: {{features: log_mel, cache_gigabytes: 8}}
  text: {{target: {{tokenizer: characters}}}}
  filter: {{max_seconds: 20.0}}
  batch: {{unit: seconds, size: 60}}
model: {{type: ctc, encoder: {{type: recurrent, dim: 8, num_layers: 1}}}}
loss: ctc
optimizer: {{type: adam, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 1}}
evaluate: {{splits: [train], search: ctc_greedy, metrics: [wer]}}
"""
TEXT = """
seqspec: 1
name: segmented
data:
  source: {{type: lines, root: {root}, language: ja, splits: {{train: train.txt}}}}
  text: {{target: {{segment: {{type: mecab, dictionary: unidic-lite}}, tokenizer: characters}}}}
  batch: {{unit: tokens, size: 1024}}
model: {{type: language_model, decoder: {{type: transformer, dim: 8, num_layers: 1, num_heads: 2}}}}
loss: cross_entropy
optimizer: {{type: adam, schedule: {{type: constant, peak: 1.0e-3}}}}
train: {{max_steps: 1}}
evaluate: {{splits: [train], metrics: [perplexity]}}
"""


SEGMENT = "segment: {type: mecab, dictionary: unidic-lite}, "


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="audio,mecab,pieces")
    parser.add_argument("--files", type=int, default=300, help="recordings of each format")
    parser.add_argument("--longest", type=float, default=12.0, help="seconds of a recording, from 2")
    parser.add_argument("--lines", type=Path, help="UTF-8 text, one sentence a line")
    parser.add_argument(
        "--most",
        type=int,
        default=50_000,
        help="lines that are taken, from the beginning again where there are fewer",
    )
    parser.add_argument("--vocab", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        CHILDREN[asked.child[0]](*asked.child[1:])
        return
    for name in asked.only.split(","):
        with tempfile.TemporaryDirectory(prefix="seqspec-data-") as folder:
            {
                "audio": audio,
                "in_turns": in_turns,
                "two_cores": two_cores,
                "opening": opening,
                "mecab": mecab,
                "lines": lines,
                "pieces": pieces,
            }[name](asked, Path(folder))


def audio(asked: argparse.Namespace, folder: Path) -> None:
    """Milliseconds a file; ``speed``: libsndfile's time over ours."""
    for kind in KINDS:
        root = folder / kind
        seconds = _recordings(root, kind, count=asked.files, longest=asked.longest)
        spec, few = root / "spec.yaml", root / "few.yaml"
        spec.write_text(AUDIO.format(root=root))
        few.write_text(AUDIO.format(root=root).replace("train.tsv", "few.tsv"))
        spent = _measured(
            {
                "decoded": [__file__, "--child", "decode", str(root), ""],
                "with_features": [__file__, "--child", "decode", str(root), "log_mel"],
                "start_of_decoding": [__file__, "--child", "decode", str(root), "nothing"],
                "start_of_features": [__file__, "--child", "decode", str(root), "log_mel_of_nothing"],
                "prepared": _prepare(spec),
                "start_of_preparing": _prepare(few),
            },
            repeats=asked.repeats,
        )
        each = {
            "decoded": spent["decoded"] - spent["start_of_decoding"],
            "with_features": spent["with_features"] - spent["start_of_features"],
            "prepared": spent["prepared"] - spent["start_of_preparing"],
        }
        told = {f"{name}_ms": round(1e3 * one / asked.files, 2) for name, one in each.items()}
        speed = {
            "of_decoding": round(each["decoded"] / each["prepared"], 3),
            "of_decoding_with_features": round(each["with_features"] / each["prepared"], 3),
            "real_time": round(seconds / each["prepared"]),
        }
        print(
            json.dumps(
                {"audio": kind, "files": asked.files, "hours": round(seconds / 3600, 3), **told, **speed}
            )
        )


def _recordings(root: Path, kind: str, *, count: int, longest: float) -> float:
    """Recordings of 2 to ``longest`` seconds and their tables; gives the seconds of all.  From ``DISTINCT`` on
    they are copies of those before, which are decoded again all the same.
    """
    import numpy as np
    import soundfile

    rng = np.random.default_rng(0)
    root.mkdir(parents=True)
    whole = _speech(rng, seconds=20 * longest)
    sizes = [int(rng.uniform(2, longest) * RATE) for _ in range(min(count, DISTINCT))]
    for number, size in enumerate(sizes):
        start = rng.integers(len(whole) - size)
        sound = rng.uniform(0.3, 1.0) * whole[start : start + size]
        format, subtype = KINDS[kind]
        soundfile.write(root / f"{number}.{kind}", sound, RATE, format=format, subtype=subtype)
    for number in range(DISTINCT, count):
        shutil.copyfile(root / f"{number % DISTINCT}.{kind}", root / f"{number}.{kind}")
    rows = [f"{number}.{kind}\tone two three\n" for number in range(count)]
    for name, taken in (("train.tsv", rows), ("few.tsv", rows[:2]), ("quarter.tsv", rows[: count // 4])):
        (root / name).write_text("file\twords\n" + "".join(taken))
    return sum(sizes[number % DISTINCT] for number in range(count)) / RATE


def _speech(rng: Any, *, seconds: float) -> Any:
    """Harmonics of a voice that changes its pitch every second and pauses, and noise."""
    import numpy as np

    at = np.arange(int(seconds * RATE)) / RATE
    base = np.repeat(rng.uniform(90, 250, int(seconds) + 1), RATE)[: len(at)]
    pitch = np.cumsum(base * (1 + 0.1 * np.sin(2 * np.pi * 3 * at))) / RATE
    voice = sum(np.sin(2 * np.pi * k * pitch) / k for k in range(1, 16))
    return 0.1 * voice * (np.sin(2 * np.pi * 2 * at) > -0.5) + 0.01 * rng.standard_normal(len(at))


def in_turns(asked: argparse.Namespace, folder: Path) -> None:
    """CPU milliseconds a further file, beyond the first quarter, and medians of the ratios of each turn."""
    for kind in KINDS:
        root = folder / kind
        _recordings(root, kind, count=asked.files, longest=asked.longest)
        (root / "train.yaml").write_text(AUDIO.format(root=root))
        (root / "quarter.yaml").write_text(AUDIO.format(root=root).replace("train.tsv", "quarter.tsv"))
        command = [sys.executable, __file__, "--child", "turns", str(root), str(asked.repeats)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        row = {"in_turns": kind, "files": asked.files, **json.loads(told.stdout)}
        print(json.dumps({**row, "load": [round(one, 1) for one in os.getloadavg()]}), flush=True)


def turns(root: str, repeats: str) -> None:
    """Decodes, decodes with features, and prepares a quarter of the files and all of them, in turns."""
    from seqspec.compile.build.data_parts import build_data
    from seqspec.compile.pipeline import compile as compile_spec
    from seqspec.data.stages.prepare import prepare

    def prepared(table: str) -> None:
        plan = compile_spec(Path(root) / f"{table}.yaml").plan
        with tempfile.TemporaryDirectory() as cache:
            prepare(build_data(plan), cache=Path(cache), processes=1)

    contenders = {
        "decoded": lambda table: decode(root, "", table),
        "with_features": lambda table: decode(root, "log_mel", table),
        "prepared": prepared,
    }
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(int(repeats) + 1):
        for name in list(contenders)[:: -1 if turn % 2 else 1]:
            took = {}
            for table in ("quarter", "train"):
                begun = time.process_time()
                contenders[name](table)
                took[table] = time.process_time() - begun
            if turn:  # the first loads what is loaded once
                spent[name].append(took["train"] - took["quarter"])
    names = (Path(root) / "train.tsv").read_text().splitlines()[1:]
    further = len(names) - len(names) // 4
    ratios = {
        f"of_{name}": [one / ours for one, ours in zip(spent[name], spent["prepared"], strict=True)]
        for name in ("decoded", "with_features")
    }
    told = {f"{name}_ms": round(1e3 * median(each) / further, 2) for name, each in spent.items()}
    print(json.dumps({**told, **{name: round(median(each), 3) for name, each in ratios.items()}}))


def two_cores(asked: argparse.Namespace, folder: Path) -> None:
    """Milliseconds a file, by the clock and by the critical path, of one process and of two; what a further
    file costs beyond the first quarter of them, which no start is part of.
    """
    for kind in KINDS:
        root = folder / kind
        _recordings(root, kind, count=asked.files, longest=asked.longest)
        (root / "train.yaml").write_text(AUDIO.format(root=root))
        (root / "quarter.yaml").write_text(AUDIO.format(root=root).replace("train.tsv", "quarter.tsv"))
        contenders: dict[str, list[str]] = {}
        for table in ("train", "quarter"):
            for count in (1, 2):
                for name, what in (("decoded", ""), ("with_features", "log_mel")):
                    told = [str(root), what, table, str(count)]
                    contenders[f"{name}_by_{count} {table}"] = [__file__, "--child", "shared_decode", *told]
                contenders[f"prepared_by_{count} {table}"] = _prepare(root / f"{table}.yaml", processes=count)
        clock: dict[str, float] = {}
        critical: dict[str, float] = {}
        _measured(contenders, repeats=asked.repeats, clock=clock, critical=critical)
        further = asked.files - asked.files // 4
        for by, found in (("clock", clock), ("critical path", critical)):
            each = {
                name: (found[f"{name} train"] - found[f"{name} quarter"]) / further
                for name in dict.fromkeys(one.split()[0] for one in contenders)
            }
            ours = each["prepared_by_2"]
            speed = {f"of_{name}": round(one / ours, 3) for name, one in each.items()}
            told_ms = {f"{name}_ms": round(1e3 * one, 2) for name, one in each.items()}
            row = {"two_cores": kind, "files": asked.files, "by": by, **told_ms, **speed}
            print(json.dumps({**row, "load": [round(one, 1) for one in os.getloadavg()]}), flush=True)


def opening(asked: argparse.Namespace, folder: Path) -> None:
    """CPU seconds, and calls of Python functions, to open a prepared corpus and to assemble a run of it with
    the batch in the middle of an epoch.
    """
    for count in (asked.files // 10, asked.files):
        root = folder / str(count)
        _recordings(root, "flac", count=count, longest=2.1)
        (root / "spec.yaml").write_text(AUDIO.format(root=root))
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "SEQSPEC_CACHE": cache, "OMP_NUM_THREADS": "1"}
            for _ in range(2):  # files that are younger than two seconds are hashed again
                time.sleep(2.5)
                run([sys.executable, *_prepare(root / "spec.yaml")], environment=environment)
            command = [sys.executable, __file__, "--child", "opened", str(root / "spec.yaml")]
            told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        print(json.dumps({"opening": count, **json.loads(told.stdout)}), flush=True)


def opened(spec: str) -> None:
    """What opening and resuming take in a process that has loaded everything already."""
    import cProfile
    import pstats

    from seqspec.compile.build.data_parts import build_data
    from seqspec.compile.pipeline import compile as compile_spec
    from seqspec.data.batching.loader import training_loader, training_order
    from seqspec.data.stages.prepare import Prepared, prepare
    from seqspec.data.store.cache import default_cache

    compiled = compile_spec(Path(spec))

    def open_() -> Prepared:
        prepared = prepare(build_data(compiled.plan), cache=default_cache(), processes=1)
        assert prepared.files  # what the lock of a run names
        return prepared

    def resume(prepared: Prepared) -> None:
        parts, train = prepared.parts, prepared.splits["train"]
        order = training_order(parts, train)
        middle = (order.start(3) + order.start(4)) // 2
        next(iter(training_loader(parts, train, order=order, start=middle, stop=middle + 1)))

    found = open_()
    resume(found)  # what is loaded and mapped once
    told: dict[str, float] = {}
    for name, work in (("opening", open_), ("first_batch", lambda: resume(found))):
        spent = []
        for _ in range(3):
            begun = time.process_time()
            work()
            spent.append(time.process_time() - begun)
        calls = cProfile.Profile()
        calls.runcall(work)
        total = pstats.Stats(calls).total_calls  # type: ignore[attr-defined]
        told |= {f"{name}_seconds": round(median(spent), 4), f"{name}_calls": total}
    print(json.dumps(told))


def shared_decode(root: str, what: str, table: str, count: str) -> None:
    """A plain loop over the files of a table in each of ``count`` processes."""
    shares = [[root, what, table, f"{number}/{count}"] for number in range(int(count))]
    commands = [[sys.executable, __file__, "--child", "decode", *share] for share in shares]
    started = [subprocess.Popen(command) for command in commands]
    if any([one.wait() for one in started]):
        raise SystemExit("a process that decodes failed")


def decode(root: str, what: str, table: str = "train", share: str = "0/1") -> None:
    """A plain loop over the files of a table, or over every so-manieth of them."""
    import soundfile

    feature: Any = None
    if what.startswith("log_mel"):
        import torch

        from seqspec.schema.catalogue import Catalogue
        from seqspec.schema.types import Waveform

        torch.set_num_threads(1)
        catalogue = Catalogue()
        feature = catalogue.module("feature", "log_mel")(
            catalogue.config("feature", "log_mel")(), Waveform(RATE)
        )
    names = (Path(root) / f"{table}.tsv").read_text().splitlines()[1:]
    first, step = map(int, share.split("/"))
    for file in [] if what.endswith("nothing") else names[first::step]:
        samples, _ = soundfile.read(f"{root}/{file.split(chr(9))[0]}", dtype="float32")
        if feature is not None:
            feature(samples)


def mecab(asked: argparse.Namespace, folder: Path) -> None:
    """Seconds of the clock, of all processors and of the critical path with one process and with two; the
    speed-up of the whole command, and of the lines beyond the first quarter, which no start is part of.

    The critical path is what the first process spends and the most that one of the others does: what the
    clock would say were there nothing else to do, and did none of them wait for another.
    """
    lines = _text(asked, folder)
    few = folder / "few"
    few.mkdir()
    _text(asked, few, share=4)
    for root in (folder, few):
        (root / "spec.yaml").write_text(TEXT.format(root=root))
    contenders = {
        f"{name}{count}": _prepare(root / "spec.yaml", processes=count)
        for name, root in (("", folder), ("few_", few))
        for count in (1, 2)
    }
    clock: dict[str, float] = {}
    critical: dict[str, float] = {}
    spent = _measured(contenders, repeats=asked.repeats, clock=clock, critical=critical)
    told: dict[str, Any] = {"mecab": lines}
    for kind, found in (("cpu", spent), ("clock", clock), ("critical", critical)):
        told |= {f"{kind}_{name}": round(one, 2) for name, one in found.items()}
    for kind, found in (("clock", clock), ("critical_path", critical)):
        beyond = (found["1"] - found["few_1"]) / (found["2"] - found["few_2"])
        told[f"speed_up_by_the_{kind}"] = round(found["1"] / found["2"], 2)
        told[f"speed_up_by_the_{kind}_beyond_a_quarter"] = round(beyond, 2)
    print(json.dumps({**told, "load": [round(one, 1) for one in os.getloadavg()]}))


def lines(asked: argparse.Namespace, folder: Path) -> None:
    """What a line of raw text costs, and what memory the processes have of their own, as lines double."""
    for share in (4, 2, 1):
        root = folder / str(share)
        root.mkdir()
        count = _text(asked, root, share=share)
        (root / "spec.yaml").write_text(TEXT.format(root=root).replace(SEGMENT, ""))
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "SEQSPEC_CACHE": cache, "OMP_NUM_THREADS": "1"}
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = run([sys.executable, *_prepare(root / "spec.yaml", processes=2)], environment=environment)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(
            json.dumps(
                {
                    "lines": count,
                    "cpu_microseconds_a_line": round(1e6 * cpu / count, 2),
                    "critical_microseconds_a_line": round(1e6 * spent.critical / count, 2),
                    "first_process_mib": round(spent.own_mib, 1),
                    "largest_worker_mib": round(spent.others_mib, 1),
                }
            ),
            flush=True,
        )


def pieces(asked: argparse.Namespace, folder: Path) -> None:
    """Seconds of the processor to learn a vocabulary."""
    lines, file = _text(asked, folder), str(folder / "train.txt")
    names = [(engine, model) for model in ("unigram", "bpe") for engine in ("ours", "theirs", "library")]
    contenders = {
        f"{engine}_{model}": [__file__, "--child", engine, model, file, str(asked.vocab)]
        for engine, model in names
    }
    spent = _measured(contenders, repeats=asked.repeats)
    for model in ("unigram", "bpe"):
        one = {engine: round(spent[f"{engine}_{model}"], 2) for engine in ("ours", "theirs", "library")}
        ratio = round(one["theirs"] / one["ours"], 2)
        print(
            json.dumps({"pieces": model, "lines": lines, "vocab": asked.vocab, **one, "of_tokenizers": ratio})
        )


def _text(asked: argparse.Namespace, folder: Path, *, share: int = 1) -> int:
    """Writes the lines, begun anew where there are too few, and gives how many they are."""
    held = asked.lines.read_text(encoding="utf-8").splitlines(keepends=True)
    with (folder / "train.txt").open("w", encoding="utf-8") as file:
        file.writelines(islice(cycle(held), asked.most // share))
    return int(asked.most // share)


def ours(model: str, file: str, vocab: str, **more: Any) -> None:
    """As a spec trains it."""
    from seqspec.schema.catalogue import Catalogue
    from seqspec.schema.types import Text

    catalogue = Catalogue()
    config = catalogue.config("tokenizer", "sentencepiece")(vocab_size=int(vocab), model=model, **more)
    with open(file, encoding="utf-8") as lines:
        catalogue.module("tokenizer", "sentencepiece")(config, Text("ja")).train(
            line.rstrip("\n") for line in lines
        )


def library(model: str, file: str, vocab: str) -> None:
    """SentencePiece by its own seeds, from the same lines."""
    ours(model, file, vocab, seeds="library")


def theirs(model: str, file: str, vocab: str) -> None:
    """``tokenizers``, cut at spaces as SentencePiece does."""
    os.environ["TOKENIZERS_PARALLELISM"], os.environ["RAYON_NUM_THREADS"] = "false", "1"
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    special = ["<pad>", "<s>", "</s>", "<unk>"]
    if model == "unigram":
        learner, trainer = models.Unigram(), trainers.UnigramTrainer
    else:
        learner, trainer = models.BPE(unk_token="<unk>"), trainers.BpeTrainer
    told = {"unk_token": "<unk>"} if model == "unigram" else {}
    tokenizer = Tokenizer(learner)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    how = trainer(vocab_size=int(vocab), special_tokens=special, show_progress=False, **told)
    with open(file, encoding="utf-8") as lines:
        tokenizer.train_from_iterator((line.rstrip("\n") for line in lines), how)


CHILDREN = {
    "decode": decode,
    "shared_decode": shared_decode,
    "turns": turns,
    "opened": opened,
    "ours": ours,
    "theirs": theirs,
    "library": library,
}


def _prepare(spec: Path, *, processes: int = 1) -> list[str]:
    return ["-m", "seqspec", "data", "prepare", str(spec), "--processes", str(processes), "--quiet"]


def _measured(
    contenders: dict[str, list[str]],
    *,
    repeats: int,
    clock: dict[str, float] | None = None,
    critical: dict[str, float] | None = None,
) -> dict[str, float]:
    """Median CPU seconds of each; ``clock`` takes those of the clock, ``critical`` those of the longest way
    through its processes.
    """
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    walls: dict[str, list[float]] = {name: [] for name in contenders}
    paths: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeats):
        for name in list(contenders)[:: -1 if turn % 2 else 1]:
            with tempfile.TemporaryDirectory() as cache:
                environment = {**os.environ, "SEQSPEC_CACHE": cache, "OMP_NUM_THREADS": "1"}
                before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                paths[name].append(run([sys.executable, *contenders[name]], environment=environment).critical)
                walls[name].append(time.perf_counter() - begun)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    for told, found in ((clock, walls), (critical, paths)):
        if told is not None:
            told.update({name: median(each) for name, each in found.items()})
    return {name: median(each) for name, each in spent.items()}


if __name__ == "__main__":
    main()
