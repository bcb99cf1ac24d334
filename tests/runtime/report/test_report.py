"""The report of a run: finished, stopped or strange."""

import json
import re

import numpy as np
import pytest

from seqspec.pages.media import png
from seqspec.runtime.report.alignment import align, by_words, errors, side_by_side
from seqspec.runtime.report.classification import calibration_bins
from seqspec.runtime.report.curves import main_metrics
from seqspec.runtime.report.predictions import Example, own_predictions, read_predictions
from seqspec.runtime.report.report import page
from seqspec.runtime.report.samples import chosen
from seqspec.runtime.run_folder.folder import RunFolder
from seqspec.runtime.run_folder.run_owner import owned
from seqspec.runtime.run_folder.state import state_of
from seqspec.schema.diagnostic import RunError


def line(number, reference, hypothesis, score=-1.0, **more):
    return {"id": f"utt-{number}", "reference": reference, "hypothesis": hypothesis, "score": score, **more}


def write(folder, name, lines):
    folder.predictions.mkdir(exist_ok=True)
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)
    (folder.predictions / f"{name}.jsonl").write_text(text, encoding="utf-8")


def evaluation(step, **metrics):
    return json.dumps({"event": "evaluate", "step": step, "split": "dev", "metrics": metrics}) + "\n"


@pytest.fixture
def folder(tmp_path):
    made = RunFolder(tmp_path)
    made.note(
        "lock.json", {"spec": {"name": "try", "train": {"max_steps": 90}}, "digests": {"all": "ab" * 32}}
    )
    made.metrics.write_text(
        '{"event": "train", "step": 1, "loss": 2.0, "rate": 0.1, "norm": 1.0}\n'
        '{"event": "train", "step": 30, "loss": 1.0, "rate": 0.1, "norm": 1.0}\n'
        + evaluation(10, wer=0.5, wer_deletions=0.1) + evaluation(20, wer=0.4, wer_deletions=0.1)
        + evaluation(30, wer=0.25, wer_deletions=0.1)
    )  # fmt: skip
    return made


def finish(folder):
    folder.note("result.json", {"step": 90, "checkpoint": "step-00000020", "metrics": {"dev": {"wer": 0.4}},
                                "signatures": {"dev": {"wer": "metric:wer"}}})  # fmt: skip


def test_it_shows_what_there_is_and_escapes_it(folder):
    write(folder, "dev", [line(1, "a <b> c", "a <i> c", source="von <u>")])
    finish(folder)

    html = page(folder)

    assert "40.00 %" in html
    assert "metric:wer" in html
    assert "<b>" not in html
    assert "&lt;i&gt;" in html
    assert "von &lt;u&gt;" in html


def test_a_run_that_nothing_evaluates_says_so(folder):
    folder.note("result.json", {"step": 90, "checkpoint": "step-00000090", "metrics": {}, "signatures": {}})

    assert "90 steps; <code>evaluate.metrics</code> names nothing to evaluate it by</small>" in page(folder)


def test_a_stopped_run_shows_every_evaluation_so_far(folder):
    html = page(folder)

    assert "stopped after step 30 of 90" in html
    assert [f"{rate}.00 %" in html for rate in (50, 40, 25)] == [True] * 3
    assert '<span class="badge stopped">stopped</span>' in html


def test_a_run_that_stops_reports_where_its_last_checkpoint_is(folder):
    (folder.checkpoints / "step-00000034").mkdir(parents=True)
    with owned(folder.path):
        html = page(folder, state="stopped")

    assert "stopped after step 34 of 90" in html
    assert '<span class="badge stopped">stopped</span>' in html


def test_a_run_that_is_going_on_says_so(folder):
    with owned(folder.path):
        assert state_of(folder) == "running"
        assert "The run is going on: 30 of 90 steps" in page(folder)
    assert state_of(folder) == "stopped"


def test_a_run_with_a_bad_number_has_failed(folder):
    folder.note("not_finite.json", {"step": 31, "batches": []})

    assert state_of(folder) == "failed"
    assert "step 31, where a number was not finite" in page(folder)


def test_the_best_evaluation_stands_out(folder):
    finish(folder)

    (best,) = re.findall(r"<tr class=best>(.*?)</tr>", page(folder))

    assert ">20<" in best


