"""Several tasks as one run: exact, judged a task, and used a task."""

import json
import re
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.pipeline import recompile
from seqspec.runtime.assembly.assemble import assemble
from seqspec.runtime.checkpoints.checkpoint import read_checkpoint
from seqspec.runtime.checkpoints.training_state import TrainingState
from seqspec.runtime.commands.describe import describe
from seqspec.runtime.commands.export import Request, export
from seqspec.runtime.commands.runs import evaluate, predict
from seqspec.runtime.compare.comparison import compare as compared
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.run_evaluation import together
from seqspec.runtime.report.report import page
from seqspec.runtime.reproduce import reproduce
from seqspec.runtime.run import resume, run
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.runtime.serving.limits import Limits
from seqspec.runtime.serving.metrics import Metrics
from seqspec.runtime.serving.server import Serving, open_models
from seqspec.runtime.training.journal_window import Windows
from seqspec.schema.diagnostic import RunError
from seqspec.schema.sections.evaluate import Evaluate, Stop
from tests.two_tasks import two_tasks

LAUNCH = Launch(device="cpu", threads=1, quiet=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("tasks")
    spec = two_tasks(root)
    result = run(compile_spec(spec), runs=root / "runs", launch=LAUNCH)
    return SimpleNamespace(root=root, spec=spec, folder=result.folder, evaluated=result.evaluated)


def test_a_run_that_was_killed_ends_in_the_same_bits(trained):
    runs = trained.root / "killed"
    command = [sys.executable, "-m", "tests.two_tasks", str(trained.spec), str(runs), "6"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (cut,) = (runs / "two_tasks").glob("2*")

    resumed = resume(cut, launch=LAUNCH)

    assert resumed.folder.metrics.read_bytes() == trained.folder.metrics.read_bytes()
    for file in (trained.folder.checkpoints / "step-00000008").iterdir():
        assert file.read_bytes() == (cut / "checkpoints" / "step-00000008" / file.name).read_bytes()


def test_the_journal_tells_what_each_task_learned(trained):
    journal = read_journal(trained.folder.metrics)
    steps = [line for line in journal if line["event"] == "train"]
    evaluated = [
        (line["task"], line["split"], next(iter(line["metrics"]))) for line in journal if "metrics" in line
    ]

    assert {name for line in steps for name in line if name.startswith("loss.")} == {"loss.asr", "loss.mt"}
    assert {name for line in steps for name in line if name.startswith("norm.")} == {"norm.asr", "norm.mt"}
    assert all(("norm.mt" in line) == ("loss.mt" in line) for line in steps)
    assert evaluated == [("asr", "dev", "wer"), ("mt", "dev", "chrf")] * 2


def test_a_checkpoint_holds_a_shared_part_once_and_under_its_name(trained):
    weights = read_checkpoint(trained.folder.checkpoints / "step-00000008", step=8).tensors["weights"]
    below = {name.rpartition(".layers.")[0] for name in weights if ".layers." in name}

    assert "shared.body" in below
    assert not [name for name in weights if ".encoder." in name]
    assert any(name.startswith("tasks.mt.decoder.") for name in weights)


def test_one_module_stands_in_both_places(trained):
    compiled = compile_spec(trained.spec)
    compiled = recompile(compiled, facts=dict.fromkeys(compiled.plan.unknowns, 20))
    program = build(compiled.plan, tree=compiled.tree, device="meta")

    assert program.tasks["asr"].model.encoder is program.tasks["mt"].model.encoder
    assert program.tasks["asr"].model.decoder is not program.tasks["mt"].model.decoder
    assert program.components["shared", "body"] is program.tasks["mt"].model.encoder


def test_a_run_says_what_came_of_each_task(trained):
    result = json.loads((trained.folder.path / "result.json").read_text())
    html = page(trained.folder)

    assert list(result["metrics"]) == list(trained.evaluated) == ["asr/dev", "mt/dev"]
    assert sorted(file.name for file in trained.folder.predictions.glob("*.jsonl")) == [
        "asr.dev.jsonl",
        "mt.dev.jsonl",
    ]
    assert "Samples of asr.dev" in html
    assert re.search(r"shared\.body</td><td[^>]*>[1-9][\d,]+</td><td>●</td><td>●</td>", html)
    asr, mt = (html.index(f">Task {name}</h2>") for name in ("asr", "mt"))
    assert asr < mt
    assert re.search(r"\d updates, 40 training examples, weight 1<", html[mt:])


def test_evaluate_scores_every_task_or_the_one_that_is_named(trained, capsys):
    copy = shutil.copytree(trained.folder.path, trained.root / "copy")
    known = json.loads((copy / "result.json").read_text())["metrics"]
    asked = {"split": "dev", "checkpoint": "best", "over": (), "launch": LAUNCH, "format": "json"}

    assert evaluate(copy, **asked).exit == 0
    every = json.loads(capsys.readouterr().out)["tasks"]
    assert evaluate(copy, **asked, task="mt").exit == 0
    one = json.loads(capsys.readouterr().out)

    assert {f"{name}/dev": found["metrics"] for name, found in every.items()} == known
    assert one["metrics"] == known["mt/dev"]
    assert (copy / "evaluations" / "asr.dev.json").is_file()


def test_predict_uses_the_task_that_is_named(trained, capsys, tmp_path):
    (tmp_path / "in.txt").write_text("ein hund\nzwei\n")

    assert _predict(trained, [str(tmp_path / "in.txt")], "mt").exit == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("mtt", "has no task `mtt`; there are `asr`, `mt`\n  = help: did you mean `mt`?"),
        (None, " several tasks: `asr`, `mt`\n  = help: choose one with `--task NAME`"),
    ],
)
def test_predict_says_which_tasks_there_are(trained, task, message):
    told = _predict(trained, ["-"], task)

    assert told.exit == 2
    assert message in told.error


