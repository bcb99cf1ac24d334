"""A run written into MLflow's SQLite store after the fact: settings, metrics by step, digests as tags.

MLflow's own library writes (its tables are versioned); nothing slows the training down.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seqspec.runtime.describe.facts import Facts
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.schema.diagnostic import Exit, RunError

DIGEST, PLACE = "seqspec.plan", "seqspec.run"
MOST_METRICS = 1000
MOST_PARAMETERS = 100
"""Of one request, by MLflow's own limits."""
LONGEST = 6000
"""Characters of a parameter."""


def into_mlflow(facts: Facts, database: Path) -> tuple[str, bool]:
    """Write the run into ``database``, once: gives MLflow's id of it, and whether it was there already."""
    client, entities = _open(database)
    name = facts.name
    found = client.get_experiment_by_name(name)
    experiment = found.experiment_id if found else client.create_experiment(name)
    place = facts.folder.path.resolve().name
    known = client.search_runs([experiment], filter_string=f"tags.`{PLACE}` = '{place}'")
    if known:
        return known[0].info.run_id, True
    tags = {DIGEST: facts.digest, PLACE: place, "mlflow.runName": place, "mlflow.source.name": "seqspec"}
    start, end = _milliseconds(facts.started), _milliseconds(facts.ended)
    run = client.create_run(experiment, start_time=start, tags=tags)
    identity: str = run.info.run_id
    parameters = [entities.Param(key, value[:LONGEST]) for key, value in facts.parameters.items()]
    for at in range(0, len(parameters), MOST_PARAMETERS):
        client.log_batch(identity, params=parameters[at : at + MOST_PARAMETERS])
    metrics = [entities.Metric(key, value, time, step) for key, value, time, step in _metrics(facts)]
    for at in range(0, len(metrics), MOST_METRICS):
        client.log_batch(identity, metrics=metrics[at : at + MOST_METRICS])
    client.set_terminated(identity, status="FINISHED" if facts.result else "KILLED", end_time=end)
    return identity, False


def _open(database: Path) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import alembic  # noqa: F401
            import mlflow.entities
            import sqlalchemy  # noqa: F401
            from mlflow import MlflowClient
        except ImportError as error:
            raise RunError(
                f"MLflow's store needs {error.name}",
                exit=Exit.USAGE,
                help="pip install 'seqspec-compiler[mlflow]'",
            ) from None
        return MlflowClient(tracking_uri=f"sqlite:///{database.resolve()}"), mlflow.entities


def _metrics(facts: Facts) -> Iterator[tuple[str, float, int, int]]:
    """(Name, value, milliseconds, step) of the whole journal; times by the nearest line of speed."""
    times = {
        row["step"]: int(1000 * row["time"]) for row in read_journal(facts.folder.speed) if "time" in row
    }
    now = _milliseconds(facts.started) or 0
    for row in facts.journal:
        now = times.get(row["step"], now)
        if row["event"] == "train":
            values = {key: v for key, v in row.items() if key not in ("event", "step")}
        else:
            values = {f"{row['split']}.{key}": v for key, v in row["metrics"].items()}
        for key, value in values.items():
            yield key, float(value), now, row["step"]
    for split, metrics in facts.result.get("metrics", {}).items():
        for key, value in metrics.items():
            yield f"final.{split}.{key}", float(value), now, int(facts.result["step"])


def _milliseconds(time: str | None) -> int | None:
    if time is None:
        return None
    return int(1000 * datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
