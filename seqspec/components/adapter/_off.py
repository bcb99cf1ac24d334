"""OFF meshes: ``OFF``, the counts, the corners, then the faces.  In some files of ModelNet40 the counts
follow ``OFF`` with no space.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqspec.data.corpus.lines import whole_texts

MOST_CORNERS = 50_000_000


class BadMesh(ValueError):
    """The file is no mesh."""


def read_off(path: Path, *, corpus: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Corners ``[N, 3]`` and triangles ``[M, 3]``; faces of more corners are cut into triangles.

    Raises ``BadMesh``, and ``DataError`` for a file that cannot be read.
    """
    rows = [text.partition("#")[0].split() for text in whole_texts(path, corpus=corpus)]
    rows = [row for row in rows if row]
    if not rows or not rows[0][0].startswith("OFF"):
        raise BadMesh("the file does not begin with `OFF`")
    glued = rows[0][0][3:]
    counts = ([glued] if glued else []) + rows[0][1:]
    body = rows[1:]
    if not counts:
        counts, body = (body[0], body[1:]) if body else ([], [])
    try:
        num_corners, num_faces = int(counts[0]), int(counts[1])
        if not 0 < num_corners <= MOST_CORNERS or not 0 < num_faces <= MOST_CORNERS:
            raise BadMesh(f"the file claims {num_corners} corners and {num_faces} faces")
        if len(body) < num_corners + num_faces:
            raise BadMesh(
                f"the file is cut off: {num_corners + num_faces} lines are promised, {len(body)} are there"
            )
        corners = np.array([row[:3] for row in body[:num_corners]], dtype=np.float64)
        triangles = np.array(_triangles(body[num_corners : num_corners + num_faces]), dtype=np.int64)
    except (ValueError, IndexError) as error:
        raise (
            error if isinstance(error, BadMesh) else BadMesh("a line does not hold the numbers it should")
        ) from None
    if corners.shape != (num_corners, 3) or not np.isfinite(corners).all():
        raise BadMesh("a corner is not three finite numbers")
    if triangles.size == 0 or triangles.min() < 0 or triangles.max() >= num_corners:
        raise BadMesh("a face names a corner that is not there")
    return corners, triangles


def sample_surface(
    corners: NDArray[np.float64], triangles: NDArray[np.int64], *, num_points: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Points spread evenly over the area, centred, in the unit ball: ``[num_points, 3]``."""
    a, b, c = (corners[triangles[:, index]] for index in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    total = areas.sum()
    if not total > 0:
        raise BadMesh("the surface has no area")
    chosen = np.searchsorted(np.cumsum(areas) / total, rng.random(num_points)).clip(max=len(areas) - 1)
    u, v = rng.random((2, num_points, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    points = a[chosen] + u * (b - a)[chosen] + v * (c - a)[chosen]
    points -= points.mean(axis=0)
    scale = np.linalg.norm(points, axis=1).max()
    scaled: NDArray[np.float32] = (points / (scale or 1.0)).astype(np.float32)
    return scaled


def _triangles(faces: list[list[str]]) -> list[list[int]]:
    found = []
    for face in faces:
        size = int(face[0])
        ring = [int(index) for index in face[1 : 1 + size]]
        if len(ring) != size:
            raise BadMesh("a face has fewer corners than it says")
        found += [[ring[0], ring[index], ring[index + 1]] for index in range(1, size - 1)]
    return found
