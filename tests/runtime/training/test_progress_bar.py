"""A panel at a terminal, plain lines in a log."""

import io
import os
import pty

import pytest
from rich.console import Console

from seqspec.runtime.training.progress.live_panel import LivePanel, Progress, curve
from seqspec.runtime.training.progress.progress_bar import Bar, Timed

METRICS, BASELINES = {"accuracy": 0.875, "auc": 0.91}, {"majority": {"accuracy": 0.5625}}


def bar(out, **more):
    return Bar(total=4, unit="tokens", timed=Timed([], length=4), out=out, **more)


def test_a_log_has_a_line_for_each_evaluation_and_the_end():
    out = io.StringIO()
    log = bar(out)

    log.update(1, 2.5)
    log.evaluated(2, "dev", METRICS, BASELINES)
    log.update(4, 1.5)
    log.finish()

    first, last = out.getvalue().splitlines()
    assert first == "step 2: dev accuracy 87.50 % (majority 56.25 %), auc 0.9100"
    assert last.startswith("step 4 of 4  [####################]  loss 1.5000")
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize("metrics", [{}, {"loss": float("nan")}])
def test_nothing_is_said_where_quiet_is_asked_for(metrics):
    out = io.StringIO()
    log = bar(out, quiet=True)

    log.evaluated(2, "dev", metrics, {})
    log.update(4, 1.5)
    log.finish()

    assert out.getvalue() == ""


def test_the_panel_shows_progress_the_curve_and_evaluations():
    console = Console(record=True, width=72, force_terminal=True, file=io.StringIO())
    panel = LivePanel(io.StringIO(), title="runs/reviews", console=console)

    for step, loss in enumerate((3.0, 2.0, 1.0), 1):
        panel.show(Progress(step, 4, "tokens", 1234.0, 0.25, "0:07", loss))
    panel.evaluated(3, "dev", METRICS, BASELINES)
    panel.finish()

    last = console.export_text().split("runs/reviews")[-1]
    assert "step 3 of 4" in last
    assert "0:07 left" in last
    assert "loss 1.0000 █▄▁  1,234 tokens/s  waiting for data 25%" in last
    assert "majority 56.25 %" in last
    assert all(len(line) <= 72 for line in last.splitlines())


def test_a_terminal_gets_the_panel_and_keeps_its_cursor():
    leader, follower = pty.openpty()
    try:
        with os.fdopen(follower, "w") as terminal:
            log = bar(terminal, title="runs/reviews")
            log.update(4, 1.5)
            log.evaluated(4, "dev", METRICS, {})
            log.finish()
            seen = os.read(leader, 65536).decode()
    finally:
        os.close(leader)

    assert "step 4 of 4" in seen
    assert "87.50 %" in seen
    assert seen.rfind("\x1b[?25h") > seen.rfind("\x1b[?25l")


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True, raising=False)
    log = bar(out)

    log.update(4, 1.5)

    assert out.getvalue().startswith("step 4 of 4")


def test_the_curve_leaves_out_what_is_not_finite():
    assert curve([1.0, float("inf"), 3.0]) == "▁ █"
    assert curve([2.0, 2.0]) == ""