def test_other_evaluations_are_listed_and_are_no_split(folder):
    write(folder, "dev", [line(1, "a b", "a b")])
    name = "dev.step-00000060.data-90ab12cd"
    write(folder, name, [line(1, "x y", "z y")])
    folder.evaluations.mkdir()
    record = {"split": "dev", "checkpoint": "step-00000060", "metrics": {"wer": 0.5}, "search": {"type": "beam"},
              "drifts": ["files.dev: other"]}  # fmt: skip
    (folder.evaluations / f"{name}.json").write_text(json.dumps(record))

    html = page(folder)

    assert [one.name for one in own_predictions(folder)] == ["dev"]
    assert "Samples of dev<" in html
    assert "Samples of dev.step" not in html
    assert name in html
    assert "files.dev: other" in html


def test_few_charts_and_none_of_single_points(folder):
    assert page(folder).count('<figure class="chart">') == 4  # loss, wer, rate, norm

    folder.metrics.write_text('{"event": "train", "step": 1, "loss": 2.0, "rate": 0.1, "norm": 1.0}\n')
    assert '<figure class="chart">' not in page(folder)


def test_an_empty_file_of_predictions_is_no_section(folder):
    write(folder, "dev", [])

    assert "Samples" not in page(folder)


def test_the_worst_come_first_and_others_at_random(folder):
    lines = [line(n, "one two three", "one two three") for n in range(100)]
    lines[57] = line(57, "one two three", "four five six")
    lines[83] = line(83, "one two three", "one two tree")
    write(folder, "dev", lines)
    (found,) = own_predictions(folder)

    worst, others = chosen(found)

    assert worst == [57, 83]
    assert len(others) == 12
    assert not set(worst) & set(others)
    assert chosen(found) == (worst, others)


def test_the_surest_mistakes_of_a_classifier_come_first(folder):
    folder.note("facts.json", {"facts": {}, "labels": {"target": ["no", "yes"]}, "statistics": {}})
    write(
        folder, "dev", [line(0, "no", "yes", -0.6), line(1, "no", "yes", -0.01), line(2, "yes", "yes", -0.1)]
    )
    (found,) = own_predictions(folder)

    assert found.worst(9) == [1, 0]
    html = page(folder)
    assert "Precision, recall and F1" in html
    assert "Confusion matrix" in html
    assert "expected calibration error" in html
    assert "Errors of dev" not in html


def test_scores_of_each_class(folder):
    folder.note("facts.json", {"facts": {}, "labels": {"target": ["no", "yes"]}, "statistics": {}})
    write(
        folder,
        "dev",
        [line(n, "no", "yes" if n else "no", -0.1) for n in range(4)] + [line(4, "yes", "yes", -0.1)],
    )

    rows = re.findall(
        r"<tr><td>(no|yes)</td><td>([\d.]+) %</td><td>([\d.]+) %</td><td>([\d.]+) %", page(folder)
    )

    assert rows == [("no", "100.0", "25.0", "40.0"), ("yes", "25.0", "100.0", "40.0")]


def test_calibration_is_the_expected_error():
    # Nine of ten right at 0.9 are calibrated; none of ten right at 0.6 is 0.6 away.
    sure = [Example(n, "", "a", "a" if n else "b", float(np.log(0.9))) for n in range(10)]
    unsure = [Example(n, "", "a", "b", float(np.log(0.6))) for n in range(10)]

    _, error = calibration_bins([*sure, *unsure])

    assert error == pytest.approx(0.3, abs=1e-9)


def test_errors_by_length_speaker_and_pairs(folder):
    lines = [
        line(n, "the cat sat", "the hat sat" if n % 2 else "the cat sat", speaker=f"s{n % 2}")
        for n in range(8)
    ]
    write(folder, "dev", lines)

    html = page(folder)

    assert re.search(r"<td>s1</td><td[^>]*>4</td><td[^>]*>12</td><td>33.3%", html)
    assert re.search(r"<td>cat</td><td>hat</td><td[^>]*>4</td>", html)
    assert "By length" in html


def test_equal_lengths_stand_in_one_row(folder):
    write(
        folder,
        "dev",
        [line(n, "a b c"[: 2 * k - 1], "a b x") for n, k in enumerate([1, 1, 2, 2, 2, 2, 2, 3])],
    )

    rows = re.findall(r"<tr[^>]*><td>([123–]+)</td><td[^>]*>(\d)</td>", page(folder).split("By length")[1])

    assert rows == [("1", "2"), ("2", "5"), ("3", "1")]


