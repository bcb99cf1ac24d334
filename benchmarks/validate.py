"""How fast specs are validated, and how well mistakes are explained, next to the peers.

    python benchmarks/validate.py [--peers FOLDER] [--repeats 5] [--specs 5000] [--only hydra,gin]

One experiment, a translation Transformer with about 45 settings, is written in each tool's own format and validated in a fresh
process: CPU seconds, peak memory, whether torch was loaded.  Then twelve mistakes are made in it, one at a time, and what the
tool says is scored by rule: 0 accepted or a deep crash, 1 an error that does not say where, 2 the setting is named, 3 the place
is given as file and line (or as a full path) with what was expected or the remedy.  At last `seqspec validate` runs over a folder of
specs.  Peers are installed into their own environment; one that cannot be installed is left out and named.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent / "peers"
PACKAGES = {
    "hydra": ["hydra-core==1.3.8"],
    "jsonargparse": ["jsonargparse[omegaconf,signatures]>=4.46"],
    "hyperpyyaml": ["HyperPyYAML==1.2.3"],
    "confection": ["confection==1.3.4", "catalogue", "pydantic"],
    "gin": ["gin-config==0.5.0"],
    "lightning": ["jsonargparse[omegaconf,signatures]>=4.46"],
    "ludwig": ["ludwig"],
}
WITH_HOST = ("lightning", "ludwig")
"""Peers that need torch: their environment sees the packages of the one that runs this script."""
MOST_SECONDS = 600
"""Longest time that an installation may take."""


class Raw(str):
    """A value that is written as it stands, unquoted, in every format."""

    __slots__ = ()


Setting = tuple[str, str, object]
Settings = list[Setting]

TOKENIZER = [("vocab_size", 8000), ("model", "unigram"), ("character_coverage", 1.0), ("byte_fallback", True)]
LAYERS = [
    ("num_layers", 3),
    ("dim", 256),
    ("num_heads", 4),
    ("feed_forward_dim", 1024),
    ("dropout", 0.1),
    ("norm", "pre"),
]
EXPERIMENT: Settings = [
    *[("data", key, value) for key, value in [
        ("root", "/data/wmt"), ("source_language", "en"), ("target_language", "de"), ("train", "train"), ("dev", "dev"),
        ("max_source_tokens", 128), ("max_target_tokens", 128), ("unit", "tokens"), ("batch_size", 8192), ("shuffle", True)]],
    *[("data.source", key, value) for key, value in TOKENIZER],
    *[("data.target", key, value) for key, value in TOKENIZER],
    *[("model.encoder", key, value) for key, value in LAYERS],
    *[("model.decoder", key, value) for key, value in LAYERS],
    *[("optimizer", key, value) for key, value in [
        ("learning_rate", 0.001), ("beta1", 0.9), ("beta2", 0.98), ("schedule", "inverse_sqrt"), ("warmup_steps", 4000)]],
    *[("train", key, value) for key, value in [
        ("max_steps", 20000), ("seed", 1), ("clip_norm", 1.0), ("label_smoothing", 0.1), ("checkpoint_every_steps", 1000),
        ("evaluate_every_steps", 1000), ("beam", 5), ("metric", "bleu")]],
]  # fmt: skip


def put(
    section: str, key: str, value: object, *, new_key: str | None = None
) -> Callable[[Settings], Settings]:
    """Another value, or another key, for one setting."""
    return lambda settings: [
        (s, new_key or k, value) if (s, k) == (section, key) else (s, k, v) for s, k, v in settings
    ]


def drop(section: str, key: str) -> Callable[[Settings], Settings]:
    return lambda settings: [item for item in settings if item[:2] != (section, key)]


def twice(section: str, key: str, value: object) -> Callable[[Settings], Settings]:
    def change(settings: Settings) -> Settings:
        at = next(i for i, item in enumerate(settings) if item[:2] == (section, key))
        return [*settings[: at + 1], (section, key, value), *settings[at + 1 :]]

    return change


@dataclass(frozen=True)
class Mistake:
    """One seeded mistake, and the word that a good answer names."""

    name: str
    word: str
    change: Callable[[Settings], Settings]
    special: str = ""
    """A change that each format makes in its own way."""
    read_as: str = ""
    """What must be read where the text is right after all."""
    row: str = ""
    """Mistakes of one row are averaged."""


MISTAKES = [
    Mistake("typo in key", "dropuot", put("model.encoder", "dropout", 0.1, new_key="dropuot")),
    Mistake("typo in enum value", "norm", put("model.encoder", "norm", "poost")),
    Mistake("`3e-4`", "learning_rate", put("optimizer", "learning_rate", Raw("3e-4")), read_as="READ 0.0003 "),
    Mistake("missing required", "source_language", drop("data", "source_language")),
    Mistake("wrong type", "num_layers", put("model.encoder", "num_layers", "six")),
    Mistake("out of range", "dropout", put("model.encoder", "dropout", 1.5)),
    Mistake("unknown component", "transfomer", lambda s: s, special="component"),
    Mistake("dimension mismatch", "heads", lambda s: put("model.encoder", "num_heads", 8)(put("model.encoder", "dim", 500)(s))),
    Mistake("duplicate key", "num_layers", twice("model.encoder", "num_layers", 6)),
    Mistake("Norway", "source_language", put("data", "source_language", Raw("no")), read_as=" 'no' ", row="YAML traps"),
    Mistake("octal", "max_steps", put("train", "max_steps", Raw("010")), read_as=" 10\n", row="YAML traps"),
    Mistake("tab", "tab", lambda s: s, special="tab", row="YAML traps"),
    Mistake("undefined interpolation", "encodr", lambda s: s, special="interpolation"),
    Mistake("circular include", "config", lambda s: s, special="include"),
]  # fmt: skip


@dataclass(frozen=True)
class Peer:
    """One tool: how its file is written and how it is run."""

    name: str
    suffix: str
    write: Callable[[Settings, str], str | None]
    """The text of the file with a special change; ``None`` where the tool has no such thing."""
    program: str
    python: Path = field(default=Path(sys.executable))


# What each format makes of the settings.


def _yaml_value(value: object) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _tree(settings: Settings) -> dict[str, list[tuple[str, object]]]:
    sections: dict[str, list[tuple[str, object]]] = {}
    for section, key, value in settings:
        sections.setdefault(section, []).append((key, value))
    return sections


def _yaml(
    settings: Settings,
    *,
    tags: dict[str, str] | None = None,
    interpolation: str = "",
    tab: bool = False,
    home: dict[str, str] | None = None,
) -> str:
    """YAML in block style; ``home`` puts a top section somewhere else."""
    lines: list[str] = []
    opened: list[str] = []
    for section, entries in _tree(settings).items():
        top, dot, rest = section.partition(".")
        parts = f"{(home or {}).get(top, top)}{dot}{rest}".split(".")
        common = 0
        while common < min(len(opened), len(parts)) and opened[common] == parts[common]:
            common += 1
        for depth in range(common, len(parts)):
            tag = (tags or {}).get(".".join(parts[: depth + 1]), "")
            lines.append("  " * depth + f"{parts[depth]}:{' ' + tag if tag else ''}")
        opened = parts
        for key, value in entries:
            indent = "\t" if tab and (section, key) == ("train", "seed") else "  " * len(parts)
            if interpolation and (section, key) == ("model.decoder", "dim"):
                value = Raw(interpolation)
            lines.append(f"{indent}{key}: {_yaml_value(value)}")
    return "\n".join(lines) + "\n"


def write_hydra(settings: Settings, special: str) -> str | None:
    defaults = {"include": "defaults: [config, experiment_schema, _self_]\n",
                "component": "defaults: [experiment_schema, _self_, encoder: transfomer]\n"}  # fmt: skip
    head = defaults.get(special, "defaults: [experiment_schema, _self_]\n")
    return head + _yaml(
        settings, interpolation="${model.encodr.dim}" * (special == "interpolation"), tab=special == "tab"
    )


def write_jsonargparse(settings: Settings, special: str) -> str | None:
    if special in ("component", "include"):
        return None
    return _yaml(
        settings, interpolation="${model.encodr.dim}" * (special == "interpolation"), tab=special == "tab"
    )


def write_lightning(settings: Settings, special: str) -> str | None:
    """The model takes optimizer and train too, for LightningCLI keeps the name `optimizer` to itself."""
    if special in ("component", "include"):
        return None
    home = {
        "data": "data.data",
        "model": "model.model",
        "optimizer": "model.optimizer",
        "train": "model.train",
    }
    reference = "${model.model.encodr.dim}" * (special == "interpolation")
    return _yaml(settings, interpolation=reference, tab=special == "tab", home=home)


def write_hyperpyyaml(settings: Settings, special: str) -> str | None:
    tags = {section: f"!new:experiment.{section.rpartition('.')[2].title()}" for section, _, _ in settings}
    tags |= {
        "data.source": "!new:experiment.Tokenizer",
        "data.target": "!new:experiment.Tokenizer",
        "model": "!new:experiment.Model",
    }
    if special == "component":
        tags["model.encoder"] = "!new:experiment.transfomer"
    head = "again: !include:config.yaml\n" if special == "include" else ""
    return head + _yaml(
        settings,
        tags=tags,
        interpolation="!ref <encodr_dim>" * (special == "interpolation"),
        tab=special == "tab",
    )


def write_confection(settings: Settings, special: str) -> str | None:
    if special == "include":
        return None
    lines = []
    names = {"model.encoder": "transformer_encoder", "model.decoder": "transformer_decoder"}
    if special == "component":
        names["model.encoder"] = "transfomer_encoder"
    for section, entries in _tree(settings).items():
        if section == "model.encoder":
            lines += ["[model]", '@parts = "model"', ""]
        lines.append(f"[{section}]")
        if section not in ("data.source", "data.target"):
            lines.append(f'@parts = "{names.get(section, section)}"')
        for key, value in entries:
            if special == "interpolation" and (section, key) == ("model.decoder", "dim"):
                value = Raw("${model.encodr:dim}")
            quoted = f'"{value}"' if type(value) is str else _yaml_value(value)
            lines.append(f"{chr(9) if special == 'tab' and key == 'seed' else ''}{key} = {quoted}")
        lines.append("")
    return "\n".join(lines)


def write_gin(settings: Settings, special: str) -> str | None:
    lines = ["include 'config.gin'"] if special == "include" else []
    for section, key, value in settings:
        name = section.rpartition(".")[2]
        if special == "interpolation" and (section, key) == ("model.decoder", "dim"):
            value = Raw("%encodr_dim")
        if special == "component" and (name, key) == ("encoder", "dim"):
            name = "transfomer"
        tab = "\t" if special == "tab" and key == "seed" else ""
        lines.append(f"{tab}{name}.{key} = {repr(value) if type(value) is not Raw else value}")
    return "\n".join(lines) + "\n"


def write_ludwig(settings: Settings, special: str) -> str | None:
    if special in ("interpolation", "include"):
        return None
    at = {(section, key): value for section, key, value in settings}
    keys = {(section, key) for section, key, _ in settings}
    encoder = [(key, value) for section, key, value in settings if section == "model.encoder"]
    ours = {"dim": "hidden_size", "feed_forward_dim": "transformer_output_size", "norm": "reduce_output"}
    rows = [f"      {ours.get(key, key)}: {_ludwig(key, value)}" for key, value in encoder]
    kind = "transfomer" if special == "component" else "transformer"
    name = "    name: source\n" if ("data", "source_language") in keys else ""
    tab = "\t" if special == "tab" else "  "
    return (
        f"input_features:\n  -\n{name}    type: text\n    encoder:\n      type: {kind}\n"
        + "\n".join(rows)
        + "\n"
        "output_features:\n  - name: target\n    type: text\n    decoder: {type: generator}\n"
        f"trainer:\n{tab}learning_rate: {at[('optimizer', 'learning_rate')]}\n  train_steps: {at[('train', 'max_steps')]}\n"
        f"  batch_size: 64\n"
    )


def _ludwig(key: str, value: object) -> str:
    return (
        {"pre": "last", "poost": "poost"}.get(str(value), _yaml_value(value))
        if key == "norm"
        else _yaml_value(value)
    )


def write_seqspec(settings: Settings, special: str) -> str | None:
    """The same experiment, under this language's names."""
    at = _tree(settings)
    encoder = {"type": "transfomer" if special == "component" else "transformer"}
    lines = [
        "extends: config.yaml" if special == "include" else "",
        "seqspec: 1",
        "name: comparison",
        "data:",
        "  source:",
    ]
    data = at["data"]
    names = {"root", "source_language", "target_language"}
    lines += [
        "    type: bitext",
        *(f"    {key}: {_yaml_value(value)}" for key, value in data if key in names),
    ]
    given = dict(data)
    lines += [f"    splits: {{train: {given['train']}, dev: {given['dev']}}}", "  text:"]
    for side in ("source", "target"):
        entries = ", ".join(f"{key}: {_yaml_value(value)}" for key, value in at[f"data.{side}"])
        lines.append(f"    {side}: {{tokenizer: {{type: sentencepiece, {entries}}}}}")
    lines += [
        "  filter:",
        f"    max_source_tokens: {given['max_source_tokens']}",
        f"    max_target_tokens: {given['max_target_tokens']}",
    ]
    lines += [
        "  batch:",
        f"    unit: {given['unit']}",
        f"    size: {given['batch_size']}",
        f"    shuffle: {_yaml_value(given['shuffle'])}",
    ]
    lines += ["model:", "  type: encoder_decoder"]
    for side, head in (("encoder", encoder), ("decoder", {"type": "transformer"})):
        lines += [f"  {side}:", f"    type: {head['type']}"]
        for key, value in at[f"model.{side}"]:
            reference = special == "interpolation" and (side, key) == ("decoder", "dim")
            lines.append(f"    {key}: {'${model.encodr.dim}' if reference else _yaml_value(value)}")
    optimizer, train = dict(at["optimizer"]), at["train"]
    lines += [
        "optimizer:",
        "  type: adam",
        f"  beta1: {optimizer['beta1']}",
        f"  beta2: {optimizer['beta2']}",
        "  schedule:",
    ]
    lines += [f"    type: {optimizer['schedule']}", f"    peak: {optimizer['learning_rate']}"]
    lines += [f"    warmup_steps: {optimizer['warmup_steps']}"]
    told = {key: value for key, value in train}
    lines += [
        f"loss: {{type: cross_entropy, label_smoothing: {told['label_smoothing']}}}",
        f"seed: {told['seed']}",
        "train:",
    ]
    lines += [
        f"{chr(9) if special == 'tab' else '  '}max_steps: {told['max_steps']}",
        f"  clip_norm: {told['clip_norm']}",
    ]
    lines += [f"  checkpoint_every_steps: {told['checkpoint_every_steps']}", "evaluate:"]
    lines += [
        f"  every_steps: {told['evaluate_every_steps']}",
        f"  search: {{type: beam, size: {told['beam']}}}",
    ]
    lines += [f"  metrics: [{told['metric']}]"]
    return "\n".join(line for line in lines if line) + "\n"


