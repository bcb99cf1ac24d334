"""Runs an export to ONNX with numpy and onnxruntime alone: ids in, ids or frames out.

A copy of this file lies in every export to ONNX, for reading and for use; nothing of seqspec is imported.
``export.json`` says what each function takes and gives, ``preprocessing.json`` how ids and frames are made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

PAD, UNK, BOS, EOS = 0, 1, 2, 3


class Exported:
    """The functions of one export."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.about: dict[str, Any] = json.loads((self.folder / "export.json").read_text("utf-8"))
        self.sessions = {
            name: onnxruntime.InferenceSession(
                str(self.folder / graph["file"]), providers=["CPUExecutionProvider"]
            )
            for name, graph in self.about["graphs"].items()
        }

    def run(self, name: str, given: Sequence[np.ndarray]) -> list[np.ndarray]:
        """One function; values in the order of its ``arguments`` in ``export.json``."""
        names = self.about["graphs"][name]["arguments"]
        found: list[np.ndarray] = self.sessions[name].run(None, dict(zip(names, given, strict=True)))
        return found

    def predict(
        self, source: np.ndarray, lengths: np.ndarray | None = None, *, max_tokens: int = 256
    ) -> list[list[int]]:
        """The ids of the most probable answer to each row of ``source``: classes, what CTC's best path
        writes, or what a decoder writes greedily.  Raises ``TypeError`` for an export that gives vectors,
        frames, masks or the like, whose functions ``run`` calls.
        """
        given = [source] if lengths is None else [source, lengths]
        if self._writes_ids():
            fixed = self.run("encode", given)
            if "begin" in self.sessions:  # Of a posterior's mean.
                fixed = self.run("begin", fixed[:1])
            return self.written(len(source), fixed, max_tokens=max_tokens)
        if "log_probs" not in self.sessions:
            functions = ", ".join(f"`{name}`" for name in self.sessions)
            other = "`frames`, or " if "refine" in self.sessions else ""
            raise TypeError(
                f"this export writes no ids: call {other}`run` with one of {functions} (README.md)"
            )
        found = self.run("log_probs", given)
        if len(found) == 2:
            return ctc_best_path(*found)
        best = found[0].argmax(-1)
        return [[int(one) for one in np.atleast_1d(row)] for row in best]

    def written(
        self, count: int, fixed: Sequence[np.ndarray], *, max_tokens: int, prompt: Sequence[int] = ()
    ) -> list[list[int]]:
        """What ``count`` decoders write greedily, after a prompt where there is one.

        Every tensor of the state that is not ``fixed`` starts as zeros, its axis ``position`` empty.
        """
        names = self.about["graphs"]["step"]["arguments"][1:]
        moving = list(self._zeros(count, dict(zip(names, fixed, strict=False))).values())
        for read in (BOS, *prompt):
            ids = np.full(count, read, np.int64)
            log_probs, *moving = self.run("step", [ids, *fixed, *moving])
        found: list[list[int]] = [[] for _ in range(count)]
        alive = np.ones(count, bool)
        for _ in range(max_tokens):
            log_probs[:, [PAD, BOS]] = -np.inf  # Neither is ever written.
            ids = log_probs.argmax(1)
            alive &= ids != EOS
            if not alive.any():
                break
            for row in np.flatnonzero(alive):
                found[row].append(int(ids[row]))
            log_probs, *moving = self.run("step", [ids, *fixed, *moving])
        return found

    def frames(self, *given: np.ndarray) -> list[np.ndarray]:
        """What Tacotron 2 says for each row of ``source``, ``[frames, bins]``; ``given`` are the arguments of
        ``encode``: ids, their lengths and, of several voices, speakers.  The prenet drops out what it does
        in the run, so that these are the frames of ``seqspec predict``.
        """
        step = self.about["graphs"]["step"]
        told, count = step["constants"], len(given[0])
        fixed = dict(zip(("memory", "keys"), self.run("encode", given), strict=True))
        fixed["lengths"] = given[1]
        state = self._zeros(count, fixed)
        shape, random = step["inputs"]["kept"]["shape"], np.random.RandomState(0)
        written: list[np.ndarray] = []
        lengths = np.full(count, told["max_frames"], np.int64)
        while len(written) < lengths.max():
            drawn = np.frombuffer(random.bytes(4 * int(np.prod(shape))), "<u4") & 0xFFFFFF
            kept = (drawn.reshape(shape) >= told["dropout"] * 2**24).astype(np.float32)
            values = {**fixed, **state, "kept": kept}
            found = self.run("step", [values[name] for name in step["arguments"]])
            after = dict(zip(step["results"], found, strict=True))
            state = {name: after[f"next_{name}"] for name in state}
            written.append(state["frame"])
            ended = after["stop"] > told["stop_threshold"]
            lengths[ended] = lengths[ended].clip(max=len(written))
        (refined,) = self.run("refine", [np.stack(written, 1), lengths])
        return [row[:length] for row, length in zip(refined, lengths, strict=True)]

    def _writes_ids(self) -> bool:
        """Whether there is a step that takes the last id."""
        step = self.about["graphs"].get("step")
        return step is not None and step["inputs"][step["arguments"][0]]["dtype"] == "int64"

    def _zeros(self, count: int, fixed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What ``step`` gives anew, before the first one, in its order; what has the source's length has it
        from ``fixed``.
        """
        step = self.about["graphs"]["step"]
        sizes = {"batch": count, "position": 0}
        for name, held in fixed.items():
            axes = step["inputs"][name]["shape"]
            sizes |= {axis: size for axis, size in zip(axes, held.shape, strict=True) if axis != size}
        ports = {
            name: step["inputs"][name] for name in step["arguments"] if f"next_{name}" in step["results"]
        }
        return {
            name: np.zeros([sizes.get(axis, axis) for axis in port["shape"]], np.dtype(port["dtype"]))
            for name, port in ports.items()
        }


def ctc_best_path(log_probs: np.ndarray, lengths: np.ndarray) -> list[list[int]]:
    """The best symbol of each state, repetitions merged, blanks (id 0) left out."""
    found = []
    for row, length in zip(log_probs.argmax(2), lengths, strict=True):
        path = row[:length]
        changes = np.flatnonzero(np.diff(path, prepend=-1))
        found.append([int(one) for one in path[changes] if one != PAD])
    return found