def test_media_stand_in_the_page(folder):
    write(folder, "dev", [line(0, "a b", "a c")])
    place = folder.predictions / "dev.media"
    place.mkdir()
    image = png(np.zeros((1, 2, 2), np.uint8))
    for name in (
        "000000.source.png",
        "000000.mask of prediction.png",
        "000000.other.wav",
        "000007.source.png",
    ):
        (place / name).write_bytes(image)

    html = page(folder)

    assert html.count("data:image/png") == 3  # the source, and again below the mask
    assert html.count('class="overlay"') == 1
    assert html.count("<audio") == 1


def test_predicted_values_without_texts_are_shown(folder):
    place = folder.predictions / "test.media"
    place.mkdir(parents=True)
    (place / "000003.prediction.wav").write_bytes(b"RIFF")

    html = page(folder)

    assert "Samples of test" in html
    assert "example 4" in html
    assert "<audio" in html


def test_values_come_the_worst_first_where_a_metric_tells_which_they_are(folder):
    place = folder.predictions / "test.media"
    place.mkdir(parents=True)
    for row in range(3):
        (place / f"{row:06d}.prediction.svg").write_bytes(b"<svg/>")
    worst = [{"row": 2, "value": 0.25}, {"row": 0, "value": 0.5}]
    (place / "scores.json").write_text(json.dumps({"metric": "part_iou", "worst": worst}))

    html = page(folder)

    assert re.findall(r">example (\d)", html) == ["3", "1", "2"]
    assert "<small>part_iou 0.25</small>" in html
    assert (
        html.index("Worst first") < html.index(">example 3") < html.index("Others") < html.index(">example 2")
    )

    (place / "scores.json").write_text('{"metric": "part_iou", "worst": [{"row": "x", "value": 1}]}')
    with pytest.raises(RunError, match=r"`worst\[0\]\.row` is no whole number"):
        page(folder)


def test_values_stand_beside_the_text_and_the_speaker_that_they_belong_to(folder):
    place = folder.predictions / "test.media"
    place.mkdir(parents=True)
    (place / "000003.prediction.wav").write_bytes(b"RIFF")
    (place / "texts.json").write_text('{"000003": {"source": "one < two", "speaker": "103"}}')

    html = page(folder)

    assert "one &lt; two" in html
    assert "speaker 103" in html
    (place / "texts.json").write_text('{"000003": {"source": 1}}')
    with pytest.raises(RunError, match=r"`000003\.source` is no text"):
        page(folder)


def test_a_long_run_and_a_large_split_stay_small(folder):
    rows = [
        {"event": "train", "step": n, "loss": 2.0 + n % 7, "rate": 0.1, "norm": 1.0} for n in range(1, 20_001)
    ]
    folder.metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    write(folder, "dev", [line(n, f"word{n} " * 300, "other " * 300) for n in range(200)])
    place = folder.predictions / "dev.media"
    place.mkdir()
    for row in range(200):
        (place / f"{row:06d}.source.wav").write_bytes(b"x" * 300_000)

    assert len(page(folder).encode()) < 3 << 20


def test_texts_are_compared_by_words_where_there_are_words():
    assert by_words(["a cat sat", "yes"])
    assert not by_words(["日本語の文です、はい", "これも"])
    assert errors("One two three", "one too three", words=True) == (1, 3)
    assert errors("日本語", "日本", words=False) == (1, 3)
    kinds = [piece.kind for piece in align("a b c", "a x c d", words=True)]
    assert kinds == ["equal", "replace", "equal", "insert"]
    assert "<del>two</del><ins>too</ins>" in side_by_side("one two", "one too", words=True)


def test_parts_of_a_metric_are_no_metrics():
    assert main_metrics(["wer", "wer_deletions", "loss", "cer"]) == ["wer", "loss", "cer"]


def test_strange_predictions_are_refused_by_name(tmp_path):
    file = tmp_path / "dev.jsonl"
    file.write_bytes(b"[1]\n")

    with pytest.raises(RunError, match=r"dev\.jsonl:1 is not a line of predictions"):
        read_predictions(file)
