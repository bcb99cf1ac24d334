"""Loggers of Lightning that hear a run's numbers beside its own journal; no part of the spec.

What a logger does never touches training: one that fails is told once and hears no more.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from seqspec.schema.diagnostic import Exit, RunError

LoggerName = Literal["csv", "mlflow", "wandb"]
PACKAGES = {"mlflow": ("mlflow", "alembic", "sqlalchemy"), "wandb": ("wandb",)}
MLFLOW = "mlflow.db"
"""The store beside the runs' folders that MLflow's server opens."""


class Loggers:
    """Hands scalars to every logger that was asked for."""

    def __init__(self, loggers: Mapping[str, Any]) -> None:
        self._loggers = dict(loggers)

    @classmethod
    def of(cls, names: Sequence[str], folder: Path, *, digest: str = "") -> Loggers:
        """Raises ``RunError`` where a package is missing."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cls({name: _opened(name, folder, digest) for name in dict.fromkeys(names)})

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """The values of one step, by tag such as ``train/nll`` or ``dev/bleu``."""
        self._each(lambda logger: logger.log_metrics(dict(scalars), step=step))
        self._each(lambda logger: logger.save())

    def close(self) -> None:
        """Everything is written out; the run may go on with the same loggers later."""
        self._each(lambda logger: logger.finalize("success"))
        self._loggers = {}

    def _each(self, act: Callable[[Any], object]) -> None:
        for name, logger in list(self._loggers.items()):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    act(logger)
            except Exception as error:  # Whatever a service does; the journal holds the numbers all the same.
                print(f"warning: the logger `{name}` failed and is left out: {error}", file=sys.stderr)
                del self._loggers[name]


def require(names: Sequence[str]) -> None:
    """Raises ``RunError`` for an unknown name or a missing package, before anything else is done."""
    for name in names:
        if name not in get_args(LoggerName):
            raise _unknown(name)
        lacking = next((one for one in PACKAGES.get(name, ()) if find_spec(one) is None), None)
        if lacking is not None:
            raise _missing(name, lacking)


def _missing(name: str, what: str) -> RunError:
    return RunError(
        f"`--logger {name}` needs a package that is not installed: {what}",
        exit=Exit.USAGE,
        help=f"pip install 'seqspec-compiler[{name}]'",
    )


def _unknown(name: str) -> RunError:
    return RunError(f"there is no logger `{name}`", exit=Exit.USAGE, help="there are csv, mlflow and wandb")


def _opened(name: str, folder: Path, digest: str) -> Any:
    """A logger that goes on where the same run was logged before."""
    experiment, run = folder.resolve().parent.name, folder.resolve().name
    try:
        match name:
            case "csv":
                from lightning.pytorch.loggers import CSVLogger

                return CSVLogger(folder, name="csv", version=f"from-{os.getpid()}")
            case "mlflow":
                return _mlflow(folder, experiment, run, digest)
            case "wandb":
                from lightning.pytorch.loggers import WandbLogger

                # It would speak on stdout behind the run's directory, which is to be the last line there.
                os.environ.setdefault("WANDB_SILENT", "true")
                # Offline unless the user's environment says otherwise: nothing leaves the machine unasked.
                offline = os.environ.get("WANDB_MODE", "offline") != "online"
                logger = WandbLogger(
                    name=run, project=experiment, save_dir=folder, id=run, offline=offline,
                    config={"seqspec.plan": digest},
                )  # fmt: skip
                _ = logger.experiment  # Opened now, where a missing package can still be told.
                return logger
    except ImportError as error:  # A part of a package that is there.
        raise _missing(name, str(error)) from None
    raise _unknown(name)


def _mlflow(folder: Path, experiment: str, run: str, digest: str) -> Any:
    """MLflow's store in SQLite, or the server that ``MLFLOW_TRACKING_URI`` names."""
    from lightning.pytorch.loggers import MLFlowLogger
    from mlflow import MlflowClient

    place = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder.resolve().parents[1] / MLFLOW}"
    tags = {"seqspec.plan": digest, "seqspec.run": run}
    client = MlflowClient(place)
    found = client.get_experiment_by_name(experiment)
    same = f"tags.`seqspec.run` = '{run}'"
    known = [] if found is None else client.search_runs([found.experiment_id], filter_string=same)
    logger = MLFlowLogger(
        experiment_name=experiment, run_name=run, tracking_uri=place, tags=tags,
        run_id=known[0].info.run_id if known else None,
    )  # fmt: skip
    _ = logger.experiment  # Opened now, where what is wrong with it can still be told.
    return logger
