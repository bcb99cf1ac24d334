"""The design of every page: nothing from outside, everything escaped, charts with their numbers."""

import base64
import hashlib
import io
import json
import re
import wave
from html.parser import HTMLParser

import numpy as np
import pytest

from seqspec.pages.bars import histogram, reliability
from seqspec.pages.chart import Line, chart, number, thinned, ticks
from seqspec.pages.markup import Markup, escape, identity, prose, table
from seqspec.pages.media import Room, embedded, matrix, png, wav
from seqspec.pages.page import Section, page

CURVE = chart("loss", [Line("train", [(1, 2.0), (2, float("nan")), (3, 1.0)])])


class Attributes(HTMLParser):
    """Every address that a page names, and whether tags are closed."""

    VOID = {"meta", "link", "br", "img", "line", "rect", "circle", "polyline", "polygon"}

    def __init__(self, text):
        super().__init__()
        self.addresses, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def whole():
    return page(
        "a <b>",
        sections=[Section("One", CURVE), Section("Two & two", table(("a",), [("<i>",)])), Section("No", "")],
    )


def test_a_page_asks_for_nothing_from_outside(whole):
    read = Attributes(whole)

    assert read.open == []
    assert [a for a in read.addresses if not a.startswith(("data:", "#"))] == []
    assert "default-src 'none'" in whole
    assert "@import" not in whole
    assert not re.search(r"url\((?!data:)", whole.split("</style>")[0])


def test_only_the_scripts_of_the_page_may_run(whole):
    scripts = re.findall(r"<script>(.*?)</script>", whole, re.S)

    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in whole


def test_the_licence_of_the_library_stands_with_it(whole):
    assert "The MIT License" in whole
    assert "Copyright (c) 2022 Leon Sorokin" in whole


def test_a_page_fits_a_phone_and_both_lights(whole):
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in whole
    assert "prefers-color-scheme: dark" in whole
    assert '<html lang="en">' in whole


def test_a_page_without_charts_has_no_script():
    plain = page("n", sections=[Section("One", "<p>x</p>")])

    assert "<script" not in plain
    assert "script-src 'none'" in plain
    assert len(plain) < 12_000


def test_empty_sections_are_left_out_and_anchors_are_unique(whole):
    twice = page("n", sections=[Section("One", "a"), Section("One", "b")])

    assert ">No<" not in whole
    assert 'href="#two-two"' in whole
    assert 'id="one"' in twice
    assert 'id="one-2"' in twice


def test_text_of_others_is_escaped_and_made_visible():
    assert escape("<b>\u202e\0") == "&lt;b&gt;\\u202e\\x00"
    assert escape("日本語\u3000です") == "日本語\u3000です"
    assert prose("use `a<b`") == "use <code>a&lt;b</code>"
    assert table(("x",), [(Markup("<i>y</i>"),)]).count("<i>") == 1
    assert "<script>" not in identity('"><script>')


def test_a_chart_holds_its_numbers_and_a_drawing():
    data = json.loads(re.search(r'json">(.*?)</script>', CURVE).group(1))

    assert data["x"] == [1, 3]
    assert data["series"] == [{"name": "train", "y": [2.0, 1.0]}]
    assert CURVE.count("<polyline") == 1
    assert "nan" not in CURVE
    assert chart("loss", [Line("a", [(1, float("inf"))])]) == ""


def test_no_name_leaves_the_numbers_of_a_chart():
    drawn = chart("</script><b>", [Line("</script><b>", [(1, 1.0), (2, 2.0)])])

    assert drawn.count("</script>") == 1
    assert "<b>" not in drawn


def test_axis_labels_are_not_cut():
    drawn = chart("n", [Line("a", [(100_000, 1_234_567.0), (900_000, 9_876_543.0)])])
    lefts = [
        (float(x), len(text), anchor)
        for x, anchor, text in re.findall(r'<text x="([\d.]+)"[^>]*text-anchor="(\w+)">([^<]*)<', drawn)
    ]

    assert all(x - 6.0 * size >= 0 for x, size, anchor in lefts if anchor == "end")
    assert all(
        x - 3.0 * size >= 0 and x + 3.0 * size <= 480 for x, size, anchor in lefts if anchor == "middle"
    )


def test_long_curves_keep_their_extremes():
    points = [(float(x), 0.0) for x in range(50_000)]
    points[31_234] = (31_234.0, 7.0)

    kept = thinned(points)

    assert len(kept) < 1_000
    assert (31_234.0, 7.0) in kept
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.000_1, 0.000_2), (-3, 1e7), (0.5, 0.52)])
def test_ticks_are_few_and_inside(low, high):
    found = ticks(low, high)

    assert 3 <= len(found) <= 8
    assert all(low - 1e-9 <= tick <= high + (high - low) * 1e-9 for tick in found)


def test_numbers_are_short():
    assert [number(v) for v in (0, 0.5, 1234.0, 0.0001, 2e7)] == ["0", "0.5", "1,234", "1e-4", "2e7"]


def test_a_histogram_names_its_series_only_where_there_are_several():
    assert "swatch" in histogram("h", start=0, width=1, series={"a": [1, 2], "b": [1, 1]})
    assert "swatch" not in histogram("h", start=0, width=1, series={"a": [1, 2]})
    assert "100%" in reliability("r", [(0.5, 0.4, 3)])


def test_a_picture_is_a_png_of_its_pixels():
    from PIL import Image

    pixels = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)

    again = np.asarray(Image.open(io.BytesIO(png(pixels)))).transpose(2, 0, 1)

    np.testing.assert_array_equal(again, pixels)
    assert "data:image/png;base64,iVBORw0KGgo" in matrix([[0.0, 1.0], [0.5, 2.0]], name="m")
    with pytest.raises(ValueError, match="1 to 3 channels"):
        png(np.zeros((4, 1, 1), np.uint8))


def test_a_recording_is_short_and_of_a_low_rate():
    samples = np.sin(np.arange(48_000 * 20) / 48_000 * 2 * np.pi * 440).astype(np.float32)

    with wave.open(io.BytesIO(wav(samples, rate=48_000, most_seconds=2.0))) as file:
        assert file.getframerate() == 12_000
        assert file.getnframes() == 24_000
        heard = np.frombuffer(file.readframes(24_000), "<i2") / 32767
    crossings = np.count_nonzero(np.diff(np.signbit(heard)))
    assert crossings == pytest.approx(2 * 440 * 2, abs=3)


def test_media_beyond_the_room_are_named_and_not_embedded(tmp_path):
    file = tmp_path / "000001.source.wav"
    file.write_bytes(b"x" * 3_000)
    room = Room(left=5_000)

    first, second = embedded(file, room, name="a"), embedded(file, room, name="b")

    assert "<audio" in first
    assert "<audio" not in second
    assert "no room in this page" in second
    assert embedded(tmp_path / "no.wav", room, name="c") == ""
