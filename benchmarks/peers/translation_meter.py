"""Runs inside every contender: counts tokens after each optimiser step, stops between windows, and tells what
was spent.

The parent and the child talk in lines of JSON over two pipes that ``METER`` names.  Any framework that trains
with an optimiser of torch can be metered, because torch calls a hook after every ``step``.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any

Report = dict[str, Any]


class Enough(BaseException):
    """Raised out of a training loop when the parent has seen enough."""


class Line:
    """Two pipes to the parent."""

    def __init__(self) -> None:
        hear, say = (int(number) for number in os.environ["METER"].split(","))
        self._hear = os.fdopen(hear, "r")
        self._say = os.fdopen(say, "w", buffering=1)

    def hear(self) -> Report:
        order: Report = json.loads(self._hear.readline() or '{"stop": true}')
        return order

    def say(self, **report: Any) -> None:
        self._say.write(json.dumps(report) + "\n")


@cache
def the_line() -> Line:
    """One a process: its pipes are read from one place."""
    return Line()


class Meter:
    """What was trained since the last order."""

    def __init__(self, *, stop: Callable[[], None] | None = None) -> None:
        from torch.optim.optimizer import register_optimizer_step_post_hook

        self.line = the_line()
        self.stop = stop
        self.steps = self.targets = self.real = self.cells = 0
        self.until_steps, self.until_cpu = 1, float("inf")
        self.total = 0
        self.begun = (0.0, 0.0)
        register_optimizer_step_post_hook(lambda *_: self._stepped())

    def saw(self, *, targets: int, real: int, cells: int) -> None:
        """One batch: target tokens, tokens of both sides, and places of both sides, padding included."""
        self.targets += targets
        self.real += real
        self.cells += cells

    def _stepped(self) -> None:
        self.steps += 1
        if self.steps < self.until_steps and time.process_time() < self.until_cpu:
            return
        self.total += self.targets
        cpu, wall = time.process_time(), time.time()
        self.line.say(
            steps=self.steps,
            targets=self.targets,
            sources=self.real - self.targets,
            seen=self.total,
            padding=1 - self.real / max(self.cells, 1),
            cpu=cpu - self.begun[0],
            wall=wall - self.begun[1],
            process_cpu=cpu,
            at=wall,
            peak_mb=peak_mb(),
        )
        self._obey(self.line.hear())

    def _obey(self, order: Report) -> None:
        self.steps = self.targets = self.real = self.cells = 0
        self.until_steps = order.get("steps", 10**9)
        self.until_cpu = order.get("until_cpu", float("inf"))
        self.begun = time.process_time(), time.time()
        if order.get("stop"):
            if self.stop is None:
                raise Enough
            self.stop()


def serve(decode: Callable[[], list[list[int]]], **facts: Any) -> None:
    """Decodes whenever the parent asks, everyone in torch's inference mode; the first report tells ``facts``."""
    from torch import inference_mode

    line = the_line()
    line.say(**facts)
    while not line.hear().get("stop"):
        cpu, wall = time.process_time(), time.perf_counter()
        with inference_mode():
            answers = decode()
        line.say(
            cpu=time.process_time() - cpu,
            wall=time.perf_counter() - wall,
            answers=answers,
            peak_mb=peak_mb(),
        )


def peak_mb() -> int:
    """The largest resident size so far."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) // 1024


def ids_of(text: str) -> list[int]:
    """The ids of a line of the corpus files; anything that is no number is the unknown id."""
    return [int(word) if word.isdigit() else 1 for word in text.split()]
