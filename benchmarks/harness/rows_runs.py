"""Rows about whole runs: R1 random kills, R2 kills at the n-th operation, R7 settings, R10 owners, R12
elastic, R13 signals.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.harness.faults import Fuse, fused
from benchmarks.harness.trials import (
    FAMILIES,
    Ended,
    Laboratory,
    ended,
    kill_after,
    run_folder,
    spec_of,
    wait,
)
from seqspec.runtime.run_folder.run_owner import PATIENCE_SECONDS

Row = dict[str, Any]


def _reference(lab: Laboratory, name: str, **train: Any) -> tuple[Path, Ended, float]:
    """An experiment, how it ends undisturbed, and how long that takes."""
    if name not in lab.references:
        spec = lab.spec(name, spec_of(name.split("-")[0], **train))
        lab.finish(spec, _fresh(lab, f"{name}-warm"))
        begun = time.monotonic()
        ref = lab.finish(spec, _fresh(lab, f"{name}-reference"))
        lab.references[name] = (spec, ref, time.monotonic() - begun)
    return lab.references[name]


def _fresh(lab: Laboratory, name: str) -> Path:
    path = lab.root / "runs" / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def random_kills(lab: Laboratory, *, kills: int, seed: int) -> Row:
    """R1: kill -9 at random times; grid of families, workers and accumulation."""
    grid = list(product(FAMILIES, (0, 2), (1, 3)))
    done = trials = 0
    bad: list[str] = []
    while done < kills and len(bad) < 20:
        family, workers, accumulate = grid[trials % len(grid)]
        name = f"{family}-acc{accumulate}"
        spec, ref, seconds = _reference(lab, name, accumulate=accumulate)
        runs = _fresh(lab, f"r1-{trials}")
        trial = f"{name}-workers{workers}-seed{seed + trials}"
        trials += 1
        try:
            got = lab.finish(spec, runs, kills=2, seconds=seconds, seed=seed + trials - 1, workers=workers)
        except AssertionError as error:
            bad.append(f"{trial}: {error}")
            continue
        done += got.kills
        if got.same(ref):
            shutil.rmtree(runs)
        else:
            bad.append(trial)
    return {"row": "R1", "kills": done, "trials": trials, "divergences": len(bad), "bad": bad, "seed": seed}


def nth_operation(lab: Laboratory, *, step: int, limit: int | None = None) -> Row:
    """R2: SIGKILL at the n-th operation on files (every ``step``-th) of a whole run, torn writes included."""
    spec, ref, _ = _reference(lab, "lm-short", max_steps=12)
    counting = Fuse(lab.root / "runs" / "r2-count", at=-1)
    number = lab.child(_with_fuse(lab, spec, _fresh(lab, "r2-count"), counting, report=lab.root / "count"))
    assert wait(number) == 0
    total = int((lab.root / "count").read_text())
    bad: list[int] = []
    points = list(range(1, total + 1, step))[:limit]
    for n in points:
        runs = _fresh(lab, "r2")
        number = lab.child(_with_fuse(lab, spec, runs, Fuse(runs, at=n)))
        wait(number)
        if not lab.finish(spec, runs).same(ref):
            bad.append(n)
    return {"row": "R2", "points": len(points), "operations": total, "bad": bad}


def full_disk(lab: Laboratory, *, cases: int, seed: int) -> Row:
    """R4: ENOSPC, EIO and EDQUOT at random operations and after; exit 5, resumption once there is room."""
    import errno

    spec, ref, _ = _reference(lab, "seq2seq")
    runs = _fresh(lab, "r4-count")
    counting = Fuse(runs, at=-1)
    assert wait(lab.child(_with_fuse(lab, spec, runs, counting, report=lab.root / "count"))) == 0
    total = int((lab.root / "count").read_text())
    random_ = random.Random(seed)
    recovered, wrong = 0, []
    for case in range(cases):
        at, kind = random_.randint(1, total), random_.choice([errno.ENOSPC, errno.EIO, errno.EDQUOT])
        runs = _fresh(lab, "r4")
        log = lab.root / "r4.log"
        code = wait(lab.child(_with_fuse(lab, spec, runs, Fuse(runs, at=at, errno=kind)), log=log))
        recovered += code == 5 and lab.finish(spec, runs).same(ref)
        if code != 5:
            wrong.append({"case": case, "at": at, "errno": errno.errorcode[kind], "exit": code})
    return {"row": "R4", "cases": cases, "recovered": recovered, "wrong_exit": wrong[:5], "seed": seed}


def settings(lab: Laboratory, *, full: bool) -> Row:
    """R7: one digest whatever the workers, the evaluating, the checkpoints, the hash seed and the process."""
    digests: dict[str, list[str]] = {}
    grid = list(product((0, 1, 2, 3), (True, False), (1, 5, 7, 10_000)))
    chosen = grid if full else [grid[0], grid[9], grid[22], grid[31]]
    for number, (workers, evaluated, period) in enumerate(chosen):
        content = spec_of("seq2seq", checkpoint_every_steps=min(period, 24))
        if not evaluated:
            content["evaluate"] = {"splits": ["dev"], "metrics": []}
        spec = lab.spec(f"r7-{number}", content)
        got = lab.finish(
            spec, _fresh(lab, f"r7-{number}"), workers=workers, env={"PYTHONHASHSEED": str(number)}
        )
        digests.setdefault(got.digest, []).append(f"workers={workers} judged={evaluated} every={period}")
    return {"row": "R7", "runs": len(chosen), "digests": len(digests)}


def owners(lab: Laboratory, *, pairs: int) -> Row:
    """R10: two start in one run directory at once; one wins, the other leaves with 6 within two seconds."""
    spec, ref = _that_outlasts(lab, seconds=2 * PATIENCE_SECONDS)
    wins = {1: 0}
    slowest = 0.0
    same = True
    pairs_left, tries = pairs, 0
    while pairs_left:
        runs = _fresh(lab, "r10")
        number = lab.child(lab.begin(spec, runs))
        while run_folder_quietly(runs) is None:
            time.sleep(0.005)
        os.killpg(number, signal.SIGKILL)
        os.waitpid(number, 0)
        numbers = _at_once(lab, [lab.begin(spec, runs) for _ in range(2)])
        begun = time.monotonic()
        codes = {}
        while len(codes) < 2:
            for one in numbers:
                if one not in codes:
                    found, status = os.waitpid(one, os.WNOHANG)
                    if found:
                        codes[one] = os.waitstatus_to_exitcode(status)
                        if codes[one] == 6:
                            slowest = max(slowest, time.monotonic() - begun)
            time.sleep(0.002)
        tries += 1
        same = same and ended(runs).same(ref)
        if sorted(codes.values()) == [0, 0] and tries < 20 * pairs:
            continue  # The run was over before the second came to its lock: the two never met.
        pairs_left -= 1
        winners = sum(code == 0 for code in codes.values())
        if sorted(codes.values()) != [0, 6]:
            winners = -1
        wins[winners] = wins.get(winners, 0) + 1
    return {"row": "R10", "pairs": pairs, "exactly_one": wins[1], "slowest_loser_seconds": round(slowest, 2),
            "winner_unchanged": same}  # fmt: skip


def _that_outlasts(lab: Laboratory, *, seconds: float) -> tuple[Path, Ended]:
    """An experiment that keeps its owner this long: a shorter one would be over before the other gives up."""
    steps = 24
    while True:
        spec, ref, taken = _reference(lab, f"lm-of-{steps}-steps", max_steps=steps)
        if taken >= seconds:
            return spec, ref
        steps *= 2


def _at_once(lab: Laboratory, works: list[Callable[[], int]]) -> list[int]:
    """Children that begin when all of them are there: each reads from a pipe that the last one closes."""
    read, write = os.pipe()

    def begin(work: Callable[[], int]) -> Callable[[], int]:
        def begun() -> int:
            os.close(write)
            os.read(read, 1)
            return work()

        return begun

    numbers = [lab.child(begin(work)) for work in works]
    os.close(read)
    os.close(write)
    return numbers


def run_folder_quietly(runs: Path) -> Path | None:
    """Like ``run_folder``, while somebody else is still writing."""
    for path in runs.glob("*/[!.]*"):
        if all((path / name).is_file() for name in ("spec.yaml", "lock.json", "facts.json")):
            return path
    return None


def elastic(lab: Laboratory, *, kills: int, seed: int) -> Row:
    """R12: one process with two micro-batches equals two gloo processes; a rank that is killed changes nothing."""
    spec = lab.spec("r12", spec_of("seq2seq", accumulate=2))
    one = lab.finish(spec, _fresh(lab, "r12-one"))
    begun = time.monotonic()
    two = _two(lab, spec, _fresh(lab, "r12-two"))
    seconds = time.monotonic() - begun
    random_ = random.Random(seed)
    done, same = 0, 0
    for _ in range(kills):
        runs = _fresh(lab, "r12-kill")
        numbers = _start_two(lab, spec, runs)
        done += kill_after(numbers[1], random_.uniform(0, seconds))
        for number in numbers[:1]:
            kill_after(number, 3.0)
        same += _two(lab, spec, runs).same(one)
    return {
        "row": "R12",
        "one_equals_two": one.same(two),
        "kills": done,
        "trials": kills,
        "identical": same,
        "seed": seed,
    }


def _two(lab: Laboratory, spec: Path, runs: Path) -> Ended:
    for _ in range(3):
        codes = [wait(number) for number in _start_two(lab, spec, runs)]
        if codes == [0, 0]:
            return ended(runs)
    raise AssertionError(f"two processes do not come to an end in {runs}: {codes}")


def _start_two(lab: Laboratory, spec: Path, runs: Path) -> list[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    run_folder(runs)
    started = []
    for rank in range(2):
        env = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "NODE_RANK": "0",
               "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}  # fmt: skip
        started.append(
            lab.child(lab.begin(spec, runs, devices=2), log=runs.with_suffix(f".{rank}.log"), env=env)
        )
    return started


def signals(lab: Laboratory, *, each: int, seed: int) -> Row:
    """R13: TERM, INT and HUP at random times: a checkpoint at the boundary, the right exit, the same end."""
    spec, ref, seconds = _reference(lab, "seq2seq")
    expected = {signal.SIGTERM: 143, signal.SIGHUP: 143, signal.SIGINT: 130}
    random_ = random.Random(seed)
    right = same = caught = 0
    for sent, turn in product(expected, range(each)):
        runs = _fresh(lab, f"r13-{sent}-{turn}")
        number = lab.child(lab.begin(spec, runs, workers=turn % 2), log=lab.root / "r13.log")
        delay = random_.uniform(0, seconds)
        time.sleep(delay)
        try:
            os.killpg(number, sent)
        except ProcessLookupError:
            os.kill(number, sent)
        code = wait(number)
        # Before and after training there is no boundary to wait for: the run ends as any program does.
        during = code in (130, 143)
        caught += during
        right += code in (expected[sent], -int(sent), 0, 130)
        same += lab.finish(spec, runs).same(ref)
    total = 3 * each
    return {
        "row": "R13",
        "signals": total,
        "at_a_boundary": caught,
        "exit_right": right,
        "identical": same,
        "seed": seed,
    }


def _with_fuse(lab: Laboratory, spec: Path, runs: Path, fuse: Fuse, *, report: Path | None = None) -> Any:
    def work() -> int:
        with fused(fuse):
            code = lab.begin(spec, runs)()
        if report:
            report.write_text(str(fuse.count))
        return code

    return work


def summary(row: Mapping[str, Any]) -> bool:
    """Whether a row reached its figure."""
    match row["row"]:
        case "R1":
            return not row["divergences"]
        case "R2":
            return not row["bad"]
        case "R4":
            return bool(row["recovered"] == row["cases"])
        case "R7":
            return bool(row["digests"] == 1)
        case "R10":
            return bool(
                row["exactly_one"] == row["pairs"]
                and row["winner_unchanged"]
                and row["slowest_loser_seconds"] < 2
            )
        case "R12":
            return bool(row["one_equals_two"] and row["identical"] == row["trials"])
        case "R13":
            return bool(row["identical"] == row["exit_right"] == row["signals"])
    return True
