"""The page of ``seqspec demo`` in a real browser: every kind of input and output, nothing fetched from elsewhere."""

import socket
from contextlib import closing, contextmanager
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from seqspec.data.corpus.images import write_image
from seqspec.runtime.demo import page
from seqspec.runtime.demo.trial import open_trial

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@contextmanager
def shown(run, browser):
    """The page of a run, opened; ``complaints`` are requests to elsewhere and errors, ``answers`` what the run
    predicted.
    """
    pytest.importorskip("gradio")
    trial, answers = open_trial(run, threads=1), []

    def predicted(inputs):
        answers.extend(trial.predictor(inputs))
        return answers[-1:]

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = page.show(replace(trial, predictor=predicted), port=port)
    context = browser.new_context()
    opened = context.new_page()
    opened.complaints, opened.answers = [], answers
    own = (f"http://127.0.0.1:{port}", f"http://localhost:{port}", "data:", "blob:")
    opened.on("request", lambda it: None if it.url.startswith(own) else opened.complaints.append(it.url))
    opened.on("console", lambda it: opened.complaints.append(it.text) if it.type == "error" else None)
    opened.on("pageerror", lambda it: opened.complaints.append(str(it)))
    try:
        opened.goto(f"http://127.0.0.1:{port}/")
        opened.get_by_role("button", name="Submit").wait_for()
        yield opened
    finally:
        context.close()
        served.close()


def submit(opened):
    opened.get_by_role("button", name="Submit").click()


def upload(opened, file):
    with opened.expect_response(lambda it: "/upload" in it.url and it.ok):
        opened.locator("input[type=file]").first.set_input_files(file)


def test_an_image_gets_classes(classifier, browser, tmp_path):
    write_image(tmp_path / "digit.png", np.zeros((1, 28, 28), np.uint8))

    with shown(classifier, browser) as opened:
        upload(opened, tmp_path / "digit.png")
        opened.get_by_role("button", name="Remove Image").wait_for()
        submit(opened)
        opened.locator(".confidence-set").first.wait_for()

        assert opened.locator(".confidence-set").count() == 5
        assert opened.get_by_role("button", name="Share").count() == 0
        assert opened.complaints == []


def test_a_text_gets_its_translation_and_where_the_model_looked(translator, browser):
    with shown(translator, browser) as opened:
        opened.get_by_label("text").fill("猫が好きです")
        submit(opened)
        opened.locator("table.seqspec-look").wait_for()
        rows = opened.locator("table.seqspec-look tr").count()

        assert rows >= 2
        assert "猫" in opened.locator("table.seqspec-look").inner_text()
        assert opened.complaints == []


def test_a_text_is_spoken(speaker, browser):
    with shown(speaker, browser) as opened:
        opened.get_by_label("text").fill("DOG")
        submit(opened)
        opened.locator("audio").wait_for(state="attached")
        opened.wait_for_function("document.querySelector('audio').duration > 0")

        assert opened.get_by_role("link", name="prediction.wav").count() == 1
        assert opened.complaints == []


def test_a_text_that_cannot_be_spoken_is_told(speaker, browser):
    with shown(speaker, browser) as opened:
        opened.get_by_label("text").fill("猫")
        submit(opened)

        opened.get_by_text("no symbol for").wait_for()


def test_a_recording_is_heard(recogniser, browser, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    soundfile.write(tmp_path / "a.wav", noise, 16000)

    with shown(recogniser, browser) as opened:
        opened.get_by_role("button", name="Upload file").click()
        upload(opened, tmp_path / "a.wav")
        opened.get_by_role("button", name="Play", exact=True).wait_for()
        submit(opened)
        while not opened.answers:
            opened.wait_for_timeout(50)

        assert [(bool(one.hypotheses), one.error) for one in opened.answers] == [(True, None)]
        assert opened.complaints == []


def test_the_microphone_is_heard(recogniser, chromium, tmp_path):
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(32000) / 16000)
    soundfile.write(tmp_path / "tone.wav", tone, 16000)
    browser = chromium(
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={tmp_path / 'tone.wav'}",
    )  # fmt: skip

    with closing(browser), shown(recogniser, browser) as opened:
        opened.get_by_role("button", name="Record", exact=True).click()
        opened.get_by_role("button", name="Stop", exact=True).wait_for()
        opened.wait_for_timeout(1500)
        with opened.expect_response(lambda it: "/upload" in it.url and it.ok):
            opened.get_by_role("button", name="Stop", exact=True).click()
        opened.get_by_role("button", name="Play", exact=True).wait_for()
        submit(opened)
        while not opened.answers:
            opened.wait_for_timeout(50)
        (answer,) = opened.answers
        opened.wait_for_function(
            "text => [...document.querySelectorAll('textarea')].some(it => it.value == text)",
            arg=answer.hypotheses[0].text,
        )
        sound, rate = soundfile.read(answer.input.value.path, always_2d=True)

        assert opened.get_by_role("button", name="Share").count() == 0
        assert opened.complaints == []
    loudest = np.abs(np.fft.rfft(sound[-rate:, 0])).argmax()
    assert abs(loudest - 440) < 5


def test_points_get_their_parts(parts, browser, tmp_path):
    np.savetxt(tmp_path / "thing.xyz", np.random.default_rng(0).normal(size=(600, 6)))

    with shown(parts, browser) as opened:
        upload(opened, tmp_path / "thing.xyz")
        opened.get_by_text("thing").first.wait_for()
        submit(opened)
        opened.locator(".seqspec-shown img").wait_for()

        assert opened.get_by_role("link", name="prediction.txt").count() == 1
        assert opened.complaints == []