PEERS = {
    "hydra": Peer("Hydra (structured)", "yaml", write_hydra, "check_hydra.py"),
    "jsonargparse": Peer("jsonargparse", "yaml", write_jsonargparse, "check_jsonargparse.py"),
    "hyperpyyaml": Peer("HyperPyYAML", "yaml", write_hyperpyyaml, "check_hyperpyyaml.py"),
    "confection": Peer("confection", "cfg", write_confection, "check_confection.py"),
    "gin": Peer("gin", "gin", write_gin, "check_gin.py"),
    "lightning": Peer("LightningCLI", "yaml", write_lightning, "check_lightning.py"),
    "ludwig": Peer("Ludwig", "yaml", write_ludwig, "check_ludwig.py"),
    "seqspec": Peer("seqspec", "yaml", write_seqspec, ""),
}


@dataclass(frozen=True)
class Run:
    """One process."""

    code: int
    output: str
    cpu: float
    mebibytes: float


def run(command: list[str], folder: Path) -> Run:
    """Run a command; CPU seconds and peak memory are its own and its children's."""
    environment = os.environ | {
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "",
        "NO_COLOR": "1",
        "OMP_NUM_THREADS": "1",
    }
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    return Run(process.returncode, text, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def command(peer: Peer, file: Path) -> list[str]:
    """What validates the file."""
    if not peer.program:
        return [sys.executable, "-m", "seqspec", "validate", file.name]
    arguments = (
        ["--config-dir", ".", "hydra.run.dir=.", "hydra.output_subdir=null"]
        if "hydra" in peer.program
        else [file.name]
    )
    return [str(peer.python), str(HERE / peer.program), *arguments]


def score(made: Mistake, given: Run, peer: Peer) -> float:
    """0 to 3, by rule."""
    if given.code == 0:
        reads = made.read_as and (peer.name == "seqspec" or made.read_as in given.output)
        return 3.0 if reads else 0.0
    if "RecursionError" in given.output or "maximum recursion" in given.output:
        return 0.0
    told = message(given.output)
    named = made.word.lower() in told.lower()
    if (
        PLACE.search(told)
        and (named or PATH.search(told))
        and EXPECTED.search(told)
        and len(told.splitlines()) <= 40
    ):
        return 3.0
    return 2.0 if PATH.search(told) or (named and PLACE.search(told)) else 1.0


PLACE = re.compile(r"\w\.(?:ya?ml|cfg|gin)\"?[:,]? ?(?:line )?\d+|\bline \d+")
PATH = re.compile(r"\b(?:model|data|optimizer|train|input_features)[\w\[\]]*(?:\.| -> |/)\w+")
EXPECTED = re.compile(
    r"did you mean|expected|must|at least|at most|one of|available|valid|needs|should|not in|choose|required"
    r"|greater|less|between|instead|help:|is not a|not accepted|unexpected|missing",
    re.IGNORECASE,
)


def message(output: str) -> str:
    """What the person is told: of a Python traceback, the last exception without its frames."""
    if "Traceback (most recent call last)" not in output:
        return output
    lines = output.strip().splitlines()
    starts = [
        at
        for at, line in enumerate(lines)
        if re.match(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Invalid\w*)\b", line)
    ]
    return "\n".join(lines[starts[-1] :] if starts else lines[-1:])


def rows(scores: dict[str, float | None]) -> Iterator[tuple[str, float | None]]:
    """One score a row; mistakes of a shared row are averaged."""
    done: set[str] = set()
    for made in MISTAKES:
        name = made.row or made.name
        if name in done:
            continue
        done.add(name)
        given = [scores[m.name] for m in MISTAKES if (m.row or m.name) == name]
        known = [value for value in given if value is not None]
        yield name, statistics.mean(known) if known else None


class NotInstalled(Exception):
    """Why a peer cannot be installed here."""


def install(name: str, folder: Path) -> Path:
    """The Python of a peer's environment, made where it is not there.  Raises ``NotInstalled``."""
    home = folder / name
    python = home / "bin" / "python"
    if (home / "installed").exists():
        return python
    venv.create(home, with_pip=True, clear=True)
    if name in WITH_HOST:
        site = next((home / "lib").glob("python*/site-packages"))
        (site / "host.pth").write_text(next(p for p in sys.path if p.endswith("site-packages")) + "\n")
    limits = home / "constraints.txt"
    limits.write_text(f"torch=={version('torch')}\n" if name in WITH_HOST else "")
    pip = [python, "-m", "pip", "install", "-q", "-c", limits, *PACKAGES[name]]
    try:
        done = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"it does not install within {MOST_SECONDS} s") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        raise NotInstalled(f"pip says: {said[0]}")
    (home / "installed").touch()
    return python


