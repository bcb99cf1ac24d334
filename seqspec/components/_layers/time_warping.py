"""Dynamic time warping: Sakoe and Chiba (1978), "Dynamic programming algorithm optimization for spoken word
recognition", IEEE Transactions on Acoustics, Speech and Signal Processing 26.
"""

# N, M frames of two recordings

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def warping_path(cost_NM: NDArray[np.float64]) -> NDArray[np.int64]:
    """``[L, 2]``: the cheapest path from (0, 0) to (N − 1, M − 1) by steps (1, 1), (1, 0) and (0, 1).

    Exact, an anti-diagonal at a time; of equal ways the diagonal comes first, then a step in N.
    """
    rows, columns = cost_NM.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    for sum_ in range(rows + columns - 1):
        i = np.arange(max(0, sum_ - columns + 1), min(rows, sum_ + 1))
        j = sum_ - i
        before = np.minimum(np.minimum(total[i, j], total[i, j + 1]), total[i + 1, j])
        total[i + 1, j + 1] = cost_NM[i, j] + before
    path = [(rows - 1, columns - 1)]
    while path[-1] != (0, 0):
        i, j = path[-1]
        ways = ((i - 1, j - 1), (i - 1, j), (i, j - 1))
        path.append(min(ways, key=lambda way: total[way[0] + 1, way[1] + 1]))
    return np.array(path[::-1], np.int64)
