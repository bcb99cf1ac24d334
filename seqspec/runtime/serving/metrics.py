"""Counts and times for Prometheus, in its text format (version 0.0.4)."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histogram of seconds."""
HELP: Mapping[str, tuple[str, str]] = {
    "seqspec_requests_total": ("counter", "Requests, by model and status."),
    "seqspec_inputs_total": ("counter", "Inputs that were predicted."),
    "seqspec_batches_total": ("counter", "Batches that were run."),
    "seqspec_batch_seconds_total": ("counter", "Seconds that batches took."),
    "seqspec_queue_inputs": ("gauge", "Inputs that wait or are being predicted."),
}

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Safe to call from any thread; label values come from the server, never from a request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[tuple[str, Labels], float] = defaultdict(float)
        self._seconds: dict[Labels, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._sums: dict[Labels, float] = defaultdict(float)

    def add(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Count upwards."""
        with self._lock:
            self._values[name, tuple(sorted(labels.items()))] += amount

    def took(self, seconds: float, **labels: str) -> None:
        """One request's time."""
        place = next((n for n, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
        key = tuple(sorted(labels.items()))
        with self._lock:
            self._seconds[key][place] += 1
            self._sums[key] += seconds

    def text(self, gauges: Mapping[str, Mapping[Labels, float]]) -> str:
        """What ``/metrics`` answers; ``gauges`` are read now."""
        with self._lock:
            values = dict(self._values)
            seconds = {key: list(counts) for key, counts in self._seconds.items()}
            sums = dict(self._sums)
        for name, by_label in gauges.items():
            values |= {(name, labels): value for labels, value in by_label.items()}
        lines = []
        for name, (kind, told) in HELP.items():
            lines += [f"# HELP {name} {told}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{_braced(labels)} {value:g}" for (n, labels), value in sorted(values.items())
                      if n == name]  # fmt: skip
        return "\n".join([*lines, *_histogram(seconds, sums)]) + "\n"


def _histogram(seconds: Mapping[Labels, list[int]], sums: Mapping[Labels, float]) -> list[str]:
    name = "seqspec_request_seconds"
    lines = [f"# HELP {name} Seconds from a request to its answer.", f"# TYPE {name} histogram"]
    for labels, counts in sorted(seconds.items()):
        total = 0
        for bound, count in zip((*BUCKETS, float("inf")), counts, strict=True):
            total += count
            le = "+Inf" if bound == float("inf") else f"{bound:g}"
            lines.append(f"{name}_bucket{_braced((*labels, ('le', le)))} {total}")
        lines += [f"{name}_sum{_braced(labels)} {sums[labels]:.6f}", f"{name}_count{_braced(labels)} {total}"]
    return lines


def _braced(labels: Labels) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    told = ",".join(f'{name}="{escaped(value)}"' for name, value in labels)
    return f"{{{told}}}" if told else ""
