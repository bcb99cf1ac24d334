"""Job files of every engine: golden texts, refusals, and the command that goes on where a run stopped."""

from __future__ import annotations

import ast
import os
import shlex
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml

from seqspec.compile.commands import overlays
from seqspec.runtime.commands import runs
from seqspec.runtime.commands.launch import launch
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.jobs import engines
from seqspec.runtime.jobs.placement import LOST, RETRY, Command, Placement
from seqspec.runtime.run_folder.latest import latest
from seqspec.schema.diagnostic import Exit, RunError

ENGINES = get_args(engines.EngineName)
GOLDEN = Path(__file__).parent / "golden"
PLACES = {
    "slurm": Placement("My_Run", 2, 4, "cuda", 8, "A100", "200G", "1-00:00:00", None, ("CORPUS",)),
    "kubernetes": Placement("My_Run", 2, 4, "cuda", 8, None, "200G", None, "example/seqspec:1", ("CORPUS",)),
    "skypilot": Placement("My_Run", 2, 4, "cuda", 8, "A100", "200G", None, None, ("CORPUS",)),
    "ray": Placement("My_Run", 2, 4, "cuda", 8, env=("CORPUS",)),
}
COMMAND = Command("specs/a b.yaml", "runs", ("--set", "seed=2"))


def text(name: str) -> str:
    return engines.engine(name).job(PLACES[name], COMMAND)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ENGINES)
def test_job_is_as_it_was(name: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}{engines.engine(name).SUFFIX}.txt"  # type: ignore[arg-type]
    if request.config.getoption("--update"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text(name))
    assert text(name) == path.read_text()


def test_every_engine_is_a_file_of_the_folder() -> None:
    files = {path.stem for path in Path(engines.__file__).parent.glob("[a-z]*.py")}
    assert files - {"engines", "placement"} == set(ENGINES)


def test_processes_are_told_how_they_share_a_step() -> None:
    assert "--strategy" not in COMMAND.arguments(PLACES["ray"])
    assert COMMAND.arguments(Placement("run", peers="s3://bucket/run"))[-3:] == [
        "--peers",
        "s3://bucket/run",
        "--quiet",
    ]
    assert COMMAND.arguments(Placement("run", 2, 4, strategy="fsdp"))[-3:] == [
        "--strategy",
        "fsdp",
        "--quiet",
    ]


@pytest.mark.parametrize("name", ENGINES)
def test_no_value_of_the_environment_stands_in_a_job(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS", "s3cret")
    assert "s3cret" not in text(name)
    assert "CORPUS" in text(name)


def test_slurm_requeues_what_is_worth_it_and_nothing_else(tmp_path: Path) -> None:
    """The script is run by bash with ``srun`` and ``scontrol`` that write down what they are asked."""
    script = tmp_path / "job.sh"
    script.write_text(text("slurm"))
    for code, restarts in product((0, 1, 2, 3, 4, 5, 7, 8, 130, 137, 143), ("0", "9", "10")):
        for name, body in (("srun", f"exit {code}"), ("scontrol", 'echo "$@" > requeued')):
            tool = tmp_path / name
            tool.write_text(f"#!/bin/sh\n{body}\n")
            tool.chmod(0o755)
        (tmp_path / "requeued").unlink(missing_ok=True)
        env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "7",
               "SLURM_RESTART_COUNT": restarts}  # fmt: skip
        done = subprocess.run(["bash", script], env=env, cwd=tmp_path, check=False)
        assert done.returncode == code
        again = code in RETRY or (code in LOST and restarts != "10")
        assert (tmp_path / "requeued").exists() == again


def test_scripts_and_manifests_can_be_read_by_whom_they_are_for() -> None:
    ast.parse(text("ray"))
    manifest = yaml.safe_load(text("kubernetes"))
    assert manifest["spec"]["trainer"]["numNodes"] == 2
    assert manifest["spec"]["trainer"]["args"][:4] == ["-m", "seqspec", "run", "specs/a b.yaml"]
    task = yaml.safe_load(text("skypilot"))
    assert task["resources"]["job_recovery"]["recover_on_exit_codes"] == [5, 130, 143]
    assert "'specs/a b.yaml'" in task["run"]


