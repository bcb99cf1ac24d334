"""Images are evaluated by their headers before anything is unpacked."""

import struct
import zlib
from types import SimpleNamespace

import pytest

from seqspec.runtime.serving.limits import Limits, Refused
from seqspec.runtime.serving.served_model import check_image

pytest.importorskip("PIL")


def png(width, height):
    """A header that promises so many pixels, and nothing behind it."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def served(**limits):
    return SimpleNamespace(limits=Limits(**limits))


@pytest.mark.parametrize("side", [5001, 60_000])
def test_a_bomb_is_refused_by_its_header(side):
    with pytest.raises(Refused) as refused:
        check_image(png(side, side), served())

    assert refused.value.status in (413, 422)


def test_what_is_no_picture_is_refused():
    with pytest.raises(Refused, match="no image") as refused:
        check_image(b"GIF89a", served())

    assert refused.value.status == 422


def test_a_picture_within_the_limit_passes():
    check_image(png(30, 20), served(max_pixels=600))
