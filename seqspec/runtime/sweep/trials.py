"""A trial carried out: one ordinary run for each seed, in a process of its own, resumed where one was cut."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.runtime.sweep.stages import Due
from seqspec.runtime.sweep.study import Study
from seqspec.runtime.sweep.trial import Trial
from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.sections.sweep_space import Params, overrides

INTERNAL = 70
"""Exit code of a run that met an error it did not foresee, such as too little memory."""
OF_THE_TRIAL = (Exit.DIAGNOSTICS, Exit.NON_FINITE, INTERNAL)
"""Exit codes that say something of the setting; any other would end every trial alike."""
MOST_KILLS = 3
"""Times that a run may be killed from outside before its trial counts as failed."""


class Stopped(Exception):
    """The worker is to end; the trial stays open."""


@dataclass
class Processes:
    """The processes of one worker's trials."""

    stopped: threading.Event = field(default_factory=threading.Event)
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def call(self, command: Sequence[str], *, log: Path, held: IO[bytes]) -> int:
        """Run a command to its end; gives its exit code, negative for a signal."""
        with log.open("ab") as out:
            with self._guard:
                if self.stopped.is_set():
                    raise Stopped
                # The process holds the trial's lock too: nobody else takes the trial while it lives.
                process = subprocess.Popen(
                    command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, pass_fds=(held.fileno(),)
                )
                self._running.add(process)
            try:
                return process.wait()
            finally:
                self._running.discard(process)

    def stop(self) -> None:
        """Ask all processes to end; a run writes a checkpoint first."""
        with self._guard:
            self.stopped.set()
            for process in tuple(self._running):
                process.send_signal(signal.SIGTERM)


@dataclass(frozen=True)
class Runs:
    """How trials become runs."""

    study: Study
    spec: tuple[str, ...]
    """The spec with its profiles and settings, as ``seqspec run`` takes them."""
    seeds: tuple[int, ...]
    """Of the runs of every trial."""
    more_seeds: tuple[int, ...]
    """Of the runs of a trial that is repeated."""
    split: str
    metric: str
    options: tuple[str, ...]
    """Options of ``seqspec run`` that every trial is given."""
    processes: Processes

    def carry_out(self, due: Due, held: IO[bytes]) -> Trial:
        """The trial with its result; raises ``RunError`` where what is wrong is not of the trial alone."""
        if twin := self._twin(due):
            return twin
        trial, runs, values = due.trial, [], []
        for seed in self.more_seeds if due.repeated else self.seeds:
            folder, reason = self._run(due, seed, held)
            if folder is not None:
                runs.append(str(folder.path.relative_to(self.study.path)))
            value = self._value(folder, due.until) if folder and not reason else None
            if value is None:
                said = reason or f"the run gave no finite {self.metric} on {self.split}"
                if due.repeated:
                    return replace(trial, repeated=True, runs=(*trial.runs, *runs), reason=said)
                return replace(trial, state="failed", runs=tuple(runs), reason=said)
            values.append(value)
        if due.repeated:
            return replace(trial, repeated=True, repeats=tuple(values), runs=(*trial.runs, *runs))
        if due.until is not None:
            return replace(trial, rungs=(*trial.rungs, sum(values) / len(values)), runs=tuple(runs))
        return replace(trial, state="complete", runs=tuple(runs), values=tuple(values))

    def _twin(self, due: Due) -> Trial | None:
        """What came of an earlier trial of the same settings: equal plans have equal results."""
        trial, rung = due.trial, len(due.trial.rungs)
        for one in self.study.trials()[: trial.number]:
            if _typed(one.params) != _typed(trial.params):
                continue
            if due.repeated and one.repeated:
                return replace(one, number=trial.number)
            if due.until is not None and len(one.rungs) > rung:
                return replace(trial, rungs=one.rungs[: rung + 1], runs=one.runs)
            if due.until is None and not due.repeated and one.state == "complete":
                return replace(one, number=trial.number, repeated=False, repeats=())
        return None

    def _run(self, due: Due, seed: int, held: IO[bytes]) -> tuple[RunFolder | None, str | None]:
        """The run of one seed as far as it is asked for, or why there is none."""
        trial = due.trial
        root = self.study.folder(trial.number) / f"seed-{seed}"
        root.mkdir(parents=True, exist_ok=True)
        log = root / "output.log"
        kills = 0
        while True:
            folder = _begun(root)
            if folder is not None and self._reached(folder, due.until):
                return folder, None
            code = self.processes.call(self._command(due, seed, root, folder), log=log, held=held)
            if self.processes.stopped.is_set() and code:
                raise Stopped
            if code == Exit.LOCKED:
                time.sleep(1)  # its loader processes outlive a killed run by some seconds
            elif code in OF_THE_TRIAL:
                return _begun(root), _last_error(log)
            elif code < 0 or code in (Exit.INTERRUPTED, Exit.TERMINATED):
                kills += 1
                if kills == MOST_KILLS:
                    return _begun(root), f"the run was ended from outside {kills} times, at last with {code}"
            elif code or not self._reached(_begun(root) or RunFolder(root), due.until):
                raise _general(code, trial, log)

    def _command(self, due: Due, seed: int, root: Path, folder: RunFolder | None) -> list[str]:
        pause = () if due.until is None else ("--pause-at", str(due.until))
        start = [sys.executable, "-m", "seqspec", "run"]
        if folder is not None:
            return [*start, "--resume", str(folder.path), *pause, *self.options]
        sets = [*overrides(due.trial.params).values(), f"seed={seed}"]
        return [*start, *self.spec, *(part for one in sets for part in ("--set", one)),
                "--runs", str(root), *pause, *self.options]  # fmt: skip

    def _reached(self, folder: RunFolder, until: int | None) -> bool:
        """Whether a run is where it is asked to be; one that stops early is before every later step."""
        if folder.read("result.json") is not None:
            return True
        return until is not None and any(line["step"] == until for line in self._evaluated(folder, until))

    def _value(self, folder: RunFolder, until: int | None) -> float | None:
        """The metric at the end of a run, or at a step of it; ``None`` where it is no finite number."""
        if until is None:
            found = folder.read("result.json")["metrics"].get(self.split, {}).get(self.metric)
        else:
            evaluated = self._evaluated(folder, until)
            found = evaluated[-1]["metrics"].get(self.metric) if evaluated else None
        return float(found) if found is not None and abs(found) < float("inf") else None

    def _evaluated(self, folder: RunFolder, until: int) -> list[dict[str, Any]]:
        """What was measured on the split up to a step."""
        task, _, split = self.split.rpartition("/")
        return [
            line
            for line in read_journal(folder.metrics)
            if line["event"] == "evaluate" and line["step"] <= until
            and (line.get("task", ""), line["split"]) == (task, split)
        ]  # fmt: skip


def _typed(params: Params) -> str:
    return json.dumps(dict(params), sort_keys=True)


def _begun(root: Path) -> RunFolder | None:
    """The run that was begun here; a directory without spec or lock had not begun to train."""
    found = sorted(
        path.parent for path in root.glob("*/*/lock.json") if (path.parent / "spec.yaml").is_file()
    )
    return RunFolder(found[-1]) if found else None


def _last_error(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error")]
    return (errors or lines or ["the run said nothing"])[-1][:500]


def _general(code: int, trial: Trial, log: Path) -> RunError:
    known = Exit(code) if code in Exit._value2member_map_ else Exit.USAGE
    return RunError(
        f"trial {trial.number}: {_last_error(log)}",
        exit=known or Exit.STORAGE,
        help=f"{os.path.relpath(log)} holds all it said; the same command goes on with the sweep",
    )