def test_a_manifest_is_whole_to_the_models_of_kubeflow_trainer() -> None:
    models = pytest.importorskip("kubeflow_trainer_api.models")
    manifest = yaml.safe_load(text("kubernetes"))
    assert models.TrainerV1alpha1TrainJob.from_dict(manifest).to_dict() == manifest  # unknown keys would go


def test_a_task_fits_the_schema_of_skypilot() -> None:
    schemas = pytest.importorskip("sky.utils.schemas")
    jsonschema.validate(yaml.safe_load(text("skypilot")), schemas.get_task_schema())


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("kubernetes", {}, "needs an image"),
        ("kubernetes", {"image": "x", "time": "1:00:00"}, "no time"),
        ("skypilot", {}, "names its kind of device"),
        ("ray", {"memory": "4G"}, "no memory"),
    ],
)
def test_what_an_engine_cannot_be_told_is_refused(name: str, more: dict[str, str], said: str) -> None:
    with pytest.raises(RunError, match=said):
        engines.engine(name).job(Placement("run", **more), COMMAND)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"memory": "64"}, "--memory takes a size"),
        ({"time": "tomorrow"}, "--time takes a span"),
        ({"env": ("A=b",)}, "the name of a variable"),
        ({"accelerator": "A100; rm -rf /"}, "a name such as A100"),
    ],
)
def test_values_that_no_engine_could_read_are_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(RunError, match=said):
        Placement("run", **more).check()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("mt_tanaka", "mt-tanaka"),
        ("2026.run", "run-2026-run"),
        ("a" * 49 + "_b", "a" * 49),
        ("x-_.", "x"),
    ],
)
def test_a_job_is_named_as_kubernetes_wants_it(name: str, label: str) -> None:
    assert Placement(name).label == label


ODD = "a b'\"$(touch x) `id` $HOME $$\n日本.yaml"


def test_an_odd_path_is_one_argument_for_every_engine(tmp_path: Path) -> None:
    command = Command(ODD)
    slurm = engines.engine("slurm").job(Placement("run"), command)
    (tmp_path / "srun").write_text("#!/bin/bash\nprintf '%s\\0' \"$@\" > said\n")
    (tmp_path / "srun").chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", slurm], env=env, cwd=tmp_path, check=True)
    assert ODD in (tmp_path / "said").read_text(encoding="utf-8").split("\0")
    assert not (tmp_path / "x").exists()

    pod = yaml.safe_load(engines.engine("kubernetes").job(Placement("run", image="x"), command))
    assert ODD.replace("$", "$$") in pod["spec"]["trainer"]["args"]  # `$$` is a dollar to Kubernetes
    task = engines.engine("skypilot").job(Placement("run", device="cpu"), command)
    assert ODD in shlex.split(yaml.safe_load(task)["run"])
    assert "日本" in task
    script = engines.engine("ray").job(Placement("run"), command)
    (said,) = [line for line in script.splitlines() if line.startswith("COMMAND = ")]
    assert ODD in ast.literal_eval(said.removeprefix("COMMAND = "))


SPEC = Path(__file__).parents[3] / "specs" / "mt_tanaka_jaen.yaml"


def launched(spec: Path, **more: object) -> tuple[str, str, int]:
    settings: dict[str, object] = {
        "on": "slurm", "placement": Placement("", device="cpu"), "profiles": ["tiny"], "sets": [],
        "runs": Path("runs"), "output": None, "submitted": False,
    }  # fmt: skip
    outcome = launch(spec, **{**settings, **more})  # type: ignore[arg-type]
    return outcome.out, outcome.error, outcome.exit


def test_a_bad_spec_gives_no_job() -> None:
    out, error, code = launched(SPEC, sets=["model.encoder.dimm=3"])
    assert (out, code) == ("", Exit.DIAGNOSTICS)
    assert "SQ101" in error


