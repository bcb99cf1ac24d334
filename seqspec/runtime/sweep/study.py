"""The study: an append-only log that is the whole truth of a sweep, shared by any number of workers.

``study.jsonl`` holds one JSON object a line: the sweep's settings, then ``suggested``, ``rung``, ``finished``
and ``repeated`` events.  A line is synced before anything follows from it; a line that was torn by a kill
never counted and is cut off before the next append.  The kernel takes a worker's locks back however it dies.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from seqspec.data.store.durable import sync_folder
from seqspec.runtime.run_folder.shapes import NUMBER, TEXT, WHOLE, Items, Keys, fault_of
from seqspec.runtime.sweep.sampler import Known, Sampler
from seqspec.runtime.sweep.stages import Due, Stages
from seqspec.runtime.sweep.trial import Trial
from seqspec.schema.diagnostic import Exit, RunError


@dataclass(frozen=True)
class Study:
    """A study's directory."""

    path: Path
    settings: Mapping[str, Any] = field(repr=False)
    """What the sweep's meaning depends on; another command on the same directory must agree."""

    def start(self, *, changed: Callable[[Path], str] = lambda _: "") -> None:
        """Write the settings, or compare them with those that the study was begun with; ``changed`` tells
        what the spec of a run says otherwise than this one.
        """
        with self.locked() as log:
            events = _events(log)
            if not events and any((self.path / "runs").glob("trial-*")):
                raise RunError(
                    f"{log.name} holds nothing, and runs of its trials are there: it was emptied or lost",
                    exit=Exit.STORAGE,
                    help="restore the log from a copy, or begin another --study",
                )
            if not events:
                _append(log, {"event": "study", **self.settings})
                sync_folder(self.path)
                return
            begun = {key: value for key, value in events[0].items() if key != "event"}
        if begun != self.settings:
            raise RunError(
                f"{self.path} holds another sweep: {self._difference(begun, changed)}",
                exit=Exit.USAGE,
                help="repeat the command it was begun with, or name another --study",
            )

    def trials(self) -> tuple[Trial, ...]:
        """All trials, in order of their numbers."""
        with self.locked() as log:
            return _trials(log)

    def claim(self, sampler: Sampler, stages: Stages) -> tuple[Due, IO[bytes]] | None:
        """Work that nobody does, a trial that was begun before a new one, and the lock that makes it the
        caller's; ``None`` where there is none to have now.
        """
        with self.locked() as log:
            trials = _trials(log)
            for due in stages.due(trials):
                if held := self._hold(due.trial.number):
                    return due, held
            number = len(trials)
            if number >= stages.trials or not _heard(sampler, trials):
                return None
            trial = Trial(number, sampler.suggest(number, earlier=_known(sampler, trials)))
            held = self._hold(number)
            assert held is not None
            _append(log, {"event": "suggested", "number": number, "params": trial.params})
            return Due(trial, stages.rungs[0] if stages.rungs else None), held

    def record(self, due: Due, ended: Trial) -> None:
        """Write down what came of a trial: at a rung, at its end, or of its repetition."""
        event: dict[str, Any] = {
            "event": "finished", "number": ended.number, "state": ended.state, "values": ended.values,
            "runs": ended.runs, "reason": ended.reason,
        }  # fmt: skip
        if due.repeated:
            event |= {"event": "repeated", "values": ended.repeats}
        elif due.until is not None and ended.state == "open":
            event |= {"event": "rung", "step": due.until, "values": ended.rungs[-1:]}
        with self.locked() as log:
            _append(log, event)

    def folder(self, number: int) -> Path:
        """Where the runs of a trial are."""
        return self.path / "runs" / f"trial-{number:04d}"

    @contextmanager
    def locked(self) -> Iterator[IO[bytes]]:
        """The log, while no other worker reads or writes it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            log = open(self.path / "study.jsonl", "a+b", opener=_regular_only)  # noqa: SIM115
        except OSError as error:
            raise RunError(f"the study cannot be kept in {self.path}: {error.strerror}", exit=Exit.USAGE,
                           help="name a folder that can be written with --study") from None  # fmt: skip
        with log:
            fcntl.flock(log, fcntl.LOCK_EX)
            yield log

    def _difference(self, begun: Mapping[str, Any], changed: Callable[[Path], str]) -> str:
        asked = self.settings
        key = next(key for key in {**begun, **asked} if begun.get(key) != asked.get(key))
        if key != "experiment":
            return f"its `{key}` is {json.dumps(begun.get(key))}, not {json.dumps(asked.get(key))}"
        run = min(self.path.glob("runs/trial-*/seed-*/*/*/spec.yaml"), default=None)
        told = changed(run) if run is not None else ""
        return f"it was begun with another spec, or with another --profile or --set{told and f': {told}'}"

    def _hold(self, number: int) -> IO[bytes] | None:
        """The lock of a trial.  The trial's process inherits it: while an orphan of a killed worker trains
        on, nobody else takes the trial.
        """
        folder = self.folder(number)
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "LOCK").open("ab")
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        file.close()
        return None


def _regular_only(path: str, flags: int) -> int:
    """The log itself: not what a link leads to, and no pipe or device."""
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no regular file", path)
    return handle


def _events(log: IO[bytes]) -> list[dict[str, Any]]:
    log.seek(0)
    whole, _, _ = log.read().rpartition(b"\n")
    events = [_event(line, log, number) for number, line in enumerate(whole.split(b"\n"), 1) if line]
    begun = 0
    for number, event in enumerate(events, 1):
        if (event["event"] == "study") != (number == 1):
            raise _damaged(log, number, "the study's settings stand in the first line, and there alone")
        if event["event"] == "suggested" and event["number"] != begun:
            raise _damaged(log, number, f"trial {begun} comes next")
        if event["event"] in ("rung", "finished", "repeated") and event["number"] not in range(begun):
            raise _damaged(log, number, f"there is no trial {event['number']} before it")
        begun += event["event"] == "suggested"
    return events


_ENDED = Keys(
    {"number": WHOLE, "state": TEXT, "values": Items(NUMBER), "runs": Items(TEXT)},
    needed=("number", "state", "values", "runs", "reason"),
)
_SHAPES: dict[str, Keys] = {
    "study": Keys({}),
    "suggested": Keys({"number": WHOLE, "params": Keys({})}, needed=("number", "params")),
    "rung": replace(_ENDED, of={**_ENDED.of, "step": WHOLE}, needed=(*_ENDED.needed, "step")),
    "finished": _ENDED,
    "repeated": _ENDED,
}
"""The lines of the log, by what happened."""


def _event(line: bytes, log: IO[bytes], number: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except (ValueError, RecursionError):
        raise _damaged(log, number, "it is no JSON") from None
    shape = _SHAPES.get(str(found.get("event"))) if isinstance(found, dict) else None
    why = fault_of(found, shape) if shape is not None else "it is no event of a study"
    if why is not None:
        raise _damaged(log, number, why)
    return found


def _damaged(log: IO[bytes], number: int, why: str) -> RunError:
    return RunError(f"{log.name}:{number} is not a line that a sweep has written: {why}", exit=Exit.STORAGE,
                    help="restore the log from a copy, or begin another --study")  # fmt: skip


def _append(log: IO[bytes], event: Mapping[str, Any]) -> None:
    log.seek(0)
    text = log.read()
    if not text.endswith(b"\n"):
        log.truncate(text.rfind(b"\n") + 1)
    try:
        log.write(json.dumps(event, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        log.flush()
        os.fsync(log.fileno())
    except OSError as error:
        raise RunError(f"{log.name} cannot be written: {error.strerror}", exit=Exit.STORAGE,
                       help="make room and give the same command again") from None  # fmt: skip


def _trials(log: IO[bytes]) -> tuple[Trial, ...]:
    trials: list[Trial] = []
    for event in _events(log)[1:]:
        if event["event"] == "suggested":
            trials.append(Trial(event["number"], event["params"]))
        else:
            trials[event["number"]] = _after(trials[event["number"]], event)
    return tuple(trials)


def _after(trial: Trial, event: Mapping[str, Any]) -> Trial:
    """A trial after something came of it."""
    values, runs = tuple(event["values"]), tuple(event["runs"])
    match event["event"]:
        case "rung":
            return replace(trial, rungs=(*trial.rungs, *values), runs=runs)
        case "repeated":
            return replace(trial, repeated=True, repeats=values, runs=runs, reason=event["reason"])
    return replace(trial, state=event["state"], values=values, runs=runs, reason=event["reason"])


def _heard(sampler: Sampler, trials: tuple[Trial, ...]) -> bool:
    """Whether everything is known that the next suggestion depends on."""
    first = sampler.first_of_generation(len(trials))
    return not sampler.adaptive or all(one.state != "open" or one.rungs for one in trials[:first])


def _known(sampler: Sampler, trials: tuple[Trial, ...]) -> list[Known]:
    """Trials as the next suggestion may know them: of its own generation the settings only, of others what
    they were worth at the first rung.
    """
    first = sampler.first_of_generation(len(trials))
    return [
        Known(one.params, None, pending=True)
        if one.number >= first
        else Known(one.params, *(one.rungs[:1] or [one.value]))
        for one in trials
    ]