def _predict(trained, inputs, task):
    return predict(
        trained.folder.path, inputs=inputs, checkpoint="best", nbest=1, scores=False, all_classes=False,
        column=None, engine="torch", over=(), launch=LAUNCH, format=None, output=None, task=task,
    )  # fmt: skip


def test_reproduce_finds_every_bit_of_every_task(trained):
    again = reproduce(trained.folder.path, runs=trained.root / "again", launch=LAUNCH, command=())

    assert again.differences == ()


def test_a_task_is_added_to_a_trained_run(trained):
    change = {
        "name": "grown",
        "tasks": {"mt": {"weight": 0.5}},
        "initialize": [{"from": str(trained.folder.path), "parts": {"shared.body": "shared.body", "tasks.asr.model": "tasks.asr.model"}}],
        "freeze": [{"parts": ["shared.body"]}],
        "train": {"max_steps": 1, "checkpoint_every_steps": 1},
        "evaluate": {"every_steps": None},
    }  # fmt: skip
    (trained.root / "grown").mkdir()
    grown = run(
        compile_spec(two_tasks(trained.root / "grown", change)), runs=trained.root / "grown", launch=LAUNCH
    )
    before = read_checkpoint(trained.folder.checkpoints / "step-00000008", step=8).tensors["weights"]
    after = read_checkpoint(grown.folder.checkpoints / "step-00000001", step=1).tensors["weights"]
    same = {name.split(".")[0] for name in after if after[name].equal(before[name])}

    assert all(after[name].equal(before[name]) for name in after if name.startswith("shared."))
    assert "shared" in same


def test_one_score_decides_of_several_tasks():
    scores = {"asr": -0.2, "mt": 0.6}

    assert together({"": 0.3}, None) == pytest.approx(0.3)
    assert together(scores, None) == pytest.approx(0.2)
    assert together(scores, "asr") == -0.2
    assert together(scores, {"asr": 3, "mt": 1}) == pytest.approx(0.0)
    assert together({}, "asr") is None


def test_a_run_stops_when_every_task_that_may_has_stalled():
    tasks = {"asr": Evaluate(stop=Stop(after=2)), "mt": Evaluate(stop=Stop(after=2)), "third": Evaluate()}
    falls, rises = {1: 3.0, 2: 2.0, 3: 1.0}, {1: 1.0, 2: 2.0, 3: 3.0}

    assert TrainingState(task_scores={"asr": falls, "mt": rises}).waited(tasks) == (0, False)
    assert TrainingState(task_scores={"asr": falls, "mt": falls, "third": rises}).waited(tasks) == (2, True)


def test_scores_of_tasks_survive_a_checkpoint():
    training_state = TrainingState(scores={4: 1.0}, task_scores={"asr": {4: 2.0}})

    assert TrainingState.from_json(json.loads(json.dumps(training_state.as_json()))) == training_state
    assert "task_scores" not in TrainingState().as_json()