def test_without_the_client_the_file_is_written_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    job = tmp_path / "job.sbatch"
    _, error, code = launched(SPEC, output=job, submitted=True)
    assert code == Exit.USAGE
    assert "`sbatch` is not installed here" in error
    assert "--resume auto" in job.read_text()


@pytest.mark.parametrize("engine", ["kubernetes", "skypilot"])
def test_a_job_never_takes_the_place_of_its_spec(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    text = SPEC.read_text(encoding="utf-8").replace("name: mt_tanaka_jaen", "name: mine")
    spec = tmp_path / "mine.yaml"
    spec.write_text(text, encoding="utf-8")
    (tmp_path / "base").symlink_to(SPEC.parent / "base")
    place = Placement("", device="cpu", image="x")

    _, error, code = launched(spec, on=engine, placement=place, submitted=True)
    assert code == Exit.USAGE
    assert f"mine-{engine}.yaml is written" in error
    _, error, code = launched(spec, on=engine, placement=place, output=Path("mine.yaml"))
    assert code == Exit.USAGE
    assert "mine.yaml is the spec" in error
    assert spec.read_text(encoding="utf-8") == text


def test_the_client_is_given_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = tmp_path / "sbatch"
    client.write_text('#!/bin/sh\necho "Submitted $1"\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    job = tmp_path / "job.sbatch"
    out, _, code = launched(SPEC, output=job, submitted=True)
    assert (out, code) == (f"Submitted {job}\n", Exit.CLEAN)


@pytest.mark.parametrize("name", ["slurm", "skypilot", "ray"])
def test_a_variable_that_is_not_here_is_told_before_anything_is_submitted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CORPUS", raising=False)
    with pytest.raises(RunError, match="--env CORPUS: there is no such variable here"):
        engines.engine(name).submission("job", PLACES[name])  # type: ignore[arg-type]


def test_ray_is_given_variables_where_no_other_user_sees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tmp_path / "ray"
    client.write_text('#!/bin/sh\necho "$@"\ncat "$6"\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("CORPUS", "s3cret: 'x")
    job = tmp_path / "job.py"

    said = engines.submit("ray", text("ray"), job, PLACES["ray"])
    arguments, _, given = said.partition("\n")
    assert arguments.split()[:5] == ["job", "submit", "--working-dir", ".", "--runtime-env"]
    assert yaml.safe_load(given) == {"env_vars": {"CORPUS": "s3cret: 'x"}}
    assert "s3cret" not in arguments + job.read_text()


def test_what_a_client_says_is_told_without_the_places_in_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tmp_path / "sbatch"
    client.write_text(
        "#!/bin/sh\necho 'Traceback (most recent call last):\n  File \"x\"\nOSError: no' >&2; exit 1"
    )
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(RunError) as caught:
        engines.submit("slurm", "", tmp_path / "job", Placement("run"))
    assert str(caught.value).endswith("failed (1): OSError: no")


def test_auto_begins_goes_on_and_leaves_a_finished_run_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = ["train.max_steps=4", "train.checkpoint_every_steps=2", "evaluate.every_steps=2"]
    sets += ["optimizer.schedule.warmup_steps=1", "data.source.synthetic=40"]

    def run(*more: str) -> Path:
        outcome = runs.run(
            SPEC, over=overlays(["tiny"], [*sets, *more]), runs=tmp_path, resume=runs.AUTO, locked=False,
            lock=None, allow_drift=False, launch=Launch(device="cpu", quiet=True), format="text", command=(),
        )  # fmt: skip
        assert outcome.exit == Exit.CLEAN, outcome.error
        return Path(outcome.out.splitlines()[-1])

    folder = run()
    last = folder / "checkpoints" / "step-00000004"
    weights = (last / "weights.safetensors").read_bytes()
    (folder / "result.json").unlink()  # as if it had been killed before its end
    shutil.rmtree(last)
    assert run() == folder
    assert "going on from step 2" in capsys.readouterr().err
    assert (last / "weights.safetensors").read_bytes() == weights
    assert run() == folder
    assert "is finished" in capsys.readouterr().err
    assert latest(tmp_path, name="mt_tanaka_jaen", digest="0" * 64) is None
