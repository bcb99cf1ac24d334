from __future__ import annotations

import numpy as np
import pytest

from seqspec.data.corpus.images import read_image

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("name", ["a.png", "a.pgm"])
def test_sixteen_bits_keep_their_upper_eight(name, tmp_path):
    grey = np.arange(24, dtype=np.uint16).reshape(4, 6) * 2500
    Image.fromarray(grey).save(tmp_path / name)

    for channels in (1, 3):
        pixels = read_image(tmp_path / name, channels=channels, height=4, width=6, resize=False)
        np.testing.assert_array_equal(pixels, np.broadcast_to(grey // 256, (channels, 4, 6)))