def measure(peer: Peer, repeats: int) -> tuple[dict[str, float], dict[str, float | None]] | None:
    """CPU seconds and memory of the sound file, and the score of every mistake."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = folder / f"config.{peer.suffix}"
        file.write_text(peer.write(EXPERIMENT, "") or "")
        runs = [run(command(peer, file), folder) for _ in range(repeats + 1)][1:]
        if runs[0].code:
            print(f"{peer.name} refuses the sound file:\n{runs[0].output[-1500:]}", file=sys.stderr)
            return None
        figures = {
            "cpu": statistics.median(r.cpu for r in runs),
            "memory": statistics.median(r.mebibytes for r in runs),
        }
        scores: dict[str, float | None] = {}
        for made in MISTAKES:
            text = peer.write(made.change(EXPERIMENT), made.special)
            if text is None:
                scores[made.name] = None
                continue
            file.write_text(text)
            given = run(command(peer, file), folder)
            scores[made.name] = score(made, given, peer)
            if "--verbose" in sys.argv:
                print(
                    f"--- {peer.name}: {made.name}: {scores[made.name]}\n{given.output[-900:]}",
                    file=sys.stderr,
                )
    return figures, scores


def throughput(count: int) -> str:
    """Specs a second of ``seqspec validate`` over a folder, a process a core."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for index in range(count):
            settings = put("train", "seed", index)(put("train", "max_steps", 10_000 + index)(EXPERIMENT))
            (folder / f"spec{index:05}.yaml").write_text(write_seqspec(settings, "") or "")
        started = time.perf_counter()
        given = run([sys.executable, "-m", "seqspec", "validate", "."], folder)
        wall = time.perf_counter() - started
    cores = os.cpu_count() or 1
    return (
        f"{count:,} specs on {cores} cores: {wall:.1f} s, {count / wall:,.0f} specs a second, "
        f"{count / given.cpu:,.0f} a second of CPU, peak {given.mebibytes:.0f} MiB a process, exit {given.code}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--peers",
        type=Path,
        default=Path.home() / ".cache" / "seqspec-peers",
        help="where peers are installed",
    )
    parser.add_argument("--repeats", type=int, default=5, help="processes that the median is taken over")
    parser.add_argument("--specs", type=int, default=5000, help="specs of the warm run; 0 leaves it out")
    parser.add_argument("--only", default="", help="peers, separated by commas")
    parser.add_argument("--verbose", action="store_true", help="show what each tool says")
    asked = parser.parse_args()
    absent: dict[str, str] = {}
    chosen = asked.only.split(",") if asked.only else list(PEERS)
    table: dict[str, tuple[dict[str, float], dict[str, float | None]]] = {}
    for name in chosen:
        peer = PEERS[name]
        if peer.program:
            try:
                python = install(name, asked.peers)
            except NotInstalled as reason:
                absent[peer.name] = str(reason)
                continue
            peer = Peer(peer.name, peer.suffix, peer.write, peer.program, python)
        given = measure(peer, asked.repeats)
        if given is not None:
            table[peer.name] = given
        else:
            absent[peer.name] = "it refuses the experiment as it is here"
    report(table, absent)
    if asked.specs:
        print(f"\n{throughput(asked.specs)}")


def report(
    table: dict[str, tuple[dict[str, float], dict[str, float | None]]], absent: dict[str, str]
) -> None:
    """Two Markdown tables, cost and score; below the first, why a tool has no figures."""
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| tool | CPU s | peak MiB | mean score |\n|---|---|---|---|")
    for name, (figures, scores) in table.items():
        known = [value for _, value in rows(scores) if value is not None]
        print(f"| {name} | {figures['cpu']:.2f} | {figures['memory']:.0f} | {statistics.mean(known):.2f} |")
    for name in absent:
        print(f"| {name} | – | – | – |")
    for name, reason in absent.items():
        print(f"\n{name} has no figures: {reason}.")
    if not table:
        return
    names = list(table)
    print(f"\n| mistake | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for index, (row, _) in enumerate(rows(next(iter(table.values()))[1])):
        cells = [list(rows(scores))[index][1] for _, scores in table.values()]
        print(f"| {row} | {' | '.join('–' if cell is None else f'{cell:.2g}' for cell in cells)} |")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
