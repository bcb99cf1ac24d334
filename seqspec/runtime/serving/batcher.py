"""One model's thread: requests wait in a queue and are gathered into batches."""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from os import environ
from typing import Any

from seqspec.components._layers.linear import prepacked
from seqspec.runtime.prediction.input import Input
from seqspec.runtime.prediction.predictor import Prediction
from seqspec.runtime.serving.limits import Limits, Refused

Predict = Callable[[Sequence[Input]], list[Prediction]]
LATELY = 8
"""Batches over which it is remembered how many inputs were under way at once."""
SHARE = 0.25
"""Of the time of the last batch: so long a wait pays where it fills the next one."""


ABANDONED = 5.0
"""Seconds that a thread may take to end, once nobody waits for its answers."""


@dataclass(frozen=True)
class Job:
    """Inputs of one request, or work that needs the model for itself."""

    inputs: Sequence[Input] = ()
    alone: Callable[[], Any] | None = None
    future: Future[Any] = field(default_factory=Future)


class Batcher:
    """All that one model does happens on one thread, so that its results never depend on timing beyond the
    batches that are formed.
    """

    def __init__(
        self,
        predict: Predict,
        limits: Limits,
        *,
        gathers: bool = True,
        told: Callable[[int, float], None] = lambda size, seconds: None,
    ) -> None:
        """``gathers``: whether inputs of several requests may share a batch.  ``told`` hears of the inputs
        and seconds of each.
        """
        self.predict = predict
        self.limits = limits
        self.gathers = gathers
        self.told = told
        self.waiting = 0
        """Inputs that are not yet answered."""
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._most = 0
        """The largest ``waiting`` since the last batch began."""
        self._lately: deque[int] = deque([1], maxlen=LATELY)
        self._took = 0.0
        """Seconds of the last batch."""
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="seqspec-model", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Future[Any]:
        """Puts work into the queue; raises ``Refused`` where it is full."""
        count = max(len(job.inputs), 1)
        with self._lock:
            if self.waiting + count > self.limits.max_queue:
                raise Refused(503, "the queue is full; try again later", kind="busy")
            self.waiting += count
            self._most = max(self._most, self.waiting)
        job.future.add_done_callback(lambda _: self._left(count))
        self._jobs.put(job)
        return job.future

    def stop(self) -> None:
        """Finishes what is in the queue, then ends the thread; work that takes longer than ``ABANDONED``
        seconds, such as a text whose client was told 504, ends with the process.
        """
        self._jobs.put(None)
        self._thread.join(ABANDONED)

    def _left(self, count: int) -> None:
        with self._lock:
            self.waiting -= count

    def _work(self) -> None:
        # Weights never change here: they are laid out once for every batch to come.
        with prepacked():
            job = self._jobs.get()
            while job is not None:
                job = self._answer(job)

    def _answer(self, first: Job) -> Job | None:
        """Answers a job and those that join it; gives the next one."""
        if first.alone is not None:
            self._run([first])
            return self._jobs.get()
        jobs, size, following, ended = [first], len(first.inputs), None, False
        until, expected = time.monotonic() + self._patience(), max(self._lately)
        while self.gathers and size < self.limits.max_batch:
            # Who is alone, or the last of those who come together, waits for nobody.
            left = 0.0 if size >= expected else max(until - time.monotonic(), 0)
            try:
                job = self._jobs.get(timeout=left)
            except queue.Empty:
                break
            if job is None or job.alone is not None:
                following, ended = job, job is None
                break
            jobs.append(job)
            size += len(job.inputs)
        with self._lock:
            self._lately.append(max(self._most, 1))
            self._most = 0
        self._run(jobs)
        return following if following is not None or ended else self._jobs.get()

    def _patience(self) -> float:
        """Seconds to wait at most; where the batches of steady clients fall apart, half of them would else
        always wait while the other half is answered.
        """
        wait = self.limits.wait_seconds
        return max(wait, SHARE * self._took) if wait else 0.0

    def _run(self, jobs: Sequence[Job]) -> None:
        live = [job for job in jobs if job.future.set_running_or_notify_cancel()]
        if not live:
            return
        begin = time.perf_counter()
        answers, error = self._answers(live)
        self._took = time.perf_counter() - begin
        # Counted first: whoever has an answer finds it in the counts.
        self.told(sum(max(len(job.inputs), 1) for job in live), self._took)
        for place, job in enumerate(live):
            if error is None:
                job.future.set_result(answers[place])
            else:
                job.future.set_exception(error)

    def _answers(self, jobs: Sequence[Job]) -> tuple[list[Any], Exception | None]:
        """What each job gets; or the fault, which the server must outlive, whatever the model: the request
        hears of it.
        """
        try:
            if jobs[0].alone is not None:
                return [jobs[0].alone()], None
            found = iter(self.predict([one for job in jobs for one in job.inputs]))
            return [list(islice(found, len(job.inputs))) for job in jobs], None
        except Exception as error:
            _report(error)
            return [], error


def _report(error: Exception) -> None:
    """A line for the log, without what the request held."""
    if environ.get("SEQSPEC_DEBUG"):
        traceback.print_exception(error)
    else:
        print(f"error: a batch failed: {type(error).__name__}", file=sys.stderr)