def test_windows_name_phases_before_and_tasks_behind():
    windows = Windows(("generator", "critic"), ("a", "b"))

    assert windows._named("loss.ctc", "critic", "a") == "critic/loss.a.ctc"
    assert windows.keyed("rate", [1, 2]) == {"generator/rate": 1, "critic/rate": 2}
    assert Windows(("step",))._named("loss", "step") == "loss"


def test_a_task_is_exported_and_described_by_itself(trained, tmp_path, capsys):
    copy = shutil.copytree(trained.folder.path, trained.root / "exported")
    asked = Request(copy, "safetensors", output=tmp_path / "out", task="mt")

    done = export(asked)

    assert done.exit == 0, done.error
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| dev | chrf |" in card
    assert "wer" not in card.partition("## Data")[0]
    assert describe(copy, form="card", licence=None, output=None, task="asr").out.count("| dev | wer |") == 1


@pytest.mark.parametrize("form", ["card", "croissant", "dvc", "ro-crate"])
def test_a_run_of_several_tasks_is_not_described_as_one(trained, form):
    told = describe(trained.folder.path, form=form, licence=None, output=None)

    assert told.exit == 2
    assert "has learned several tasks: `asr`, `mt`" in told.error
    assert "--task NAME" in told.error


def test_every_task_is_served(trained):
    asked = Serving({"both": trained.folder.path}, limits=Limits())

    models = open_models(asked, Metrics())

    assert {name: one.takes for name, one in models.items()} == {"both.asr": "audio", "both.mt": "text"}
    for one in models.values():
        one.batcher.stop()


def taught(task=None):
    """What makes the second task a student of a run."""
    soft = {"type": "distillation", "on": "tokens", "teacher": "big", "weight": 0.5}
    losses = {"nll": {"type": "cross_entropy", "on": "tokens"}, "soft": soft}
    return lambda run: {
        "tasks": {"mt": {"losses": losses}},
        "teachers": {"big": {"from": str(run)} | ({"task": task} if task else {})},
        "train": {"max_steps": 2, "checkpoint_every_steps": 2},
        "evaluate": {"every_steps": 2},
    }


def test_a_task_of_a_run_teaches_one_of_several(trained, tmp_path):
    spec = two_tasks(tmp_path, taught("mt")(trained.folder.path))

    folder = run(compile_spec(spec), runs=tmp_path, launch=LAUNCH).folder

    assert json.loads(folder.lock.read_text())["teachers"].keys() == {"tasks.mt.big"}
    (line,) = (one for one in read_journal(folder.metrics) if one["event"] == "train")
    assert line["loss.mt.soft"] > 0
    assert "loss.asr.soft" not in line


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (None, "several tasks"),
        ("mtt", "has no task .mtt."),
        ("asr", "as its source, and this experiment has"),
    ],
)
def test_a_teacher_that_is_no_such_task_is_refused(trained, tmp_path, task, said):
    compiled = compile_spec(two_tasks(tmp_path, taught(task)(trained.folder.path)))

    with pytest.raises(RunError, match=said):
        assemble(compiled, initial=True, taught=True)


@pytest.mark.parametrize("part", ["shared.body", "tasks.mt.model.decoder"])
def test_what_tasks_share_and_what_one_has_is_adapted_once(tmp_path, part):
    spec = two_tasks(tmp_path, {"adapt": {"type": "lora", "parts": [part], "rank": 2}})

    program = assemble(compile_spec(spec), initial=True).program

    named = part.replace(".model.", ".")
    learning = [name for name, _ in program.parameters() if name.startswith(f"{named}.")]
    assert learning
    assert all(".low_rank." in name for name in learning)
    assert len({name.replace(named, "") for name in learning}) == len(learning)


def test_runs_of_several_tasks_are_compared_a_task(trained):
    evaluate(
        trained.folder.path, split="dev", checkpoint="best", over=(), launch=LAUNCH, format="text", task="mt"
    )
    other = shutil.copytree(trained.folder.path, trained.root / "other")

    found = compared([trained.folder.path, other])

    rows = {(row.split, row.metric): row.cells for row in found.rows}
    assert {split for split, _ in rows} == {"asr/dev", "mt/dev"}
    assert all(cell.interval for key in (("asr/dev", "wer"), ("mt/dev", "chrf")) for cell in rows[key])
    assert rows["mt/dev", "chrf"][1].p == 1.0
    assert not any("no predictions" in note for note in found.notes)
