"""Speech on one thread: log-mel features next to the peers, and CTC training next to a tuned plain loop.

python benchmarks/speech.py [--root FOLDER] [--peers FOLDER] [--repeats 5] [--steps 20] [--only
features,training,run]

``--root`` is a folder that holds LibriSpeech/; without it speech-like sounds are made up.  Everything is
measured in CPU seconds of one thread, contenders in turns, medians over the repeats, so that other work on
the machine weighs little.  lhotse is installed into an environment of its own; where that fails it is left
out and named.  The plain loop is what a careful person writes: batches of like lengths, features cached,
packed ``nn.LSTM``, fused AdamW, no logging.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import Tensor, nn

from seqspec.runtime.devices.machine import keep_freed_memory

HERE = Path(__file__).resolve().parent
SPEC = HERE.parent / "specs" / "asr_librispeech_ctc.yaml"
RATE = 16_000
Row = dict[str, Any]


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    # The launcher does this for every run; here all contenders gain by it.
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        options.cache = Path(folder)
        tables: dict[str, list[Row]] = {}
        if "features" in options.only:
            tables["features"] = features(options)
        if "training" in options.only:
            tables["training"] = training(options)
        if "run" in options.only:
            tables["run"] = [through_run(options)]
    machine = {"python": sys.version.split()[0], "torch": torch.__version__, "numpy": np.__version__}
    for name, rows in tables.items():
        print(_markdown(name, rows))
    print(json.dumps({"machine": machine, "tables": tables}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--root", type=Path, help="folder that holds LibriSpeech/")
    parser.add_argument("--peers", type=Path, default=Path(tempfile.gettempdir()) / "seqspec-speech-peers")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="training steps of one measurement")
    parser.add_argument("--only", default="features,training,run", type=lambda text: text.split(","))
    return parser.parse_args()


# features


def features(options: argparse.Namespace) -> list[Row]:
    """Seconds of audio a CPU second, and the largest distance from Kaldi's own code."""
    rows = []
    for seconds in (1, 10, 40):
        samples = _speech(options, seconds)
        contenders = {"seqspec": _ours(), "kaldi-native-fbank": _kaldi, "rfft, mel and log alone": _floor}
        rates = _in_turns({name: _timed(run, samples) for name, run in contenders.items()}, options.repeats)
        distance = float(np.abs(_ours()(samples).numpy() - _kaldi(samples)).max())
        for name, spent in rates.items():
            row = {"features": name, "utterance": f"{seconds} s", "times real time": round(seconds / spent)}
            rows.append({**row, "from Kaldi": f"{distance:.1e}" if name == "seqspec" else ""})
        rows.append(_lhotse(options, samples, seconds))
    return rows


def _speech(options: argparse.Namespace, seconds: int) -> np.ndarray:
    """The corpus's first utterances in a row, or harmonics with pauses and noise."""
    if options.root is not None:
        import soundfile

        files = sorted(options.root.glob("LibriSpeech/*/*/*/*.flac"))[: 10 * seconds]
        pieces = [soundfile.read(file, dtype="float32")[0] for file in files]
        return np.resize(np.concatenate(pieces), seconds * RATE).astype(np.float32)
    when = np.arange(seconds * RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 120 * k * when + k) / k for k in range(1, 30))
    noise = np.random.default_rng(0).standard_normal(len(when))
    return (0.05 * voice * np.clip(np.sin(4 * np.pi * when), 0, 1) + 1e-3 * noise).astype(np.float32)


def _ours() -> Callable[[np.ndarray], Tensor]:
    from seqspec.components.feature.log_mel import LogMel
    from seqspec.schema.feature.log_mel import LogMelConfig
    from seqspec.schema.types import Waveform

    return LogMel(LogMelConfig(), Waveform(RATE))


def _kaldi(samples: np.ndarray) -> np.ndarray:
    import kaldi_native_fbank as knf

    settings = knf.FbankOptions()
    settings.frame_opts.dither = 0.0
    settings.mel_opts.num_bins = 80
    fbank = knf.OnlineFbank(settings)
    fbank.accept_waveform(RATE, samples.tolist())
    fbank.input_finished()
    return np.stack([fbank.get_frame(k) for k in range(fbank.num_frames_ready)])


