"""What synthetic corpora are made of: patterns that can be told apart, languages that say the same."""

from __future__ import annotations

import numpy as np
import pytest

from seqspec.components.adapter._synthetic_image import image
from seqspec.components.adapter._synthetic_speech import _resonances, speak, voice
from seqspec.components.adapter._synthetic_text import draw, generator, phrase, render, sentence


@pytest.mark.parametrize("language", ["en", "ja", "de"])
def test_every_character_sounds_different(language):
    rng = generator("alphabet")
    text = "".join(sentence(rng, language) for _ in range(500)).lower()
    characters = {char for char in text if not char.isspace()}

    assert len({_resonances(char) for char in characters}) == len(characters) > 20


def test_a_letter_is_where_it_should_be_in_the_spectrum():
    rng = generator("tone")
    by = voice(rng)._replace(noise=0.0, rate=1.0)
    spectrum = np.abs(np.fft.rfft(speak("aaaa", by, rate=16_000, rng=rng).astype(float)))
    hertz = spectrum.argmax() * 16_000 / (2 * (len(spectrum) - 1))

    assert hertz == pytest.approx(_resonances("a")[0][0] * by.scale, rel=0.35)


def test_speech_is_neither_silent_nor_clipped():
    rng = generator("level")
    for _ in range(20):
        samples = speak(phrase(rng, words=2), voice(rng), rate=8000, rng=rng)
        assert 1000 < np.abs(samples.astype(int)).max() < 32_767


def test_languages_say_the_same():
    rng = generator("meaning")
    meaning = draw(rng)._replace(time=0, subject=0, verb=0, thing=7, subject_adjective=0, thing_adjective=2)

    assert render(meaning, "en") == "yesterday the small dog saw the red book ."
    assert render(meaning, "ja") == "昨日小さい犬が赤い本を見た。"
    assert render(meaning, "de").startswith("gestern sah der kleine Hund den rote")
    assert render(meaning, "fr") == render(meaning, "fr-CA") != render(meaning, "es")


def test_unknown_languages_tell_words_apart():
    rng = generator("apart")
    meanings = {draw(rng) for _ in range(300)}

    assert len({render(meaning, "fi") for meaning in meanings}) > 0.9 * len(meanings)


def test_classes_of_pictures_differ_more_than_their_noise():
    rng = generator("pictures")
    means = [
        np.mean([image(label, rng, channels=3, height=16, width=16) for _ in range(8)], axis=0)
        for label in range(10)
    ]
    apart = [np.abs(a - b).mean() for index, a in enumerate(means) for b in means[:index]]

    assert min(apart) > 8
