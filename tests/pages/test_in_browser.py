"""Pages in a real browser: charts live, nothing cut off on a phone, nothing fetched, keys work."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from seqspec.pages.chart import Line, chart
from seqspec.pages.film_strips import film_strip
from seqspec.pages.markup import table
from seqspec.pages.media import png
from seqspec.pages.page import Section, page
from seqspec.pages.point_clouds import DARK, LIGHT, cloud_svg
from seqspec.runtime.report.report import page as report
from seqspec.runtime.run_folder.folder import RunFolder


@pytest.fixture
def show(browser, tmp_path):
    """Opens a page; gives it, with what it asked for and complained of."""
    contexts = []

    def opened(text, **context):
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        contexts.append(browser.new_context(**context))
        shown = contexts[-1].new_page()
        shown.complaints = []
        shown.on(
            "request",
            lambda it: None if it.url.startswith(("file:", "data:")) else shown.complaints.append(it.url),
        )
        shown.on(
            "console",
            lambda it: shown.complaints.append(it.text) if it.type in ("error", "warning") else None,
        )
        shown.on("pageerror", lambda it: shown.complaints.append(str(it)))
        shown.goto(f"file://{file}")
        return shown

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.predictions.mkdir(parents=True)
    folder.note("lock.json", {"spec": {"name": "try" * 40}, "digests": {"all": "ab" * 32}})
    folder.note(
        "facts.json", {"facts": {}, "labels": {"target": [f"class {n}" for n in range(30)]}, "statistics": {}}
    )
    rows = [{"event": "train", "step": n, "loss": 1 / n, "rate": 0.1, "norm": 1.0 + n} for n in range(1, 50)]
    folder.metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = [{"id": "i" * 90, "reference": f"class {n % 30}", "hypothesis": f"class {n % 7}", "score": -0.1,
              "source": "w" * 300} for n in range(60)]  # fmt: skip
    (folder.predictions / "dev.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_a_report_fits_and_its_charts_live(show, run, scheme, width):
    shown = show(report(run), color_scheme=scheme, viewport={"width": width, "height": 844})

    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.locator("figure.chart.live canvas").count() == 3
    dark = shown.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    assert shown.complaints == []


def test_a_chart_is_read_zoomed_and_put_on_a_log_scale(show):
    curve = chart(
        "loss", [Line("train", [(n, 10.0 / n) for n in range(1, 101)]), Line("dev", [(50, 1.0), (100, 2.0)])]
    )
    shown = show(page("n", sections=[Section("Curves", curve)]))
    plot, outputs = shown.locator(".plot"), shown.locator(".legend output")

    assert outputs.all_text_contents() == ["0.1", "2", "100"]
    plot.focus()
    shown.keyboard.press("ArrowRight")
    assert outputs.all_text_contents() == ["10", "", "1"]
    box = plot.locator(".u-over").bounding_box()
    shown.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    assert outputs.nth(2).text_content() in ("50", "51")
    shown.keyboard.press("+")
    low, high = (
        float(t)
        for t in (
            shown.evaluate("document.querySelector('.plot').dataset.from"),
            shown.evaluate("document.querySelector('.plot').dataset.to"),
        )
    )
    assert 20 < low < 30
    assert 70 < high < 80
    shown.keyboard.press("l")
    assert shown.get_by_role("button", name="logarithmic scale (l)").get_attribute("aria-pressed") == "true"
    toggle = shown.get_by_role("button", name="show or hide dev")
    toggle.click()
    assert toggle.get_attribute("aria-pressed") == "false"
    assert shown.complaints == []


def test_a_page_without_scripts_still_shows_its_curves(show):
    shown = show(
        page("n", sections=[Section("C", chart("l", [Line("a", [(1, 1.0), (2, 2.0)])]))]),
        java_script_enabled=False,
    )

    assert shown.locator("figure.chart svg polyline").count() == 1
    assert shown.locator(".legend").inner_text().strip() == "a"


def test_a_wide_table_scrolls_in_itself_with_the_keyboard(show):
    wide = table([f"column {n}" for n in range(30)], [[f"value {n}" for n in range(30)]])
    shown = show(page("n", sections=[Section("T", wide)]), viewport={"width": 390, "height": 844})

    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    shown.locator(".wide").focus()
    shown.keyboard.press("ArrowRight")
    shown.wait_for_function("document.querySelector('.wide').scrollLeft > 0", timeout=3000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_points_and_films_are_seen_in_both_schemes(show, run, scheme, width):
    place = run.predictions / "test.media"
    place.mkdir()
    (place / "000000.prediction.svg").write_bytes(cloud_svg(np.zeros((9, 3)), np.zeros(9, int)))
    (place / "000000.given.png").write_bytes(png(film_strip(np.ones((12, 64, 64)))))
    shown = show(report(run), color_scheme=scheme, viewport={"width": width, "height": 844})
    cloud = shown.get_by_alt_text("prediction")

    widths = shown.evaluate("[...document.images].map(one => one.naturalWidth)")
    seen = Image.open(io.BytesIO(cloud.screenshot())).convert("RGB")
    colours = {colour for _, colour in seen.getcolors(1 << 20)}

    assert all(widths)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert tuple(bytes.fromhex((LIGHT, DARK)[scheme == "dark"][0][1:])) in colours
    assert shown.complaints == []