def _floor(samples: np.ndarray) -> Tensor:
    """The transform, one product and the logarithm, in blocks, with nothing before or between."""
    frames = torch.from_numpy(samples).unfold(0, 400, 160)
    bank = torch.rand(257, 80)
    given = torch.empty(len(frames), 80)
    for start in range(0, len(frames), 256):
        spectrum = torch.view_as_real(torch.fft.rfft(frames[start : start + 256], n=512))
        torch.mm(spectrum[..., 0], bank, out=given[start : start + 256])
    return given.clamp_min_(1e-7).log_()


def _lhotse(options: argparse.Namespace, samples: np.ndarray, seconds: int) -> Row:
    row = {"features": "lhotse", "utterance": f"{seconds} s", "times real time": "", "from Kaldi": ""}
    python = _environment(options.peers)
    if python is None:
        return {**row, "times real time": "not installed"}
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file.name, samples)
        done = subprocess.run(
            [python, HERE / "peers" / "lhotse_fbank.py", file.name, str(options.repeats)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        return {**row, "times real time": done.stderr.strip().splitlines()[-1][:60]}
    return {**row, "times real time": round(seconds / float(done.stdout))}


def _environment(folder: Path) -> Path | None:
    """An environment with lhotse that sees this one's torch."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        here = next(path for path in sys.path if path.endswith("site-packages"))
        place = next(folder.glob("lib/python*/site-packages")) / "host.pth"
        place.write_text(here + "\n")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "lhotse>=1.31", "urllib3"], check=False)
    works = subprocess.run([python, "-c", "import lhotse"], capture_output=True, check=False).returncode == 0
    return python if works else None


# training


class Plain(nn.Module):
    """The digits profile of the spec as one writes it by hand."""

    def __init__(
        self,
        vocabulary: int,
        *,
        dim: int,
        channels: list[int],
        strides: list[tuple[int, int]],
        packed: bool,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        bins = 80
        for before, after, stride in zip([1, *channels], channels, strides, strict=False):
            convolution = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
            bins = -(-bins // stride[1])
        self.front = nn.Sequential(*layers)
        self.shrink = [stride[0] for stride in strides]
        self.lstm = nn.LSTM(
            bins * channels[-1], dim, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2
        )
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(2 * dim, vocabulary)
        self.packed = packed

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

        x = self.dropout(self.front(x[:, None]).transpose(1, 2).flatten(2))
        for stride in self.shrink:
            lengths = (lengths + stride - 1) // stride
        if not self.packed:
            return self.head(self.dropout(self.lstm(x)[0])), lengths
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.head(self.dropout(states)), lengths


def training(options: argparse.Namespace) -> list[Row]:
    """Frames a CPU second of our modules and of the plain loop, on the same batches."""
    program, batches = _program(options)
    encoder = program.plan.experiment.model.encoder
    vocabulary = program.model.head.weight_VD.shape[0]
    strides = list(zip(encoder.time_strides, encoder.bin_strides, strict=True))
    shape = {"dim": encoder.dim, "channels": list(encoder.channels), "strides": strides}
    contenders = {"seqspec's modules": _our_steps(program, batches)}
    for name, packed in (("plain loop", True), ("plain loop that lets padding into the LSTM", False)):
        contenders[name] = _plain_steps(Plain(vocabulary, packed=packed, **shape), batches)
    frames = sum(int(batch.source_lengths.sum()) for batch in batches)
    for run in contenders.values():
        run(None)
    spent = _in_turns({name: _once(run) for name, run in contenders.items()}, options.repeats)
    packed, unpacked = list(spent.values())[1:]
    return [
        {
            "training": name,
            "frames a CPU second": round(frames / s),
            "of the plain loop": f"{packed / s:.2f}",
            "of the one without packing": f"{unpacked / s:.2f}",
        }
        for name, s in spent.items()
    ]


def _program(options: argparse.Namespace) -> tuple[Any, list[Any]]:
    from seqspec.compile.build.data_parts import build_data
    from seqspec.compile.build.program import build
    from seqspec.compile.pipeline import compile, recompile
    from seqspec.compile.resolve.overlay import Overlay
    from seqspec.data.batching.loader import training_loader
    from seqspec.data.stages.prepare import prepare

    corpus = f"data.source.root={options.root}" if options.root else "data.source.synthetic=300"
    compiled = compile(SPEC, overlays=[Overlay("profile", "digits"), Overlay.set(corpus)])
    prepared = prepare(build_data(compiled.plan), cache=options.cache, splits=["train"], processes=1)
    compiled = recompile(compiled, facts=dict(prepared.facts))
    parts = replace(prepared.parts, augments={})
    batches = list(training_loader(parts, prepared.splits["train"], stop=options.steps))
    return build(compiled.plan, tree=compiled.tree), batches


def _our_steps(program: Any, batches: list[Any]) -> Callable[[object], None]:
    optimizer = torch.optim.AdamW(program.model.parameters(), lr=1e-3, fused=True)

    def run(_: object) -> None:
        for batch in batches:
            loss = program.model.loss(batch, program.criterion)
            _step(optimizer, loss.total / batch.loss_normalizer, program.model)

    return run


def _plain_steps(model: Plain, batches: list[Any]) -> Callable[[object], None]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    criterion = nn.CTCLoss(reduction="sum", zero_infinity=True)

    def run(_: object) -> None:
        for batch in batches:
            logits, lengths = model(batch.source, batch.source_lengths)
            log_probs = logits.log_softmax(-1).transpose(0, 1)
            loss = criterion(log_probs, batch.target, lengths, batch.target_lengths)
            _step(optimizer, loss / batch.loss_normalizer, model)

    return run


def _step(optimizer: torch.optim.Optimizer, loss: Tensor, model: nn.Module) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()


def through_run(options: argparse.Namespace) -> Row:
    """``seqspec run`` with all its logging and checkpoints: two runs of different length, so that start-up
    drops out."""
    short, long = options.steps, 4 * options.steps
    spent = {steps: _run(options, steps) for steps in (short, long, short, long)}
    frames = spent[long][1] - spent[short][1]
    seconds = spent[long][0] - spent[short][0]
    return {"training": "seqspec run, augmentation included", "frames a CPU second": round(frames / seconds)}


def _run(options: argparse.Namespace, steps: int) -> tuple[float, float]:
    """CPU seconds and frames of a run of so many steps."""
    corpus = f"data.source.root={options.root}" if options.root else "data.source.synthetic=300"
    sets = [
        corpus,
        f"train.max_steps={steps}",
        "evaluate.every_steps=null",
        "evaluate.max_examples=1",
        "evaluate.splits=[]",
    ]
    runs = options.cache / f"runs-{steps}-{time.monotonic_ns()}"
    command = [
        Path(sys.executable).parent / "seqspec",
        "run",
        SPEC,
        "--profile",
        "digits",
        "--runs",
        runs,
        "--threads",
        "1",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "SEQSPEC_CACHE": str(options.cache / "cache")}
    given = [part for one in sets for part in ("--set", one)]
    subprocess.run([*command, "--quiet", *given], check=True, env=environment, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    (speed,) = runs.glob("*/*/speed.jsonl")
    lines = [json.loads(line) for line in speed.read_text().splitlines()]
    frames, last = 0.0, 0.0
    for line in lines:
        frames += line["frames_per_second"] * (line["seconds"] - last)
        last = line["seconds"]
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, frames


# measuring


def _once(run: Callable[[Any], object]) -> Callable[[], float]:
    """CPU seconds of one call that is warm already."""

    def measure() -> float:
        begun = time.process_time()
        run(None)
        return time.process_time() - begun

    return measure


def _timed(run: Callable[[Any], object], given: Any) -> Callable[[], float]:
    """CPU seconds of one call, a mean over as many as take a while."""

    def measure() -> float:
        times = max(1, 300 // max(len(given) // RATE, 1))
        run(given)
        begun = time.process_time()
        for _ in range(times):
            run(given)
        return (time.process_time() - begun) / times

    return measure


def _in_turns(contenders: dict[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """The median of each, taken in turns, every other round backwards."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for repeat in range(repeats):
        names = list(contenders)
        for name in names if repeat % 2 == 0 else reversed(names):
            found[name].append(contenders[name]())
    return {name: statistics.median(times) for name, times in found.items()}


def _markdown(name: str, rows: list[Row]) -> str:
    columns = list(rows[0])
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(str(row.get(column, "")) for column in columns) for row in rows]
    packages = ", ".join(f"{p} {version(p)}" for p in ("torch", "kaldi-native-fbank"))
    return f"\n{name} ({packages})\n\n" + "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    main()
