"""Mean and variance over the training split, for the spec that normalises by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqspec.data.progress import Progress, silent
from seqspec.data.stages.features import audio_of, frames_of
from seqspec.data.stages.normalize import Moments
from seqspec.data.stages.parts import Feature
from seqspec.data.store.store import Column, Store, StoreWriter


def write_statistics(
    folder: Path,
    *,
    kind: str,
    role: str,
    rows: np.ndarray,
    records: Store,
    frames: Store | None,
    feature: Feature | None,
    reader: Any,
    root: Path,
    progress: Progress = silent,
) -> None:
    """One row of means, one of standard deviations: of each feature of frames, or each channel of
    images.
    """
    moments: Moments | None = None
    with progress(f"measuring {kind}", len(rows)) as advance:
        for row in rows.tolist():
            if kind == "image":
                shape = records.values(f"{role}_shape")[row]
                block = records.row(role, row).reshape(int(shape[0]), -1).T / 255.0
            elif frames is not None:
                block = frames.row("frames", row)
            else:
                assert feature is not None
                block = frames_of(audio_of(records, role, row, root=root), feature=feature, reader=reader)
            moments = moments or Moments(block.shape[1])
            moments.add(block)
            advance(1)
    assert moments is not None, "the training split is not empty"
    found = moments.statistics()
    with StoreWriter(folder, {"statistics": Column("float32", ragged=False)}) as writer:
        if writer.resumed:
            return
        writer.append({"statistics": np.concatenate([found.mean, found.std])})
        writer.commit()
